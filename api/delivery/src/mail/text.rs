//! What a mail says: to somebody who was asleep a minute ago.
use crate::digest::{Count, Line};
use crate::{Alert, Message, bound};
use jiff::Timestamp;
use std::fmt::Write as _;

/// The widest line that is written; longer words stay whole.
const WIDTH: usize = 76;

/// The mail's subject.
pub(super) fn subject(message: &Message) -> String {
    let tag = match message {
        Message::Alert { alert } if alert.recovered => "over".to_owned(),
        Message::Alert { alert } => alert.severity.code().to_owned(),
        Message::Digest { digest } => format!("digest, {}", digest.severity),
        Message::Losses { .. } => "not told".to_owned(),
        Message::Test { .. } => "test".to_owned(),
    };
    bound::line(&format!("[{tag}] {}", message.headline()), 160)
}

/// The mail's text.
pub(super) fn body(message: &Message, channel: &str, id: &str, link: Option<&str>) -> String {
    let mut text = String::new();
    match message {
        Message::Alert { alert } => tell(&mut text, alert, link),
        Message::Digest { digest } => {
            let until = time(digest.until);
            paragraph(
                &mut text,
                "",
                &format!("{} alerts from {} to {until}.", digest.total, time(digest.from)),
            );
            counts(&mut text, &digest.counts);
            lines(&mut text, &digest.lines, digest.left_out());
            paragraph(
                &mut text,
                "",
                "So many came at once that they were gathered here. The ones before and after are told in mails of their own.",
            );
        }
        Message::Losses { losses } => {
            let said = format!(
                "{} alerts from {} to {} could not be told through this channel. The last of them because: {}",
                losses.total,
                time(losses.from),
                time(losses.until),
                losses.why
            );
            paragraph(&mut text, "", &said);
            counts(&mut text, &losses.counts);
            lines(&mut text, &losses.lines, losses.left_out());
            paragraph(&mut text, "", "Look at the pools: what was not told may still go on.");
        }
        Message::Test { at, .. } => {
            let said = format!("Somebody asked for this test at {}. Nothing has happened.", time(*at));
            paragraph(&mut text, "", &said);
            paragraph(&mut text, "", "If you can read this, alerts of this channel reach you.");
        }
    }
    let _ = write!(text, "-- \nLifeboat, channel {channel}, message {id}\n");
    text
}

fn tell(text: &mut String, alert: &Alert, link: Option<&str>) {
    paragraph(text, "", &alert.summary);
    let subject = alert.subject.id().map(|_| format!(", {}", alert.subject)).unwrap_or_default();
    let _ = writeln!(text, "Where     pool {}{subject}", alert.pool);
    let began = time(alert.since.unwrap_or(alert.at));
    if alert.recovered {
        if alert.since.is_some() {
            let _ = writeln!(text, "Since     {began}");
        }
        let _ = writeln!(text, "Over      {}", time(alert.at));
    } else {
        let _ = writeln!(text, "Since     {began}");
    }
    let label = if alert.recovered { "Was" } else { "Severity" };
    let kind = alert.ends.as_ref().unwrap_or(&alert.kind);
    let _ = writeln!(text, "{label:<9} {} ({kind})", alert.severity);
    text.push('\n');
    for part in alert.detail.split("\n\n").filter(|part| !part.trim().is_empty()) {
        for line in part.lines() {
            wrapped(text, "", line);
        }
        text.push('\n');
    }
    if alert.recovered {
        paragraph(text, "", "It is over. There is nothing to do.");
    } else {
        let known = if alert.next_step.is_empty() {
            "Look at the pool's alerts: lifeboat alert list"
        } else {
            &alert.next_step
        };
        text.push_str("What to do next\n");
        for step in known.lines() {
            wrapped(text, "  ", step);
        }
        text.push('\n');
    }
    if let Some(link) = link {
        let _ = writeln!(text, "{}\n", crate::link::filled_in(link, alert));
    }
}

fn counts(text: &mut String, counts: &[Count]) {
    let pools = counts.iter().any(|count| count.pool != counts[0].pool);
    for count in counts {
        let pool = if pools { format!("  {}", count.pool) } else { String::new() };
        let _ = writeln!(text, "{:>6}  {:<8}  {}{pool}", count.number, count.severity.code(), count.kind);
    }
    text.push('\n');
}

fn lines(text: &mut String, lines: &[Line], left_out: u64) {
    let several = lines.iter().any(|line| line.pool != lines[0].pool);
    for line in lines {
        let pool = if several { format!(" {}", line.pool) } else { String::new() };
        let over = if line.recovered { " (over)" } else { "" };
        let at = line.at.strftime("%H:%M:%S");
        wrapped(text, "  ", &format!("{at} {}{over}{pool}: {}", line.severity, line.summary));
    }
    if left_out > 0 {
        let _ = writeln!(text, "  ... and {left_out} more");
    }
    if !lines.is_empty() || left_out > 0 {
        text.push('\n');
    }
}

fn paragraph(text: &mut String, indent: &str, said: &str) {
    wrapped(text, indent, said);
    text.push('\n');
}

/// Writes words in lines no wider than a terminal; lines after the first are indented further.
fn wrapped(text: &mut String, indent: &str, said: &str) {
    let mut width = 0;
    for word in said.split_whitespace() {
        let length = word.chars().count();
        if width == 0 {
            text.push_str(indent);
            width = indent.len() + length;
        } else if width + 1 + length > WIDTH {
            text.push('\n');
            text.push_str(indent);
            if !indent.is_empty() {
                text.push_str("  ");
            }
            width = indent.len() * 2 + length;
        } else {
            text.push(' ');
            width += 1 + length;
        }
        text.push_str(word);
    }
    text.push('\n');
}

fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

#[cfg(test)]
mod tests;
