//! The timeline as a drawing: a lane for each host with its states as bands and its VMs as an area, marks where VMs
//! are started and hosts are fenced, a line for the coordinator's terms, and numbered events with a legend.
use super::answer::seconds;
use super::story::{Part, Shade, tell};
use super::words::event;
use lifeboat_simulator::trace::Line;
use lifeboat_simulator::{Outcome, Scenario, Violation};
use std::fmt::Write as _;

const WIDTH: f64 = 1200.0;
const LEFT: f64 = 110.0;
const RIGHT: f64 = 30.0;
const TOP: f64 = 78.0;
const GAP: f64 = 8.0;
/// Height of a lane: lower where there are many hosts.
const LANE: f64 = 46.0;
const LOW_LANE: f64 = 20.0;
const MANY: usize = 16;
/// Alerts and events in the legend beyond which the rest is counted.
const MOST_NOTES: usize = 40;
const ROW: f64 = 17.0;
/// Numbers at the top that are nearer to one another than this are put one above the other.
const BESIDE: f64 = 18.0;

/// Draws the timeline.
pub(super) fn draw(scenario: &Scenario, outcome: &Outcome, violations: &[Violation]) -> String {
    let parts = tell(outcome);
    let lane = if parts.len() > MANY { LOW_LANE } else { LANE };
    let notes = notes(scenario, outcome, violations);
    #[expect(clippy::cast_precision_loss, reason = "at most a thousand hosts")]
    let lanes = parts.len() as f64 * (lane + GAP);
    let shown = notes.len().min(MOST_NOTES + 1);
    #[expect(clippy::cast_precision_loss, reason = "a few notes")]
    let height = TOP + lanes + 80.0 + shown as f64 * ROW + 20.0;
    let mut page = Page { text: String::new(), end: seconds(outcome, outcome.ended).max(1.0), lane };
    page.open(height);
    page.title(outcome, violations);
    page.axis(TOP + lanes);
    let most_vms =
        parts.iter().flat_map(|part| part.vms.iter().map(|band| band.what)).max().unwrap_or(1).max(1);
    for (position, (part, host)) in parts.iter().zip(outcome.pool.hosts()).enumerate() {
        #[expect(clippy::cast_precision_loss, reason = "at most a thousand hosts")]
        let y = TOP + position as f64 * (lane + GAP);
        page.lane(y, &host.id, part, most_vms);
    }
    page.marks(&notes, TOP + lanes);
    page.key(TOP + lanes + 44.0);
    page.legend(TOP + lanes + 76.0, &notes);
    page.text.push_str("</svg>\n");
    page.text
}

/// Something that is told below the lanes.
struct Note {
    at: f64,
    text: String,
    colour: &'static str,
    /// Its number on a line through all lanes; none: told below only.
    number: Option<usize>,
}

fn notes(scenario: &Scenario, outcome: &Outcome, violations: &[Violation]) -> Vec<Note> {
    let mut notes = Vec::new();
    for entry in outcome.trace.since_formed() {
        let at = seconds(outcome, entry.at);
        match &entry.line {
            Line::Event { position } => {
                let Some(happens) = scenario.events.get(*position) else { continue };
                let number = Some(notes.iter().filter(|note: &&Note| note.number.is_some()).count() + 1);
                notes.push(Note { at, text: event(&happens.action), colour: "#1f2328", number });
            }
            Line::Alert(alert) => {
                let about = alert.host.iter().chain(&alert.vm).next();
                let about = about.map(|name| format!(" {name}")).unwrap_or_default();
                let text = format!("alert {}{about}: {}", alert.kind, alert.text);
                notes.push(Note { at, text, colour: "#9a6700", number: None });
            }
            _ => {}
        }
    }
    for violation in violations {
        let text = format!("violated: {}: {}", violation.invariant, violation.text);
        notes.push(Note { at: seconds(outcome, violation.at), text, colour: "#cf222e", number: None });
    }
    for unmet in &outcome.unmet {
        let text = format!("unmet: {}; {}", unmet.expected, unmet.found);
        notes.push(Note { at: unmet.by.as_secs_f64(), text, colour: "#cf222e", number: None });
    }
    notes
}

struct Page {
    text: String,
    end: f64,
    lane: f64,
}

impl Page {
    fn x(&self, at: f64) -> f64 {
        LEFT + (at / self.end).clamp(0.0, 1.0) * (WIDTH - LEFT - RIGHT)
    }

    fn put(&mut self, element: &str) {
        self.text.push_str(element);
        self.text.push('\n');
    }

    fn open(&mut self, height: f64) {
        self.put(&format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height:.0}\" width=\"{WIDTH}\" \
             height=\"{height:.0}\" font-family=\"DejaVu Sans, Helvetica, Arial, sans-serif\" font-size=\"12\">"
        ));
        self.put("<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>");
    }

    fn title(&mut self, outcome: &Outcome, violations: &[Violation]) {
        let faults = violations.len() + outcome.unmet.len();
        let (verdict, colour) = if faults == 0 {
            ("every law held, every expectation was met".to_owned(), "#1a7f37")
        } else {
            (format!("{} violated, {} unmet", violations.len(), outcome.unmet.len()), "#cf222e")
        };
        let pool = outcome.pool.id();
        self.put(&format!(
            "<text x=\"{LEFT}\" y=\"26\" font-size=\"17\" font-weight=\"bold\" fill=\"#1f2328\">{}, seed {}</text>",
            escaped(pool),
            outcome.seed
        ));
        let right = WIDTH - RIGHT;
        self.put(&format!(
            "<text x=\"{right}\" y=\"26\" text-anchor=\"end\" font-weight=\"bold\" fill=\"{colour}\">{verdict}</text>"
        ));
    }

    /// Time below the lanes, with lines through them.
    fn axis(&mut self, bottom: f64) {
        let step = tick(self.end);
        let mut at = 0.0;
        while at <= self.end + 1e-9 {
            let x = self.x(at);
            self.put(&format!(
                "<line x1=\"{x:.1}\" y1=\"{:.1}\" x2=\"{x:.1}\" y2=\"{bottom:.1}\" stroke=\"#d8dee4\"/>",
                TOP - 6.0
            ));
            self.put(&format!(
                "<text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\" fill=\"#57606a\">{at:.0} s</text>",
                bottom + 14.0
            ));
            at += step;
        }
    }

    fn lane(&mut self, y: f64, host: &str, part: &Part, most_vms: usize) {
        let (lane, bottom) = (self.lane, y + self.lane);
        let middle = y + lane / 2.0 + 4.0;
        self.put(&format!(
            "<text x=\"{:.1}\" y=\"{middle:.1}\" text-anchor=\"end\" font-weight=\"bold\" fill=\"#1f2328\">{}</text>",
            LEFT - 10.0,
            escaped(host)
        ));
        for band in &part.shades {
            let (x, width) = (self.x(band.from), self.x(band.to) - self.x(band.from));
            let fill = colour(band.what);
            self.put(&format!(
                "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{lane:.1}\" fill=\"{fill}\"/>"
            ));
        }
        self.vms(y, part, most_vms);
        for term in &part.coordinator {
            let (x, width) = (self.x(term.from), (self.x(term.to) - self.x(term.from)).max(2.0));
            self.put(&format!(
                "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"4\" fill=\"#8250df\"/>"
            ));
            if width > 60.0 && lane > LOW_LANE {
                let (x, y) = (x + 4.0, y + 15.0);
                self.put(&format!(
                    "<text x=\"{x:.1}\" y=\"{y:.1}\" font-size=\"10\" fill=\"#6639ba\">epoch {}</text>",
                    term.what
                ));
            }
        }
        for start in &part.starts {
            let x = self.x(*start);
            self.put(&format!(
                "<path d=\"M{x:.1} {:.1} l-4 9 h8 z\" fill=\"#0969da\" stroke=\"#ffffff\" stroke-width=\"0.7\"/>",
                bottom - 10.0
            ));
        }
        for fenced in &part.fenced {
            let x = self.x(*fenced);
            self.put(&format!(
                "<line x1=\"{x:.1}\" y1=\"{y:.1}\" x2=\"{x:.1}\" y2=\"{bottom:.1}\" stroke=\"#cf222e\" stroke-width=\"3\"/>"
            ));
        }
    }

    /// How many VMs run, as an area from the lane's foot, with the number where there is room for it.
    fn vms(&mut self, y: f64, part: &Part, most: usize) {
        #[expect(clippy::cast_precision_loss, reason = "a few thousand VMs")]
        let share = |vms: usize| vms as f64 / most as f64;
        let (room, bottom) = (self.lane - 8.0, y + self.lane);
        for band in part.vms.iter().filter(|band| band.what > 0) {
            let (x, width) = (self.x(band.from), self.x(band.to) - self.x(band.from));
            let high = room * share(band.what);
            let top = bottom - high;
            self.put(&format!(
                "<rect x=\"{x:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{high:.1}\" fill=\"#54aeff\" fill-opacity=\"0.55\"/>"
            ));
            if width > 40.0 {
                let (x, y) = (x + width / 2.0, bottom - 4.0);
                let noun = if band.what == 1 { "VM" } else { "VMs" };
                self.put(&format!(
                    "<text x=\"{x:.1}\" y=\"{y:.1}\" font-size=\"10\" text-anchor=\"middle\" fill=\"#0a3069\">{} {noun}</text>",
                    band.what
                ));
            }
        }
    }

    /// Events as numbered lines through all lanes.
    fn marks(&mut self, notes: &[Note], bottom: f64) {
        let (mut last, mut row) = (f64::MIN, 0.0);
        for note in notes {
            let Some(number) = note.number else { continue };
            let x = self.x(note.at);
            row = if x - last < BESIDE { (row + 1.0) % 2.0 } else { 0.0 };
            last = x;
            let y = TOP - 16.0 - row * 17.0;
            self.put(&format!(
                "<line x1=\"{x:.1}\" y1=\"{y:.1}\" x2=\"{x:.1}\" y2=\"{bottom:.1}\" stroke=\"#1f2328\" stroke-dasharray=\"3 3\"/>"
            ));
            self.put(&format!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"8.5\" fill=\"#1f2328\"/>"));
            self.put(&format!(
                "<text x=\"{x:.1}\" y=\"{:.1}\" font-size=\"10\" text-anchor=\"middle\" fill=\"#ffffff\">{number}</text>",
                y + 3.5
            ));
        }
    }

    /// What the colours mean.
    fn key(&mut self, y: f64) {
        let entries = [
            (colour(Shade::Leased), "has a lease"),
            (colour(Shade::Up), "up, no lease"),
            (colour(Shade::Fencing), "fences itself"),
            (colour(Shade::Booting), "booting"),
            (colour(Shade::Off), "off"),
            ("#54aeff", "VMs that run"),
            ("#8250df", "coordinator"),
            ("#cf222e", "fenced"),
            ("#0969da", "start of a VM"),
        ];
        let mut x = LEFT;
        for (fill, text) in entries {
            self.put(&format!(
                "<rect x=\"{x:.1}\" y=\"{:.1}\" width=\"12\" height=\"12\" fill=\"{fill}\" stroke=\"#afb8c1\" stroke-width=\"0.5\"/>",
                y - 10.0
            ));
            self.put(&format!(
                "<text x=\"{:.1}\" y=\"{y:.1}\" font-size=\"11\" fill=\"#57606a\">{text}</text>",
                x + 17.0
            ));
            #[expect(clippy::cast_precision_loss, reason = "a few letters")]
            let wide = text.len() as f64 * 6.3;
            x += 17.0 + wide + 18.0;
        }
    }

    fn legend(&mut self, mut y: f64, notes: &[Note]) {
        for note in notes.iter().take(MOST_NOTES) {
            let number = note.number.map(|number| number.to_string()).unwrap_or_default();
            let (time, x) = (LEFT + 20.0, LEFT + 84.0);
            self.put(&format!(
                "<text x=\"{LEFT}\" y=\"{y:.1}\" font-weight=\"bold\" fill=\"{0}\">{number}</text>\
                 <text x=\"{time}\" y=\"{y:.1}\" fill=\"#57606a\">{1:.2} s</text>\
                 <text x=\"{x}\" y=\"{y:.1}\" fill=\"{0}\">{2}</text>",
                note.colour,
                note.at,
                escaped(&shortened(&note.text))
            ));
            y += ROW;
        }
        if let Some(more) = notes.len().checked_sub(MOST_NOTES).filter(|more| *more > 0) {
            self.put(&format!("<text x=\"{LEFT}\" y=\"{y:.1}\" fill=\"#57606a\">and {more} more</text>"));
        }
    }
}

fn colour(shade: Shade) -> &'static str {
    match shade {
        Shade::Up => "#eef1d6",
        Shade::Leased => "#d6f5dc",
        Shade::Fencing => "#ffc680",
        Shade::Booting => "#e4e8ec",
        Shade::Off => "#8c959f",
    }
}

/// A step between ticks that gives about ten of them.
fn tick(end: f64) -> f64 {
    let steps = [1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0];
    steps.into_iter().find(|step| end / step <= 14.0).unwrap_or(7200.0)
}

/// A text that fits into a line.
fn shortened(text: &str) -> String {
    const MOST: usize = 140;
    if text.chars().count() <= MOST {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(MOST - 1).collect();
    short.push('…');
    short
}

fn escaped(text: &str) -> String {
    let mut out = String::new();
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            other if other.is_control() => out.push(' '),
            other => {
                let _ = write!(out, "{other}");
            }
        }
    }
    out
}
