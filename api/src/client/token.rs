//! The token that says who asks. It comes from a file and never from an argument, which everybody on the machine
//! could read; and it is never printed.
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The longest token that is taken.
const MOST_BYTES: usize = 4096;

/// A bearer token.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The file cannot be read.
    #[error("cannot read the token file {}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// There is something else in it.
    #[error("{} holds no token: a token is one word on one line", .0.display())]
    NoToken(PathBuf),
}

impl Token {
    /// Reads the token in a file.
    ///
    /// # Errors
    /// If the file cannot be read or holds something else.
    pub fn read(path: &Path) -> Result<Self, TokenError> {
        let text =
            fs::read(path).map_err(|source| TokenError::Unreadable { path: path.to_owned(), source })?;
        Self::new(&text).ok_or_else(|| TokenError::NoToken(path.to_owned()))
    }

    /// The token in `text`, which may end with a line break.
    fn new(text: &[u8]) -> Option<Self> {
        let word = std::str::from_utf8(text).ok()?.trim();
        let sound =
            !word.is_empty() && word.len() <= MOST_BYTES && word.bytes().all(|byte| byte.is_ascii_graphic());
        sound.then(|| Self(word.to_owned()))
    }

    /// The value of the header that shows it.
    pub(super) fn header(&self) -> String {
        format!("Bearer {}", self.0)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_one_word() {
        assert_eq!(Token::new(b"lb_abc\n").map(|token| token.header()).as_deref(), Some("Bearer lb_abc"));
        let lines: [&[u8]; 5] = [b"", b"\n", b"two words", b"lb_a\nlb_b", b"\xFF"];
        for text in lines {
            assert_eq!(Token::new(text), None);
        }
    }

    #[test]
    fn a_token_is_never_printed() {
        let token = Token::new(b"lb_secret").expect("a token");
        assert_eq!(format!("{token:?}"), "Token(…)");
    }
}
