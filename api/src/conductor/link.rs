//! The socket to the agent: this process's standard input.
use crate::conductor::shell::{Event, Events};
use lifeboat_link::frame::{self, FrameError};
use lifeboat_link::{FromService, ToService};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

/// Why there is no agent to serve under.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// Standard input is something else.
    #[error(
        "standard input is no socket to an agent: `lifeboat serve --under-agent` is started by lifeboat-agent, not by hand"
    )]
    NoSocket(#[source] io::Error),
    /// There can be no further thread or descriptor.
    #[error("the socket to the agent cannot be read")]
    Io(#[from] io::Error),
}

/// The socket that is this process's standard input.
///
/// # Errors
/// If that is none.
pub fn of_stdin() -> Result<UnixStream, LinkError> {
    let stdin = io::stdin().as_fd().try_clone_to_owned()?;
    let stream = UnixStream::from(stdin);
    // Only a socket has another end.
    stream.peer_addr().map_err(LinkError::NoSocket)?;
    stream.set_nonblocking(false)?;
    Ok(stream)
}

/// The way to the agent. Copies are one.
#[derive(Clone, Debug)]
pub struct Voice(Arc<Mutex<UnixStream>>);

impl Voice {
    /// Speaks there.
    pub fn of(stream: UnixStream) -> Self {
        Self(Arc::new(Mutex::new(stream)))
    }

    /// Tells the agent something. That it cannot be told ends the process.
    pub fn tell(&self, what: &FromService) {
        // Whoever panicked while it spoke has left half a frame behind, which the agent does not understand.
        let Ok(mut stream) = self.0.lock() else { end("a frame to the agent was broken off") };
        if let Err(error) = frame::write(&mut *stream, what) {
            end(&format!("the agent cannot be told: {error}"));
        }
    }
}

/// Whether the thread that conducts comes on. Copies are one.
#[derive(Clone, Debug, Default)]
pub struct Pulse(Arc<AtomicU64>);

impl Pulse {
    /// It has come a step further.
    pub fn beat(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// How many steps it has made.
    fn beats(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Reads frames in a thread of its own. When there are no more the process ends.
///
/// A health check is answered here if the thread that conducts has come on since the last one, however much waits for it: it is slow then,
/// and not stuck. Else it has to answer itself, once it comes to that.
///
/// # Errors
/// If there can be no further thread.
pub fn listen(mut reading: UnixStream, events: Events, voice: Voice, pulse: Pulse) -> io::Result<()> {
    thread::Builder::new().name("agent-reader".to_owned()).spawn(move || {
        let mut seen = pulse.beats();
        loop {
            match frame::read::<ToService>(&mut reading) {
                Ok(ToService::Probe) if pulse.beats() != seen => {
                    seen = pulse.beats();
                    voice.tell(&FromService::Answered);
                }
                Ok(frame) => {
                    if !events.tell(Event::Frame(frame)) {
                        end("the thread that conducts is gone");
                    }
                }
                Err(FrameError::Closed) => end("the agent is gone"),
                Err(error) => end(&format!("the agent cannot be understood: {error}")),
            }
        }
    })?;
    Ok(())
}

/// Ends the process at once: without its agent nothing that it does may have effect, not even what is under way.
#[expect(
    clippy::exit,
    reason = "the one door: whatever else the process does must stop now, in whatever state it is"
)]
pub fn end(why: &str) -> ! {
    tracing::error!(why, "the service ends at once");
    std::process::exit(70)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conductor::shell::events;

    #[test]
    fn who_comes_on_is_well_and_who_does_not_has_to_answer_itself() {
        let (ours, theirs) = UnixStream::pair().expect("sockets");
        // The agent outlives this test: without it the process ends.
        let (agent, (sender, waiting)) = (Box::leak(Box::new(ours)), events());
        let (voice, pulse) = (Voice::of(theirs.try_clone().expect("a descriptor")), Pulse::default());
        listen(theirs, sender, voice, pulse.clone()).expect("a thread");
        // It stands still: the question waits for it.
        frame::write(agent, &ToService::Probe).expect("it reads");
        assert!(matches!(waiting.recv().expect("it comes"), Event::Frame(ToService::Probe)));
        // It comes on, and much waits for it still.
        pulse.beat();
        frame::write(agent, &ToService::Probe).expect("it reads");
        assert_eq!(frame::read::<FromService>(agent).expect("an answer"), FromService::Answered);
        frame::write(agent, &ToService::Probe).expect("it reads");
        assert!(matches!(waiting.recv().expect("it comes"), Event::Frame(ToService::Probe)), "no step since");
    }
}
