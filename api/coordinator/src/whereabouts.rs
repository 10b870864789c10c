//! Where every VM is, may be, or is on its way to. A VM is started only with a [`Nowhere`], the proof that no host runs it
//! and that no order about it is outstanding; only this module makes one, and the start uses it up.
//!
//! ```text
//!            the store says so             an order is written, given        the host says so
//!               Recorded                          Ordered                         Runs
//!                  │   inventory, or proof that the host is over   │ failed, void   │ stopped, host over
//!                  └───────────────────────► no claim ◄────────────┴────────────────┘
//! ```
//!
//! A *claim* is a host where a VM may be. Claims are made before orders go out and end only by word of the host itself, or
//! by proof that the host's boot is over. A VM without a claim is nowhere, unless it is *doubted*: nothing durable
//! tells where it was, or a living host denies having what the store says that it has. Then every host that could run it
//! must have spoken first.
use crate::input::{Outcome, Seen};
use crate::{Instant, OrderNumber};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use lifeboat_model::{HostIndex, VmIndex};

/// Why a VM may be on a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Claim {
    /// The store says so; the host has not spoken in this term.
    Recorded,
    /// Its start there is being written, or has been ordered.
    Ordered,
    /// The host said that it runs.
    Runs,
    /// The host does not know.
    MayRun,
    /// It is being migrated there.
    Arriving,
    /// Two words about it do not agree: it stopped, but of this migration or of an earlier try? It is not in the inventory, but
    /// an order to start it may be on its way? An order to stop it there settles that.
    Contradicted,
}

/// Why nobody may ever say what became of a VM at a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unsettled {
    /// Two words disagree: settled at once.
    Contradicted,
    /// The source of its migration is over: settled when the host had time to notice.
    SourceOver,
    /// The source may have the order to migrate it, or may not: settled when it must have told, or be over.
    MayBeOrdered,
}

/// What an order is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Errand {
    Start,
    Stop,
    Migrate { to: HostIndex },
}

/// An order whose outcome is not known.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outstanding {
    pub(crate) vm: VmIndex,
    pub(crate) host: HostIndex,
    pub(crate) errand: Errand,
    /// When it was made, later when it was handed over.
    pub(crate) since: Instant,
    /// Whether it was handed over; before that it can be taken back.
    pub(crate) sent: bool,
}

/// Proof that a VM runs nowhere and that nothing about it is outstanding.
#[derive(Debug)]
pub(crate) struct Nowhere {
    vm: VmIndex,
}

#[derive(Clone, Debug, Default)]
struct Places {
    claims: Vec<(HostIndex, Claim)>,
    orders: usize,
    doubted: bool,
}

/// Where every VM of the pool is.
#[derive(Debug, Default)]
pub(crate) struct Whereabouts {
    vms: Vec<Places>,
    orders: BTreeMap<OrderNumber, Outstanding>,
    last: u64,
    unheard: BTreeSet<HostIndex>,
    /// Migrations of which an inventory left open whether they are still carried out; their outcome still counts.
    late: BTreeMap<OrderNumber, Outstanding>,
}

impl Whereabouts {
    /// Of VMs beyond those known, nothing is known.
    pub(crate) fn grow(&mut self, vms: usize) {
        self.vms.resize_with(vms.max(self.vms.len()), Places::default);
    }

    /// The proof, where there is one.
    pub(crate) fn nowhere(&mut self, vm: VmIndex) -> Option<Nowhere> {
        if !self.is_idle(vm) {
            return None;
        }
        let places = &mut self.vms[vm.get()];
        if places.doubted && !self.unheard.is_empty() {
            return None;
        }
        places.doubted = false;
        Some(Nowhere { vm })
    }

    /// Whether no host is known to have the VM and no order about it is outstanding. Not yet the proof.
    pub(crate) fn is_idle(&self, vm: VmIndex) -> bool {
        let places = &self.vms[vm.get()];
        places.claims.is_empty() && places.orders == 0
    }

    /// The hosts where a VM may be, ascending.
    pub(crate) fn claims(&self, vm: VmIndex) -> &[(HostIndex, Claim)] {
        &self.vms[vm.get()].claims
    }

    /// Where the VM runs, if it is certain that it runs there and nowhere else.
    pub(crate) fn runs_on(&self, vm: VmIndex) -> Option<HostIndex> {
        match self.claims(vm) {
            [(host, Claim::Runs)] => Some(*host),
            _ => None,
        }
    }

    /// Whether it is certain that the VM runs on two hosts, and no migration explains it.
    pub(crate) fn runs_twice(&self, vm: VmIndex) -> bool {
        let sure = |claim: &Claim| matches!(claim, Claim::Runs | Claim::MayRun);
        self.vms[vm.get()].orders == 0
            && self.claims(vm).iter().filter(|(_, claim)| sure(claim)).count() > 1
            && self.claims(vm).iter().any(|&(_, claim)| claim == Claim::Runs)
    }

    /// Whether an order about the VM is outstanding.
    pub(crate) fn has_order(&self, vm: VmIndex) -> bool {
        self.vms[vm.get()].orders > 0
    }

    /// Every outstanding order.
    pub(crate) fn orders(&self) -> impl Iterator<Item = (OrderNumber, &Outstanding)> {
        self.orders.iter().map(|(&number, order)| (number, order))
    }

    /// One outstanding order.
    pub(crate) fn order(&self, number: OrderNumber) -> Option<&Outstanding> {
        self.orders.get(&number)
    }

    /// Whether any VM may be on the host, or an order to it is outstanding.
    pub(crate) fn is_occupied(&self, host: HostIndex) -> bool {
        self.vms.iter().any(|places| places.claims.iter().any(|&(at, _)| at == host))
            || self.orders.values().any(|order| order.host == host)
    }

    /// The store, or the pool document, says that the VM is there.
    pub(crate) fn record(&mut self, vm: VmIndex, host: HostIndex, claim: Claim) {
        self.set(vm, host, claim);
    }

    /// Nothing durable tells where the VM is.
    pub(crate) fn doubt(&mut self, vm: VmIndex) {
        self.vms[vm.get()].doubted = true;
    }

    /// The host may run VMs and has not said which.
    pub(crate) fn not_heard(&mut self, host: HostIndex) {
        self.unheard.insert(host);
    }

    /// Makes a start order; it goes out when it is durable.
    #[expect(clippy::needless_pass_by_value, reason = "the start uses the proof up")]
    pub(crate) fn start(&mut self, proof: Nowhere, host: HostIndex, now: Instant) -> OrderNumber {
        let Nowhere { vm } = proof;
        self.set(vm, host, Claim::Ordered);
        self.add(Outstanding { vm, host, errand: Errand::Start, since: now, sent: false })
    }

    /// Makes an order to stop the VM where it may be. Nothing needs to be durable first.
    pub(crate) fn stop(&mut self, vm: VmIndex, host: HostIndex, now: Instant) -> OrderNumber {
        self.add(Outstanding { vm, host, errand: Errand::Stop, since: now, sent: true })
    }

    /// Makes a migration order, if the VM certainly runs on one host and nothing else is done with it.
    pub(crate) fn migrate(&mut self, vm: VmIndex, to: HostIndex, now: Instant) -> Option<OrderNumber> {
        let host = self.runs_on(vm).filter(|&host| host != to && !self.has_order(vm))?;
        self.set(vm, to, Claim::Arriving);
        Some(self.add(Outstanding { vm, host, errand: Errand::Migrate { to }, since: now, sent: false }))
    }

    /// The order is durable: it is handed over now, if it still makes sense. It does not where its host or its VM's far
    /// end is over, or where the VM has turned up elsewhere.
    pub(crate) fn send(&mut self, number: OrderNumber, now: Instant) -> Option<Outstanding> {
        let order = *self.orders.get(&number)?;
        let claims = self.claims(order.vm);
        let sound = match order.errand {
            Errand::Start => claims == [(order.host, Claim::Ordered)],
            Errand::Stop => true,
            Errand::Migrate { to } => {
                claims.len() == 2
                    && claims.contains(&(order.host, Claim::Runs))
                    && claims.contains(&(to, Claim::Arriving))
            }
        };
        if !sound {
            return None;
        }
        let order = self.orders.get_mut(&number)?;
        (order.sent, order.since) = (true, now);
        Some(*order)
    }

    /// Takes back an order that was not handed over.
    pub(crate) fn take_back(&mut self, number: OrderNumber) -> Option<Outstanding> {
        self.orders.get(&number).filter(|order| !order.sent)?;
        let order = self.close(number)?;
        self.undo(&order);
        Some(order)
    }

    /// The host says what became of an order; nothing, if the order is not outstanding there.
    pub(crate) fn finished(
        &mut self,
        number: OrderNumber,
        host: HostIndex,
        outcome: &Outcome,
    ) -> Option<Outstanding> {
        let late = self.late.get(&number).copied().filter(|order| order.host == host);
        let order = if let Some(order) = late {
            self.late.remove(&number);
            order
        } else {
            self.orders.get(&number).filter(|order| order.host == host && order.sent)?;
            self.close(number)?
        };
        match (order.errand, outcome) {
            (Errand::Start, Outcome::Done) => self.set(order.vm, host, Claim::Runs),
            (Errand::Stop, Outcome::Done) => {
                self.clear(order.vm, host);
                self.late
                    .retain(|_, late| (late.vm, late.errand) != (order.vm, Errand::Migrate { to: host }));
            }
            (Errand::Stop, Outcome::Failed { .. }) => {}
            (Errand::Migrate { to }, Outcome::Done) => {
                self.clear(order.vm, host);
                // Without a claim the far end's boot is over, and the VM with it.
                if !matches!(self.claim(order.vm, to), None | Some(Claim::Contradicted)) {
                    self.set(order.vm, to, Claim::Runs);
                }
            }
            (Errand::Migrate { to }, Outcome::Failed { .. })
                if self.claim(order.vm, host).is_none() && self.claim(order.vm, to).is_some() =>
            {
                // It left the source, and yet did not arrive: somebody else took it away, or it stopped.
                if self.claim(order.vm, to) == Some(Claim::Arriving) {
                    self.set(order.vm, to, Claim::Contradicted);
                }
            }
            (Errand::Start | Errand::Migrate { .. }, Outcome::Failed { .. }) => self.undo(&order),
        }
        Some(order)
    }

    /// The host says that a VM stopped there. Says whether that is news: while its start is ordered, the word is about an
    /// earlier run.
    pub(crate) fn stopped(&mut self, vm: VmIndex, host: HostIndex) -> bool {
        match self.claim(vm, host) {
            Some(Claim::Arriving) if self.has_order(vm) => {
                self.set(vm, host, Claim::Contradicted);
                false
            }
            Some(Claim::Recorded | Claim::Runs | Claim::MayRun | Claim::Arriving) => {
                self.clear(vm, host);
                true
            }
            Some(Claim::Ordered | Claim::Contradicted) | None => false,
        }
    }

    /// The host knows again what runs there; what has stopped meanwhile it says.
    pub(crate) fn answers(&mut self, host: HostIndex) -> Vec<VmIndex> {
        let unsure = |places: &Places| places.claims.contains(&(host, Claim::MayRun));
        let vms = self.vms.iter().enumerate().filter(|(_, places)| unsure(places));
        let vms: Vec<VmIndex> = vms.map(|(position, _)| VmIndex::new(position)).collect();
        for &vm in &vms {
            self.set(vm, host, Claim::Runs);
        }
        vms
    }

    /// The host says that a VM runs there which nobody sent there. Says whether that is news.
    pub(crate) fn appeared(&mut self, vm: VmIndex, host: HostIndex) -> bool {
        let news = self.claim(vm, host).is_none();
        if news {
            self.set(vm, host, Claim::Runs);
        }
        news
    }

    /// The host says that a VM that may have been there runs there.
    pub(crate) fn confirmed(&mut self, vm: VmIndex, host: HostIndex) -> bool {
        match self.claim(vm, host) {
            Some(Claim::Recorded | Claim::Runs | Claim::MayRun | Claim::Arriving) => {
                self.set(vm, host, Claim::Runs);
                true
            }
            Some(Claim::Contradicted | Claim::Ordered) | None => false,
        }
    }

    /// Where a VM may be of which nobody may ever say more; and how that came. It is settled by an order to stop it there.
    pub(crate) fn unsettled(&self, vm: VmIndex) -> Option<(HostIndex, Unsettled)> {
        if self.has_order(vm) {
            return None;
        }
        let alone = self.claims(vm).len() == 1;
        let how = |host| match (self.is_late(vm, host), alone) {
            (true, _) | (_, false) => Unsettled::MayBeOrdered,
            (false, true) => Unsettled::SourceOver,
        };
        self.claims(vm).iter().find_map(|&(host, claim)| match claim {
            Claim::Arriving => Some((host, how(host))),
            Claim::Contradicted if self.is_late(vm, host) => Some((host, Unsettled::MayBeOrdered)),
            Claim::Contradicted => Some((host, Unsettled::Contradicted)),
            Claim::Recorded | Claim::Ordered | Claim::Runs | Claim::MayRun => None,
        })
    }

    /// The first word of a host's session. Gives the VMs that turned out not to be there, and the orders whose outcome
    /// will not be told. An order that was handed over before the inventory came in was lost with the last session,
    /// or it crossed the inventory and is carried out in this one; nobody here can tell. So the claim of a start
    /// stays, to be settled by an order to stop the VM, which comes after the start in whatever session it is.
    pub(crate) fn inventory(
        &mut self,
        host: HostIndex,
        vms: &BTreeMap<VmIndex, Seen>,
    ) -> (Vec<VmIndex>, Vec<Outstanding>) {
        self.unheard.remove(&host);
        let handed_over: Vec<OrderNumber> =
            self.orders().filter(|(_, order)| order.host == host && order.sent).map(|(n, _)| n).collect();
        let void: Vec<(OrderNumber, Outstanding)> =
            handed_over.into_iter().filter_map(|number| Some((number, self.close(number)?))).collect();
        let migrations = void.iter().filter(|(_, order)| matches!(order.errand, Errand::Migrate { .. }));
        self.late.extend(migrations.copied());
        let mut gone = Vec::new();
        for position in 0..self.vms.len() {
            let vm = VmIndex::new(position);
            let is_void = |errand| void.iter().any(|(_, order)| (order.vm, order.errand) == (vm, errand));
            let (started, stopped) = (is_void(Errand::Start), is_void(Errand::Stop));
            match (self.claim(vm, host), vms.get(&vm)) {
                // Whatever crosses the inventory is over when the next order to stop it is.
                (Some(_), _) | (None, Some(_)) if stopped => self.set(vm, host, Claim::Contradicted),
                (Some(Claim::Ordered), None) if started => self.set(vm, host, Claim::Contradicted),
                (Some(Claim::Contradicted) | None, None) | (Some(Claim::Arriving), Some(Seen::Unknown)) => {}
                // An order that waits for the store is given in the new session; a migration's outcome is its
                // source's to tell.
                (Some(Claim::Ordered | Claim::Arriving), None)
                    if self.has_order(vm) || self.is_late(vm, host) => {}
                (Some(Claim::Recorded), None) => {
                    self.clear(vm, host);
                    self.doubt(vm);
                    gone.push(vm);
                }
                (Some(_), None) => {
                    self.clear(vm, host);
                    gone.push(vm);
                }

                (_, Some(Seen::Running)) => self.set(vm, host, Claim::Runs),
                (_, Some(Seen::Unknown)) => self.set(vm, host, Claim::MayRun),
            }
        }
        (gone, void.into_iter().map(|(_, order)| order).collect())
    }

    /// A boot of the host is over. Gives the VMs that had a claim there, and the orders to it.
    pub(crate) fn over(&mut self, host: HostIndex) -> (Vec<(VmIndex, Claim)>, Vec<Outstanding>) {
        self.unheard.remove(&host);

        let to_it: Vec<OrderNumber> =
            self.orders().filter(|(_, order)| order.host == host).map(|(number, _)| number).collect();
        let mut void: Vec<Outstanding> = to_it.into_iter().filter_map(|number| self.close(number)).collect();
        void.extend(self.late.values().filter(|order| order.host == host));
        self.late.retain(|_, order| order.host != host);
        let mut lost = Vec::new();
        for position in 0..self.vms.len() {
            let vm = VmIndex::new(position);
            if let Some(claim) = self.claim(vm, host) {
                self.clear(vm, host);
                lost.push((vm, claim));
            }
        }
        (lost, void)
    }

    /// A migration to `to` was, or may have been, carried out, and nothing says that the VM is there: the boot that it was
    /// meant for is over, but a later one may have taken it.
    pub(crate) fn may_have_arrived(&mut self, vm: VmIndex, to: HostIndex) {
        if self.claim(vm, to).is_none() {
            self.set(vm, to, Claim::Contradicted);
        }
    }

    fn add(&mut self, order: Outstanding) -> OrderNumber {
        self.last += 1;
        self.vms[order.vm.get()].orders += 1;
        self.orders.insert(OrderNumber(self.last), order);
        OrderNumber(self.last)
    }

    fn close(&mut self, number: OrderNumber) -> Option<Outstanding> {
        let order = self.orders.remove(&number)?;
        self.vms[order.vm.get()].orders -= 1;
        Some(order)
    }

    /// Whether a migration of the VM was handed over whose outcome is not known.
    pub(crate) fn may_leave(&self, vm: VmIndex) -> bool {
        let leaves = |order: &Outstanding| {
            order.vm == vm && order.sent && matches!(order.errand, Errand::Migrate { .. })
        };
        self.orders.values().chain(self.late.values()).any(leaves)
    }

    /// What an order claimed is claimed no more: it was not carried out.
    fn undo(&mut self, order: &Outstanding) {
        match order.errand {
            Errand::Start => {
                if self.claim(order.vm, order.host) == Some(Claim::Ordered) {
                    self.clear(order.vm, order.host);
                }
            }
            Errand::Stop => {}
            Errand::Migrate { to } => {
                let again = self.orders.values().chain(self.late.values());
                let again =
                    again.filter(|other| (other.vm, other.errand) == (order.vm, order.errand)).count();
                if again == 0
                    && matches!(self.claim(order.vm, to), Some(Claim::Arriving | Claim::Contradicted))
                {
                    self.clear(order.vm, to);
                }
            }
        }
    }

    /// Whether a migration of the VM to the host may still be carried out, or not.
    fn is_late(&self, vm: VmIndex, host: HostIndex) -> bool {
        self.late.values().any(|late| (late.vm, late.errand) == (vm, Errand::Migrate { to: host }))
    }

    fn claim(&self, vm: VmIndex, host: HostIndex) -> Option<Claim> {
        self.claims(vm).iter().find(|&&(at, _)| at == host).map(|&(_, claim)| claim)
    }

    fn set(&mut self, vm: VmIndex, host: HostIndex, claim: Claim) {
        let claims = &mut self.vms[vm.get()].claims;
        match claims.binary_search_by_key(&host, |&(at, _)| at) {
            Ok(position) => claims[position].1 = claim,
            Err(position) => claims.insert(position, (host, claim)),
        }
    }

    fn clear(&mut self, vm: VmIndex, host: HostIndex) {
        self.vms[vm.get()].claims.retain(|&(at, _)| at != host);
    }
}

#[cfg(test)]
mod tests;
