//! How answers look: few colours with fixed meanings, tables without frames, counts with their noun.
use anstyle::{AnsiColor, Style};
use comfy_table::{ContentArrangement, Table, presets};
use std::fmt::{Display, Write as _};

/// Headings and names that matter.
pub const STRONG: Style = Style::new().bold();
/// Proven, accepted.
pub const GOOD: Style = AnsiColor::Green.on_default().bold();
/// Refuted, broken, an error.
pub const BAD: Style = AnsiColor::Red.on_default().bold();
/// Open, or worth a look.
pub const OPEN: Style = AnsiColor::Yellow.on_default().bold();
/// Rows of a section beyond which the rest is counted; `--json` has them all.
const MOST_ROWS: usize = 20;

/// What need not be read.
pub const QUIET: Style = Style::new().dimmed();

/// `text` in `style`.
pub fn styled(style: Style, text: impl Display) -> String {
    format!("{style}{text}{style:#}")
}

/// A count with its noun: `1 host`, `3 hosts`.
pub fn count(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// Names in a sentence: `a`, `a and b`, `a, b and c`; beyond `most` the rest is counted.
pub fn names(names: &[&str], most: usize) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [head @ .., last] if names.len() <= most => format!("{} and {last}", head.join(", ")),
        _ => format!("{} and {} more", names[..most].join(", "), names.len() - most),
    }
}

/// An indented table without frames that fits into `width` columns, if there are any.
pub fn table<const N: usize>(
    header: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
    width: Option<u16>,
) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(header).add_rows(rows);
    if let Some(width) = width {
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width.saturating_sub(2).max(40));
    }
    let mut text = String::new();
    for (position, line) in table.to_string().lines().enumerate() {
        let line = line.trim_end();
        let line = if position == 0 { styled(QUIET, line) } else { line.to_owned() };
        // With the space that the table pads with, two.
        text.push(' ');
        text.push_str(&line);
        text.push('\n');
    }
    text
}

/// A table under its heading with the number of its rows; nothing where there are none.
pub fn section<const N: usize>(
    text: &mut String,
    heading: &str,
    header: [&str; N],
    rows: impl ExactSizeIterator<Item = [String; N]>,
    width: Option<u16>,
) {
    let all = rows.len();
    if all == 0 {
        return;
    }
    let _ = writeln!(text, "\n{} {}", styled(STRONG, heading), styled(QUIET, all));
    text.push_str(&table(header, rows.take(MOST_ROWS), width));
    if all > MOST_ROWS {
        let more = format!("  and {} more; --json has them all", all - MOST_ROWS);
        let _ = writeln!(text, "{}", styled(QUIET, more));
    }
}

/// A paragraph, indented, broken into lines at `width`.
pub fn wrapped(sentence: &str, width: Option<u16>) -> String {
    let most = width.map_or(usize::MAX, |width| usize::from(width).max(40));
    let mut text = String::new();
    let mut column = 0;
    for word in sentence.split(' ') {
        let length = word.chars().count();
        if column == 0 || column + 1 + length > most {
            text.push_str(if column == 0 { "  " } else { "\n  " });
            column = 2 + length;
        } else {
            text.push(' ');
            column += 1 + length;
        }
        text.push_str(word);
    }
    text
}

/// A time in the unit that reads best.
pub fn elapsed(us: u64) -> String {
    match us {
        0..1_000 => format!("{us} µs"),
        1_000..1_000_000 => format!("{}.{} ms", us / 1_000, us % 1_000 / 100),
        _ => format!("{}.{} s", us / 1_000_000, us % 1_000_000 / 100_000),
    }
}
