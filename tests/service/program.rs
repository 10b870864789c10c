//! `lifeboat serve` as a process of its own, and its violent end.
use lifeboat_tests::program::program;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

/// A service that runs.
pub(crate) struct Serving {
    child: Child,
    /// Where it listens.
    pub(crate) address: String,
}

impl Serving {
    /// Starts it on this store and waits until it listens.
    pub(crate) fn start(store: &str) -> Self {
        let mut child = Command::new(program())
            .args(["serve", "--listen", "127.0.0.1:0", "--store", store])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program runs");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("it is piped");
        BufReader::new(stdout).read_line(&mut line).expect("text");
        let address = line.trim().strip_prefix("listening on http://").expect("where it listens").to_owned();
        Self { child, address }
    }

    /// Ends it as a loss of power would: nothing more is written, no goodbye is said.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // It may have been killed already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
