//! After maintenance: the VMs that were moved away from a host return to it one by one, each only if admission agrees.
use crate::clock::Stopwatch;
use crate::conductor::{Ask, Conductor};
use crate::engine::PoolHandle;
use crate::error::ApiError;
use crate::served::admission::{Effort, Wish, judge};
use crate::service::Service;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::timeout;

/// How long one live migration may take before the next VM has its turn.
const MOVED_WITHIN: Duration = Duration::from_mins(10);
/// How long the pool is waited for between two looks.
const LOOK: Duration = Duration::from_secs(5);

/// Begins to place VMs back on `host`; ends by itself.
pub(super) fn begin(
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

async fn place_back(
    service: &Service,
    pool: &Arc<PoolHandle>,
    conductor: &Conductor,
    host: &str,
    vm: &str,
) -> Result<bool, ApiError> {
    let mut changes = pool.subscribe();
    // The host is enabled and may be on its way back still.
    let clock = Stopwatch::start();
    let (index, to) = loop {
        let view = pool.view();
        let (Some(to), Some(index)) = (view.pool.find_host(host), view.pool.find_vm(vm)) else {
            return Ok(false);
        };
        match view.pool.runs_on(index) {
            None => return Ok(false),
            Some(home) if home == to => return Ok(true),
            Some(_) if view.pool.host(to).state.is_up() => break (index, to),
            Some(_) if clock.has_reached(MOVED_WITHIN) => return Ok(false),
            Some(_) => next(&mut changes).await,
        }
    };
    let (turn, wish) = (pool.turn().await?, Wish::Migrate { vm: index, to });
    let (view, known) = (turn.view(), turn.outlook());
    if view.pool.find_vm(vm) != Some(index) || view.pool.find_host(host) != Some(to) {
        return Ok(false);
    }
    let allowed = service
        .judge(move |stop| {
            let known = known.as_ref().map(|outlook| &*outlook.assessment);
            Ok(judge(&view.pool, view.revision, known, &wish, &Effort::REQUEST, stop)?.allowed)
        })
        .await?;
    if !allowed {
        return Ok(false);
    }
    conductor.ask(Ask::Migrate { vm: vm.to_owned(), to: host.to_owned() }).await?;
    drop(turn);
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

async fn next(changes: &mut watch::Receiver<u64>) {
    // Whether anything has happened or not: it is looked again.
    let _ = timeout(LOOK, changes.changed()).await;
}
