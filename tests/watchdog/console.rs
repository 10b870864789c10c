//! What machines write to their consoles, with the moment at which it arrived here: one clock for all of them.
use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A line of a console.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// Since the beginning of the record.
    pub(crate) at: Duration,
    pub(crate) host: String,
    pub(crate) text: String,
}

impl Seen {
    /// Whether this VM says that it runs.
    pub(crate) fn runs(&self, vm: &str) -> bool {
        self.text.trim() == format!("RUNS {vm} on {}", self.host)
    }
}

/// All lines of all consoles.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    began: Instant,
    lines: Arc<(Mutex<Vec<Seen>>, Condvar)>,
}

impl Record {
    #[expect(clippy::disallowed_methods, reason = "the one clock of the record")]
    pub(crate) fn new() -> Self {
        Self { began: Instant::now(), lines: Arc::default() }
    }

    pub(crate) fn now(&self) -> Duration {
        self.began.elapsed()
    }

    /// Reads a console to its end, in a thread of its own.
    pub(crate) fn listen(&self, host: &str, console: impl Read + Send + 'static) {
        let (record, host) = (self.clone(), host.to_owned());
        std::thread::spawn(move || {
            let mut console = BufReader::new(console);
            let mut line = Vec::new();
            while console.read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
                let text = String::from_utf8_lossy(&line).trim_end().to_owned();
                record.add(Seen { at: record.now(), host: host.clone(), text });
                line.clear();
            }
        });
    }

    fn add(&self, line: Seen) {
        let (lines, came) = &*self.lines;
        lines.lock().unwrap_or_else(PoisonError::into_inner).push(line);
        came.notify_all();
    }

    pub(crate) fn lines(&self) -> Vec<Seen> {
        self.lines.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The first line that is so, from this moment on.
    pub(crate) fn wait_for(
        &self,
        since: Duration,
        within: Duration,
        is: impl Fn(&Seen) -> bool,
    ) -> Option<Seen> {
        let (lines, came) = &*self.lines;
        let end = self.now() + within;
        let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(found) = lines.iter().find(|line| line.at >= since && is(line)) {
                return Some(found.clone());
            }
            let left = end.checked_sub(self.now()).filter(|left| !left.is_zero())?;
            lines = came.wait_timeout(lines, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}
