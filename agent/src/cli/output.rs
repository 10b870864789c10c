//! The one door for what is printed.
use std::fmt::Display;
use std::io::{self, Write};

/// Where answers and complaints go.
pub struct Output<'a> {
    answers: &'a mut dyn Write,
    notes: &'a mut dyn Write,
}

impl std::fmt::Debug for Output<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Output").finish_non_exhaustive()
    }
}

impl<'a> Output<'a> {
    /// Answers go to the first, everything else to the second.
    pub fn new(answers: &'a mut dyn Write, notes: &'a mut dyn Write) -> Self {
        Self { answers, notes }
    }

    /// A line of the answer.
    ///
    /// # Errors
    /// If nobody takes it.
    pub fn say(&mut self, line: impl Display) -> io::Result<()> {
        writeln!(self.answers, "{line}")?;
        self.answers.flush()
    }

    /// A line beside the answer.
    pub fn note(&mut self, line: impl Display) {
        // Who cannot be told cannot be told that either.
        let _ = writeln!(self.notes, "{line}");
    }

    /// Says what went wrong.
    pub fn complain(&mut self, trouble: &dyn Display) {
        self.note(format_args!("lifeboat-agent: {trouble}"));
    }

    /// Shows help, or what is wrong with the arguments; the answer is the exit status.
    pub(super) fn usage(&mut self, usage: &clap::Error) -> u8 {
        if usage.use_stderr() {
            self.note(usage.render());
            2
        } else {
            let _ = self.say(usage.render());
            0
        }
    }
}
