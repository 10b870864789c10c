//! Cutting text: nothing that leaves is longer than its receiver takes, or carries characters that would steer it.

/// One line of at most `most` bytes: control characters become spaces, and what was cut is marked.
pub(crate) fn line(text: &str, most: usize) -> String {
    let spaced: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    cut(spaced.trim(), most)
}

/// Lines of at most `most` bytes altogether, without control characters other than line ends.
pub(crate) fn text(text: &str, most: usize) -> String {
    let plain: String = text
        .chars()
        .filter(|c| *c != '\r')
        .map(|c| if c.is_control() && c != '\n' { ' ' } else { c })
        .collect();
    cut(plain.trim_end(), most)
}

/// The beginning of a text, at most `most` bytes of it with the mark.
pub(crate) fn cut(text: &str, most: usize) -> String {
    const MARK: &str = "...";
    if text.len() <= most {
        return text.to_owned();
    }
    let mut end = most.saturating_sub(MARK.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{MARK}", &text[..end])
}

/// The beginning of bytes that somebody else sent, as one line.
pub(crate) fn answer(bytes: &[u8], most: usize) -> String {
    line(&String::from_utf8_lossy(&bytes[..bytes.len().min(most)]), most)
}

#[cfg(test)]
mod tests {
    use super::{cut, line, text};

    #[test]
    fn a_cut_never_splits_a_character() {
        for most in 3..12 {
            let short = cut("äöüäöü", most);
            assert!(short.len() <= most && (short.ends_with("...") || short == "äöüäöü"), "{short:?}");
        }
    }

    #[test]
    fn a_line_has_no_line_ends() {
        assert_eq!(line("a\r\nBcc: x\0y ", 100), "a  Bcc: x y");
        assert_eq!(text("a\r\n\tb\x1b[2J\n\n", 100), "a\n b [2J");
    }
}
