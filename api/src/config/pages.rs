//! The configuration for people: the commented file, and the tables of docs/configuration.md. Both are made of the
//! declarations in [`super::sections`].
use super::sections::{Config, KeyPage, SectionPage};
use std::fmt::Write as _;

/// Columns of the commented file.
const WIDTH: usize = 104;

const HEAD: &str = "\
# The configuration of Lifeboat's service.
#
# Every key is here, with what it is when it is left out. To change one, remove the # before it.
# `lifeboat config check` tells everything that is wrong with this file; the service reads it when it
# starts. Units stand in the names: _s, _ms, _mib, _days. Secrets are never written here, only where
# they are: { file = \"/path\" }, which nobody but its owner and group can read, or
# { credential = \"name\" }, given by systemd.
";

const ALERTS: &str = "
# Where alerts go: any number of channels, each a table of its own. docs/alerts.md says what belongs
# in each kind.
#[[alerts.channel]]
";

/// The commented file.
pub fn example() -> String {
    commented(HEAD, &Config::pages()) + ALERTS
}

/// The tables of the page.
pub fn tables() -> String {
    tables_of(&Config::pages())
}

/// A commented file with these sections.
pub fn commented(head: &str, sections: &[SectionPage]) -> String {
    let mut text = head.to_owned();
    for section in sections {
        text.push('\n');
        comment(&mut text, section.about);
        let _ = writeln!(text, "[{}]", section.name);
        for key in &section.keys {
            text.push('\n');
            comment(&mut text, key.about);
            if let Some((least, most)) = key.range {
                let _ = writeln!(text, "# {least} to {most}.");
            }
            let _ = writeln!(text, "#{} = {}", key.name, shown(key));
        }
    }
    text
}

/// Tables in Markdown of these sections.
pub fn tables_of(sections: &[SectionPage]) -> String {
    let mut text = String::new();
    for SectionPage { name, about, keys } in sections {
        let about: Vec<&str> = about.iter().map(|line| line.trim()).collect();
        let _ = writeln!(text, "\n## `[{name}]`\n\n{}\n", about.join(" "));
        text.push_str("| key | when left out | what it means |\n| --- | --- | --- |\n");
        for key in keys {
            let about: Vec<&str> = key.about.iter().map(|line| line.trim()).collect();
            let usual = key.usual.as_ref().map_or("nothing".to_owned(), |usual| format!("`{usual}`"));
            let range = key.range.map(|(least, most)| format!(" {least} to {most}.")).unwrap_or_default();
            let example = key.example.map(|example| format!(" Such as `{example}`.")).unwrap_or_default();
            let _ = writeln!(text, "| `{}` | {usual} | {}{range}{example} |", key.name, about.join(" "));
        }
    }
    text
}

fn shown(key: &KeyPage) -> &str {
    key.usual.as_deref().or(key.example).unwrap_or_default()
}

/// Lines of a comment, filled anew to the width of the file.
fn comment(text: &mut String, lines: &[&str]) {
    let mut line = String::from("#");
    for word in lines.iter().flat_map(|line| line.split_whitespace()) {
        if line.len() + 1 + word.len() > WIDTH {
            let _ = writeln!(text, "{line}");
            line = String::from("#");
        }
        line.push(' ');
        line.push_str(word);
    }
    let _ = writeln!(text, "{line}");
}

#[cfg(test)]
mod tests;
