//! A task that keeps the pool's document in step with what is known: what hosts say of themselves, how the coordinator sees hosts and
//! VMs. And back: when the document has changed, by whomever, the coordinator is told once that is durable. All this waits for the store
//! while it is away; what people are to be told does not.
use super::learning::{self, learn};
use super::machine::Learned;
use super::picture::Picture;
use super::records;
use super::rotation;
use super::shell::{Conductor, Event};
use crate::clock;
use crate::engine::pool::ChangeError;
use crate::engine::{Engine, Entry, PoolHandle, Transition, Turn};
use crate::served::alerts::Finding;
use crate::served::ha::{DISARMED_FOR, Ha};
use crate::served::{Note, Step};
use lifeboat_link::OrderNote;
use lifeboat_model::{HostIndex, Pool};
use lifeboat_protocol::Standing;
use lifeboat_store::Batch;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::task::spawn_blocking;

/// How long to wait before writing again what the store did not take.
const AGAIN_AFTER: Duration = Duration::from_millis(500);
/// What may wait to be taken in: beyond it the store is away for long, and hosts say everything again in their next session.
const MOST_WAITING: usize = 50_000;
/// Findings that are booked in one batch.
const FOUND_AT_ONCE: usize = 1000;
/// Who tells, in the pool's log.
const BY: &str = "coordinator";

/// The way to the task. Copies are one.
#[derive(Clone, Debug)]
pub struct Keeper {
    waiting: Arc<Mutex<Waiting>>,
    wakes: Arc<Notify>,
    finds: Arc<Notify>,
    runtime: Handle,
}

/// What waits to be taken in.
#[derive(Debug, Default)]
struct Waiting {
    learned: Vec<Learned>,
    picture: Option<Arc<Picture>>,
    certificates: Vec<(HostIndex, String)>,
    found: Vec<Finding>,
}

impl Waiting {
    fn is_empty(&self) -> bool {
        self.learned.is_empty() && self.picture.is_none()
    }
}

impl Keeper {
    /// A keeper whose task runs there.
    pub fn new(runtime: Handle) -> Self {
        Self { waiting: Arc::default(), wakes: Arc::default(), finds: Arc::default(), runtime }
    }

    /// Something is known that the document does not say yet.
    pub fn learn(&self, learned: Learned) {
        let mut waiting = self.lock();
        if waiting.learned.len() < MOST_WAITING {
            waiting.learned.push(learned);
        } else {
            tracing::warn!("the store is away for so long that what hosts say is let go");
        }
        drop(waiting);
        self.wakes.notify_one();
    }

    /// People should know this, if they do not yet.
    pub fn find(&self, found: Finding) {
        self.lock().found.push(found);
        self.finds.notify_one();
    }

    /// Hosts and VMs are like this now.
    pub fn picture(&self, picture: Arc<Picture>) {
        self.lock().picture = Some(picture);
        self.wakes.notify_one();
    }

    /// A host wants a certificate.
    pub fn certificate(&self, host: HostIndex, csr_pem: String) {
        let mut waiting = self.lock();
        waiting.certificates.retain(|(other, _)| *other != host);
        waiting.certificates.push((host, csr_pem));
        drop(waiting);
        self.wakes.notify_one();
    }

    /// Where its task runs.
    pub fn runtime(&self) -> &Handle {
        &self.runtime
    }

    /// Starts the task for a term.
    pub fn begin(&self, pool: Arc<PoolHandle>, engine: Engine, conductor: Conductor) {
        let (keeper, teller) = (self.clone(), self.clone());
        self.runtime.spawn(rotation::tend(Arc::clone(&pool), engine.clone(), conductor.clone()));
        self.runtime.spawn(async move {
            tokio::select! {
                () = teller.tell(Arc::clone(&pool)) => {}
                () = keeper.keep(pool, engine, conductor) => {}
            }
        });
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn tell(self, pool: Arc<PoolHandle>) {
        loop {
            self.finds.notified().await;
            let found = std::mem::take(&mut self.lock().found);
            for some in found.chunks(FOUND_AT_ONCE) {
                pool.note(some);
            }
        }
    }

    async fn keep(self, pool: Arc<PoolHandle>, engine: Engine, conductor: Conductor) {
        let mut entries = pool.subscribe();
        let mut told = pool.view().revision;
        if let Err(error) = enable_at_first(&pool, &conductor).await {
            tracing::warn!(%error, "that the pool is highly available could not be written down yet");
        }
        let mut disarms = tokio::time::interval(DISARMED_FOR / 3);
        loop {
            tokio::select! {
                () = self.wakes.notified() => {}
                _ = disarms.tick() => {
                    let ha = pool.ledger(|ledger| ledger.ha.clone());
                    if ha.is_disarmed() && conductor.wish(ha.wish()).is_err() {
                        return;
                    }
                }
                changed = entries.changed() => if changed.is_err() || pool.is_closed() { return },
                // The store took nothing then: what changed is to be told all the same, once it is durable.
                () = tokio::time::sleep(AGAIN_AFTER), if pool.view().revision != told => {}
            }
            while !self.lock().is_empty() {
                if let Err(error) = self.take_in(&pool).await {
                    tracing::warn!(%error, "the pool's document is not told yet what is known");
                    tokio::time::sleep(AGAIN_AFTER).await;
                }
            }
            self.certify(&conductor);
            let view = pool.view();
            // What was handed over before it is durable when it is.
            if view.revision != told && engine.keep(Batch::default()).await.is_ok() {
                told = view.revision;
                if !conductor.tell(Event::Document(view.pool)) {
                    return;
                }
            }
        }
    }

    /// Signs for the hosts that have asked.
    fn certify(&self, conductor: &Conductor) {
        for (host, csr_pem) in std::mem::take(&mut self.lock().certificates) {
            let roster = conductor.roster();
            let belongs = matches!(conductor.standing(host), Some(Standing::Member { .. }));
            let member = roster.hosts.get(host.get()).filter(|member| belongs && !member.removed);
            let (Some(authorities), Some(member)) = (conductor.authorities(), member) else { continue };
            let signed = authorities.sign(&csr_pem, &roster, host.get(), clock::now().into());
            match signed {
                Ok(chain_pem) => {
                    let note = OrderNote::Certificate { chain_pem };
                    conductor.tell(Event::Note(host, Box::new(note)));
                }
                Err(error) => tracing::warn!(%error, host = member.id, "a host gets no certificate"),
            }
        }
    }

    async fn take_in(&self, pool: &Arc<PoolHandle>) -> Result<(), ChangeError> {
        let turn = pool.turn().await?;
        // Taken in the turn: whoever changed the pool before it did so before this picture was drawn, or will be in the next.
        let (learned, picture) = {
            let mut waiting = self.lock();
            (std::mem::take(&mut waiting.learned), waiting.picture.take())
        };
        let id = pool.id().to_owned();
        let before = turn.view().pool;
        let made = spawn_blocking(move || transition(&id, &before, learned, picture.as_deref())).await;
        let Ok(transition) = made else {
            tracing::error!(
                "what is known of the pool could not be taken in; this is a defect of the service"
            );
            return Ok(());
        };
        commit(turn, transition).await
    }
}

/// A pool whose agents guard it is highly available from its first term on; what operators say afterwards stays.
async fn enable_at_first(pool: &Arc<PoolHandle>, conductor: &Conductor) -> Result<(), ChangeError> {
    let before = pool.ledger(|ledger| ledger.ha.clone());
    if before.enabled || before.since.is_some() {
        return Ok(());
    }
    let ha = Ha {
        enabled: true,
        since: Some(clock::now()),
        by: Some(BY.to_owned()),
        timeout_s: u32::try_from(conductor.roster().settings.timeout_ms.div_ceil(1000)).ok(),
        ..before
    };
    let transition = Transition {
        entries: vec![Entry::new("ha-enabled", Some(BY), serde_json::json!({"timeout_s": ha.timeout_s}))],
        notes: vec![Note::Ha(Box::new(ha))],
        ..Transition::default()
    };
    commit(pool.turn().await?, transition).await
}

async fn commit(turn: Turn, transition: Transition) -> Result<(), ChangeError> {
    let nothing = transition.pool.is_none()
        && transition.notes.is_empty()
        && transition.records.is_empty()
        && transition.entries.is_empty();
    if nothing {
        return Ok(());
    }
    // In memory it is in force; that it becomes durable late is for the store's own alarm.
    match turn.commit(transition).acknowledged().await {
        Err(ChangeError::NotAcknowledged) => Ok(()),
        done => done.map(drop),
    }
}

fn transition(id: &str, before: &Pool, learned: Vec<Learned>, picture: Option<&Picture>) -> Transition {
    let mut made = Transition::default();
    let (after, logged) = all_learned(before, &learned);
    let mut log = |events: Vec<learning::Logged>| {
        made.entries.extend(events.into_iter().map(|(kind, data)| Entry::new(kind, Some(BY), data)));
    };
    log(logged);
    let rebuilt = after.is_some();
    let corrected = picture.and_then(|picture| picture.correct(after.as_ref().unwrap_or(before)));
    let after = match corrected {
        Some(corrected) => {
            log(corrected.events);
            Some(corrected.pool)
        }
        None => after,
    };
    made.pool = after.map(|pool| (pool, if rebuilt { Step::Rebuilt } else { Step::Kept }));
    for one in learned {
        match one {
            Learned::Vm { definition, .. } => {
                records::put_definition(&mut made.records, id, &definition.facts.vm, &definition);
            }
            Learned::Host { .. }
            | Learned::Found(_)
            | Learned::Certificate { .. }
            | Learned::Credentials { .. } => {}
        }
    }
    made
}

/// All at once; where that makes no pool, one by one without those that do not.
fn all_learned(before: &Pool, learned: &[Learned]) -> (Option<Pool>, Vec<learning::Logged>) {
    let together: Vec<&Learned> = learned.iter().collect();
    if let Ok(news) = learn(before, &together) {
        return news.map_or_else(|| (None, Vec::new()), |(pool, logged)| (Some(pool), logged));
    }
    let (mut after, mut logged) = (None, Vec::new());
    for one in together {
        match learn(after.as_ref().unwrap_or(before), &[one]) {
            Ok(Some((pool, more))) => {
                after = Some(pool);
                logged.extend(more);
            }
            Ok(None) => {}
            Err(defects) => {
                let first = defects.first().map(ToString::to_string).unwrap_or_default();
                tracing::warn!(first, "what a host says makes no pool and is left out");
            }
        }
    }
    (after, logged)
}

#[cfg(test)]
mod tests;
