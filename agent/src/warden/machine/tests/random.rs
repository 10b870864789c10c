//! The machine against a hypervisor that does what chance says: whatever happens in whatever order, the coordinator ends up knowing what is so.
use super::*;
use proptest::prelude::*;

const VMS: [&str; 4] = ["a", "b", "c", "d"];

/// What can happen.
#[derive(Clone, Copy, Debug)]
enum Step {
    Start(usize),
    Stop(usize),
    Migrate(usize),
    /// A job has its effect; its outcome is not told yet.
    Works(usize),
    /// An outcome is told.
    Tells(usize),
    Crash(usize),
    Foreign(usize),
    NewTerm,
    Hush(bool),
    Pass(u64),
    Lease(bool),
}

struct World {
    bench: Bench,
    truth: [bool; 4],
    silent: bool,
    leased: bool,
    /// Jobs that have not had their effect, and outcomes that have not been told.
    begun: Vec<(u64, Job)>,
    outcomes: Vec<(u64, Done)>,
    /// What the coordinator believes; none until the inventory of its term.
    view: Option<BTreeMap<String, bool>>,
    open: BTreeMap<OrderId, Order>,
    closed: BTreeSet<OrderId>,
    given: BTreeMap<OrderId, Order>,
    /// VMs whose start has begun and is not finished.
    starting: BTreeSet<String>,
}

impl World {
    fn new() -> Self {
        let mut world = Self {
            bench: Bench::new(),
            truth: [false; 4],
            silent: false,
            leased: true,
            begun: Vec::new(),
            outcomes: Vec::new(),
            view: None,
            open: BTreeMap::new(),
            closed: BTreeSet::new(),
            given: BTreeMap::new(),
            starting: BTreeSet::new(),
        };
        for vm in VMS {
            world.bench.know(vm, None);
        }
        world.step(Step::NewTerm);
        world
    }

    fn order(&mut self, make: impl Fn(OrderId, String) -> Order, vm: usize) {
        // A coordinator gives no order before the inventory, and one at a time for a VM.
        let vm = VMS[vm % 4].to_owned();
        if self.view.is_none() || self.open.values().any(|order| order.vm() == Some(&vm)) {
            return;
        }
        let id = self.bench.id();
        let order = make(id, vm);
        self.open.insert(id, order.clone());
        self.given.insert(id, order.clone());
        self.bench.tell(Told::Order(order));
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Start(vm) => self.order(|id, vm| Order::Start { id, vm, gate: Gate::Started }, vm),
            Step::Stop(vm) => self.order(|id, vm| Order::Stop { id, vm }, vm),
            Step::Migrate(vm) => self.order(|id, vm| Order::Migrate { id, vm, to: HostIndex(1) }, vm),
            Step::Works(which) if !self.begun.is_empty() => {
                let (ticket, job) = self.begun.remove(which % self.begun.len());
                self.works(ticket, job);
            }
            Step::Tells(which) if !self.outcomes.is_empty() => {
                let (ticket, done) = self.outcomes.remove(which % self.outcomes.len());
                self.bench.tell(Told::Done(ticket, done));
            }
            Step::Crash(vm) => {
                if std::mem::take(&mut self.truth[vm % 4]) && vm < 8 {
                    let ended = Event::Ended(VMS[vm % 4].into(), Ending::Here(StopCause::Crashed));
                    self.bench.tell(Told::Event(ended));
                }
            }
            Step::Foreign(vm) => self.truth[vm % 4] = true,
            Step::NewTerm => {
                self.view = None;
                self.open.clear();
                self.bench.term();
            }
            Step::Hush(silent) => self.silent = silent,
            Step::Pass(seconds) => {
                self.bench.now += seconds;
                self.bench.tell(Told::Elapsed);
            }
            Step::Lease(leased) => {
                self.leased = leased;
                self.bench.tell(Told::Leased(leased));
            }
            Step::Works(_) | Step::Tells(_) => {}
        }
        self.hear();
    }

    fn works(&mut self, ticket: u64, job: Job) {
        let index = |vm: &str| VMS.iter().position(|known| *known == vm).expect("one of ours");
        let done = match job {
            Job::Look if self.silent => Done::Look(Err(Vec::new())),
            Job::Look => {
                let runs = |(position, vm): (usize, &&str)| {
                    let state =
                        if self.truth[position] { GuestState::Running } else { GuestState::Stopped(None) };
                    Guest { vm: (*vm).into(), state }
                };
                Done::Look(Ok(VMS.iter().enumerate().map(runs).collect()))
            }
            Job::Start { vm, .. } if self.leased => {
                self.truth[index(&vm)] = true;
                Done::Start(Ok(Vec::new()))
            }
            // As the permit has it.
            Job::Start { vm, .. } if !self.truth[index(&vm)] => Done::Start(Err("no lease".into())),
            Job::Start { .. } => Done::Start(Ok(Vec::new())),
            Job::Stop { vm } => {
                self.truth[index(&vm)] = false;
                Done::Stop
            }
            Job::Migrate { vm, .. } => {
                let moved = std::mem::take(&mut self.truth[index(&vm)]);
                Done::Migrate(if moved { Ok(()) } else { Err("it stopped".into()) })
            }
            Job::Facts { vm } => Done::Facts(Ok(VmFacts { vm, ..VmFacts::default() })),
            Job::Host => Done::Host(None, Vec::new()),
            Job::Tame => Done::Tame(Vec::new()),
            Job::Revive => Done::Revive,
            other => panic!("{other:?}"),
        };
        self.outcomes.push((ticket, done));
    }

    fn hear(&mut self) {
        for next in self.bench.all() {
            match next {
                Do::Job(ticket, job) => {
                    if let Job::Start { vm, .. } = &job {
                        self.starting.insert(vm.clone());
                    }
                    self.begun.push((ticket, job));
                }
                Do::Report(report) => self.coordinator_hears(report),
                Do::Note(ReportNote::Appeared { vm }) => {
                    if let Some(view) = &mut self.view {
                        view.insert(vm, true);
                    }
                }
                _ => {}
            }
        }
    }

    fn coordinator_hears(&mut self, report: Report) {
        if let Report::Inventory { vms } = report {
            assert!(self.view.is_none(), "one inventory a term");
            self.view = Some(vms.into_iter().map(|(vm, _)| (vm, true)).collect());
            return;
        }
        let view = self.view.as_mut().expect("the inventory comes first");
        match report {
            Report::Finished { id, outcome } => {
                assert!(self.closed.insert(id), "{id:?} is finished twice");
                if let Order::Start { vm, .. } = &self.given[&id] {
                    self.starting.remove(vm);
                }
                // One of an older term is nobody's any more.
                let Some(order) = self.open.remove(&id) else { return };
                let runs = match (&order, outcome) {
                    (Order::Start { .. }, Outcome::Done) => true,
                    (Order::Migrate { .. }, Outcome::Failed { .. }) => return,
                    _ => false,
                };
                view.insert(order.vm().expect("it is about a VM").to_owned(), runs);
            }
            Report::Stopped { vm, .. } => {
                assert!(!self.starting.contains(&vm), "{vm} ended before its start was finished");
                view.insert(vm, false);
            }
            Report::Ready { vm } => drop(view.insert(vm, true)),
            _ => {}
        }
    }

    /// Everything is told, and looked at once more.
    fn settle(&mut self) {
        self.step(Step::Hush(false));
        self.step(Step::Lease(true));
        for _ in 0..6 {
            while !self.begun.is_empty() || !self.outcomes.is_empty() {
                self.step(Step::Works(0));
                self.step(Step::Tells(0));
            }
            self.step(Step::Pass(11));
        }
        self.step(Step::Pass(0));
    }
}

fn steps() -> impl Strategy<Value = Step> {
    let some = 0_usize..12;
    prop_oneof![
        4 => some.clone().prop_map(Step::Start),
        2 => some.clone().prop_map(Step::Stop),
        1 => some.clone().prop_map(Step::Migrate),
        8 => some.clone().prop_map(Step::Works),
        8 => some.clone().prop_map(Step::Tells),
        2 => some.clone().prop_map(Step::Crash),
        1 => some.prop_map(Step::Foreign),
        1 => Just(Step::NewTerm),
        1 => any::<bool>().prop_map(Step::Hush),
        3 => (1_u64..12).prop_map(Step::Pass),
        1 => any::<bool>().prop_map(Step::Lease),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn in_the_end_the_coordinator_knows_what_runs_and_what_became_of_each_order(
        steps in prop::collection::vec(steps(), 1..120),
    ) {
        let mut world = World::new();
        for step in steps {
            world.step(step);
        }
        world.settle();
        prop_assert!(world.open.is_empty(), "orders are left open: {:?}", world.open);
        let view = world.view.expect("there was an inventory");
        for (vm, runs) in VMS.iter().zip(world.truth) {
            let told = view.get(*vm).copied().unwrap_or(false);
            prop_assert_eq!(told, runs, "{}", vm);
        }
    }
}
