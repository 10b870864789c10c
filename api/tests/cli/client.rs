//! The command line as a client: against a service of the tests' own, which answers what it is told to and remembers
//! what it was asked. `real` asks the real one.
mod asking;
mod contexts;
mod pages;
mod stub;
mod verbs;
mod watching;

use super::{Run, lifeboat_at};
use stub::Stub;

impl Stub {
    /// Runs `lifeboat <command> --server <this>`.
    fn run(&self, command: &str) -> Run {
        self.run_at(command, None)
    }

    /// The same for a terminal of that width.
    fn run_at(&self, command: &str, width: Option<u16>) -> Run {
        lifeboat_at(&format!("lifeboat {command} --server {}", self.url()), width)
    }
}
