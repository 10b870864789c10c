//! A task that takes a change of the pool's authority from step to step: begun by an operator, it goes on in whatever term comes next.
use super::authority::Next;
use super::records;
use super::shell::Conductor;
use crate::engine::pool::ChangeError;
use crate::engine::{Engine, Entry, PoolHandle, Transition};
use crate::guard::AuditEntry;
use lifeboat_store::Batch;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

/// How often it is looked whether all hosts have followed.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// After how many looks it is said again who is waited for.
const SAID_EVERY: u32 = 60;
/// Who does it, in the pool's log.
const BY: &str = "coordinator";

/// Looks after a change of the authority until the term ends.
pub async fn tend(pool: Arc<PoolHandle>, engine: Engine, conductor: Conductor) {
    let Some(authorities) = conductor.authorities().cloned() else { return };
    let mut ticks = tokio::time::interval(LOOK_EVERY);
    let mut looks = 0_u32;
    loop {
        ticks.tick().await;
        if pool.is_closed() {
            return;
        }
        match authorities.next(&conductor.roster()) {
            Ok(None) => looks = 0,
            Err(late) => {
                if looks.is_multiple_of(SAID_EVERY) {
                    tracing::info!(?late, "the change of the pool's authority waits for these hosts");
                }
                looks += 1;
            }
            Ok(Some(_)) => {
                looks = 0;
                let changing = conductor.rosters().change().await;
                // Again: a host may have joined meanwhile.
                let Ok(Some(next)) = authorities.next(&changing.roster()) else { continue };
                tracing::info!(event = next.event, "a step in the change of the pool's authority");
                if let Err(error) = keep(&pool, &engine, &conductor, changing, next, BY, None).await {
                    tracing::warn!(%error, "the step is not kept; it is tried again");
                }
            }
        }
    }
}

/// Keeps a step, and has everybody told of it.
///
/// # Errors
/// If it is not durable yet, or will never be.
pub async fn keep(
    pool: &Arc<PoolHandle>,
    engine: &Engine,
    conductor: &Conductor,
    changing: super::rosters::Changing,
    next: Next,
    by: &str,
    audit: Option<AuditEntry>,
) -> Result<(), ChangeError> {
    let mut kept = Batch::default();
    records::put_roster(&mut kept, &next.roster);
    records::put_authorities(&mut kept, pool.id(), &next.kept);
    let transition = Transition {
        entries: vec![Entry::new(next.event, Some(by), json!({}))],
        audit: audit.into_iter().collect(),
        records: kept,
        ..Transition::default()
    };
    let done = pool.turn().await?.commit(transition).acknowledged().await;
    let handed_over = matches!(done, Ok(_) | Err(ChangeError::NotAcknowledged));
    if let (true, Some(authorities)) = (handed_over, conductor.authorities()) {
        authorities.replace(next.kept);
    }
    changing.settle(next.roster, engine, done).map(drop)
}
