//! The world: everything there is, the one true time, and what is due next. [`World::step`] takes the next thing that is
//! due and lets it happen; each kind of thing has its file below.
//!
//! Nothing here is shared with the product but its state machines and codecs: an agent sees its host's clock, its
//! datagrams and its medium's answers, and nothing else of the world.
mod agent;
mod control;
mod due;
mod faults;
mod host;
mod hypervisor;
mod medium;
mod migration;
mod operator;
mod power;
mod preroll;
mod store;
mod view;

pub use control::ControlView;
pub use host::Power;

use crate::draw::{Concern, Draw};
use crate::invariant::Observer;
use crate::network::Network;
use crate::planner::BoundedPlanner;
use crate::scenario::{Scenario, WorldSettings};
use crate::schedule::Schedule;
use crate::trace::Trace;
use crate::{At, Happening};
use core::time::Duration;
use due::Due;
use host::Host;
use lifeboat_model::{Pool, VmIndex};
use lifeboat_protocol::Settings;
use lifeboat_protocol::keyring::Keyring;
use lifeboat_protocol::medium::PoolId;
use medium::Shared;
use std::collections::{BTreeMap, BTreeSet};
use store::Store;

/// A world.
pub struct World<'w> {
    now: At,
    /// When the pool had formed and all VMs ran.
    formed: Option<At>,
    /// When it will have been so for a while.
    rested: Option<At>,
    schedule: Schedule<Due>,
    scenario: Scenario,
    settings: WorldSettings,
    /// The pool document as it is now.
    pool: Pool,
    /// The document after each `set` of the scenario, by the event's position.
    documents: BTreeMap<usize, Pool>,
    liveness: Settings,
    pool_id: PoolId,
    hosts: Vec<Host>,
    by_name: BTreeMap<String, VmIndex>,
    network: Network,
    shared: Shared,
    store: Store,
    /// VMs that do not start: on a host, or anywhere.
    start_fails: BTreeSet<(VmIndex, Option<usize>)>,
    start_latency: Duration,
    planner: BoundedPlanner,
    draws: Draws,
    next_run: u32,
    next_call: u64,
    calls: BTreeMap<u64, String>,
    trace: Trace,
    /// Who watches, if anybody does; away while it is told something.
    observer: Option<&'w mut dyn Observer>,
}

/// The streams of chance.
struct Draws {
    network: Draw,
    medium: Draw,
    killing: Draw,
}

impl<'w> World<'w> {
    /// A world at its beginning: every host that the document does not call dead boots with its VMs running, as in
    /// a pool for which high availability is enabled now.
    pub fn new(
        scenario: Scenario,
        pool: Pool,
        documents: BTreeMap<usize, Pool>,
        seed: u64,
        observer: &'w mut dyn Observer,
    ) -> Self {
        let mut world = Self::still(scenario, pool, documents, seed);
        world.observer = Some(observer);
        world.begin();
        world
    }

    /// The same, and nobody watches.
    pub(crate) fn unwatched(scenario: Scenario, pool: Pool, seed: u64) -> Self {
        let mut world = Self::still(scenario, pool, BTreeMap::new(), seed);
        world.begin();
        world
    }

    /// A world before its first moment.
    fn still(scenario: Scenario, pool: Pool, documents: BTreeMap<usize, Pool>, seed: u64) -> Self {
        let settings = scenario.world.clone();
        let networks = scenario.settings.networks();
        let count = pool.hosts().len();
        let mut clocks = Draw::new(seed, Concern::Clocks);
        let mut keys = Draw::new(seed, Concern::Keys);
        let pool_id = PoolId(keys.bytes());
        let liveness = preroll::liveness(&scenario, &pool, networks.len());
        let keyring = Keyring::new(1, keys.bytes());
        let hosts = pool
            .host_indices()
            .map(|host| Host::new(pool.host(host), &settings, keyring.clone(), &mut clocks))
            .collect();
        let by_name = pool.vm_indices().map(|vm| (pool.vm_id(vm).to_owned(), vm)).collect();
        Self {
            now: At::START,
            formed: None,
            rested: None,
            schedule: Schedule::default(),
            network: Network::new(count, networks.len(), &settings),
            shared: Shared::new(&pool, pool_id),
            store: Store::default(),
            draws: Draws {
                network: Draw::new(seed, Concern::Network),
                medium: Draw::new(seed, Concern::Medium),
                killing: Draw::new(seed, Concern::Killing),
            },
            planner: BoundedPlanner,
            start_fails: BTreeSet::new(),
            start_latency: Duration::ZERO,
            next_run: 0,
            next_call: 0,
            calls: BTreeMap::new(),
            trace: Trace::default(),
            scenario,
            settings,
            pool,
            documents,
            liveness,
            pool_id,
            hosts,
            by_name,
            observer: None,
        }
    }

    /// Lets the next thing happen that is due at `until` or before; false if there is none, and then it is `until`.
    pub fn step(&mut self, until: At) -> bool {
        if self.schedule.next_at().is_none_or(|at| at > until) {
            self.now = self.now.max(until);
            return false;
        }
        if let Some((at, due)) = self.schedule.take() {
            self.now = at;
            self.happen(due);
        }
        true
    }

    /// Gives whoever watches the last word.
    pub fn end(&mut self) {
        if let Some(observer) = self.observer.take() {
            observer.at_end(self);
            self.observer = Some(observer);
        }
    }

    /// Whether whoever watches has seen enough.
    pub fn is_done(&self) -> bool {
        self.observer.as_ref().is_some_and(|observer| observer.done())
    }

    /// Tells whoever watches what has just happened.
    fn tell(&mut self, what: &Happening<'_>) {
        self.trace.take(self.now, what);
        if let Some(observer) = self.observer.take() {
            observer.observe(self, what);
            self.observer = Some(observer);
        }
    }

    /// Puts something on the schedule, so long after now.
    fn after(&mut self, span: Duration, due: Due) {
        let at = self.now + span;
        self.schedule.put(at, due);
    }

    /// A number that no process had before.
    fn new_run(&mut self) -> u32 {
        self.next_run += 1;
        self.next_run
    }
}
