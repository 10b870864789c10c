//! Turns in, deeds out: no clock, no store, no socket.
mod by_hand;

use super::super::names::tests::roster;
use super::super::planner::TimedPlanner;
use super::*;
use crate::served::alerts::Kind;
use lifeboat_coordinator::input::Evidence;
use lifeboat_link::ReportNote;
use lifeboat_link::note::{self, VmFacts};
use lifeboat_model::PoolSpec;
use lifeboat_model::spec::RestartPriority;
use lifeboat_model::spec::{HostSpec, VmSpec};
use lifeboat_protocol::configuration::HostEntry;
use lifeboat_protocol::evidence::EvidenceKind;
use lifeboat_protocol::order as told;
use lifeboat_protocol::order::{Order, Outcome, VmState};
use lifeboat_protocol::{Boot, ConfigurationNumber};
use std::time::Duration;

const EPOCH: Epoch = Epoch(7);

struct World {
    machine: Machine<TimedPlanner>,
    now: Instant,
    /// What is durable.
    store: BTreeMap<Vec<u8>, Vec<u8>>,
    store_works: bool,
    orders: Vec<(HostIndex, Order)>,
    notes: Vec<(HostIndex, OrderNote)>,
    replies: Vec<(u64, Result<(), Refusal>)>,
    learned: Vec<Learned>,
}

fn host(position: usize) -> HostIndex {
    HostIndex::new(position)
}

fn pool(hosts: usize, vms: &[(&str, usize)]) -> Arc<Pool> {
    let host = |number| HostSpec { id: format!("h{number}"), memory_mib: 8192, ..HostSpec::default() };
    let vm = |(id, on): &(&str, usize)| VmSpec {
        id: (*id).to_owned(),
        memory_mib: 512,
        host: Some(format!("h{on}")),
        restart_priority: RestartPriority::Restart,
        ..VmSpec::default()
    };
    let spec = PoolSpec {
        id: "prod".to_owned(),
        hosts: (1..=hosts).map(host).collect(),
        vms: vms.iter().map(vm).collect(),
        ..PoolSpec::default()
    };
    Arc::new(Pool::new(&spec).expect("a pool"))
}

fn configuration(standings: &[Standing]) -> Configuration {
    Configuration {
        number: ConfigurationNumber(9),
        leader: host(0),
        epoch: EPOCH,
        timeout: Duration::from_secs(5),
        key_epoch: 1,
        disarm: None,
        braked: false,
        hosts: standings.iter().map(|&standing| HostEntry { standing, ..HostEntry::default() }).collect(),
    }
}

const LIVE: Standing = Standing::Member { boot: Boot(1), joined: ConfigurationNumber(1) };
const FENCING: Standing = Standing::Fencing { boot: Boot(1), joined: ConfigurationNumber(1), led: None };

impl World {
    fn begin(pool: Arc<Pool>, kept: Vec<Kept>, epoch: Epoch) -> Self {
        let now = Instant::from_micros(1_000_000);
        let begin = Begin { me: host(0), epoch, roster: roster(&["h1", "h2", "h3"]), pool, kept };
        let machine = Machine::begin(now, begin, TimedPlanner).expect("right");
        let mut world = Self {
            machine,
            now,
            store: BTreeMap::new(),
            store_works: true,
            orders: Vec::new(),
            notes: Vec::new(),
            replies: Vec::new(),
            learned: Vec::new(),
        };
        world.carry_out();
        world
    }

    fn with(vms: &[(&str, usize)]) -> Self {
        let mut world = Self::begin(pool(3, vms), Vec::new(), EPOCH);
        world.frame(ToService::Agreed(Box::new(configuration(&[LIVE; 3]))));
        for number in 1..=3 {
            let mine: Vec<&str> = vms.iter().filter(|(_, on)| *on == number).map(|(vm, _)| *vm).collect();
            world.inventory(number - 1, &mine);
        }
        world
    }

    fn frame(&mut self, frame: ToService) {
        self.machine.frame(self.now, frame);
        self.carry_out();
    }

    fn report(&mut self, from: usize, report: told::Report) {
        self.frame(ToService::Report { host: host(from), report });
    }

    fn says(&mut self, from: usize, note: &ReportNote) {
        self.report(from, told::Report::Note { bytes: note::pack(note).expect("short") });
    }

    fn inventory(&mut self, from: usize, vms: &[&str]) {
        let running = vms.iter().map(|vm| ((*vm).to_owned(), VmState::Running)).collect();
        self.report(from, told::Report::Inventory { vms: running });
        for vm in vms {
            self.says(from, &facts(vm));
        }
    }

    fn done(&mut self, order: &Order, from: HostIndex) {
        let report = told::Report::Finished { id: order.id(), outcome: Outcome::Done };
        self.frame(ToService::Report { host: from, report });
    }

    fn loses(&mut self, position: usize) {
        let mut standings = [LIVE; 3];
        standings[position] = FENCING;
        self.frame(ToService::Agreed(Box::new(configuration(&standings))));
        self.frame(ToService::Safe { host: host(position), boot: Boot(1), kind: EvidenceKind::PowerOff });
    }

    fn waits(&mut self, span: Duration) {
        let until = self.now + span;
        while let Some(due) = self.machine.deadline().filter(|due| *due <= until) {
            self.now = due.max(self.now + Duration::from_micros(1));
            self.machine.elapsed(self.now);
            self.carry_out();
            while self.machine.rest(self.now) {
                self.carry_out();
            }
        }
        self.now = until;
    }

    fn carry_out(&mut self) {
        while let Some(deed) = self.machine.next_deed() {
            match deed {
                Deed::Send(FromService::Order { host, order: Order::Note { bytes, .. } }) => {
                    self.notes.push((host, note::unpack(&bytes).expect("a note")));
                }
                Deed::Send(FromService::Order { host, order }) => self.orders.push((host, order)),
                Deed::Send(_) => {}
                Deed::Store { ticket, batch } => {
                    if self.store_works {
                        for write in batch.writes {
                            match write {
                                lifeboat_store::Write::Put(record) => {
                                    self.store.insert(record.key.as_bytes().to_vec(), record.value);
                                }
                                lifeboat_store::Write::Delete(key) => {
                                    self.store.remove(key.as_bytes());
                                }
                                lifeboat_store::Write::DeleteUnder(_) => unreachable!("nobody asks for it"),
                            }
                        }
                    }
                    self.machine.stored(self.now, ticket, self.store_works);
                }
                Deed::Reply { ask, answer } => self.replies.push((ask, answer)),
                Deed::Learn(learned) => self.learned.push(learned),
            }
        }
    }

    fn kept(&self) -> Vec<Kept> {
        let record = |(key, value): (&Vec<u8>, &Vec<u8>)| Kept {
            key: lifeboat_store::Key::from_bytes(key.clone()),
            value: value.clone(),
        };
        self.store.iter().map(record).collect()
    }

    fn starts(&self) -> Vec<(HostIndex, String)> {
        let starts = self.orders.iter().filter(|(_, order)| matches!(order, Order::Start { .. }));
        starts.map(|(host, order)| (*host, order.vm().expect("a VM").to_owned())).collect()
    }
}

fn facts(vm: &str) -> ReportNote {
    ReportNote::Vm(VmFacts {
        vm: vm.to_owned(),
        definition: format!("<domain>{vm}</domain>"),
        memory_mib: 512,
        ..VmFacts::default()
    })
}

#[test]
fn a_vm_is_not_started_where_nobody_can_say_what_it_is_made_of() {
    let mut world = World::begin(pool(3, &[("db", 2)]), Vec::new(), EPOCH);
    world.frame(ToService::Agreed(Box::new(configuration(&[LIVE; 3]))));
    for position in [0, 2] {
        world.inventory(position, &[]);
    }
    let running = vec![("db".to_owned(), VmState::Running)];
    world.report(1, told::Report::Inventory { vms: running });
    world.loses(1);
    world.waits(Duration::from_secs(3));
    assert_eq!(world.orders, [], "the hosts would start what it was at some other time");
    let why = |learned: &Learned| {
        matches!(learned, Learned::Found(found) if found.kind == Kind::VmRestartFailed
            && found.summary.contains("no host has said what it is made of"))
    };
    assert!(world.learned.iter().any(why), "{:?}", world.learned);
    world.says(2, &facts("db"));
    world.waits(Duration::from_mins(1));
    assert_eq!(world.starts().len(), 1, "now it is known");
}

#[test]
fn a_vm_that_was_bound_to_a_host_for_a_while_may_run_again_where_an_operator_allowed_it() {
    let mut world = World::with(&[("db", 2)]);
    let mut spec = world.machine.served.describe();
    spec.vms[0].allowed_hosts = Some(vec!["h2".to_owned(), "h3".to_owned()]);
    let now = world.now;
    world.machine.document(now, Arc::new(Pool::new(&spec).expect("a pool"))).expect("right");
    let ReportNote::Vm(plain) = facts("db") else { unreachable!("it is one") };
    let bound = VmFacts { bound_by: vec!["a local CD-ROM".to_owned()], ..plain.clone() };
    world.says(1, &ReportNote::Vm(bound.clone()));
    // The document says so meanwhile, and it is told again.
    spec.vms[0].allowed_hosts = Some(vec!["h2".to_owned()]);
    world.machine.document(now, Arc::new(Pool::new(&spec).expect("a pool"))).expect("right");
    world.says(1, &ReportNote::Vm(VmFacts { memory_mib: 1024, ..bound }));
    world.learned.clear();
    world.says(1, &ReportNote::Vm(plain));
    let restored = |learned: &Learned| match learned {
        Learned::Vm { released: Some(allowed), .. } => {
            allowed.as_deref() == Some(&["h2".to_owned(), "h3".to_owned()])
        }
        _ => false,
    };
    assert!(world.learned.iter().any(restored), "{:?}", world.learned);
}

#[test]
fn a_dead_hosts_vms_start_elsewhere_by_name_each_after_what_it_is_made_of() {
    let mut world = World::with(&[("db", 2), ("web", 2), ("own", 1)]);
    world.says(1, &facts("db"));
    world.loses(1);
    let mut started: Vec<String> = world.starts().into_iter().map(|(_, vm)| vm).collect();
    started.sort();
    assert_eq!(started, ["db", "web"]);
    assert!(world.starts().iter().all(|(on, _)| *on != host(1)));
    let (to, _) = world.starts().into_iter().find(|(_, vm)| vm == "db").expect("it starts");
    let told = world.notes.iter().any(|(on, note)| {
        *on == to
            && matches!(note, OrderNote::Vm(vm) if vm.vm == "db" && vm.definition == "<domain>db</domain>" && vm.protected)
    });
    assert!(told, "{:?}", world.notes);
}

#[test]
fn the_numbers_of_orders_and_notes_only_rise() {
    let mut world = World::with(&[("db", 2), ("web", 2)]);
    world.loses(1);
    let numbers: Vec<u64> = world.orders.iter().map(|(_, order)| order.id().number).collect();
    assert!(numbers.len() == 2 && numbers.is_sorted() && numbers[0] < numbers[1], "{numbers:?}");
    assert!(world.orders.iter().all(|(_, order)| order.id().epoch == EPOCH));
}

#[test]
fn nothing_starts_while_the_store_is_out_of_reach_and_calls_are_refused() {
    let mut world = World::with(&[("db", 2), ("off", 1)]);
    world.store_works = false;
    world.loses(1);
    assert_eq!(world.starts(), []);
    world.machine.ask(world.now, 1, &Ask::Disable { host: "h3".to_owned() });
    world.carry_out();
    assert_eq!(world.replies, [(1, Err(Refusal::StoreOutOfReach))]);
    world.store_works = true;
    world.waits(Duration::from_secs(3));
    assert_eq!(world.starts().len(), 1);
}

#[test]
fn the_next_term_goes_on_where_this_one_was() {
    let mut world = World::with(&[("db", 2), ("web", 1)]);
    world.loses(1);
    let [(on, _)] = world.starts()[..] else { panic!("one start: {:?}", world.starts()) };
    // The next one knows the document as it was before all this, and the records.
    let next = World::begin(pool(3, &[("db", 2), ("web", 1)]), world.kept(), Epoch(8));
    let picture = next.machine.coordinator.picture();
    let db = picture.find_vm("db").expect("it is known");
    assert_eq!(picture.vm(db).host, Some(on), "it may be there: nobody starts it again");
}

#[test]
fn a_host_is_emptied_of_vms_that_appeared_in_an_earlier_term_and_failures_are_told() {
    let mut first = World::with(&[("db", 1)]);
    let served = Arc::clone(&first.machine.served);
    first.says(2, &facts("web"));
    first.says(2, &ReportNote::Appeared { vm: "web".to_owned() });
    let mut spec = served.describe();
    spec.vms.push(VmSpec { id: "web".to_owned(), memory_mib: 512, ..VmSpec::default() });
    let served = Arc::new(Pool::new(&spec).expect("a pool"));
    let now = first.now;
    first.machine.document(now, Arc::clone(&served)).expect("right");
    first.carry_out();

    let mut world = World::begin(served, first.kept(), Epoch(EPOCH.0 + 1));
    world.frame(ToService::Agreed(Box::new(configuration(&[LIVE; 3]))));
    for (position, vms) in [&["db"][..], &[], &["web"]].into_iter().enumerate() {
        world.inventory(position, vms);
    }
    world.machine.ask(world.now, 1, &Ask::Evacuate { host: "h3".to_owned() });
    world.carry_out();
    assert!(matches!(world.replies[..], [(1, Ok(()))]), "{:?}", world.replies);
    for _ in 0..2 {
        let (from, order) = world.orders.pop().expect("a migration");
        assert!(matches!(&order, Order::Migrate { vm, .. } if vm == "web"), "{order:?}");
        assert_eq!(from, host(2));
        let outcome = Outcome::Failed { reason: "its disk is nobody else's".to_owned() };
        world.report(2, told::Report::Finished { id: order.id(), outcome });
        assert_eq!(world.orders, [], "not at once");
        world.waits(Duration::from_secs(3));
    }
    assert!(!world.orders.is_empty(), "it is tried again");
    let told = world.learned.iter().any(|learned| {
        matches!(learned, Learned::Found(found) if found.kind == Kind::EvacuationStalled
            && found.summary.contains("its disk is nobody else's"))
    });
    assert!(told, "{:?}", world.learned);
}

#[test]
fn a_vm_on_a_second_host_is_stopped_there_at_once_and_told() {
    let mut world = World::with(&[("db", 2)]);
    world.waits(Duration::from_secs(2));
    world.says(2, &ReportNote::Appeared { vm: "db".to_owned() });
    let [(on, Order::Stop { vm, .. })] = &world.orders[..] else { panic!("one stop: {:?}", world.orders) };
    assert_eq!((*on, &**vm), (host(2), "db"));
    let told =
        |learned: &Learned| matches!(learned, Learned::Found(found) if found.kind.word() == "vm-runs-twice");
    assert!(world.learned.iter().any(told));
    let order = world.orders[0].1.clone();
    world.done(&order, host(2));
    let picture = world.machine.coordinator.picture();
    let db = picture.find_vm("db").expect("it is known");
    assert_eq!((picture.vm(db).host, picture.vm(db).migrating_to), (Some(host(1)), None));
    world.waits(Duration::from_secs(10));
    assert_eq!(world.orders.len(), 1, "{:?}", world.orders);
}

#[test]
fn a_vm_that_the_pool_gets_to_know_is_where_it_was_seen() {
    let mut world = World::with(&[]);
    world.inventory(1, &["stranger"]);
    world.says(1, &facts("stranger"));
    let runs_there =
        |learned: &Learned| matches!(learned, Learned::Vm { host, runs: true, .. } if host == "h2");
    assert!(world.learned.iter().any(runs_there));
    world.machine.document(world.now, pool(3, &[("stranger", 2)])).expect("right");
    world.carry_out();
    world.loses(1);
    assert_eq!(world.starts().len(), 1);
}

#[test]
fn how_things_are_is_told_once_something_is_agreed_and_when_it_changes() {
    let mut world = World::begin(pool(3, &[("db", 2)]), Vec::new(), EPOCH);
    assert_eq!(world.machine.news_of_picture(), None, "nobody is dead because nothing is agreed yet");
    world.frame(ToService::Agreed(Box::new(configuration(&[LIVE; 3]))));
    let served = pool(3, &[("db", 2)]);
    let told = world.machine.news_of_picture().expect("the first one");
    let says = told.correct(&served).map(|corrected| corrected.events.len());
    assert_eq!(says, Some(0), "it is as the document says, which did not say that it should be so");
    assert_eq!(world.machine.news_of_picture(), None);
    for from in 0..3 {
        world.inventory(from, if from == 1 { &["db"] } else { &[] });
    }
    world.loses(1);
    let told = world.machine.news_of_picture().expect("a host is dead");
    assert_eq!(
        told.correct(&served).expect("news").pool.host(host(1)).state,
        lifeboat_model::spec::HostState::Fenced
    );
}

#[test]
fn evidence_is_the_coordinators() {
    assert_eq!(interpreter::evidence(EvidenceKind::PowerOff), Evidence::PowerOff);
}
