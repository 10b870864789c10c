//! The demo's pool as the service keeps it: events go in as those of any pool do, and the published verdict comes out.
use super::conductor::Sink;
use super::story::Verdict;
use crate::dto::served::event::{MOST_EVENTS, Told};
use crate::engine::PoolHandle;
use crate::routes::events;
use crate::service::Service;
use std::sync::Arc;
use tokio::runtime::Handle;

/// The service's pool.
#[derive(Debug)]
pub struct ServedPool {
    service: Service,
    pool: Arc<PoolHandle>,
    runtime: Handle,
}

/// Who tells, in the pool's log.
const BY: &str = "simulator";

impl ServedPool {
    /// The pool; to be told of from a thread that is none of the runtime's.
    pub fn new(service: Service, pool: Arc<PoolHandle>, runtime: Handle) -> Self {
        Self { service, pool, runtime }
    }
}

impl Sink for ServedPool {
    fn tell(&mut self, mut events: Vec<Told>) {
        while !events.is_empty() {
            let rest = events.split_off(events.len().min(MOST_EVENTS));
            match self.runtime.block_on(events::hear(&self.service, &self.pool, events, BY, None)) {
                Ok(answer) => {
                    if answer.refused > 0 {
                        tracing::warn!(outcomes = ?answer.outcomes, "the service did not understand");
                    }
                }
                Err(error) => tracing::warn!(%error, "the service was not told"),
            }
            events = rest;
        }
    }

    fn verdict(&self) -> Option<Verdict> {
        let outlook = self.pool.outlook()?;
        let newest = self.pool.view().revision == outlook.revision;
        newest.then(|| Verdict::of(&outlook.assessment, outlook.revision, outlook.took))
    }
}
