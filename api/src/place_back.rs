//! After maintenance, or a reboot: the VMs that were moved away from a host return to it one by one, each only if admission agrees.
use crate::clock::Stopwatch;
use crate::conductor::{Ask, AskError, Conductor};
use crate::engine::PoolHandle;
use crate::error::ApiError;
use crate::served::admission::{Effort, Known, Wish, judge};
use crate::service::Service;
use lifeboat_coordinator::Refusal;
use lifeboat_model::Pool;
use lifeboat_model::spec::HostState;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// How long placing back may take in all: what has not returned by then stays where it is.
pub(crate) const PLACED_WITHIN: Duration = Duration::from_hours(1);
/// How long one live migration may take before the next VM has its turn.
const MOVED_WITHIN: Duration = Duration::from_mins(10);
/// How long the pool is waited for between two looks.
const LOOK: Duration = Duration::from_secs(5);

/// Begins to place VMs back on `host`; ends by itself.
pub(crate) fn begin(
    service: Service,
    pool: Arc<PoolHandle>,
    conductor: Arc<Conductor>,
    host: &str,
    vms: Vec<String>,
) {
    let mut placing = PlacingBack::of(vms.into_iter().map(|vm| (vm, host.to_owned())));
    tokio::spawn(async move {
        let mut changes = pool.subscribe();
        let clock = Stopwatch::start();
        while !clock.has_reached(PLACED_WITHIN) {
            match placing.step(&service, &pool, &conductor).await {
                Step::Over => return,
                Step::Next => {}
                // Whether anything has happened by then or not: it is looked again.
                Step::Waits => drop(timeout(LOOK, changes.changed()).await),
            }
        }
    });
}

/// VMs that go back, one after another.
#[derive(Debug)]
pub(crate) struct PlacingBack {
    left: VecDeque<Return>,
    moving: Option<Moving>,
}

/// A VM, and the host that it had to leave.
#[derive(Debug)]
struct Return {
    vm: String,
    host: String,
}

/// A VM that was told to go back.
#[derive(Debug)]
struct Moving {
    back: Return,
    clock: Stopwatch,
}

/// What has come of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Nothing is left to do.
    Over,
    /// The next VM has its turn.
    Next,
    /// Something has to happen first.
    Waits,
}

impl PlacingBack {
    /// Of VMs, each with the host that it had to leave.
    pub(crate) fn of(vms: impl Iterator<Item = (String, String)>) -> Self {
        Self { left: vms.map(|(vm, host)| Return { vm, host }).collect(), moving: None }
    }

    /// Goes on by one VM at most, and waits for none.
    pub(crate) async fn step(
        &mut self,
        service: &Service,
        pool: &Arc<PoolHandle>,
        conductor: &Conductor,
    ) -> Step {
        if self.moving.as_ref().is_some_and(|moving| moving.is_under_way(&pool.view().pool)) {
            return Step::Waits;
        }
        self.moving = None;
        let Some(back) = self.left.pop_front() else { return Step::Over };
        let Return { vm, host } = &back;
        match attempt(service, pool, conductor, host, vm).await {
            Ok(Attempt::Ordered) => {
                self.moving = Some(Moving { back, clock: Stopwatch::start() });
                return Step::Waits;
            }
            Ok(Attempt::There) => {}
            Ok(Attempt::Not(why)) => tracing::info!(vm, host, why, "a VM is not placed back"),
            // Whether the pool takes nothing just now or a host has not answered: until its time is over it is tried again.
            later @ (Ok(Attempt::Later) | Err(_)) => {
                if let Err(error) = later {
                    tracing::info!(vm, host, %error, "a VM is not placed back yet");
                }
                self.left.push_back(back);
                return Step::Waits;
            }
        }
        Step::Next
    }
}

impl Moving {
    fn is_under_way(&self, pool: &Pool) -> bool {
        let Some(vm) = pool.find_vm(&self.back.vm) else { return false };
        let there = pool.find_host(&self.back.host).is_some_and(|host| pool.runs_on(vm) == Some(host));
        // The document is told of an order a moment after it was given.
        let may_begin = !there && !self.clock.has_reached(LOOK);
        (pool.vm(vm).migrating_to.is_some() || may_begin) && !self.clock.has_reached(MOVED_WITHIN)
    }
}

/// What has come of trying to move a VM back.
enum Attempt {
    /// It is told to go there.
    Ordered,
    /// It runs there.
    There,
    /// Not yet.
    Later,
    /// Not at all, and why.
    Not(String),
}

async fn attempt(
    service: &Service,
    pool: &Arc<PoolHandle>,
    conductor: &Conductor,
    host: &str,
    vm: &str,
) -> Result<Attempt, ApiError> {
    let turn = pool.turn().await?;
    let (view, known) = (turn.view(), turn.outlook());
    let (Some(to), Some(index)) = (view.pool.find_host(host), view.pool.find_vm(vm)) else {
        return Ok(Attempt::Not("one of them has left the pool".to_owned()));
    };
    match view.pool.runs_on(index) {
        None => return Ok(Attempt::Not("it does not run".to_owned())),
        Some(home) if home == to => return Ok(Attempt::There),
        Some(_) if view.pool.host(to).state != HostState::Live => return Ok(Attempt::Later),
        Some(_) => {}
    }
    let wish = Wish::Migrate { vm: index, to };
    let allowed = service
        .judge(move |stop| {
            let known = known.as_deref().map(Known::from);
            Ok(judge(&view.pool, view.revision, known, &wish, &Effort::REQUEST, stop)?.allowed)
        })
        .await?;
    if !allowed {
        return Ok(Attempt::Not("it would leave the pool worse".to_owned()));
    }
    match conductor.ask(Ask::Migrate { vm: vm.to_owned(), to: host.to_owned() }).await {
        Ok(()) => Ok(Attempt::Ordered),
        // The pool's document counts on a host before that host has said what runs there.
        Err(AskError::Refused(
            Refusal::HostNotLive | Refusal::Busy | Refusal::WhereaboutsUnknown | Refusal::StoreOutOfReach,
        )) => Ok(Attempt::Later),
        Err(AskError::Refused(refusal)) => Ok(Attempt::Not(refusal.to_string())),
        Err(error) => Err(error.into()),
    }
}
