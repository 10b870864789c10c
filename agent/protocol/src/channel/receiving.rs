//! The half of a channel that receives: puts payloads in order, joins inventories, owes acknowledgements.
use super::{MAX_INVENTORY, Payload, WINDOW};
use crate::order::{Report, VmState};
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

/// What came, and how far it was delivered.
#[derive(Clone, Debug, Default)]
pub(super) struct Receiving {
    /// Everything up to this number has been delivered.
    pub(super) delivered: u64,
    /// Came before their turn, by number; all within the window.
    early: BTreeMap<u64, Payload>,
    /// Parts of an inventory whose last part has not come.
    inventory: Vec<(String, VmState)>,
    /// Whether payloads came since the last segment was sent.
    pub(super) owes: bool,
}

impl Receiving {
    /// Takes payloads, the first of which has the number `first`, and gives what has become deliverable.
    pub(super) fn take(&mut self, first: u64, payloads: Vec<Payload>) -> Vec<Payload> {
        // Even what came before is acknowledged again: the acknowledgement may have been lost.
        self.owes |= !payloads.is_empty();
        for (offset, payload) in (0..).zip(payloads) {
            // A number that cannot be is beyond the window as well.
            let number = first.saturating_add(offset);
            if number > self.delivered && number - self.delivered <= WINDOW {
                self.early.entry(number).or_insert(payload);
            }
        }
        self.deliver()
    }

    fn deliver(&mut self) -> Vec<Payload> {
        let mut deliverable = Vec::new();
        while let Some(next) = self.early.first_entry() {
            // An inventory beyond all bounds, which our sender never sends, halts the channel: to cut it would say that
            // VMs do not run which do.
            if *next.key() != self.delivered + 1 || self.inventory.len() > MAX_INVENTORY {
                break;
            }
            self.delivered += 1;
            match next.remove() {
                Payload::InventoryPart { vms } => self.inventory.extend(vms),
                Payload::Report(Report::Inventory { vms }) => {
                    self.inventory.extend(vms);
                    let vms = core::mem::take(&mut self.inventory);
                    deliverable.push(Payload::Report(Report::Inventory { vms }));
                }
                other => deliverable.push(other),
            }
        }
        deliverable
    }
}
