//! One thing that is wrong with the settings.
use std::fmt;

/// One thing that is wrong with a channel's settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The channel's name; empty where it is about all of them.
    pub channel: String,
    /// The key.
    pub key: String,
    /// What is wrong, and what would be right.
    pub message: String,
}

impl Fault {
    pub(crate) fn new(channel: &str, key: &str, message: &str) -> Self {
        Self { channel: channel.to_owned(), key: key.to_owned(), message: message.to_owned() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.channel.is_empty() {
            return write!(f, "alerts.channel: {}", self.message);
        }
        write!(f, "alerts.channel {:?}: {}: {}", self.channel, self.key, self.message)
    }
}

/// What is wrong with one channel.
#[derive(Debug)]
pub(crate) struct Faults {
    channel: String,
    pub(crate) all: Vec<Fault>,
}

impl Faults {
    pub(crate) fn of(channel: &str) -> Self {
        Self { channel: channel.to_owned(), all: Vec::new() }
    }

    pub(crate) fn add(&mut self, key: &str, message: impl AsRef<str>) {
        self.all.push(Fault::new(&self.channel, key, message.as_ref()));
    }

    /// A number has to lie in a range.
    pub(crate) fn range(&mut self, key: &str, value: u64, least: u64, most: u64) {
        if value < least || value > most {
            self.add(key, format!("is {value}: must be {least} to {most}"));
        }
    }

    /// A path has to be absolute: the service's working directory is nobody's business.
    pub(crate) fn absolute(&mut self, key: &str, path: &std::path::Path) {
        if !path.is_absolute() {
            self.add(key, format!("{} is no absolute path", path.display()));
        }
    }
}
