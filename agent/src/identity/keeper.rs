//! The thread that keeps what the protocol wants kept. It writes to a disk, which can be slow or full: what could not be written is tried
//! again until it is.
use super::{KeyFile, files, keep_roster, keep_stopping};
use crate::context::Context;
use crate::membership::credentials;
use crate::wiring::{News, ToCoordinator, ToKeeper};
use lifeboat_link::Roster;
use lifeboat_protocol::Input;
use lifeboat_protocol::command::FenceReason;
use lifeboat_protocol::message::NewKey;
use serde_json::json;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

/// How long until what failed is tried again.
const AGAIN: Duration = Duration::from_secs(1);

/// What keeps.
#[derive(Debug)]
pub struct Keeper {
    directory: PathBuf,
    context: Context,
    keys: KeyFile,
    /// The key that the pool seals under, as was last agreed.
    sealing: Option<u32>,
    /// What is not durable yet.
    keys_wait: bool,
    /// Of those the keys of which the protocol waits to hear.
    new_keys: Vec<NewKey>,
    stopping_waits: Option<FenceReason>,
    roster_waits: Option<Arc<Roster>>,
}

impl Keeper {
    /// A keeper of a directory with these keys in it.
    pub fn new(directory: PathBuf, context: Context, keys: KeyFile) -> Self {
        Self {
            directory,
            context,
            keys,
            sealing: None,
            keys_wait: false,
            new_keys: Vec::new(),
            stopping_waits: None,
            roster_waits: None,
        }
    }

    /// Keeps until nobody can tell it anything any more.
    pub fn run(mut self, told: &Receiver<ToKeeper>) {
        loop {
            match told.recv_timeout(if self.waits() { AGAIN } else { Duration::MAX }) {
                Ok(what) => self.take(what),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            self.write();
        }
    }

    fn waits(&self) -> bool {
        self.keys_wait || self.stopping_waits.is_some() || self.roster_waits.is_some()
    }

    fn take(&mut self, what: ToKeeper) {
        match what {
            ToKeeper::Key(key) => self.take_key(key),
            ToKeeper::Fetched(keys) => keys.into_iter().for_each(|key| self.take_key(key)),
            ToKeeper::Sending(epoch) => {
                self.sealing = Some(epoch);
                self.keys_wait = true;
            }
            ToKeeper::Certificate(chain_pem) => self.take_certificate(&chain_pem),
            ToKeeper::Stopping(reason) => self.stopping_waits = Some(reason),
            ToKeeper::Roster(json) => self.take_roster(&json),
        }
    }

    fn take_key(&mut self, key: NewKey) {
        self.keys.add(&key);
        self.new_keys.push(key);
        self.keys_wait = true;
    }

    /// Seals under the agreed key from the next start on, if it is here; else the pool's service is asked for it.
    fn follow_agreed_key(&mut self) {
        let Some(epoch) = self.sealing else { return };
        let holds = self.keys.holds_or_is_beyond(epoch);
        self.context.board.post("keys", &json!({ "pool_seals_under": epoch, "is_kept_here": holds }));
        if !holds {
            tracing::error!(
                epoch,
                "THIS HOST IS DEAF: it was away when the pool's heartbeat key was changed. The pool's service is asked for the new one"
            );
        }
        self.keys.switch_to(epoch);
    }

    fn take_certificate(&self, chain_pem: &str) {
        let Some(folder) = &self.context.config.host.tls_directory else { return };
        match credentials::keep(folder, chain_pem) {
            Ok(ends) => tracing::info!(
                ends,
                "this host has its next certificate; its service shows it within seconds"
            ),
            Err(fault) => tracing::error!(%fault, "the next certificate is not kept; it is asked for again"),
        }
    }

    fn take_roster(&mut self, json: &str) {
        let roster = match serde_json::from_str::<Roster>(json) {
            Ok(roster) => roster,
            Err(fault) => return tracing::error!(%fault, "a roster that cannot be read is not taken"),
        };
        if let Err(fault) = roster.check() {
            return tracing::error!(%fault, "a roster that cannot be acted by is not taken");
        }
        let room = self.context.config.medium.most_hosts();
        if roster.hosts.len() > room {
            return tracing::error!(
                hosts = roster.hosts.len(),
                room,
                "a roster that the medium has no room for is not taken"
            );
        }
        let known = self.roster_waits.clone().unwrap_or_else(|| self.context.roster.now());
        if roster.version <= known.version {
            return;
        }
        if let Err(fault) = roster.check_after(&known) {
            return tracing::error!(%fault, version = roster.version, "a roster that contradicts the one before it is not taken");
        }
        if roster.settings != known.settings {
            tracing::error!(
                "THE POOL'S SETTINGS HAVE CHANGED in the roster: they hold once the agents of all hosts were restarted"
            );
        }
        self.roster_waits = Some(Arc::new(roster));
    }

    fn write(&mut self) {
        // The most urgent first: nobody hears that no VM runs here before this is durable.
        if let Some(reason) = self.stopping_waits {
            match keep_stopping(&self.directory, self.context.boot.0, reason) {
                Ok(()) => {
                    self.stopping_waits = None;
                    self.context.inbox.send(News::StoppingKept);
                }
                Err(fault) => failed(&fault),
            }
        }
        if self.keys_wait {
            self.follow_agreed_key();
            match self.keys.write(&self.directory) {
                Ok(()) => {
                    self.keys_wait = false;
                    for key in self.new_keys.drain(..) {
                        self.context.inbox.input(Input::KeyKept(key));
                    }
                }
                Err(fault) => failed(&fault),
            }
        }
        if let Some(roster) = self.roster_waits.take() {
            match keep_roster(&self.directory, &roster) {
                Ok(()) => {
                    tracing::info!(
                        version = roster.version,
                        hosts = roster.hosts.len(),
                        "the roster is now this"
                    );
                    self.context.roster.replace(Arc::clone(&roster));
                    self.context.inbox.send(News::Roster(roster));
                    // Who minds the service may have ended with the agent.
                    let _ = self.context.outlets.coordinator.send(ToCoordinator::Roster);
                }
                Err(fault) => {
                    failed(&fault);
                    self.roster_waits = Some(roster);
                }
            }
        }
    }
}

fn failed(fault: &files::FileError) {
    tracing::error!(%fault, "what must survive the agent cannot be kept; it is tried again");
}
