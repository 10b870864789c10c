//! The socket to the agent: this process's standard input.
use crate::conductor::shell::{Event, Events};
use lifeboat_link::frame::{self, FrameError};
use lifeboat_link::{FromService, ToService};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
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

/// Reads frames in a thread of its own. When there are no more the process ends.
///
/// # Errors
/// If there can be no further thread.
pub fn listen(stream: &UnixStream, events: Events) -> io::Result<()> {
    let mut reading = stream.try_clone()?;
    thread::Builder::new().name("agent-reader".to_owned()).spawn(move || {
        loop {
            match frame::read::<ToService>(&mut reading) {
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

/// Tells the agent something. That it cannot be told ends the process.
pub fn tell(stream: &mut UnixStream, what: &FromService) {
    if let Err(error) = frame::write(stream, what) {
        end(&format!("the agent cannot be told: {error}"));
    }
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
