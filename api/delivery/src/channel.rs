//! What all channels have in common: they take a message, and say how it went.
use crate::{Message, clock};
use std::time::Duration;

/// A way out. Delivering blocks, for no longer than the channel's own time limits; a [`crate::Dispatcher`] gives each channel a
/// thread.
pub trait Channel: Send + Sync {
    /// Its name, which its operator gave it.
    fn name(&self) -> &str;

    /// Where it leads, for people, without secrets.
    fn target(&self) -> String;

    /// Delivers a message.
    ///
    /// # Errors
    /// What went wrong, and whether it makes sense to try again.
    fn deliver(&self, message: &Message) -> Result<Receipt, Failure>;

    /// Delivers a test message, at once, and says how it went.
    ///
    /// # Errors
    /// What went wrong.
    fn test(&self) -> Result<Receipt, Failure> {
        self.deliver(&Message::test(self.name(), clock::date()))
    }
}

/// What the other side said when it took a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt(pub String);

/// Why a message did not get through.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Failure {
    /// What went wrong, and what to do about it; in one line.
    pub reason: String,
    /// Whether to try again.
    pub again: Again,
}

impl Failure {
    /// A failure that may pass.
    pub fn passing(reason: impl Into<String>) -> Self {
        Self { reason: crate::bound::line(&reason.into(), 1000), again: Again::Later }
    }

    /// A failure that trying again does not mend.
    pub fn lasting(reason: impl Into<String>) -> Self {
        Self { again: Again::Never, ..Self::passing(reason) }
    }
}

/// Whether, and when, to try again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    /// Never with this message: the other side refused it.
    Never,
    /// After the usual wait.
    Later,
    /// After the usual wait, and not before this one, which the other side asked for.
    After(Duration),
}
