//! The log, to standard error. Whoever logs never waits: lines go through a bounded queue to a thread of their own, and what does
//! not fit is dropped and counted. The thread that holds the lease logs too, and standard error can be a pipe that nobody reads.
use crate::config::{LogFormat, LogSection};
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, Sender, SyncSender, TrySendError};
use std::time::Duration;
use tracing_subscriber::Layer;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Lines that wait at most.
const MOST_LINES: usize = 1024;
/// How long the last lines are waited for.
const PATIENCE: Duration = Duration::from_secs(1);

/// Logging, as long as it is held; what waits is written when it is dropped.
#[derive(Debug)]
pub struct Telemetry {
    lines: SyncSender<Line>,
}

/// A line, or a question whether all before it are written.
#[derive(Debug)]
enum Line {
    Text(Vec<u8>),
    Written(Sender<()>),
}

impl Telemetry {
    /// Begins. Where several agents are in one process, as in tests, the first one's log holds.
    ///
    /// # Errors
    /// If no thread can be started.
    pub fn start(section: LogSection) -> io::Result<Self> {
        let (pen, paper) = pen();
        let lines = pen.lines.clone();
        let dropped = Arc::clone(&pen.dropped);
        crate::thread::spawn("log", move || write_down(&paper, &dropped, &mut io::stderr()))?;
        let plain = tracing_subscriber::fmt::layer().with_writer(pen).with_ansi(false).with_target(false);
        let layer = match section.format {
            LogFormat::Text => plain.boxed(),
            LogFormat::Json => plain.json().flatten_event(true).boxed(),
        };
        let _ = tracing_subscriber::registry().with(layer.with_filter(section.level.filter())).try_init();
        Ok(Self { lines })
    }
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        let (sender, written) = mpsc::channel();
        if self.lines.try_send(Line::Written(sender)).is_ok() {
            let _ = written.recv_timeout(PATIENCE);
        }
    }
}

/// Where the library writes: one call a line.
#[derive(Clone, Debug)]
struct Pen {
    lines: SyncSender<Line>,
    dropped: Arc<AtomicU64>,
}

fn pen() -> (Pen, Receiver<Line>) {
    let (lines, paper) = mpsc::sync_channel(MOST_LINES);
    (Pen { lines, dropped: Arc::default() }, paper)
}

impl<'a> MakeWriter<'a> for Pen {
    type Writer = Self;
    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Write for Pen {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if let Err(TrySendError::Full(_)) = self.lines.try_send(Line::Text(line.to_vec())) {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn write_down(paper: &Receiver<Line>, dropped: &AtomicU64, to: &mut impl Write) {
    while let Ok(line) = paper.recv() {
        let missing = dropped.swap(0, Ordering::Relaxed);
        if missing > 0 {
            let _ = writeln!(
                to,
                "({missing} lines of the log were dropped: they came faster than they could be written)"
            );
        }
        match line {
            // Nobody could be told that the log cannot be written.
            Line::Text(text) => drop(to.write_all(&text)),
            Line::Written(asked) => drop(asked.send(())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_logs_faster_than_is_written_never_waits_and_the_missing_are_counted() {
        let (mut pen, paper) = pen();
        for number in 0..MOST_LINES + 7 {
            pen.write_all(format!("line {number}\n").as_bytes()).expect("a pen takes everything");
        }
        let dropped = Arc::clone(&pen.dropped);
        drop(pen);
        let mut written = Vec::new();
        write_down(&paper, &dropped, &mut written);
        let written = String::from_utf8(written).expect("it is text");
        assert!(written.starts_with("(7 lines"), "{}", &written[..60]);
        assert_eq!(written.lines().count(), MOST_LINES + 1);
    }
}
