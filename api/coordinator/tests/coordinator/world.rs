//! A pool of scripted hosts around one coordinator, in virtual time. It is a fake on purpose: the simulator runs the real
//! agents and the real protocol, and is far too rich to make a coordinator meet one certain sequence of words. What is
//! kept true to life is what safety rests on: sessions die with the term, the boot and the process; orders take time;
//! a write counts when it is answered.
mod faults;

use lifeboat_coordinator::alert::{Alert, AlertKind, Phase, Subject};
use lifeboat_coordinator::input::{
    Call, CallId, Evidence, Liveset, Notice, Outcome, Report, Seen, Standing, StopCause,
};
use lifeboat_coordinator::record::{Key, Record};
use lifeboat_coordinator::{
    Command, Coordinator, Gate, Input, Instant, OrderNumber, Outlook, Planner, Refusal, Settings, Ticket,
};
use lifeboat_model::plan::RestartPlan;
use lifeboat_model::spec::{HostSpec, RestartPriority, VmSpec};
use lifeboat_model::{HostIndex, HostSet, Pool, PoolSpec, VmIndex};
use lifeboat_planner::Limits;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// The real planner, with little work.
#[derive(Debug, Default)]
pub(crate) struct Real {
    /// Returns plans that the checker must refuse.
    pub(crate) lies: bool,
}

impl Planner for Real {
    fn restart_plan(&mut self, pool: &Pool, failed: &HostSet) -> RestartPlan {
        let limits = Limits { work: Some(20_000), max_failures: Some(1), ..Limits::default() };
        let assessment = lifeboat_planner::assess(pool, &limits);
        let mut plan = lifeboat_planner::restart_plan(pool, failed, &assessment, &limits);
        if self.lies {
            for restart in &mut plan.restarts {
                restart.to = failed.first().unwrap_or(HostIndex(0));
            }
        }
        plan
    }

    fn outlook(&mut self, pool: &Pool) -> Outlook {
        let limits = Limits { work: Some(20_000), max_failures: Some(3), ..Limits::default() };
        let assessment = lifeboat_planner::assess(pool, &limits);
        Outlook {
            proven: assessment.tolerance.sequential.proven,
            overcommitted: assessment.overcommitted,
            reason: assessment.witness.map(|witness| witness.reason).unwrap_or_default(),
        }
    }
}

/// What is on its way.
#[derive(Clone, Debug)]
enum Coming {
    Stored(Ticket, Vec<Record>),
    Order {
        host: HostIndex,
        session: u64,
        command: Command,
    },
    Done {
        host: HostIndex,
        session: u64,
        command: Command,
    },
    Report {
        host: HostIndex,
        session: u64,
        report: Report,
    },
    /// A new session's first word; orders handed over before it is heard are lost.
    Inventory {
        host: HostIndex,
        session: u64,
        vms: Vec<(VmIndex, Seen)>,
    },
}

/// A scripted host.
#[derive(Clone, Debug, Default)]
pub(crate) struct FakeHost {
    pub(crate) boot: u64,
    /// Whether it has power; without it nothing runs there and nothing is said.
    pub(crate) powered: bool,
    session: u64,
    /// The first session of this boot.
    pub(crate) boot_session: u64,
    /// What it says before its inventory is heard.
    pub(crate) later: Vec<Report>,
    /// The session whose inventory the coordinator has.
    heard: u64,
    pub(crate) running: BTreeSet<VmIndex>,
    arriving: BTreeSet<VmIndex>,
    /// VMs whose start fails there.
    pub(crate) fails: BTreeSet<VmIndex>,
    /// Says nothing to the coordinator.
    pub(crate) mute: bool,
    pub(crate) standing: Standing,
}

/// The world.
#[expect(clippy::struct_excessive_bools, reason = "switches that a story throws, each by itself")]
pub(crate) struct World {
    pub(crate) now: Instant,
    pub(crate) pool: Pool,
    pub(crate) settings: Settings,
    pub(crate) coordinator: Coordinator<Real>,
    pub(crate) hosts: Vec<FakeHost>,
    pub(crate) store: BTreeMap<Key, Record>,
    pub(crate) store_works: bool,
    pub(crate) braked: bool,
    pub(crate) disarmed: bool,
    pub(crate) gates: BTreeMap<VmIndex, Duration>,
    /// Ends of migrations that were ordered in another session do not say what became of them.
    pub(crate) silent_ends: bool,
    nothing_agreed: bool,
    /// Orders cross inventories instead of being lost.
    pub(crate) crossing: bool,
    epoch: u64,
    queue: BTreeMap<(Instant, u64), Coming>,
    queued: u64,
    calls: u64,
    /// Start commands, with the moment and the host.
    pub(crate) starts: Vec<(Instant, VmIndex, HostIndex)>,
    pub(crate) alerts: Vec<Alert>,
    pub(crate) replies: Vec<(CallId, Result<(), Refusal>)>,
    pub(crate) fences: Vec<HostIndex>,
    pub(crate) may_leave: Vec<HostIndex>,
    /// Of them, those that boot anew.
    pub(crate) reboots: Vec<HostIndex>,
    pub(crate) writes: usize,
    /// VMs that ran on two hosts: the law that must never be broken.
    pub(crate) doubled: Vec<String>,
}

pub(crate) const BOOT: Duration = Duration::from_secs(2);
const LINK: Duration = Duration::from_millis(1);
const DISK: Duration = Duration::from_millis(2);
const MIGRATION: Duration = Duration::from_secs(1);

pub(crate) fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(crate) fn host(position: usize) -> HostIndex {
    HostIndex::new(position)
}

pub(crate) fn vm(position: usize) -> VmIndex {
    VmIndex::new(position)
}

/// Hosts of this memory, and protected VMs of these sizes, each on a host.
pub(crate) fn spec(hosts: usize, host_mib: u64, vms: &[(u64, usize)]) -> PoolSpec {
    PoolSpec {
        id: "p".into(),
        hosts: (0..hosts)
            .map(|n| HostSpec { id: format!("h{}", n + 1), memory_mib: host_mib, ..HostSpec::default() })
            .collect(),
        vms: vms
            .iter()
            .enumerate()
            .map(|(n, &(memory_mib, on))| VmSpec {
                id: format!("vm{}", n + 1),
                memory_mib,
                host: Some(format!("h{}", on + 1)),
                restart_priority: RestartPriority::Restart,
                ..VmSpec::default()
            })
            .collect(),
        ..PoolSpec::default()
    }
}

impl World {
    pub(crate) fn new(spec: &PoolSpec) -> Self {
        Self::with(spec, Settings::default())
    }

    /// With a planner whose plans must be refused.
    pub(crate) fn lying(spec: &PoolSpec) -> Self {
        Self::begin(spec, Settings::default(), Real { lies: true })
    }

    pub(crate) fn with(spec: &PoolSpec, settings: Settings) -> Self {
        Self::begin(spec, settings, Real::default())
    }

    /// A pool whose VMs run where the document says, in its first term.
    fn begin(spec: &PoolSpec, settings: Settings, planner: Real) -> Self {
        let pool = Pool::new(spec).expect("a pool without defects");
        let now = Instant::from_micros(1_000_000);
        let hosts = pool.host_indices().map(|host| FakeHost {
            boot: 1,
            powered: true,
            session: 0,
            running: pool.vm_indices().filter(|&vm| pool.runs_on(vm) == Some(host)).collect(),
            standing: Standing::Live { boot: 1, quarantined: false },
            ..FakeHost::default()
        });
        let term = lifeboat_coordinator::Term { epoch: 1, host: host(0) };
        let coordinator = Coordinator::new(now, term, pool.clone(), Vec::new(), settings.clone(), planner);
        let mut world = Self {
            now,
            hosts: hosts.collect(),
            pool,
            settings,
            coordinator,
            store: BTreeMap::new(),
            store_works: true,
            braked: false,
            disarmed: false,
            gates: BTreeMap::new(),
            silent_ends: false,
            nothing_agreed: false,
            crossing: false,
            epoch: 1,
            queue: BTreeMap::new(),
            queued: 0,
            calls: 0,
            starts: Vec::new(),
            alerts: Vec::new(),
            replies: Vec::new(),
            fences: Vec::new(),
            may_leave: Vec::new(),
            reboots: Vec::new(),
            writes: 0,
            doubled: Vec::new(),
        };
        world.begin_sessions();
        world.agree();
        world.run(secs(2));
        world
    }

    /// Lets time pass.
    pub(crate) fn run(&mut self, span: Duration) {
        let end = self.now + span;
        let mut rounds = 0;
        loop {
            rounds += 1;
            assert!(rounds < 200_000, "the world does not come to rest");
            let coming = self.queue.keys().next().map(|&(moment, _)| moment);
            let next = coming.into_iter().chain(self.coordinator.deadline()).min();
            let Some(moment) = next.filter(|&moment| moment <= end) else { break };
            self.now = self.now.max(moment);
            if coming == Some(moment) {
                let (_, what) = self.queue.pop_first().expect("something comes");
                self.happen(what);
            } else {
                self.tell(Input::Elapsed);
            }
        }
        self.now = end;
        self.tell(Input::Elapsed);
    }

    /// Hands an input in and carries out what follows.
    pub(crate) fn tell(&mut self, input: Input) {
        self.coordinator.handle(self.now, input);
        self.drain();
        while self.coordinator.assessment_due(self.now) {
            self.coordinator.assess(self.now);
            self.drain();
        }
    }

    fn drain(&mut self) {
        while let Some(command) = self.coordinator.next_command() {
            match command {
                Command::Store { ticket, records } => {
                    self.writes += 1;
                    self.soon(DISK, Coming::Stored(ticket, records));
                }
                Command::Start { host, vm, .. } => {
                    self.starts.push((self.now, vm, host));
                    self.send(host, command);
                }
                Command::Stop { host, .. } | Command::Migrate { host, .. } => self.send(host, command),
                Command::Alert(alert) => self.alerts.push(alert),
                Command::RequestFence { host } => self.fences.push(host),
                Command::HostMayLeave { host, reboots } => {
                    self.may_leave.push(host);
                    self.reboots.extend(reboots.then_some(host));
                }
                Command::Reply { call, answer } => self.replies.push((call, answer)),
            }
        }
    }

    fn send(&mut self, host: HostIndex, command: Command) {
        let session = self.hosts[host.get()].heard;
        self.soon(LINK, Coming::Order { host, session, command });
    }

    fn soon(&mut self, span: Duration, what: Coming) {
        self.queued += 1;
        self.queue.insert((self.now + span, self.queued), what);
    }

    fn report(&mut self, host: HostIndex, report: Report) {
        let session = self.hosts[host.get()].session;
        self.soon(LINK, Coming::Report { host, session, report });
    }

    fn happen(&mut self, what: Coming) {
        match what {
            Coming::Stored(ticket, records) => {
                if self.store_works {
                    for record in records {
                        self.store.insert(record.key(), record);
                    }
                    self.tell(Input::Stored { ticket });
                } else {
                    self.tell(Input::StoreFailed { ticket });
                }
            }
            Coming::Order { host, session, command } => self.carry_out(host, session, command),
            Coming::Done { host, session, command } => self.done(host, session, &command),
            Coming::Report { host, session, report } => {
                let fake = &mut self.hosts[host.get()];
                if fake.heard == session && fake.session == session {
                    self.tell(Input::Report { host, report });
                } else if fake.session == session {
                    // After the session's first word, in order.
                    fake.later.push(report);
                }
            }
            Coming::Inventory { host, session, vms } => {
                let fake = &mut self.hosts[host.get()];
                if fake.session != session || !fake.powered || fake.mute {
                    return;
                }
                fake.heard = session;
                let later = std::mem::take(&mut fake.later);
                self.tell(Input::Report { host, report: Report::Inventory { vms } });
                for report in later {
                    self.tell(Input::Report { host, report });
                }
            }
        }
    }

    fn carry_out(&mut self, host: HostIndex, session: u64, command: Command) {
        let fake = &mut self.hosts[host.get()];
        // What was given before the host's new session was heard of is lost, or crosses its inventory.
        let crosses = fake.boot_session <= session && self.crossing;
        if !fake.powered || fake.session != session && !crosses {
            return;
        }
        let session = fake.session;
        match command {
            Command::Start { vm, .. } => {
                if fake.fails.contains(&vm) {
                    self.soon(Duration::from_millis(300), Coming::Done { host, session, command });
                } else {
                    // From here on its vCPUs may execute.
                    fake.running.insert(vm);
                    self.nobody_twice(vm);
                    self.soon(BOOT, Coming::Done { host, session, command });
                }
            }
            Command::Stop { .. } => {
                self.soon(Duration::from_millis(200), Coming::Done { host, session, command });
            }
            Command::Migrate { vm, to, order, .. } => {
                let leaves = fake.running.contains(&vm);
                let far = &self.hosts[to.get()];
                if leaves && far.powered && !far.fails.contains(&vm) {
                    self.hosts[to.get()].arriving.insert(vm);
                    self.soon(MIGRATION, Coming::Done { host, session, command });
                } else {
                    self.finish(host, order, Outcome::Failed { reason: "cannot be migrated".into() });
                }
            }
            Command::Store { .. }
            | Command::Alert(_)
            | Command::RequestFence { .. }
            | Command::HostMayLeave { .. }
            | Command::Reply { .. } => unreachable!("no order"),
        }
    }

    fn done(&mut self, host: HostIndex, session: u64, command: &Command) {
        let alive = self.hosts[host.get()].powered && self.hosts[host.get()].session == session;
        match *command {
            Command::Start { vm, order, gate, .. } if alive => {
                if self.hosts[host.get()].running.contains(&vm) {
                    self.finish(host, order, Outcome::Done);
                    let ready = self.gates.get(&vm).copied().unwrap_or_default();
                    if gate != Gate::Started && ready < secs(10_000) {
                        self.soon(ready, Coming::Report { host, session, report: Report::Ready { vm } });
                    }
                } else {
                    self.finish(host, order, Outcome::Failed { reason: "no disk".into() });
                }
            }
            Command::Stop { vm, order, .. } if alive => {
                self.hosts[host.get()].running.remove(&vm);
                self.hosts[host.get()].arriving.remove(&vm);
                self.finish(host, order, Outcome::Done);
            }
            Command::Migrate { vm, to, order, .. } => {
                let arrives = self.hosts[to.get()].arriving.remove(&vm) && self.hosts[to.get()].powered;
                let leaves = self.hosts[host.get()].powered && self.hosts[host.get()].running.contains(&vm);
                if arrives && leaves {
                    self.hosts[host.get()].running.remove(&vm);
                    self.hosts[to.get()].running.insert(vm);
                    self.nobody_twice(vm);
                }
                let outcome = match (arrives, leaves) {
                    (true, true) => Outcome::Done,
                    _ => Outcome::Failed { reason: "one end is gone".into() },
                };
                if alive {
                    self.finish(host, order, outcome);
                } else if self.silent_ends {
                    // Nobody tells what became of it.
                } else if arrives && leaves {
                    // Ordered in an earlier session: both ends say what they see.
                    self.report(host, Report::Stopped { vm, cause: StopCause::Stopped });
                    self.report(to, Report::Ready { vm });
                } else if arrives {
                    self.report(to, Report::Stopped { vm, cause: StopCause::Crashed });
                }
            }
            _ => {}
        }
    }

    fn finish(&mut self, host: HostIndex, order: OrderNumber, outcome: Outcome) {
        self.report(host, Report::Finished { order, outcome });
    }

    fn nobody_twice(&mut self, vm: VmIndex) {
        let hosts: Vec<&str> = self.where_runs(vm).iter().map(|&host| self.pool.host_id(host)).collect();
        if hosts.len() > 1 {
            let what = format!("{} runs on {}", self.pool.vm_id(vm), hosts.join(" and "));
            self.doubled.push(what);
        }
    }

    /// Where a VM runs, in truth.
    pub(crate) fn where_runs(&self, vm: VmIndex) -> Vec<HostIndex> {
        self.pool
            .host_indices()
            .filter(|host| {
                let fake = &self.hosts[host.get()];
                fake.powered && fake.running.contains(&vm)
            })
            .collect()
    }
}
