//! The orders of a term, each under a number that only rises: the coordinator's, notes, and the machine's own.
use lifeboat_coordinator::{Command, OrderNumber};
use lifeboat_model::{HostIndex, VmIndex};
use lifeboat_protocol::Epoch;
use lifeboat_protocol::order::{OrderId, Report};
use std::collections::BTreeMap;

/// What an order is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Errand {
    /// To start a VM.
    Start,
    /// To stop it.
    Stop,
    /// To migrate it.
    Migrate {
        /// Where to.
        to: HostIndex,
    },
}

/// An order that went out, and of which nobody has said what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// The coordinator's number; none: it is none of the coordinator's.
    pub order: Option<OrderNumber>,
    /// To whom.
    pub host: HostIndex,
    /// The VM.
    pub vm: String,
    /// What for.
    pub errand: Errand,
    /// Nobody may ever say what became of it: its host has begun anew since.
    pub void: bool,
}

/// The orders of a term.
#[derive(Clone, Debug)]
pub struct Orders {
    epoch: Epoch,
    last: u64,
    sent: BTreeMap<u64, Sent>,
}

/// Orders that are remembered at most. One whose host has died is never answered; that it went out long ago harms nobody.
const MOST_REMEMBERED: usize = 100_000;

impl Orders {
    /// None yet.
    pub fn of_term(epoch: Epoch) -> Self {
        Self { epoch, last: 0, sent: BTreeMap::new() }
    }

    /// The id of a note.
    pub fn note(&mut self) -> OrderId {
        self.last += 1;
        OrderId { epoch: self.epoch, number: self.last }
    }

    /// The id of an order of the coordinator's; none if the command is none.
    pub fn next(&mut self, command: &Command, name: impl Fn(VmIndex) -> String) -> Option<OrderId> {
        let (host, vm, order, errand) = match *command {
            Command::Start { host, vm, order, .. } => (host, vm, order, Errand::Start),
            Command::Stop { host, vm, order } => (host, vm, order, Errand::Stop),
            Command::Migrate { host, vm, order, to } => (host, vm, order, Errand::Migrate { to }),
            _ => return None,
        };
        Some(self.remember(Sent { order: Some(order), host, vm: name(vm), errand, void: false }))
    }

    /// The id of a stop that the machine orders itself.
    pub fn own_stop(&mut self, host: HostIndex, vm: &str) -> OrderId {
        self.remember(Sent { order: None, host, vm: vm.to_owned(), errand: Errand::Stop, void: false })
    }

    /// The order whose outcome a report tells.
    pub fn finished(&mut self, report: &Report) -> Option<Sent> {
        match report {
            Report::Finished { id, .. } if id.epoch == self.epoch => self.sent.remove(&id.number),
            _ => None,
        }
    }

    /// Whether a VM is being migrated.
    pub fn migrates(&self, vm: &str) -> bool {
        self.standing().any(|sent| sent.vm == vm && matches!(sent.errand, Errand::Migrate { .. }))
    }

    /// Whether a VM is being stopped on a host.
    pub fn stops(&self, vm: &str, host: HostIndex) -> bool {
        self.standing().any(|sent| sent.vm == vm && sent.host == host && sent.errand == Errand::Stop)
    }

    /// A host has begun anew, or is over: what it was ordered may be lost. Should it tell an outcome all the same, that is heard.
    pub fn void(&mut self, host: HostIndex) {
        for sent in self.sent.values_mut().filter(|sent| sent.host == host) {
            sent.void = true;
        }
    }

    fn standing(&self) -> impl Iterator<Item = &Sent> {
        self.sent.values().filter(|sent| !sent.void)
    }

    fn remember(&mut self, sent: Sent) -> OrderId {
        let id = self.note();
        self.sent.insert(id.number, sent);
        if self.sent.len() > MOST_REMEMBERED {
            self.sent.pop_first();
        }
        id
    }
}
