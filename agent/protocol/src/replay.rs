//! Each datagram takes effect at most once. For every sender and network a window over sequence numbers remembers
//! which were seen; what is older than the window is refused unseen.
//!
//! A later boot or process of a sender takes the place of the earlier one as soon as one *authenticated* datagram of it
//! came, and the earlier one is refused from then on. Only what [`crate::wire::open`] has let through is to be shown to
//! [`Replay::accept`]: a forged header must not move a window.
//!
//! There is a window for each network, because sequence numbers rise over all networks together: the slower of two
//! networks would otherwise fall behind the window that the faster one moves.
//!
//! The windows are memory of the agent's process. After its restart an old datagram is taken once more. It can do
//! no harm then: an echo and a segment name the addressee's process, which is new; configurations and key epochs
//! only rise; a notice that was true stays true of its boot.
use crate::message::Envelope;
use crate::{Boot, HeartbeatNetwork, Process};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use lifeboat_model::HostIndex;

/// How many sequence numbers a window remembers. A sender uses one per peer, network and heartbeat: with 255 peers
/// on 4 networks that is about a round, with 15 peers on 2 networks 34 rounds.
pub const WINDOW: u64 = 1024;

const WORDS: usize = WINDOW as usize / 64;

/// What has been seen of every sender.
#[derive(Clone, Debug, Default)]
pub struct Replay {
    senders: BTreeMap<HostIndex, Sender>,
}

/// A datagram that has not been seen before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fresh {
    /// The first of its sender's process, which takes the place of any earlier one.
    NewProcess,
    /// Later than all before from this process on this network.
    Newest,
    /// Overtaken on the way by one that was sent later on the same network.
    Late,
}

/// Why a datagram has no effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Replayed {
    /// From a boot or process of the sender that a later one has taken the place of.
    #[error("from a boot or process that is over")]
    Superseded,
    /// Seen before.
    #[error("seen before")]
    Seen,
    /// Too old to tell whether it was seen before.
    #[error("too old to tell")]
    TooOld,
}

#[derive(Clone, Debug)]
struct Sender {
    boot: Boot,
    process: Process,
    /// By network.
    windows: Vec<Window>,
}

/// The highest sequence number seen, and a bit for it and each of the 1,023 before it, by number modulo 1,024.
#[derive(Clone, Debug, Default)]
struct Window {
    highest: u64,
    seen: [u64; WORDS],
}

impl Replay {
    /// Nothing has been seen.
    pub const fn new() -> Self {
        Self { senders: BTreeMap::new() }
    }

    /// Marks an authenticated datagram as seen.
    ///
    /// # Errors
    /// If it must have no effect.
    pub fn accept(&mut self, envelope: &Envelope) -> Result<Fresh, Replayed> {
        let Envelope { from, boot, process, network, sequence, .. } = *envelope;
        let sender = self.senders.entry(from).or_insert_with(|| Sender::new(boot, process));
        let known = (sender.boot, sender.process);
        if (boot, process) < known {
            return Err(Replayed::Superseded);
        }
        if (boot, process) > known {
            *sender = Sender::new(boot, process);
        }
        let first = sender.windows.is_empty();
        let fresh = sender.window(network).accept(sequence)?;
        Ok(if first { Fresh::NewProcess } else { fresh })
    }

    /// The latest boot and process of which an authenticated datagram came.
    pub fn latest(&self, host: HostIndex) -> Option<(Boot, Process)> {
        self.senders.get(&host).map(|sender| (sender.boot, sender.process))
    }
}

impl Sender {
    const fn new(boot: Boot, process: Process) -> Self {
        Self { boot, process, windows: Vec::new() }
    }

    fn window(&mut self, network: HeartbeatNetwork) -> &mut Window {
        let position = usize::from(network.0);
        if self.windows.len() <= position {
            self.windows.resize_with(position + 1, Window::default);
        }
        &mut self.windows[position]
    }
}

impl Window {
    fn accept(&mut self, sequence: u64) -> Result<Fresh, Replayed> {
        if sequence > self.highest {
            self.advance(sequence);
            self.mark(sequence);
            return Ok(Fresh::Newest);
        }
        if self.highest - sequence >= WINDOW || sequence == 0 {
            return Err(Replayed::TooOld);
        }
        if self.mark(sequence) { Ok(Fresh::Late) } else { Err(Replayed::Seen) }
    }

    /// Moves the window up, forgetting what falls out of it.
    fn advance(&mut self, to: u64) {
        if to - self.highest >= WINDOW {
            self.seen = [0; WORDS];
        } else {
            for number in self.highest + 1..=to {
                let (word, bit) = place(number);
                self.seen[word] &= !bit;
            }
        }
        self.highest = to;
    }

    /// Whether it was not marked yet.
    fn mark(&mut self, number: u64) -> bool {
        let (word, bit) = place(number);
        let fresh = self.seen[word] & bit == 0;
        self.seen[word] |= bit;
        fresh
    }
}

const fn place(number: u64) -> (usize, u64) {
    let position = number % WINDOW;
    ((position / 64) as usize, 1 << (position % 64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeSet;
    use proptest::prelude::*;

    fn envelope(boot: u64, process: u32, network: u8, sequence: u64) -> Envelope {
        Envelope {
            from: HostIndex(1),
            boot: Boot(boot),
            process: Process(process),
            to: HostIndex(0),
            network: HeartbeatNetwork(network),
            sequence,
        }
    }

    #[test]
    fn a_datagram_is_accepted_once() {
        let mut replay = Replay::new();
        assert_eq!(replay.accept(&envelope(1, 1, 0, 10)), Ok(Fresh::NewProcess));
        assert_eq!(replay.accept(&envelope(1, 1, 0, 10)), Err(Replayed::Seen));
        assert_eq!(replay.accept(&envelope(1, 1, 0, 9)), Ok(Fresh::Late));
        assert_eq!(replay.accept(&envelope(1, 1, 0, 11)), Ok(Fresh::Newest));
        assert_eq!(replay.accept(&envelope(1, 1, 0, 9)), Err(Replayed::Seen));
        assert_eq!(replay.accept(&envelope(1, 1, 0, 0)), Err(Replayed::TooOld));
    }

    #[test]
    fn the_window_ends_where_it_says() {
        let mut replay = Replay::new();
        replay.accept(&envelope(1, 1, 0, 5000)).unwrap();
        assert_eq!(replay.accept(&envelope(1, 1, 0, 5000 - WINDOW)), Err(Replayed::TooOld));
        assert_eq!(replay.accept(&envelope(1, 1, 0, 5000 - WINDOW + 1)), Ok(Fresh::Late));
        assert_eq!(replay.accept(&envelope(1, 1, 0, u64::MAX)), Ok(Fresh::Newest));
        assert_eq!(replay.accept(&envelope(1, 1, 0, 5001)), Err(Replayed::TooOld));
    }

    #[test]
    fn a_slow_network_does_not_fall_behind_a_fast_one() {
        let mut replay = Replay::new();
        replay.accept(&envelope(1, 1, 0, 50_000)).unwrap();
        assert_eq!(replay.accept(&envelope(1, 1, 1, 7)), Ok(Fresh::Newest));
        assert_eq!(replay.accept(&envelope(1, 1, 1, 7)), Err(Replayed::Seen));
    }

    #[test]
    fn an_earlier_boot_or_process_is_refused_for_ever() {
        let mut replay = Replay::new();
        replay.accept(&envelope(1, 9, 0, 100)).unwrap();
        assert_eq!(replay.accept(&envelope(1, 10, 0, 1)), Ok(Fresh::NewProcess));
        assert_eq!(replay.accept(&envelope(1, 9, 0, 101)), Err(Replayed::Superseded));
        assert_eq!(replay.accept(&envelope(2, 1, 0, 1)), Ok(Fresh::NewProcess));
        assert_eq!(replay.accept(&envelope(1, 11, 0, 200)), Err(Replayed::Superseded));
        assert_eq!(replay.latest(HostIndex(1)), Some((Boot(2), Process(1))));
    }

    proptest! {
        /// Against the plainest memory: a set of all that was accepted.
        #[test]
        fn a_window_agrees_with_a_memory_of_everything(
            steps in prop::collection::vec((0_u64..3000, any::<bool>()), 1..400),
        ) {
            let mut window = Window::default();
            let mut accepted = BTreeSet::new();
            let mut top = 0_u64;
            for (step, up) in steps {
                let sequence = if up { top + step % 700 } else { top.saturating_sub(step) };
                let answer = window.accept(sequence);
                let old = sequence == 0 || sequence + WINDOW <= top;
                prop_assert_eq!(answer.is_ok(), !old && !accepted.contains(&sequence));
                if answer.is_ok() {
                    accepted.insert(sequence);
                }
                top = top.max(sequence);
            }
        }
    }
}
