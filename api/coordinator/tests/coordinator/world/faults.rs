//! What can happen to the world from outside: hosts that fail and come back, terms that begin, calls, and what can be
//! asked of it afterwards.
use super::*;

impl World {
    /// Does something of which no agreement is told.
    pub(crate) fn silently(&mut self, what: impl FnOnce(&mut Self)) {
        self.nothing_agreed = true;
        what(self);
        self.nothing_agreed = false;
    }

    /// Tells the coordinator what is agreed.
    pub(crate) fn agree(&mut self) {
        if self.nothing_agreed {
            return;
        }
        let hosts = self.hosts.iter().map(|fake| fake.standing).collect();
        let liveset = Liveset { hosts, quarantined: vec![], braked: self.braked, disarmed: self.disarmed };
        self.tell(Input::Liveset(liveset));
    }

    pub(crate) fn begin_sessions(&mut self) {
        for host in self.pool.host_indices() {
            self.begin_session(host);
        }
    }

    /// A host's agent begins a session: a new term, process or boot.
    pub(crate) fn begin_session(&mut self, host: HostIndex) {
        let fake = &mut self.hosts[host.get()];
        fake.session += 1;
        fake.later.clear();
        let session = fake.session;
        let running = fake.running.iter().map(|&vm| (vm, Seen::Running));
        let vms = running.chain(fake.arriving.iter().map(|&vm| (vm, Seen::Unknown))).collect();
        if fake.powered {
            self.soon(LINK * 2, Coming::Inventory { host, session, vms });
        }
    }

    /// A host loses power; nobody knows yet.
    pub(crate) fn power_off(&mut self, host: HostIndex) {
        let fake = &mut self.hosts[host.get()];
        fake.powered = false;
        fake.running.clear();
        fake.arriving.clear();
    }

    /// The pool agrees that a host is out, its VMs perhaps still running.
    pub(crate) fn evict(&mut self, host: HostIndex) {
        let fake = &mut self.hosts[host.get()];
        if matches!(fake.standing, Standing::Live { .. }) {
            fake.standing = Standing::BeingFenced { boot: fake.boot };
            self.agree();
        }
    }

    /// It is certain that an evicted host runs no VM.
    pub(crate) fn prove(&mut self, host: HostIndex) {
        let fake = &mut self.hosts[host.get()];
        if !matches!(fake.standing, Standing::BeingFenced { .. }) {
            return;
        }
        (fake.powered, fake.session) = (false, fake.session + 1);
        fake.running.clear();
        fake.arriving.clear();
        let (boot, evidence) = (fake.boot, Evidence::LeaseExpired);
        fake.standing = Standing::Safe { boot, evidence };
        self.tell(Input::HostSafe { host, boot, evidence });
        self.agree();
    }

    /// All of it: power lost, agreed, proven.
    pub(crate) fn lose(&mut self, host: HostIndex) {
        self.power_off(host);
        self.evict(host);
        self.prove(host);
    }

    /// A host that is out boots and joins.
    pub(crate) fn rejoin(&mut self, host: HostIndex) {
        let fake = &mut self.hosts[host.get()];
        if matches!(fake.standing, Standing::Live { .. } | Standing::BeingFenced { .. }) {
            return;
        }
        fake.boot += 1;
        fake.boot_session = fake.session + 1;
        fake.powered = true;
        fake.standing = Standing::Live { boot: fake.boot, quarantined: false };
        self.agree();
        self.begin_session(host);
    }

    /// A live host boots again so fast that the pool only ever hears of the later boot.
    pub(crate) fn reboot(&mut self, host: HostIndex) {
        let fake = &mut self.hosts[host.get()];
        if let Standing::Live { quarantined, .. } = fake.standing {
            fake.boot += 1;
            fake.boot_session = fake.session + 1;
            fake.running.clear();
            fake.arriving.clear();
            fake.powered = true;
            fake.standing = Standing::Live { boot: fake.boot, quarantined };
            self.agree();
            self.begin_session(host);
        }
    }

    /// A VM stops by itself.
    pub(crate) fn stops(&mut self, vm: VmIndex, cause: StopCause) {
        for host in self.where_runs(vm) {
            self.hosts[host.get()].running.remove(&vm);
            self.report(host, Report::Stopped { vm, cause });
        }
    }

    /// The next term, from what the store holds.
    pub(crate) fn take_over(&mut self, host: HostIndex) {
        self.epoch += 1;
        self.queue.retain(|_, coming| {
            matches!(coming, Coming::Done { command: Command::Migrate { .. } | Command::Start { .. }, .. })
        });
        let stored = self.store.values().copied().collect();
        let term = lifeboat_coordinator::Term { epoch: self.epoch, host };
        self.coordinator = Coordinator::new(
            self.now,
            term,
            self.pool.clone(),
            stored,
            self.settings.clone(),
            Real::default(),
        );
        self.drain();
        self.begin_sessions();
        self.agree();
    }

    /// Somebody asks for something; the answer comes later.
    pub(crate) fn ask(&mut self, what: Call) -> CallId {
        self.calls += 1;
        let call = CallId(self.calls);
        self.tell(Input::Call { call, what });
        call
    }

    /// Somebody asks for something, and waits for the answer.
    pub(crate) fn answer(&mut self, what: Call) -> Result<(), Refusal> {
        let call = self.ask(what);
        self.run(Duration::from_millis(100));
        self.replies.iter().find(|(known, _)| *known == call).expect("every call is answered").1
    }

    pub(crate) fn notice(&mut self, notice: Notice) {
        self.tell(Input::Notice(notice));
    }

    /// How often alerts of this kind about this subject began.
    pub(crate) fn raised(&self, kind: AlertKind, subject: Subject) -> usize {
        self.count(kind, subject, Phase::Raised)
    }

    pub(crate) fn cleared(&self, kind: AlertKind, subject: Subject) -> usize {
        self.count(kind, subject, Phase::Cleared)
    }

    fn count(&self, kind: AlertKind, subject: Subject, phase: Phase) -> usize {
        let alerts = self.alerts.iter();
        alerts.filter(|alert| (alert.kind, alert.subject, alert.phase) == (kind, subject, phase)).count()
    }

    /// When a VM was last told to start, in milliseconds after `since`.
    pub(crate) fn started_after(&self, since: Instant, vm: VmIndex) -> Option<u128> {
        let start = self.starts.iter().rev().find(|(at, started, _)| *started == vm && *at >= since)?;
        Some(start.0.since(since).as_millis())
    }

    /// A host says something at once.
    pub(crate) fn say(&mut self, host: HostIndex, report: Report) {
        self.tell(Input::Report { host, report });
    }
}
