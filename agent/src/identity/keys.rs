//! The heartbeat keys as they are kept: in hexadecimal, readable by nobody else.
use super::files::{self, FileError};
use lifeboat_link::join::PoolKey;
use lifeboat_protocol::Keyring;
use lifeboat_protocol::keyring::Refused;
use lifeboat_protocol::message::NewKey;
use serde::{Deserialize, Serialize};
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// More than a keyring holds is not kept.
const MOST_KEYS: usize = 4;

/// The keys of a host.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyFile {
    /// The key that seals.
    sending: u32,
    /// All keys, ascending by epoch.
    keys: Vec<Key>,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Key {
    epoch: u32,
    key: String,
}

/// Why keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file.
    #[error(transparent)]
    File(#[from] FileError),
    /// There is none.
    #[error("{} is missing; `lifeboat-agent join` fetches the pool's keys", .0.display())]
    Missing(PathBuf),
    /// No such key.
    #[error("the key of epoch {0} is not 64 hexadecimal digits")]
    Malformed(u32),
    /// The key that seals is not among them.
    #[error("the key of epoch {0}, which seals, is not among those that are kept")]
    Sending(u32),
    /// They contradict one another.
    #[error(transparent)]
    Refused(#[from] Refused),
}

impl KeyFile {
    /// Keys of a pool that begins, or of a host that joins: one.
    pub fn new(epoch: u32, key: [u8; 32]) -> Self {
        Self { sending: epoch, keys: vec![Key::new(epoch, &key)] }
    }

    /// The keys that are kept.
    ///
    /// # Errors
    /// If there are none.
    pub fn read(directory: &Path) -> Result<Self, KeyError> {
        let path = path(directory);
        files::read_json(&path)?.ok_or(KeyError::Missing(path))
    }

    /// Keeps them; they are durable when this returns.
    ///
    /// # Errors
    /// Those of the file.
    pub fn write(&self, directory: &Path) -> Result<(), FileError> {
        files::write_json(&path(directory), self)
    }

    /// As newcomers are given them: the one that seals first.
    pub fn for_newcomers(&self) -> Vec<PoolKey> {
        let of = |key: &Key| PoolKey { epoch: key.epoch, key: key.key.clone() };
        let (first, rest): (Vec<&Key>, Vec<&Key>) =
            self.keys.iter().partition(|key| key.epoch == self.sending);
        first.into_iter().chain(rest).map(of).collect()
    }

    /// As the protocol has them.
    ///
    /// # Errors
    /// If they cannot be used.
    pub fn keyring(&self) -> Result<Keyring, KeyError> {
        let mut keys = self.keys.iter().map(|key| Ok((key.epoch, key.bytes()?)));
        let (epoch, key) = keys.next().unwrap_or(Err(KeyError::Sending(self.sending)))?;
        let mut ring = Keyring::new(epoch, key);
        for key in keys {
            let (epoch, key) = key?;
            ring.add_next(epoch, key)?;
        }
        ring.switch_to(self.sending).map_err(|_| KeyError::Sending(self.sending))?;
        Ok(ring)
    }

    /// Takes in one more. One of an epoch that is kept changes nothing.
    pub fn add(&mut self, new: &NewKey) {
        if new.key_epoch <= self.sending || self.keys.iter().any(|key| key.epoch == new.key_epoch) {
            return;
        }
        let at = self.keys.partition_point(|key| key.epoch < new.key_epoch);
        self.keys.insert(at, Key::new(new.key_epoch, &new.key));
        while self.keys.len() > MOST_KEYS {
            // As the keyring does: what is older than the sending one first, then the next one that was overtaken.
            let overtaken = usize::from(self.keys[0].epoch == self.sending);
            self.keys.remove(overtaken);
        }
    }

    /// Whether the key of this epoch is among them, or was overtaken.
    pub fn holds_or_is_beyond(&self, epoch: u32) -> bool {
        epoch <= self.sending || self.keys.iter().any(|key| key.epoch == epoch)
    }

    /// The pool seals under this key now; those before the last one are not kept any longer.
    pub fn switch_to(&mut self, epoch: u32) {
        let Some(position) = self.keys.iter().position(|key| key.epoch == epoch) else { return };
        if epoch > self.sending {
            self.sending = epoch;
            self.keys.drain(..position.saturating_sub(1));
        }
    }
}

/// Epochs only: a key never gets into a log.
impl std::fmt::Debug for KeyFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let epochs: Vec<u32> = self.keys.iter().map(|key| key.epoch).collect();
        f.debug_struct("KeyFile").field("sending", &self.sending).field("epochs", &epochs).finish()
    }
}

impl Key {
    fn new(epoch: u32, bytes: &[u8; 32]) -> Self {
        let mut key = String::with_capacity(64);
        for byte in bytes {
            // A text takes whatever is written to it.
            let _ = write!(key, "{byte:02x}");
        }
        Self { epoch, key }
    }

    fn bytes(&self) -> Result<[u8; 32], KeyError> {
        let malformed = || KeyError::Malformed(self.epoch);
        if self.key.len() != 64 || !self.key.is_ascii() {
            return Err(malformed());
        }
        let mut bytes = [0; 32];
        for (byte, digits) in bytes.iter_mut().zip(self.key.as_bytes().chunks(2)) {
            let digits = str::from_utf8(digits).map_err(|_| malformed())?;
            *byte = u8::from_str_radix(digits, 16).map_err(|_| malformed())?;
        }
        Ok(bytes)
    }
}

fn path(directory: &Path) -> PathBuf {
    directory.join("keys.json")
}
