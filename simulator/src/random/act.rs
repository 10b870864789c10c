//! Acts: short plays of a few faults and operator actions that belong together, each written to make one or several
//! rules of the protocol matter. A random run plays one to four of them, often one over another.
mod network;
mod operator;
mod power;
mod process;
mod storage;
mod vm;

use super::stage::Stage;
use core::time::Duration;

/// Plays on `stage` from `start` on, and says when its last event happens.
pub(super) type Play = fn(stage: &mut Stage, start: Duration) -> Duration;

/// An act.
#[derive(Clone, Copy, Debug)]
pub(super) struct Act {
    /// Its name, for the summary of a seed.
    pub(super) name: &'static str,
    /// How often it is played, in comparison.
    pub(super) weight: u32,
    /// What it plays.
    pub(super) play: Play,
}

const fn act(name: &'static str, weight: u32, play: Play) -> Act {
    Act { name, weight, play }
}

/// All acts.
pub(super) const ACTS: [Act; 37] = [
    act("power loss", 8, power::loss),
    act("power loss, then another", 6, power::second),
    act("power loss, then the coordinator", 8, power::then_coordinator),
    act("most lose power", 2, power::most),
    act("power off and soon on", 4, power::blink),
    act("whole pool off and on", 5, power::whole_pool),
    act("host flaps", 2, power::flaps),
    act("split", 9, network::split),
    act("split in three", 2, network::three),
    act("partial connectivity", 5, network::partial),
    act("one-way cut", 4, network::one_way),
    act("crossed one-way cuts", 2, network::crossed),
    act("links down", 5, network::links),
    act("links flap", 4, network::flap),
    act("split moves", 3, network::moves),
    act("split among slow media", 5, network::duel),
    act("bad network", 5, network::bad),
    act("slow network, host isolated", 4, network::slow_then_isolated),
    act("host isolated from all", 6, storage::isolated),
    act("one host loses the medium", 7, storage::one),
    act("all lose the medium", 6, storage::all),
    act("one keeps the medium", 5, storage::keeper),
    act("some lose the medium", 6, storage::some),
    act("slow medium", 5, storage::slow),
    act("late writes", 4, storage::late),
    act("medium errors", 3, storage::errors),
    act("agent paused", 6, process::pause),
    act("agent crashes", 3, process::crash),
    act("agent fails while isolated", 5, process::isolated),
    act("coordinator process fails", 5, process::coordinator),
    act("coordinator replaced, orders late", 5, process::replaced),
    act("hypervisor hangs", 2, process::hypervisor),
    act("maintenance", 5, operator::maintenance),
    act("migration", 3, operator::migration),
    act("disarm", 4, operator::disarm),
    act("words about hosts", 3, operator::words),
    act("VM faults", 6, vm::faults),
];
