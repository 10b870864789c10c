//! How one number's configuration is decided among single-writer records: Paxos with shared memory, that is Disk Paxos
//! (Gafni and Lamport, 2003) with one disk. Each host has a block which it alone writes. A proposer
//!
//! 1. writes its ballot as promised, reads all blocks, and gives way if one has promised a higher ballot;
//! 2. accepts at its ballot the value that was accepted at the highest ballot anywhere, or its own if none was;
//!    writes that, reads all blocks, and gives way if one has promised a higher ballot. Otherwise the value is decided.
//!
//! **Why only one value is decided.** Say v is decided at ballot b, and b' > b is the lowest ballot above b at which
//! something else is accepted. The proposer q of b' wrote its promise of b', and then read all. The proposer p of b wrote its
//! acceptance of v, then read q's block, and saw no promise above b there, so q's promise was written after that, and
//! q's reading came after p's acceptance: q saw p's block with v accepted at b or at a later ballot of p. So the highest ballot at which q saw a value
//! accepted is at least b, and below b'; by the choice of b' that value is v, and q accepted v. This needs of a
//! block only that a reading shows what was durable when it began, or something later.
//!
//! **The leader's ballot.** Ballot 0 of number k + 1 belongs to the leader of configuration k, and every other
//! ballot is higher. Nothing can have been accepted below it, so its phase 1 has nothing to find and is
//! left out, and p above may as well have used it. It may be used once, for one value: see [`first`].
use crate::configuration::{Configuration, ConfigurationNumber};
use crate::{Boot, Process};
use lifeboat_model::HostIndex;

/// A ballot: no two processes ever use the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ballot {
    /// 0 for the leader's ballot.
    pub(super) counter: u64,
    /// Whose ballot it is.
    pub(super) by: Owner,
}

/// One process of one boot of one host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Owner {
    pub(super) host: HostIndex,
    pub(super) boot: Boot,
    pub(super) process: Process,
}

impl Default for Owner {
    fn default() -> Self {
        Self { host: HostIndex(0), boot: Boot(0), process: Process(0) }
    }
}

/// A host's part in deciding one number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Block {
    /// The number.
    pub(super) number: ConfigurationNumber,
    /// The highest ballot that the host has begun.
    pub(super) promised: Ballot,
    /// The value that it accepted, and at which ballot.
    pub(super) accepted: Option<(Ballot, Configuration)>,
}

/// What a proposer's reading of all other blocks of its number, begun after its own block was durable, means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Somebody began a higher ballot: this one is over.
    Outbid,
    /// Phase 1 is done: this is to be accepted.
    Accept(Configuration),
    /// Phase 2 is done: what the own block accepted is decided.
    Decided,
}

/// The first block of a number that no process of this host has touched. `leads` says that ballot 0 is this host's, and
/// that no earlier process of it can have used it.
pub(super) fn first(proposal: &Configuration, by: Owner, leads: bool, highest: Option<Ballot>) -> Block {
    let number = proposal.number;
    // A ballot that is already outbid would be a wasted write.
    if leads && highest.is_none() {
        let ballot = Ballot { counter: 0, by };
        return Block { number, promised: ballot, accepted: Some((ballot, proposal.clone())) };
    }
    Block { number, promised: above(highest, by), accepted: None }
}

/// The ballot to begin above all that were seen.
pub(super) fn above(highest: Option<Ballot>, by: Owner) -> Ballot {
    Ballot { counter: highest.map_or(0, |ballot| ballot.counter).saturating_add(1), by }
}

/// Judges what was read.
pub(super) fn judge<'a>(
    own: &Block,
    others: impl Iterator<Item = &'a Block> + Clone,
    proposal: &Configuration,
) -> Verdict {
    let others = others.filter(|block| block.number == own.number);
    if others.clone().any(|block| block.promised > own.promised) {
        return Verdict::Outbid;
    }
    match &own.accepted {
        Some((ballot, _)) if *ballot == own.promised => Verdict::Decided,
        mine => {
            let accepted = others.filter_map(|block| block.accepted.as_ref()).chain(mine);
            let newest = accepted.max_by_key(|(ballot, _)| *ballot);
            Verdict::Accept(newest.map_or(proposal, |(_, value)| value).clone())
        }
    }
}
