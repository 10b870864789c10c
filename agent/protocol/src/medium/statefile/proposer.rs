//! This host's part in deciding the next configuration: when it takes which ballot, and when it lets a rival go first.
//!
//! Safety is [`super::paxos`]'s; here is only that somebody gets through. Whoever sees a higher ballot leaves its owner
//! some cycles to finish, more after each loss, and one more if the owner's index is lower. Two that keep outbidding each
//! other are told apart by that, and one that died in the midst delays the others by few cycles only.
use super::paxos::{self, Ballot, Block, Owner, Verdict};
use crate::configuration::{Configuration, ConfigurationNumber};

/// The most cycles that a rival is waited for, its lower index aside.
const MOST_PATIENCE: u32 = 3;

/// What this host has begun and accepted, and whom it waits for.
#[derive(Clone, Debug, Default)]
pub(super) struct Proposer {
    block: Option<Block>,
    rival: Option<Ballot>,
    /// Cycles left to wait for the rival.
    patience: u32,
    losses: u32,
}

impl Proposer {
    /// Goes on from what earlier processes of the host have published.
    pub(super) fn resume(block: Option<Block>) -> Self {
        Self { block, ..Self::default() }
    }

    /// The block to publish.
    pub(super) fn block(&self) -> Option<&Block> {
        self.block.as_ref()
    }

    /// A configuration is decided: what was begun up to its number has become moot.
    pub(super) fn decided(&mut self, number: ConfigurationNumber) {
        if self.block.as_ref().is_some_and(|block| block.number <= number) {
            self.block = None;
        }
        (self.rival, self.patience, self.losses) = (None, 0, 0);
    }

    /// Takes a ballot for `proposal`, unless it holds one that nobody has outbid, or waits for a rival. `highest` is the
    /// highest ballot of the number that other hosts have begun.
    pub(super) fn prepare(
        &mut self,
        proposal: &Configuration,
        owner: Owner,
        leads: bool,
        highest: Option<Ballot>,
    ) {
        let block = self.block.as_ref().filter(|block| block.number == proposal.number);
        let held = block.map(|block| block.promised);
        if highest > held && self.waits_for(highest, owner) {
            return;
        }
        match &mut self.block {
            Some(block) if block.number == proposal.number => {
                // A ballot of an earlier process is never gone on with: what it was used for is not known for sure.
                if block.promised.by != owner || highest > held {
                    block.promised = paxos::above(highest.max(held), owner);
                }
            }
            _ => self.block = Some(paxos::first(proposal, owner, leads, highest)),
        }
    }

    fn waits_for(&mut self, rival: Option<Ballot>, owner: Owner) -> bool {
        if self.rival != rival {
            self.rival = rival;
            self.losses += 1;
            let first = rival.is_some_and(|ballot| ballot.by.host < owner.host);
            self.patience = self.losses.min(MOST_PATIENCE) + u32::from(first);
        }
        let waits = self.patience > 0;
        self.patience = self.patience.saturating_sub(1);
        waits
    }

    /// Judges a complete reading that began after [`Self::block`] was durable. What is to be accepted is accepted, and to be
    /// published at once. None if nothing is under way.
    pub(super) fn judge<'a>(
        &mut self,
        others: impl Iterator<Item = &'a Block> + Clone,
        proposal: &Configuration,
        owner: Owner,
    ) -> Option<Outcome> {
        let under_way = |block: &&mut Block| block.number == proposal.number && block.promised.by == owner;
        let block = self.block.as_mut().filter(under_way)?;
        match paxos::judge(block, others, proposal) {
            Verdict::Outbid => None,
            Verdict::Accept(value) => {
                block.accepted = Some((block.promised, value));
                Some(Outcome::Accepted)
            }
            Verdict::Decided => block.accepted.as_ref().map(|(_, value)| Outcome::Decided(value.clone())),
        }
    }
}

/// What a reading has led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// A value is accepted, which is to be published.
    Accepted,
    /// This is decided.
    Decided(Configuration),
}
