//! The one door for output. Answers go to standard output, whatever went wrong and whatever moves goes to
//! standard error. Colours are always written; the streams behind the door drop them where nobody would see
//! them.
use super::trouble::Trouble;
use serde::Serialize;
use std::io::{self, ErrorKind, Write};

/// Where a run of the command line speaks.
pub struct Output<'w> {
    answers: &'w mut dyn Write,
    notes: &'w mut dyn Write,
    width: Option<u16>,
    live: bool,
    screen: bool,
}

impl<'w> Output<'w> {
    /// Answers to `answers`, everything else to `notes`.
    pub fn new(answers: &'w mut dyn Write, notes: &'w mut dyn Write) -> Self {
        Self { answers, notes, width: None, live: false, screen: false }
    }

    /// The same for a person at a terminal that many columns wide.
    #[must_use]
    pub fn with_width(self, width: Option<u16>) -> Self {
        Self { width, ..self }
    }

    /// The same where standard error is a terminal, on which progress can be shown.
    #[must_use]
    pub fn with_progress(self, live: bool) -> Self {
        Self { live, ..self }
    }

    /// The same where standard output is a terminal that understands escapes, on which anything can be drawn anywhere.
    #[must_use]
    pub fn with_screen(self, screen: bool) -> Self {
        Self { screen, ..self }
    }

    /// Whether answers go to a screen on which anything can be drawn anywhere.
    pub fn is_screen(&self) -> bool {
        self.screen
    }

    /// How wide the terminal is that answers go to; none: they go elsewhere, and lines may be long.
    pub fn width(&self) -> Option<u16> {
        self.width
    }

    /// Whether progress can be shown.
    pub fn shows_progress(&self) -> bool {
        self.live
    }

    /// Prints text as it is.
    ///
    /// # Errors
    /// Those of the stream; a reader that has gone away is none.
    pub fn text(&mut self, text: &str) -> io::Result<()> {
        forgiving(self.answers.write_all(text.as_bytes()))
    }

    /// Prints a value as JSON, indented.
    ///
    /// # Errors
    /// Those of the stream; a reader that has gone away is none.
    pub fn json(&mut self, value: &impl Serialize) -> io::Result<()> {
        forgiving(serde_json::to_writer_pretty(&mut *self.answers, value).map_err(io::Error::from))?;
        self.text("\n")
    }

    /// Says something besides the answer. Nothing more can be done if that fails.
    pub fn note(&mut self, text: &str) {
        let _ = self.notes.write_all(text.as_bytes());
        let _ = self.notes.flush();
    }

    /// Says what went wrong and what to do about it.
    pub fn trouble(&mut self, trouble: &Trouble) {
        self.note(&trouble.report());
    }

    /// Makes sure that every answer is out.
    ///
    /// # Errors
    /// Those of the stream; a reader that has gone away is none.
    pub fn flush(&mut self) -> io::Result<()> {
        forgiving(self.answers.flush())
    }
}

/// Somebody who stops reading (`lifeboat plan … | head`) has seen enough.
fn forgiving(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}
