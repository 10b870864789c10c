//! A scenario, from its text to its outcome.
use crate::At;
use crate::documents::Documents;
use crate::invariant::Observer;
use crate::judge::judge;
use crate::scenario::{Action, PoolSource, Scenario, ScenarioError, check_names};
use crate::trace::Trace;
use crate::world::{Power, World};
use core::time::Duration;
use lifeboat_model::{HostIndex, Pool, PoolSpec, VmIndex};
use std::collections::BTreeMap;
use std::path::Path;

/// What came of a run.
#[derive(Debug)]
pub struct Outcome {
    /// The seed.
    pub seed: u64,
    /// Expectations that were not met.
    pub unmet: Vec<Unmet>,
    /// What happened.
    pub trace: Trace,
    /// When the pool had formed: the times of the scenario count from here.
    pub formed: At,
    /// When the run ended.
    pub ended: At,
    /// The hosts at the end.
    pub hosts: Vec<HostAtEnd>,
    /// The VMs at the end.
    pub vms: Vec<VmAtEnd>,
    /// The pool, for its names.
    pub pool: Pool,
}

/// An expectation that was not met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unmet {
    /// Its position in the scenario.
    pub position: usize,
    /// When it was judged, counted from when the pool had formed.
    pub by: Duration,
    /// What was expected.
    pub expected: String,
    /// What was found.
    pub found: String,
}

/// A host at the end of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostAtEnd {
    /// The host.
    pub host: HostIndex,
    /// Whether it has power.
    pub power: Power,
    /// Whether it is in the liveset.
    pub in_liveset: bool,
    /// Whether it is the coordinator's.
    pub coordinator: bool,
    /// How many VMs run there.
    pub vms: usize,
}

/// A VM at the end of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VmAtEnd {
    /// The VM.
    pub vm: VmIndex,
    /// Where it runs.
    pub host: Option<HostIndex>,
}

/// Why a scenario could not be run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The scenario is not right.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// Its pool is not right.
    #[error("the pool: {0}")]
    Pool(String),
    /// A `set` event is not right.
    #[error("event {position} (set): {fault}")]
    Set {
        /// Its position, counted from 1.
        position: usize,
        /// What is wrong.
        fault: String,
    },
    /// The pool did not form.
    #[error(
        "the pool did not form within {0:?}: there is no beginning from which the scenario's times could count"
    )]
    NeverFormed(Duration),
}

/// A pool that has not formed by then never will.
const FORMS_WITHIN: Duration = Duration::from_mins(20);

/// A scenario with its pool at hand, to be run under as many seeds as wanted.
#[derive(Clone, Debug)]
pub struct Prepared {
    scenario: Scenario,
    pool: Pool,
    documents: BTreeMap<usize, Pool>,
}

impl Prepared {
    /// Reads the scenario's pool, applies its settings and checks all names. `read` reads a file named in the scenario.
    ///
    /// # Errors
    /// Whatever is wrong with the scenario or its pool.
    pub fn new(
        scenario: &Scenario,
        documents: &dyn Documents,
        read: &dyn Fn(&Path) -> Result<Vec<u8>, String>,
    ) -> Result<Self, RunError> {
        let mut spec = match &scenario.pool {
            PoolSource::File(path) => {
                let named = |error: String| RunError::Pool(format!("{}: {error}", path.display()));
                documents.read(&read(path).map_err(named)?).map_err(named)?
            }
            PoolSource::Generate(made) => made.pool(),
            PoolSource::Document(spec) => PoolSpec::clone(spec),
        };
        scenario.settings.apply(&mut spec.settings);
        check_names(scenario, &spec)?;
        let pool = build(&spec).map_err(RunError::Pool)?;
        let most = lifeboat_protocol::medium::statefile::MAX_HOSTS;
        if pool.settings().medium == lifeboat_model::spec::Medium::Statefile && pool.hosts().len() > most {
            return Err(RunError::Pool(format!("a statefile carries at most {most} hosts; more need etcd")));
        }
        let documents = documents_over_time(scenario, spec, documents)?;
        Ok(Self { scenario: scenario.clone(), pool, documents })
    }

    /// The pool as it is at the beginning.
    pub fn pool(&self) -> &Pool {
        &self.pool
    }

    /// The scenario.
    pub fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    /// Runs it.
    ///
    /// # Errors
    /// If the pool does not form.
    pub fn run(&self, seed: u64, observer: &mut dyn Observer) -> Result<Outcome, RunError> {
        let world =
            World::new(self.scenario.clone(), self.pool.clone(), self.documents.clone(), seed, observer);
        live(world, seed)
    }
}

/// Prepares a scenario and runs it.
///
/// # Errors
/// Whatever is wrong with the scenario or its pool, or if the pool does not form.
pub fn run(
    scenario: &Scenario,
    seed: u64,
    documents: &dyn Documents,
    observer: &mut dyn Observer,
) -> Result<Outcome, RunError> {
    let read = |_: &Path| Err("files cannot be read here".to_owned());
    Prepared::new(scenario, documents, &read)?.run(seed, observer)
}

/// The document after each `set`, in the order of their times.
fn documents_over_time(
    scenario: &Scenario,
    mut spec: PoolSpec,
    documents: &dyn Documents,
) -> Result<BTreeMap<usize, Pool>, RunError> {
    let mut sets: Vec<usize> = (0..scenario.events.len()).collect();
    sets.sort_by_key(|position| scenario.events[*position].at);
    let mut over_time = BTreeMap::new();
    for position in sets {
        let Action::Set { path, value } = &scenario.events[position].action else { continue };
        let fault = |fault| RunError::Set { position: position + 1, fault };
        let changed = documents.set(&spec, path, value).map_err(fault)?;
        let pool = build(&changed).map_err(fault)?;
        let same = |a: &[String], b: &[String]| b.starts_with(a);
        let hosts = |spec: &PoolSpec| spec.hosts.iter().map(|host| host.id.clone()).collect::<Vec<_>>();
        let vms = |spec: &PoolSpec| spec.vms.iter().map(|vm| vm.id.clone()).collect::<Vec<_>>();
        if hosts(&spec) != hosts(&changed) || !same(&vms(&spec), &vms(&changed)) {
            return Err(fault("hosts stay as they are, and VMs are only added at the end".to_owned()));
        }
        over_time.insert(position, pool);
        spec = changed;
    }
    Ok(over_time)
}

fn build(spec: &PoolSpec) -> Result<Pool, String> {
    Pool::new(spec).map_err(|defects| {
        let told: Vec<String> = defects.iter().map(ToString::to_string).collect();
        told.join("; ")
    })
}

/// Lives through a world until its scenario ends, judging each expectation at its moment.
fn live(mut world: World<'_>, seed: u64) -> Result<Outcome, RunError> {
    let formed = forms(&mut world)?;
    let mut order: Vec<usize> = (0..world.scenario().expectations.len()).collect();
    order.sort_by_key(|position| world.scenario().expectations[*position].by);
    let mut unmet = Vec::new();
    for position in order {
        let expectation = world.scenario().expectations[position].clone();
        let at = formed + expectation.by;
        while !world.is_done() && world.step(at) {}
        if world.is_done() {
            break;
        }
        if let Some(found) = judge(&world, &expectation) {
            unmet.push(Unmet { position, by: expectation.by, expected: expectation.to_string(), found });
        }
    }
    let timeout = world.liveness().timeout;
    let end = (formed + world.scenario().ends(timeout)).max(world.now());
    while !world.is_done() && world.step(end) {}
    world.end();
    Ok(outcome(world, seed, formed, unmet))
}

/// Lets a world go on until its pool has formed.
pub(crate) fn forms(world: &mut World<'_>) -> Result<At, RunError> {
    let limit = At::START + FORMS_WITHIN;
    loop {
        if world.is_done() {
            return Ok(world.now());
        }
        if let Some(formed) = world.formed() {
            return Ok(formed);
        }
        if !world.step(limit) {
            return Err(RunError::NeverFormed(FORMS_WITHIN));
        }
    }
}

fn outcome(world: World<'_>, seed: u64, formed: At, unmet: Vec<Unmet>) -> Outcome {
    let newest = world.newest_configuration().cloned();
    let coordinator = world.coordinator().map(|view| view.host);
    let host_at_end = |host| HostAtEnd {
        host,
        power: world.power(host),
        in_liveset: newest.as_ref().is_some_and(|newest| newest.is_member(host, world.boot_of(host))),
        coordinator: coordinator == Some(host),
        vms: world.guests(host).count(),
    };
    let hosts = world.hosts().map(host_at_end).collect();
    let vms = world.pool().vm_indices().map(|vm| VmAtEnd { vm, host: world.runs_at(vm) }).collect();
    let (pool, ended) = (world.pool().clone(), world.now());
    let trace = world.into_trace();
    Outcome { seed, unmet, trace, formed, ended, hosts, vms, pool }
}
