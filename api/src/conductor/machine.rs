//! The service's side of a term as a state machine: frames of the agent, answers of the store, the pool's document and people's
//! wishes come in; frames, writes, answers and news of the pool go out. No clock, no I/O, no thread.
//!
//! ```text
//!   frames ──► Machine ──► Coordinator ──► commands ──► Deed::Send     orders, by name, each after what its host must know
//!   Stored ──►    │                             ├─────► Deed::Store    records, by name
//!   document ─►   ├─ names, sightings           ├─────► Deed::Reply
//!   asks ────►    └─ definitions                └─────► Deed::Learn    what the pool's document and its alerts become
//! ```
mod heard;
mod telling;

use super::ask::Ask;
use super::authority::Credentials;
use super::choices::Choices;
use super::document;
use super::findings;
use super::names::Names;
use super::orders::Orders;
use super::picture::Picture;
use super::records::{self, Definition};
use super::sightings::Sightings;
use crate::served::alerts::Finding;
use lifeboat_coordinator::input::{Call, CallId, Notice, Outcome, Report};
use lifeboat_coordinator::record::{Place, Record};
use lifeboat_coordinator::{
    Command, Coordinator, Input, Instant, OrderNumber, Planner, Refusal, Term, Ticket,
};
use lifeboat_interpreter::{self as interpreter, Media};
use lifeboat_link::frame::OperatorWish;
use lifeboat_link::note::HostFacts;
use lifeboat_link::{FromService, OrderNote, Roster, ToService};
use lifeboat_model::{Defect, HostIndex, Pool, VmIndex};
use lifeboat_protocol::{Configuration, Epoch, Standing};
use lifeboat_store::{Batch, Record as Kept};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// What a term begins with.
#[derive(Debug)]
pub struct Begin {
    /// This host.
    pub me: HostIndex,
    /// The term.
    pub epoch: Epoch,
    /// Who belongs to the pool.
    pub roster: Roster,
    /// The pool's document.
    pub pool: Arc<Pool>,
    /// All that is kept of the pool's conducting.
    pub kept: Vec<Kept>,
}

/// Something to be done.
#[derive(Debug)]
pub enum Deed {
    /// Tell the agent.
    Send(FromService),
    /// Make durable, after all that was asked before.
    Store {
        /// To be answered by [`Machine::stored`].
        ticket: Ticket,
        /// What.
        batch: Batch,
    },
    /// Answer whoever asked.
    Reply {
        /// The number that the asker gave it.
        ask: u64,
        /// Done and durable, or why not.
        answer: Result<(), Refusal>,
    },
    /// Something is known of the pool that its document or its alerts do not say yet.
    Learn(Learned),
}

/// Something that is known of the pool.
#[derive(Debug)]
pub enum Learned {
    /// What a host has.
    Host {
        /// The host.
        host: String,
        /// What.
        facts: Box<HostFacts>,
    },
    /// A VM is defined on a host.
    Vm {
        /// The host.
        host: String,
        /// What it is.
        definition: Box<Definition>,
        /// Whether it runs there.
        runs: bool,
        /// Nothing keeps it on one host any more that did before: where it was allowed then.
        released: Option<Option<Vec<String>>>,
    },
    /// Something that people should know.
    Found(Box<Finding>),
    /// A host wants a certificate.
    Certificate {
        /// The host.
        host: HostIndex,
        /// The request, in PEM.
        csr_pem: String,
    },
    /// What a host is known by and whom it believes.
    Credentials {
        /// The host.
        host: HostIndex,
        /// What.
        credentials: Credentials,
    },
}

/// A term of the service.
#[derive(Debug)]
pub struct Machine<P> {
    me: HostIndex,
    coordinator: Coordinator<P>,
    roster: Roster,
    names: Names,
    /// The pool's document as it was last told.
    served: Arc<Pool>,
    /// The coordinator's.
    document: Pool,
    orders: Orders,
    media: Media,
    definitions: BTreeMap<String, Definition>,
    choices: Choices,
    sightings: Sightings,
    /// Where the coordinator has placed each VM.
    places: BTreeMap<VmIndex, Place>,
    /// Hosts of the liveset, and those that were in it and have left: nobody misses them.
    live: BTreeSet<HostIndex>,
    out: BTreeSet<HostIndex>,
    /// Hosts that have been in the liveset in this term, or were up when it began.
    came: BTreeSet<HostIndex>,
    agreed: bool,
    picture: Option<Arc<Picture>>,
    deeds: VecDeque<Deed>,
    /// Orders that could not be given, and why.
    refused: VecDeque<(HostIndex, OrderNumber, String)>,
    /// When something was last taken in.
    now: Instant,
    /// VMs that the pool does not have any more, and of which something may be kept still.
    strangers: BTreeSet<String>,
}

impl<P: Planner> Machine<P> {
    /// Begins a term.
    ///
    /// # Errors
    /// If the pool's document makes none for the coordinator.
    pub fn begin(now: Instant, begin: Begin, planner: P) -> Result<Self, Vec<Defect>> {
        let Begin { me, epoch, roster, pool, kept } = begin;
        let mut names = Names::of(&roster);
        let document = document::begin(&mut names, &pool)?;
        let strangers = records::strangers(&kept, &pool);
        let records::All { records, definitions, choices } = records::read(&kept, &names, &document);
        let places = records.iter().filter_map(placed).collect();
        let told_before = findings::kept(&records, &names, &document);
        let term = Term { epoch: epoch.0, host: me };
        let coordinator =
            Coordinator::new(now, term, document.clone(), records, choices.settings(&names), planner);
        let mut machine = Self {
            me,
            coordinator,
            roster,
            names,
            served: pool,
            document,
            orders: Orders::of_term(epoch),
            media: Media::default(),
            definitions,
            choices,
            sightings: Sightings::default(),
            places,
            live: BTreeSet::new(),
            out: BTreeSet::new(),
            came: BTreeSet::new(),
            agreed: false,
            picture: None,
            deeds: VecDeque::new(),
            refused: VecDeque::new(),
            now,
            strangers,
        };
        machine.forget();
        for found in told_before {
            machine.found(Some(found));
        }
        machine.drain();
        Ok(machine)
    }

    /// The next thing to do, oldest first.
    pub fn next_deed(&mut self) -> Option<Deed> {
        self.deeds.pop_front()
    }

    /// When to call [`Self::elapsed`] at the latest.
    pub fn deadline(&self) -> Option<Instant> {
        self.coordinator.deadline()
    }

    /// Who belongs to the pool.
    pub fn roster(&self) -> &Roster {
        &self.roster
    }

    /// Time has passed.
    pub fn elapsed(&mut self, now: Instant) {
        self.feed(now, Input::Elapsed);
    }

    /// Whether something is due that may take its time.
    pub fn is_owed(&self, now: Instant) -> bool {
        self.coordinator.assessment_due(now)
    }

    /// Nothing waits: a piece of what may take its time is done now. Whether there was any.
    pub fn rest(&mut self, now: Instant) -> bool {
        let due = self.coordinator.assessment_due(now);
        if due {
            self.now = now;
            self.coordinator.assess(now);
            self.drain();
        }
        due
    }

    /// The agent says something. What concerns the process and not the term is its shell's.
    pub fn frame(&mut self, now: Instant, frame: ToService) {
        match frame {
            ToService::Agreed(configuration) => self.agreed(now, &configuration),
            ToService::Safe { host, boot, kind } => {
                self.sightings.over(host);
                self.orders.void(host);
                self.feed(now, interpreter::safe(host, boot, kind));
            }
            ToService::Report { host, report } => self.report(now, host, report),
            ToService::Medium { host, works } => {
                if let Some(notice) = self.media.told(host, works) {
                    self.feed(now, Input::Notice(notice));
                }
            }
            ToService::Silence { host, silent_for } => {
                let notice = if host == self.me {
                    Notice::MediumApproachingTimeout { host, silent_for }
                } else {
                    Notice::HostApproachingTimeout { host, silent_for }
                };
                self.feed(now, Input::Notice(notice));
            }
            ToService::Hello(_)
            | ToService::Begin { .. }
            | ToService::Probe
            | ToService::Keys(_)
            | ToService::Leader { .. } => {}
        }
    }

    /// What was asked to be stored is durable, or never will be.
    pub fn stored(&mut self, now: Instant, ticket: Ticket, durable: bool) {
        if ticket == OWN_TICKET {
            // What could not be forgotten is forgotten by the next term.
            return;
        }
        self.feed(now, if durable { Input::Stored { ticket } } else { Input::StoreFailed { ticket } });
    }

    /// Somebody asks for something, under a number of his.
    pub fn ask(&mut self, now: Instant, ask: u64, what: &Ask) {
        match what.call(&self.names) {
            Ok(what) => self.feed(now, Input::Call { call: CallId(ask), what }),
            Err(refusal) => self.deeds.push_back(Deed::Reply { ask, answer: Err(refusal) }),
        }
    }

    /// An operator wants something of the agents.
    pub fn wish(&mut self, wish: OperatorWish) {
        self.deeds.push_back(Deed::Send(FromService::Operator(wish)));
    }

    /// The pool's document is this now, and durable.
    ///
    /// # Errors
    /// If it makes none for the coordinator, which keeps the one that it has.
    pub fn document(&mut self, now: Instant, pool: Arc<Pool>) -> Result<(), Vec<Defect>> {
        let gone = self.served.vm_indices().map(|vm| self.served.vm_id(vm));
        self.strangers.extend(gone.filter(|vm| pool.find_vm(vm).is_none()).map(str::to_owned));
        self.forget();
        // Whoever has changed the document may have said of hosts and VMs what is not so: it is told again how they are.
        if self.picture.as_ref().is_some_and(|picture| picture.correct(&pool).is_some()) {
            self.picture = None;
        }
        self.served = pool;
        self.redo_document(now)
    }

    /// Has all that is kept of VMs forgotten that are not the pool's any more.
    fn forget(&mut self) {
        let mut batch = Batch::default();
        for vm in std::mem::take(&mut self.strangers) {
            records::forget_vm(&mut batch, self.document.id(), &vm);
            self.definitions.remove(&vm);
            self.choices.forget(&vm);
        }
        if !batch.writes.is_empty() {
            self.deeds.push_back(Deed::Store { ticket: OWN_TICKET, batch });
        }
    }

    /// Who belongs to the pool is this now, and durable: everybody is told.
    ///
    /// # Errors
    /// As for [`Self::document`].
    pub fn enrol(&mut self, now: Instant, roster: Roster) -> Result<(), Vec<Defect>> {
        self.names.follow(&roster);
        self.roster = roster;
        for host in self.live.clone() {
            self.note(host, &OrderNote::Roster(self.roster.clone()));
        }
        self.redo_document(now)
    }

    /// How hosts and VMs are, if that has changed since this was last asked.
    pub fn news_of_picture(&mut self) -> Option<Arc<Picture>> {
        // Before anything is agreed everybody would look dead.
        if !self.agreed {
            return None;
        }
        let picture = Picture::of(&self.coordinator.picture(), &self.names, &self.out);
        let picture = picture.with(&self.names, self.coordinator.bearings());
        if self.picture.as_deref() == Some(&picture) {
            return None;
        }
        let picture = Arc::new(picture);
        self.picture = Some(Arc::clone(&picture));
        Some(picture)
    }

    fn feed(&mut self, now: Instant, input: Input) {
        self.now = now;
        self.coordinator.handle(now, input);
        self.drain();
    }

    fn agreed(&mut self, now: Instant, configuration: &Configuration) {
        if !std::mem::replace(&mut self.agreed, true) {
            let (names, served) = (&self.names, &self.served);
            let known = |host: &HostIndex| served.find_host(names.host_id(*host)?);
            let was_up = |host: &HostIndex| known(host).is_some_and(|host| served.host(host).state.is_up());
            self.came = (0..names.hosts()).map(HostIndex::new).filter(was_up).collect();
        }
        (self.live, self.out) = (BTreeSet::new(), self.came.clone());
        for (position, entry) in configuration.hosts.iter().enumerate() {
            let host = HostIndex::new(position);
            match entry.standing {
                Standing::Member { .. } => {
                    self.live.insert(host);
                    self.came.insert(host);
                    self.out.remove(&host);
                }
                Standing::Out => {
                    self.sightings.over(host);
                    self.orders.void(host);
                }
                Standing::Fencing { .. } => {
                    self.out.remove(&host);
                }
                Standing::Fenced { .. } => {
                    self.out.remove(&host);
                    self.sightings.over(host);
                }
            }
        }
        self.feed(now, Input::Liveset(interpreter::liveset(configuration)));
    }

    fn redo_document(&mut self, now: Instant) -> Result<(), Vec<Defect>> {
        let (served, seen) = (Arc::clone(&self.served), &self.sightings);
        let first_seen = |vm: &str| seen.of(vm).next();
        let known = self.names.vms().len();
        let next = document::follow(&mut self.names, &served, &self.document, &first_seen)?;
        if next == self.document {
            return Ok(());
        }
        let before = std::mem::replace(&mut self.document, next.clone());
        let call = Call::PoolChanged { pool: Box::new(next) };
        // VMs that are new have numbers now.
        self.coordinator.set(self.choices.settings(&self.names));
        self.feed(now, Input::Call { call: OWN_CALL, what: call });
        for vm in self.document.vm_indices() {
            let protection = |pool: &Pool| pool.vms().get(vm.get()).map(|vm| vm.restart_priority);
            if protection(&before) != protection(&self.document) {
                self.tell_where_it_runs(vm);
            }
            let name = self.document.vm_id(vm).to_owned();
            if vm.get() >= known {
                for host in self.sightings.of(&name).collect::<Vec<_>>() {
                    self.feed(now, Input::Report { host, report: Report::Appeared { vm } });
                }
            }
        }
        Ok(())
    }

    fn drain(&mut self) {
        loop {
            while let Some(command) = self.coordinator.next_command() {
                self.carry_out(command);
            }
            let Some((host, order, reason)) = self.refused.pop_front() else { return };
            let report = Report::Finished { order, outcome: Outcome::Failed { reason } };
            self.coordinator.handle(self.now, Input::Report { host, report });
        }
    }

    fn carry_out(&mut self, command: Command) {
        match command {
            Command::Store { ticket, records } => {
                self.places.extend(records.iter().filter_map(placed));
                let mut batch = Batch::default();
                records::put(&mut batch, &self.names, &self.document, &self.served, &records);
                self.deeds.push_back(Deed::Store { ticket, batch });
            }
            Command::Start { host, vm, order, .. } => match self.tell_of(vm, host) {
                Ok(()) => self.give(&command),
                // It would start what it was made of at some other time, or nothing.
                Err(reason) => self.refused.push_back((host, order, reason)),
            },
            Command::Migrate { vm, to, .. } => {
                // It comes with its definition; what the far end is told is for later.
                if let Err(reason) = self.tell_of(vm, to) {
                    tracing::warn!(vm = self.document.vm_id(vm), reason, "a host is not told of a VM");
                }
                self.give(&command);
            }
            Command::Stop { .. } => self.give(&command),
            Command::Alert(alert) => {
                let found = findings::of_coordinator(&alert, &self.names, &self.document);
                self.found(found);
            }
            Command::RequestFence { host } => self.deeds.push_back(Deed::Send(FromService::Fence { host })),
            Command::HostMayLeave { host, reboots } => {
                self.note(host, &if reboots { OrderNote::Reboot } else { OrderNote::Leave });
            }
            Command::Reply { call, .. } if call == OWN_CALL => {}
            Command::Reply { call, answer } => self.deeds.push_back(Deed::Reply { ask: call.0, answer }),
        }
    }

    fn give(&mut self, command: &Command) {
        let document = &self.document;
        let Some(id) = self.orders.next(command, |vm| document.vm_id(vm).to_owned()) else { return };
        if let Some((host, order)) = interpreter::order(command, id, |vm| document.vm_id(vm)) {
            self.deeds.push_back(Deed::Send(FromService::Order { host, order }));
        }
    }

    fn found(&mut self, found: Option<Finding>) {
        if let Some(found) = found {
            self.learn(Learned::Found(Box::new(found)));
        }
    }

    fn learn(&mut self, learned: Learned) {
        self.deeds.push_back(Deed::Learn(learned));
    }
}

/// The calls that the machine makes itself.
const OWN_CALL: CallId = CallId(u64::MAX);
/// The writes that the machine asks for itself.
const OWN_TICKET: Ticket = Ticket(u64::MAX);

fn placed(record: &Record) -> Option<(VmIndex, Place)> {
    match *record {
        Record::Place { vm, place } => Some((vm, place)),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
