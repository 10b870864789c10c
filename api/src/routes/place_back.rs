//! After maintenance: the VMs that were moved away from a host return to it one by one, each only if admission agrees.
use crate::clock::Stopwatch;
use crate::conductor::{Ask, AskError, Conductor};
use crate::engine::PoolHandle;
use crate::error::ApiError;
use crate::served::admission::{Effort, Wish, judge};
use crate::service::Service;
use lifeboat_coordinator::Refusal;
use lifeboat_model::HostIndex;
use lifeboat_model::spec::HostState;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::timeout;

/// How long one live migration may take before the next VM has its turn.
const MOVED_WITHIN: Duration = Duration::from_mins(10);
/// How long the pool is waited for between two looks.
const LOOK: Duration = Duration::from_secs(5);

/// Begins to place VMs back on `host`; ends by itself.
pub(crate) fn begin(
    service: Service,
    pool: Arc<PoolHandle>,
    conductor: Arc<Conductor>,
    host: String,
    vms: Vec<String>,
) {
    tokio::spawn(async move {
        for vm in vms {
            match place_back(&service, &pool, &conductor, &host, &vm).await {
                Ok(true) => {}
                Ok(false) => {
                    tracing::info!(vm, host, "a VM is not placed back: it would leave the pool worse");
                }
                Err(error) => tracing::info!(vm, host, %error, "a VM is not placed back"),
            }
        }
    });
}

/// Moves one VM back; whether it is there.
///
/// # Errors
/// If it cannot be asked for.
pub(crate) async fn place_back(
    service: &Service,
    pool: &Arc<PoolHandle>,
    conductor: &Conductor,
    host: &str,
    vm: &str,
) -> Result<bool, ApiError> {
    let mut changes = pool.subscribe();
    // The host is enabled and may be on its way back still, or has not said yet what runs there.
    let clock = Stopwatch::start();
    let to = loop {
        match attempt(service, pool, conductor, host, vm).await? {
            Attempt::Ordered(to) => break to,
            Attempt::There => return Ok(true),
            Attempt::Later if !clock.has_reached(MOVED_WITHIN) => next(&mut changes).await,
            Attempt::Later | Attempt::Not => return Ok(false),
        }
    };
    let clock = Stopwatch::start();
    while !clock.has_reached(MOVED_WITHIN) {
        let view = pool.view();
        let under_way = view.pool.find_vm(vm).is_some_and(|vm| view.pool.vm(vm).migrating_to.is_some());
        let there = view.pool.find_vm(vm).is_some_and(|vm| view.pool.runs_on(vm) == Some(to));
        if there && !under_way {
            return Ok(true);
        }
        if !under_way && clock.has_reached(LOOK) {
            break;
        }
        next(&mut changes).await;
    }
    Ok(false)
}

/// What has come of trying to move a VM back.
enum Attempt {
    /// It is on its way there.
    Ordered(HostIndex),
    /// It runs there.
    There,
    /// Not yet.
    Later,
    /// Not at all.
    Not,
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
        return Ok(Attempt::Not);
    };
    match view.pool.runs_on(index) {
        None => return Ok(Attempt::Not),
        Some(home) if home == to => return Ok(Attempt::There),
        Some(_) if view.pool.host(to).state != HostState::Live => return Ok(Attempt::Later),
        Some(_) => {}
    }
    let wish = Wish::Migrate { vm: index, to };
    let allowed = service
        .judge(move |stop| {
            let known = known.as_ref().map(|outlook| &*outlook.assessment);
            Ok(judge(&view.pool, view.revision, known, &wish, &Effort::REQUEST, stop)?.allowed)
        })
        .await?;
    if !allowed {
        return Ok(Attempt::Not);
    }
    match conductor.ask(Ask::Migrate { vm: vm.to_owned(), to: host.to_owned() }).await {
        Ok(()) => Ok(Attempt::Ordered(to)),
        // The pool's document counts on a host before that host has said what runs there.
        Err(AskError::Refused(
            Refusal::HostNotLive | Refusal::Busy | Refusal::WhereaboutsUnknown | Refusal::StoreOutOfReach,
        )) => Ok(Attempt::Later),
        Err(error) => Err(error.into()),
    }
}

async fn next(changes: &mut watch::Receiver<u64>) {
    // Whether anything has happened or not: it is looked again.
    let _ = timeout(LOOK, changes.changed()).await;
}
