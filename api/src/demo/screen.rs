//! A scene as rows of text with tones, for a terminal of a given size and for a picture. What the tones look like is
//! for [`super::paint`] to say.
use super::scene::{Cell, CellState, Scene};
use super::story::{Item, Tone};
use crate::cli::style::count;
use std::time::Duration;

/// Text in one tone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// How it looks.
    pub tone: Tone,
    /// What it says.
    pub text: String,
}

/// A row of text.
pub type Row = Vec<Span>;

/// How much room there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Columns.
    pub columns: usize,
    /// Rows.
    pub rows: usize,
}

/// Less than this is treated as this.
const LEAST: Size = Size { columns: 60, rows: 16 };
/// From here on the story stands beside the hosts.
const WIDE: usize = 136;
const INDENT: &str = "  ";
/// Hosts in a row.
const IN_A_ROW: usize = 8;

/// The rows of a scene; never more, and none longer, than there is room for.
pub fn draw(scene: &Scene, size: Size) -> Vec<Row> {
    let size = Size { columns: size.columns.max(LEAST.columns), rows: size.rows.max(LEAST.rows) };
    let mut rows = header(scene);
    rows.push(Row::new());
    let grid = grid(scene);
    let foot = suggestions(scene, size.columns);
    let left = size.rows.saturating_sub(rows.len() + foot.len() + 1);
    if size.columns >= WIDE {
        let beside = width(&grid) + 3;
        let story = story(&scene.items, left, size.columns - beside);
        let blank = Row::new();
        let both = (0..grid.len().max(story.len())).map(|position| {
            let host = grid.get(position).unwrap_or(&blank);
            join(host, beside, story.get(position).unwrap_or(&blank))
        });
        rows.extend(both.take(left));
    } else {
        rows.extend(grid);
        rows.push(Row::new());
        let left = size.rows.saturating_sub(rows.len() + foot.len() + 1);
        rows.extend(story(&scene.items, left, size.columns));
    }
    while rows.len() + foot.len() < size.rows {
        rows.push(Row::new());
    }
    rows.truncate(size.rows - foot.len());
    rows.extend(foot);
    rows.into_iter().map(|row| cut(row, size.columns)).collect()
}

/// The same rows, with no more than one empty one before the last: for a picture, which needs no fixed height.
pub fn without_gap(mut rows: Vec<Row>) -> Vec<Row> {
    let Some(foot) = rows.pop() else { return rows };
    let said = rows.iter().rposition(|row| length(row) > 0).map_or(0, |last| last + 1);
    rows.truncate(said);
    rows.push(Row::new());
    rows.push(foot);
    rows
}

fn span(tone: Tone, text: impl Into<String>) -> Span {
    Span { tone, text: text.into() }
}

fn header(scene: &Scene) -> Vec<Row> {
    let hosts = count(scene.hosts.len(), "host");
    let all: usize = scene.vms.iter().map(|share| share.all).sum();
    let mut title = vec![
        span(Tone::Strong, "lifeboat demo"),
        span(Tone::Plain, format!("   {hosts}, {all} VMs   {}", clock(scene.at))),
    ];
    if (scene.service.speed - 1.0).abs() > 0.001 {
        title.push(span(Tone::Quiet, format!(" ×{}", scene.service.speed)));
    }
    if scene.service.late {
        title.push(span(Tone::Warn, "   (late)"));
    }
    title.push(span(Tone::Quiet, format!("   {}", scene.service.url)));
    vec![title, tolerance(scene), vms(scene)]
}

fn clock(at: Duration) -> String {
    let seconds = at.as_secs();
    format!("{:02}:{:02}", seconds / 60, seconds % 60)
}

fn tolerance(scene: &Scene) -> Row {
    let Some(verdict) = &scene.verdict else { return vec![span(Tone::Quiet, "tolerance   not known yet")] };
    let target = match verdict.target - verdict.effective_target {
        0 => format!("target {}", verdict.target),
        away => format!("target {} less {away} in maintenance", verdict.target),
    };
    let (tone, word) =
        if verdict.overcommitted { (Tone::Bad, "OVERCOMMITTED") } else { (Tone::Good, "protected") };
    let survived = match verdict.proven {
        None => "not all that should run has a place now".to_owned(),
        Some(0) => "no further failure is proven survivable".to_owned(),
        Some(proven) => format!("{} survived", count(proven as usize, "more failure")),
    };
    vec![
        span(Tone::Plain, "tolerance "),
        span(tone, verdict.tolerance()),
        span(Tone::Plain, format!(", {target}: ")),
        span(tone, word),
        span(Tone::Quiet, format!("   {survived} ({})", took(verdict.took))),
    ]
}

fn took(took: Duration) -> String {
    crate::cli::style::elapsed(u64::try_from(took.as_micros()).unwrap_or(u64::MAX))
}

fn vms(scene: &Scene) -> Row {
    let [protected, best_effort, others] = &scene.vms;
    let tone = if protected.run == protected.all { Tone::Good } else { Tone::Bad };
    let coordinator = scene.coordinator.as_deref().unwrap_or("none");
    let rest = format!(
        "   best effort {}/{}   others {}/{}   coordinator ",
        best_effort.run, best_effort.all, others.run, others.all
    );
    vec![
        span(Tone::Plain, "protected "),
        span(tone, format!("{}/{}", protected.run, protected.all)),
        span(Tone::Quiet, rest),
        span(if scene.coordinator.is_some() { Tone::Plain } else { Tone::Warn }, coordinator),
    ]
}

/// The hosts, a rack a row, with what the marks mean below.
fn grid(scene: &Scene) -> Vec<Row> {
    let name = scene.hosts.iter().map(|host| host.name.chars().count()).max().unwrap_or(0);
    let rack = scene.hosts.iter().map(|host| host.rack.chars().count()).max().unwrap_or(0);
    let mut rows: Vec<Row> = scene
        .hosts
        .chunks(IN_A_ROW)
        .map(|hosts| {
            let label = hosts.first().map(|host| host.rack.as_str()).unwrap_or_default();
            let mut row = vec![span(Tone::Quiet, format!("{label:<rack$} "))];
            row.extend(hosts.iter().flat_map(|host| cell(host, name)));
            row
        })
        .collect();
    rows.push(legend(scene));
    rows
}

/// Four columns beyond the name: how full it is and how many VMs it runs, or what has become of it.
fn cell(host: &Cell, width: usize) -> [Span; 3] {
    let mark = if host.coordinator { '*' } else { ' ' };
    let name = format!(" {:<width$}{mark}", host.name);
    let full = bar(host.load);
    let (tone, text) = match host.state {
        CellState::Member if host.load >= 950 => (Tone::Warn, format!("{full}{}", host.vms)),
        CellState::Member => (Tone::Good, format!("{full}{}", host.vms)),
        CellState::Silent => (Tone::Bad, "off?".to_owned()),
        CellState::Off => (Tone::Bad, "off".to_owned()),
        CellState::Booting => (Tone::Warn, "boot".to_owned()),
        CellState::Out => (Tone::Warn, "out".to_owned()),
        CellState::Cut => (Tone::Bad, format!("≠{}", host.vms)),
        CellState::NoStatefile => (Tone::Warn, format!("!{}", host.vms)),
        CellState::Quarantined => (Tone::Warn, format!("q{}", host.vms)),
        CellState::Disabled => (Tone::Warn, format!("-{}", host.vms)),
        CellState::Maintenance => (Tone::Warn, format!("m{}", host.vms)),
    };
    let strong = if host.coordinator { Tone::Strong } else { Tone::Plain };
    let silent = matches!(host.state, CellState::Off | CellState::Booting | CellState::Out);
    let name_tone = if silent { Tone::Quiet } else { strong };
    let gap = 4_usize.saturating_sub(text.chars().count());
    [span(name_tone, name), span(tone, text), span(Tone::Plain, " ".repeat(gap))]
}

/// Below this, in thousandths, a host counts as empty: differences near the top are what matters.
const EMPTY: u64 = 600;

fn bar(load: u64) -> char {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    BARS[(load.saturating_sub(EMPTY) * 8 / (1000 - EMPTY)).min(7) as usize]
}

fn legend(scene: &Scene) -> Row {
    let mark = |state| match state {
        CellState::Silent => "off?",
        CellState::Off => "off",
        CellState::Booting => "boot",
        CellState::Out => "out",
        CellState::Cut => "≠",
        CellState::NoStatefile => "!",
        CellState::Quarantined => "q",
        CellState::Disabled => "-",
        CellState::Maintenance => "m",
        CellState::Member => "",
    };
    let present = CellState::UNUSUAL.into_iter().filter(|state| scene.in_state(*state) > 0);
    let told: Vec<String> = present.map(|state| format!("{}: {}", mark(state), state.words())).collect();
    let told = if told.is_empty() {
        "bar: memory in use, from 60 % to full   number: VMs   *: coordinator".to_owned()
    } else {
        told.join("   ")
    };
    vec![span(Tone::Quiet, format!("{INDENT}{told}"))]
}

/// The newest sentences that have room, each broken into as few rows as it takes.
fn story(items: &[Item], rows: usize, columns: usize) -> Vec<Row> {
    let mut told: Vec<Vec<Row>> = Vec::new();
    let mut used = 0;
    for item in items.iter().rev() {
        let sentence = sentence(item, columns);
        used += sentence.len();
        if used > rows {
            break;
        }
        told.push(sentence);
    }
    told.into_iter().rev().flatten().collect()
}

/// Columns before what a sentence says.
const WHEN: usize = 19;

/// A sentence in rows: when, how long after the blow, and what.
pub fn sentence(item: &Item, columns: usize) -> Vec<Row> {
    let at = format!("{:>7.1} s", item.at.as_secs_f64());
    let since = item.since.map_or_else(String::new, |since| format!("+{:.1} s", since.as_secs_f64()));
    let lead = if item.tone == Tone::Strong { "» " } else { "" };
    let mut rows = Vec::new();
    for text in broken(&format!("{lead}{}", item.text), columns.saturating_sub(WHEN).max(20)) {
        let row = if rows.is_empty() {
            vec![
                span(Tone::Quiet, at.clone()),
                span(Tone::Plain, format!("{since:>8}  ")),
                span(item.tone, text),
            ]
        } else {
            vec![span(Tone::Plain, " ".repeat(WHEN + 2)), span(item.tone, text)]
        };
        rows.push(row);
    }
    rows
}

/// A text in pieces of at most so many columns, broken between words.
fn broken(text: &str, columns: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last_mut().expect("there is always one");
        let length = line.chars().count();
        if length == 0 {
            line.push_str(word);
        } else if length + 1 + word.chars().count() <= columns.saturating_sub(2) {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

/// As many of them as have room beside `help`, which always has.
fn suggestions(scene: &Scene, columns: usize) -> Vec<Row> {
    const BETWEEN: &str = "  ·  ";
    let help = [span(Tone::Quiet, BETWEEN), span(Tone::Strong, "help")];
    let mut row = vec![span(Tone::Quiet, "try")];
    for suggestion in &scene.suggestions {
        let between = if row.len() == 1 { "  " } else { BETWEEN };
        let longer = [span(Tone::Quiet, between), span(Tone::Strong, suggestion.as_str())];
        if length(&row) + length(&longer) + length(&help) > columns {
            break;
        }
        row.extend(longer);
    }
    row.extend(help);
    vec![row]
}

fn length(row: &[Span]) -> usize {
    row.iter().map(|span| span.text.chars().count()).sum()
}

fn width(rows: &[Row]) -> usize {
    // The legend may be longer than the hosts: it is cut where the story begins.
    rows.iter().take(rows.len().saturating_sub(1)).map(|row| length(row)).max().unwrap_or(0)
}

/// Two rows side by side.
fn join(left: &Row, at: usize, right: &Row) -> Row {
    let mut row = cut(left.clone(), at);
    let gap = at.saturating_sub(length(&row));
    row.push(span(Tone::Plain, " ".repeat(gap)));
    row.extend(right.iter().cloned());
    row
}

/// A row that is no longer than so many columns.
fn cut(row: Row, columns: usize) -> Row {
    let mut left = columns;
    let mut short = Row::new();
    for Span { tone, text } in row {
        let length = text.chars().count();
        if length <= left {
            short.push(Span { tone, text });
        } else {
            short.push(Span { tone, text: text.chars().take(left).collect() });
        }
        left = left.saturating_sub(length);
    }
    short
}

#[cfg(test)]
mod tests;
