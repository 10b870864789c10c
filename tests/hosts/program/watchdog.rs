//! THE STAND-IN: the watchdog of a host of the lab, played by its pid 1. A device would reset the machine; here pid 1 ends, and the kernel
//! ends everything in its namespace with it. It listens on a unix socket: `arm MILLISECONDS` puts the deadline that far from now,
//! `disarm` takes it away, and a peer that goes without `disarm` leaves it as it is.
use lifeboat_lab::clock::now;
use std::io::{BufRead, BufReader};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// When the host ends, if nobody puts it off.
#[derive(Clone, Debug, Default)]
pub(crate) struct Watchdog {
    deadline: Arc<Mutex<Option<Instant>>>,
}

impl Watchdog {
    /// Listens on a socket, disarmed.
    pub(crate) fn listen(path: &Path) -> std::io::Result<Self> {
        let listener = UnixListener::bind(path)?;
        let watchdog = Self::default();
        let listening = watchdog.clone();
        std::thread::spawn(move || {
            for peer in listener.incoming().flatten() {
                let watchdog = listening.clone();
                std::thread::spawn(move || watchdog.hear(peer));
            }
        });
        Ok(watchdog)
    }

    /// Whether the deadline has passed.
    pub(crate) fn has_run_out(&self) -> bool {
        // Nobody panics with the lock.
        self.deadline.lock().is_ok_and(|deadline| deadline.is_some_and(|deadline| now() >= deadline))
    }

    fn hear(&self, peer: UnixStream) {
        for line in BufReader::new(peer).lines().map_while(Result::ok) {
            let deadline = match line.trim().split_once(' ') {
                Some(("arm", span)) => {
                    span.parse().ok().map(|span| Some(now() + Duration::from_millis(span)))
                }
                None if line.trim() == "disarm" => Some(None),
                _ => None,
            };
            if let (Some(deadline), Ok(mut current)) = (deadline, self.deadline.lock()) {
                *current = deadline;
            }
        }
    }
}
