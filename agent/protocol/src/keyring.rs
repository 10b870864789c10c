//! The pool's keys, and how one takes over from another without a gap.
//!
//! Every key has an epoch, which only rises. All keys that are held open datagrams; one, the *sending* key, seals them.
//! A rotation has three steps, each safe at any time and in any order among the hosts:
//!
//! 1. [`Keyring::add_next`] at every host: from now on it can open what is sealed under the new key.
//! 2. when all hold it, the pool agrees on a configuration with the new key epoch, and whoever adopts that calls
//!    [`Keyring::switch_to`]. Those who have not adopted it yet seal under the old key, which all still hold.
//! 3. when all have adopted it, [`Keyring::drop_older`]: what somebody learned of the old key is worthless now.
//!
//! A key belongs to one pool ([`crate::medium::PoolId`]) and is used by nothing else: nonces are unique in a pool only
//! ([`crate::wire`]). Whoever draws a new pool id draws a new key.
use crate::Epoch;
use alloc::vec::Vec;
use chacha20poly1305::{KeyInit, XChaCha20Poly1305};

/// The previous key, the one in use, the next, and one more for a rotation that a new leader begins while another is
/// under way.
const MAX_KEYS: usize = 4;

/// How many key epochs each term of a coordinator has. Terms are numbers of configurations, of which there are 16 million
/// before key epochs run out: a change a minute for 30 years.
const EPOCHS_OF_A_TERM: u64 = 256;

/// Keys by epoch.
#[derive(Clone)]
pub struct Keyring {
    /// Ascending by epoch, at most [`MAX_KEYS`].
    keys: Vec<Held>,
    /// Position of the sending key.
    sending: usize,
}

#[derive(Clone)]
struct Held {
    epoch: u32,
    key: [u8; 32],
    cipher: XChaCha20Poly1305,
}

/// Why a change to the keyring was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The epoch is not later than that of the key in use.
    #[error("key epoch {epoch} is not later than the one in use")]
    NotLater {
        /// The epoch.
        epoch: u32,
    },
    /// Another key of this epoch is held already.
    #[error("another key of epoch {epoch} is held already")]
    Conflict {
        /// The epoch.
        epoch: u32,
    },
    /// No key of this epoch is held.
    #[error("no key of epoch {epoch} is held")]
    Unknown {
        /// The epoch.
        epoch: u32,
    },
}

impl Keyring {
    /// A keyring with one key, the sending one.
    pub fn new(epoch: u32, key: [u8; 32]) -> Self {
        Self { keys: [Held::new(epoch, key)].into(), sending: 0 }
    }

    /// Epoch of the key that datagrams are sealed under.
    pub fn sending(&self) -> u32 {
        self.keys[self.sending].epoch
    }

    /// The newest key epoch that is held.
    pub fn newest(&self) -> u32 {
        self.keys[self.keys.len() - 1].epoch
    }

    /// The epoch for a key that the leader of `term` gives out: later than all that are held, and one that the leader of
    /// no other term ever takes. Each term has 256 of its own; none is left after as many rotations in one term.
    ///
    /// Were it only one more than the newest, a leader that dies while it gives out its key, and the next, which has not got
    /// that, would give one epoch to two keys; and "all hold that epoch" would not mean that all hold the same key.
    pub fn next_epoch(&self, term: Epoch) -> Option<u32> {
        let first = u32::try_from(term.0.checked_mul(EPOCHS_OF_A_TERM)?).ok()?;
        let last = first.checked_add(EPOCHS_OF_A_TERM as u32 - 1)?;
        let next = self.newest().checked_add(1)?.max(first);
        (next <= last).then_some(next)
    }

    /// Whether a key of this epoch is held.
    pub fn holds(&self, epoch: u32) -> bool {
        self.position(epoch).is_some()
    }

    /// The key of this epoch, to be sent on under the sending key.
    pub fn key(&self, epoch: u32) -> Option<&[u8; 32]> {
        self.position(epoch).map(|position| &self.keys[position].key)
    }

    /// Holds another key, later than the sending one, for opening. Adding the same again changes nothing. Where there
    /// are too many, the previous key goes first, and then the next of the lowest epoch: rotations that were overtaken.
    ///
    /// # Errors
    /// If the epoch is not later than the sending one's, or is taken by another key.
    pub fn add_next(&mut self, epoch: u32, key: [u8; 32]) -> Result<(), Refused> {
        if let Some(position) = self.position(epoch) {
            let same = self.keys[position].key == key;
            return if same { Ok(()) } else { Err(Refused::Conflict { epoch }) };
        }
        if epoch <= self.sending() {
            return Err(Refused::NotLater { epoch });
        }
        if self.keys.len() == MAX_KEYS {
            self.drop_one();
        }
        let position = self.keys.partition_point(|held| held.epoch < epoch);
        self.keys.insert(position, Held::new(epoch, key));
        Ok(())
    }

    /// Seals under this key from now on. To go back to an earlier one is refused.
    ///
    /// # Errors
    /// If no such key is held, or it is older than the sending one.
    pub fn switch_to(&mut self, epoch: u32) -> Result<(), Refused> {
        if epoch < self.sending() {
            return Err(Refused::NotLater { epoch });
        }
        self.sending = self.position(epoch).ok_or(Refused::Unknown { epoch })?;
        Ok(())
    }

    /// Forgets every key older than the sending one.
    pub fn drop_older(&mut self) {
        self.keys.drain(..self.sending);
        self.sending = 0;
    }

    /// The cipher that seals, with its key epoch.
    pub(crate) fn sealing(&self) -> (u32, &XChaCha20Poly1305) {
        let held = &self.keys[self.sending];
        (held.epoch, &held.cipher)
    }

    /// The cipher of this epoch.
    pub(crate) fn opening(&self, epoch: u32) -> Option<&XChaCha20Poly1305> {
        self.position(epoch).map(|position| &self.keys[position].cipher)
    }

    fn position(&self, epoch: u32) -> Option<usize> {
        self.keys.iter().position(|held| held.epoch == epoch)
    }

    fn drop_one(&mut self) {
        if self.sending > 0 {
            self.keys.remove(0);
            self.sending -= 1;
        } else {
            self.keys.remove(1);
        }
    }
}

impl Held {
    fn new(epoch: u32, key: [u8; 32]) -> Self {
        Self { epoch, key, cipher: XChaCha20Poly1305::new(&key.into()) }
    }
}

/// Epochs only: a key never gets into a log.
impl core::fmt::Debug for Keyring {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let epochs: Vec<u32> = self.keys.iter().map(|held| held.epoch).collect();
        f.debug_struct("Keyring").field("sending", &self.sending()).field("held", &epochs).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    fn key(byte: u8) -> [u8; 32] {
        [byte; 32]
    }

    #[test]
    fn a_rotation_adds_switches_and_drops() {
        let mut ring = Keyring::new(3, key(3));
        assert_eq!(ring.add_next(4, key(4)), Ok(()));
        assert_eq!((ring.sending(), ring.newest()), (3, 4));
        assert_eq!(ring.switch_to(4), Ok(()));
        assert_eq!(ring.sending(), 4);
        assert!(ring.holds(3), "what others still seal under the old key is opened");
        ring.drop_older();
        assert!(!ring.holds(3));
        assert_eq!((ring.sending(), ring.key(4)), (4, Some(&key(4))));
    }

    #[test]
    fn an_epoch_is_never_used_for_two_keys_and_never_falls() {
        let mut ring = Keyring::new(3, key(3));
        assert_eq!(ring.add_next(2, key(2)), Err(Refused::NotLater { epoch: 2 }));
        assert_eq!(ring.add_next(3, key(9)), Err(Refused::Conflict { epoch: 3 }));
        ring.add_next(4, key(4)).unwrap();
        assert_eq!(ring.add_next(4, key(4)), Ok(()), "the same again changes nothing");
        assert_eq!(ring.add_next(4, key(9)), Err(Refused::Conflict { epoch: 4 }));
        assert_eq!(ring.key(4), Some(&key(4)));
        assert_eq!(ring.switch_to(5), Err(Refused::Unknown { epoch: 5 }));
        ring.switch_to(4).unwrap();
        assert_eq!(ring.switch_to(3), Err(Refused::NotLater { epoch: 3 }));
        assert_eq!(ring.sending(), 4);
    }

    #[test]
    fn two_leaders_in_succession_never_give_one_epoch_to_two_keys() {
        let ring = Keyring::new(1, key(1));
        let mut first = ring.clone();
        let mut given = Vec::new();
        for _ in 0..3 {
            let epoch = first.next_epoch(Epoch(4)).unwrap();
            first.add_next(epoch, key(2)).unwrap();
            given.push(epoch);
        }
        assert_eq!(given, [1024, 1025, 1026]);
        // The next leader has heard of one of them or of none.
        for heard in [ring.newest(), 1025] {
            let mut next = ring.clone();
            if heard > 1 {
                next.add_next(heard, key(2)).unwrap();
            }
            assert_eq!(next.next_epoch(Epoch(5)), Some(1280));
        }
        assert_eq!(Keyring::new(1279, key(1)).next_epoch(Epoch(4)), None, "a term has only so many");
        assert_eq!(ring.next_epoch(Epoch(1 << 24)), None);
        assert_eq!(ring.next_epoch(Epoch(u64::MAX)), None);
        assert_eq!(Keyring::new(u32::MAX, key(1)).next_epoch(Epoch(4)), None);
    }

    #[test]
    fn too_many_keys_push_out_the_previous_and_then_the_overtaken() {
        let mut ring = Keyring::new(1, key(1));
        ring.add_next(2, key(2)).unwrap();
        ring.switch_to(2).unwrap();
        for epoch in 3..=6 {
            ring.add_next(epoch, key(epoch as u8)).unwrap();
        }
        let held: Vec<u32> = (1..=6).filter(|epoch| ring.holds(*epoch)).collect();
        assert_eq!(held, [2, 4, 5, 6]);
        assert_eq!(ring.sending(), 2);
    }

    #[test]
    fn no_key_is_shown() {
        let shown = format!("{:?}", Keyring::new(7, key(0xab)));
        assert_eq!(shown, "Keyring { sending: 7, held: [7] }");
    }
}
