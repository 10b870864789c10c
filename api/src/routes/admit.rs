//! The one way in which requests change a pool: judged in a turn of the pool, then carried out or refused.
//!
//! ```text
//!   turn ─► judge (on a worker) ─┬─ allowed, forced, or the pool only warns ─► commit ─► acknowledged ─► Admitted
//!                                ├─ ?check=only ────────────────────────────► Admitted, done: false
//!                                └─ refused ────────────────────────────────► 409 with the whole answer
//! ```
use crate::clock;
use crate::conductor::{Ask, Conductor};
use crate::dto::served_admission::ServedAdmission;
use crate::engine::{Entry, Transition, Turn};
use crate::error::ApiError;
use crate::guard::AuditEntry;
use crate::guard::Principal;
use crate::guard::audit::Author;
use crate::guard::door::Caller;
use crate::guard::outside::RequestId;
use crate::served::admission::{Effort, Judged, Known, Wish, judge};
use crate::served::ha::Policy;
use crate::served::{Note, Step};
use crate::service::Service;
use axum::Json;
use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use lifeboat_model::Pool;
use lifeboat_model::change::Change;
use lifeboat_planner::admission::Verdict;
use lifeboat_store::Batch;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use std::convert::Infallible;

/// Characters of the reason for forcing a change.
const LONGEST_REASON: usize = 1000;

/// What a caller says about admission: `?check=enforce|only`, `?force=true&reason=…`. Other parameters are let be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Insistence {
    /// Judge and change nothing.
    pub(crate) only: bool,
    /// Why it is to be done although it makes matters worse; none: it is not.
    pub(crate) force: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Spelt {
    check: Option<String>,
    force: Option<String>,
    reason: Option<String>,
}

impl<S: Sync> FromRequestParts<S> for Insistence {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let Query(spelt) = Query::<Spelt>::try_from_uri(&parts.uri)
            .map_err(|rejection| ApiError::BadQuery(rejection.body_text()))?;
        spelt.read()
    }
}

impl Insistence {
    /// Refuses `check=only` where nothing is judged: nobody is to take a change for a look.
    ///
    /// # Errors
    /// [`ApiError::BadQuery`].
    pub(crate) fn not_only(&self) -> Result<(), ApiError> {
        if !self.only {
            return Ok(());
        }
        Err(ApiError::BadQuery("nothing is judged here: check=only is of no use, leave it out".to_owned()))
    }
}

impl Spelt {
    fn read(self) -> Result<Insistence, ApiError> {
        let bad = |words: &str| Err(ApiError::BadQuery(words.to_owned()));
        let only = match self.check.as_deref() {
            None | Some("enforce") => false,
            Some("only") => true,
            Some(_) => return bad("check must be enforce or only"),
        };
        let force = match self.force.as_deref() {
            None | Some("false") => false,
            Some("true") => true,
            Some(_) => return bad("force must be true or false"),
        };
        let reason = self.reason.filter(|reason| !reason.trim().is_empty());
        match (force, reason) {
            (true, None) => bad("force=true needs reason=…, which is written down"),
            (true, Some(reason)) if reason.chars().count() > LONGEST_REASON => {
                bad("the reason must have at most 1000 characters")
            }
            (true, reason) => Ok(Insistence { only, force: reason }),
            (false, _) => Ok(Insistence { only, force: None }),
        }
    }
}

/// Who does it, for the log and the audit log.
#[derive(Clone, Debug)]
pub(crate) struct Actor {
    /// Its name.
    pub(crate) name: String,
    /// What the audit log says of it.
    pub(crate) author: Author,
}

impl<S: Sync> FromRequestParts<S> for Actor {
    type Rejection = Infallible;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let known = &parts.extensions;
        let principal = known.get::<Principal>().cloned().unwrap_or_else(Principal::local);
        let author = Author::new(&principal, known.get::<Caller>(), known.get::<RequestId>());
        Ok(Self { name: principal.name, author })
    }
}

impl Actor {
    /// What the audit log says when it has done this.
    pub(crate) fn did(&self, action: &str, resource: impl Into<String>) -> AuditEntry {
        AuditEntry::new(clock::now(), &self.author, action, resource)
    }
}

/// What is logged of something that was judged and done.
type Entries<'a> = Box<dyn FnOnce(&Judged) -> Vec<Entry> + Send + 'a>;

/// What there was before a change and what there is after it, given the pool after it.
pub(crate) type Showing<'a> = Box<dyn FnOnce(&Pool) -> (Value, Value) + Send + 'a>;

/// What is to be asked of the coordinator; none: it is a matter of the document alone.
pub(crate) type Asks<'a> = Option<Box<dyn FnOnce(&Judged) -> Result<Vec<Ask>, ApiError> + Send + 'a>>;

/// What is done, as it is written down.
pub(crate) struct Act<'a> {
    /// Who does it.
    pub(crate) actor: &'a Actor,
    /// A verb, such as `start`.
    pub(crate) action: &'static str,
    /// To what: a path such as `pools/prod/vms/db1`.
    pub(crate) resource: String,
    /// What the audit log shows of it: what was there before, and what is in the pool after it.
    pub(crate) shows: Showing<'a>,
    /// What is logged when it is done.
    pub(crate) entries: Entries<'a>,
    /// What is noted beside the pool when it is done.
    pub(crate) notes: Vec<Note>,
    /// The task that carries it out, where it takes time.
    pub(crate) task: Option<u64>,
    /// What is asked of the coordinator of a pool whose hosts run agents, instead of taking what was judged for done.
    pub(crate) asks: Asks<'a>,
    /// What else is made durable with it, given the answer: what an idempotency key stands for.
    pub(crate) keep: Box<dyn FnOnce(&Admitted) -> Batch + Send + 'a>,
}

impl<'a> Act<'a> {
    /// An act that logs one entry.
    pub(crate) fn new(
        actor: &'a Actor,
        action: &'static str,
        resource: String,
        entry: impl FnOnce(&Judged) -> Entry + Send + 'a,
    ) -> Self {
        Self {
            actor,
            action,
            resource,
            shows: Box::new(|_| (Value::Null, Value::Null)),
            entries: Box::new(|judged| vec![entry(judged)]),
            notes: Vec::new(),
            task: None,
            asks: None,
            keep: Box::new(|_| Batch::default()),
        }
    }
}

/// The answer to a request that was judged and not refused.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Admitted {
    /// Whether it was done; not with `check=only`.
    pub(crate) done: bool,
    /// Whether it was done although admission would have refused it.
    pub(crate) forced: bool,
    /// The pool's revision after it.
    pub(crate) revision: u64,
    /// What admission says; null where nothing had to be judged.
    #[schemars(with = "Option<ServedAdmission<'static>>")]
    pub(crate) admission: Option<Box<RawValue>>,
    /// The task that carries it out, where it takes time.
    pub(crate) task: Option<u64>,
}

impl IntoResponse for Admitted {
    fn into_response(self) -> Response {
        Json(self).into_response()
    }
}

/// Judges `wish` in the turn and carries it out, or refuses it. Preconditions are the caller's to check, in the turn and
/// before this.
///
/// # Errors
/// [`ApiError::Refused`] with the whole answer; [`ApiError::Served`] where the wish makes no sense; those of the store.
pub(crate) async fn admit(
    service: &Service,
    turn: Turn,
    wish: Wish,
    asked: &Insistence,
    act: Act<'_>,
) -> Result<Admitted, ApiError> {
    let (view, known) = (turn.view(), turn.outlook());
    let judged = service
        .judge(move |stop| {
            let known = known.as_deref().map(Known::from);
            Ok(judge(&view.pool, view.revision, known, &wish, &Effort::REQUEST, stop)?)
        })
        .await?;
    let told = |outcome| {
        service.metrics().judged(turn.pool().id(), judged.verdict.code(), outcome);
    };
    let ha = turn.pool().ledger(|ledger| ledger.ha.clone());
    if let Some(reason) = ha.would_lose(&turn.view().pool, &judged.pool) {
        return Err(ApiError::Forbidden { code: "heartbeat-storage-in-use", reason });
    }
    if asked.only {
        told("only");
        let revision = turn.view().revision;
        return Ok(Admitted {
            done: false,
            forced: false,
            revision,
            admission: Some(judged.answer),
            task: None,
        });
    }
    let warns = ha.admission == Policy::Warn;
    let warned = !judged.allowed && warns && judged.verdict != Verdict::CannotBeDone;
    let forced =
        !judged.allowed && asked.force.is_some() && judged.verdict != Verdict::CannotBeDone && !warned;
    if !judged.allowed && !forced && !warned {
        told("refused");
        turn.remark(&act.actor.did(act.action, act.resource).refused());
        return Err(refused(&judged));
    }
    let reason = asked.force.as_deref();
    let despite = match reason {
        Some(reason) if forced => Despite::Forced(reason),
        _ if warned => Despite::Warned(reason),
        _ => Despite::Nothing,
    };
    told(match despite {
        Despite::Nothing => "done",
        Despite::Warned(_) => "warned",
        Despite::Forced(_) => "forced",
    });
    match service.conductor(turn.pool().id()) {
        Some(conductor) if act.asks.is_some() => conduct(&conductor, turn, judged, despite, act).await,
        _ => carry_out(turn, judged, despite, act).await,
    }
}

/// What admission said against that which is done all the same.
#[derive(Clone, Copy, Debug)]
enum Despite<'a> {
    /// Nothing.
    Nothing,
    /// It would have refused it, but the pool only warns; with the reason, if one was given.
    Warned(Option<&'a str>),
    /// It refused it, and was overridden for this reason.
    Forced(&'a str),
}

async fn carry_out(
    turn: Turn,
    judged: Judged,
    despite: Despite<'_>,
    act: Act<'_>,
) -> Result<Admitted, ApiError> {
    let mut entries = (act.entries)(&judged);
    for entry in &mut entries {
        match despite {
            Despite::Nothing => {}
            Despite::Warned(_) => {
                entry.data.insert("warned".to_owned(), judged.reason.clone().into());
            }
            Despite::Forced(reason) => {
                entry.data.insert("forced".to_owned(), reason.into());
            }
        }
    }
    let mut admitted = Admitted {
        done: true,
        forced: matches!(despite, Despite::Forced(_)),
        revision: 0,
        admission: Some(judged.answer),
        task: act.task,
    };
    let (before, after) = (act.shows)(&judged.pool);
    let did = act.actor.did(act.action, act.resource).with_change(before, after);
    let did = match despite {
        Despite::Nothing => did,
        Despite::Warned(reason) => did.warned(reason),
        Despite::Forced(reason) => did.forced(reason),
    };
    let transition = Transition {
        pool: Some((judged.pool, judged.step)),
        entries_if_changed: entries,
        notes: act.notes,
        audit: vec![did],
        ..Transition::default()
    };
    let committed = turn.commit_with(transition, |delta| {
        admitted.revision = delta.revision;
        (act.keep)(&admitted)
    });
    committed.acknowledged().await?;
    Ok(admitted)
}

/// Has the coordinator do it. What has happened then, and not what was judged, is what the document says and the log tells.
async fn conduct(
    conductor: &Conductor,
    turn: Turn,
    judged: Judged,
    despite: Despite<'_>,
    act: Act<'_>,
) -> Result<Admitted, ApiError> {
    let asks = act.asks.map_or_else(|| Ok(Vec::new()), |asks| asks(&judged))?;
    let mut pool = Pool::clone(&turn.view().pool);
    let mut failed = None;
    for ask in asks {
        if let Err(error) = conductor.ask(ask.clone()).await {
            failed = Some(error);
            break;
        }
        if let Ask::Protect { vm, priority } = ask
            && let Some(vm) = pool.find_vm(&vm)
        {
            pool = pool.with(&Change::Protect { vm, priority }).map_err(ApiError::Change)?;
        }
    }
    let (before, _) = (act.shows)(&judged.pool);
    let did = act.actor.did(act.action, act.resource).with_change(before, Value::Null);
    let did = match despite {
        Despite::Nothing => did,
        Despite::Warned(reason) => did.warned(reason),
        Despite::Forced(reason) => did.forced(reason),
    };
    let corrected = conductor.picture().and_then(|picture| picture.correct(&pool));
    let (after, events) = corrected.map_or((pool, Vec::new()), |found| (found.pool, found.events));
    let entry = |(kind, mut data): (&'static str, Value)| {
        match despite {
            Despite::Nothing => {}
            Despite::Warned(_) => data["warned"] = judged.reason.clone().into(),
            Despite::Forced(reason) => data["forced"] = reason.into(),
        }
        Entry::new(kind, Some(&act.actor.name), data)
    };
    let mut admitted = Admitted {
        done: true,
        forced: matches!(despite, Despite::Forced(_)),
        revision: 0,
        admission: Some(judged.answer.clone()),
        task: act.task,
    };
    let transition = Transition {
        entries: events.into_iter().map(entry).collect(),
        pool: (after != *turn.view().pool).then_some((after, Step::Kept)),
        notes: if failed.is_none() { act.notes } else { Vec::new() },
        audit: vec![if failed.is_none() { did } else { did.refused() }],
        ..Transition::default()
    };
    let committed = turn.commit_with(transition, |delta| {
        admitted.revision = delta.revision;
        if failed.is_none() { (act.keep)(&admitted) } else { Batch::default() }
    });
    committed.acknowledged().await?;
    failed.map_or(Ok(admitted), |error| Err(error.into()))
}

fn refused(judged: &Judged) -> ApiError {
    ApiError::Refused {
        code: match judged.verdict {
            Verdict::BreaksTarget => "would-break-target",
            Verdict::CannotBeDone => "cannot-be-done",
            Verdict::MakesWorse | Verdict::Improves | Verdict::Fine => "would-make-worse",
        },
        reason: judged.reason.clone(),
        admission: judged.answer.clone(),
    }
}
