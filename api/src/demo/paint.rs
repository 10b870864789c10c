//! Rows with tones as what a terminal understands, and as a picture.
use super::screen::Row;
use super::story::Tone;
use crate::cli::style::{BAD, GOOD, OPEN, QUIET, STRONG};
use anstyle::Style;
use std::fmt::Write as _;

/// A row for a terminal.
pub fn ansi(row: &Row) -> String {
    let mut text = String::new();
    for span in row {
        let style = style(span.tone);
        let _ = write!(text, "{style}{}{style:#}", span.text);
    }
    text
}

/// A row without tones.
pub fn plain(row: &Row) -> String {
    let text: String = row.iter().map(|span| span.text.as_str()).collect();
    text.trim_end().to_owned()
}

fn style(tone: Tone) -> Style {
    match tone {
        Tone::Plain => Style::new(),
        Tone::Quiet => QUIET,
        Tone::Strong => STRONG,
        Tone::Good => GOOD,
        Tone::Warn => OPEN,
        Tone::Bad => BAD,
    }
}

/// The width of a character and the height of a row, in pixels.
const CHARACTER: f64 = 7.83;
const ROW: f64 = 17.0;
const MARGIN: f64 = 20.0;

/// Rows as a picture. Every span stands at its column, whatever the reader's font makes of its characters.
pub fn svg(rows: &[Row], columns: usize, label: &str) -> String {
    #[expect(clippy::cast_precision_loss, reason = "a screen has a few hundred columns and rows")]
    let (width, height) = (columns as f64 * CHARACTER + 2.0 * MARGIN, rows.len() as f64 * ROW + 2.0 * MARGIN);
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" \
         viewBox=\"0 0 {width:.0} {height:.0}\" role=\"img\" aria-label=\"{}\">\n\
         <style>text{{font:13px ui-monospace,SFMono-Regular,Menlo,Consolas,\"DejaVu Sans Mono\",monospace;\
         fill:#d6dbe0;white-space:pre}}.b{{font-weight:bold;fill:#fff}}.d{{fill:#8b949e}}\
         .r{{fill:#ff7b72;font-weight:bold}}.g{{fill:#7ee787}}.y{{fill:#e3b341}}</style>\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"#161b22\"/>\n",
        escaped(label)
    );
    for (position, row) in rows.iter().enumerate() {
        #[expect(clippy::cast_precision_loss, reason = "a screen has a few hundred rows")]
        let y = MARGIN + (position as f64 + 0.75) * ROW;
        let mut column = 0;
        for span in row {
            let length = span.text.chars().count();
            let indent = length - span.text.trim_start().chars().count();
            if indent < length {
                #[expect(clippy::cast_precision_loss, reason = "a screen has a few hundred columns")]
                let x = MARGIN + (column + indent) as f64 * CHARACTER;
                let class = class(span.tone);
                let words = escaped(span.text.trim());
                let _ = writeln!(
                    text,
                    "<text x=\"{x:.1}\" y=\"{y:.1}\"{class} xml:space=\"preserve\">{words}</text>"
                );
            }
            column += length;
        }
    }
    text.push_str("</svg>\n");
    text
}

fn class(tone: Tone) -> &'static str {
    match tone {
        Tone::Plain => "",
        Tone::Quiet => " class=\"d\"",
        Tone::Strong => " class=\"b\"",
        Tone::Good => " class=\"g\"",
        Tone::Warn => " class=\"y\"",
        Tone::Bad => " class=\"r\"",
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
