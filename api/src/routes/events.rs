//! What happens in a pool: told by control planes and agents, and told on to whoever listens, page by page or as it happens.
use super::admit::Actor;
use super::ask::{Ask, NoQuery};
use super::question;
use super::stream;
use super::things::limit_of;
use crate::dto::served::event::{self, Told};
use crate::dto::served::told::{Outcome, TellAnswer};
use crate::engine::feed::Logged;
use crate::engine::{Entry, PoolHandle, Transition, Turn};
use crate::error::ApiError;
use crate::guard::{AuditEntry, Principal};
use crate::served::{Fact, Step, Telling};
use crate::service::Service;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use lifeboat_model::Pool;
use serde::Deserialize;
use serde_json::Value;
use std::sync::Arc;
use tokio::task::spawn_blocking;

/// Events that are told on the thread of the request; more are told on one of their own.
const FEW: usize = 64;

/// Takes events of a pool in, in their order and in one turn, and answers when they are durable.
pub(crate) async fn tell(
    State(service): State<Service>,
    Path(pool): Path<String>,
    ask: Ask<NoQuery>,
) -> Result<Response, ApiError> {
    let told = event::read(&ask.body).map_err(ApiError::Body)?;
    let handle = service.pool(&pool)?;
    let answer = hear(&service, &handle, told, &ask.who.name, Some(&ask.who)).await?;
    Ok(Json(answer).into_response())
}

/// Takes events of a pool in, whoever tells them; answers when they are durable. Of those that `actor` tells the audit log
/// has what describes things and what says how a host is; what VMs do is in the event log.
///
/// # Errors
/// If the pool cannot be changed now.
pub(crate) async fn hear(
    service: &Service,
    handle: &Arc<PoolHandle>,
    told: Vec<Told>,
    by: &str,
    actor: Option<&Actor>,
) -> Result<TellAnswer, ApiError> {
    service.metrics().told(handle.id(), told.len() as u64);
    let turn = handle.turn().await?;
    let news = weigh(&turn, told, by.to_owned()).await?;
    let audit = actor.map_or_else(Vec::new, |actor| audited(handle.id(), &news.entries, actor));
    let (pool, entries, at) = (news.after, news.entries, news.at);
    let transition = Transition { pool, entries, audit, at, ..Transition::default() };
    let delta = turn.commit(transition).acknowledged().await?;
    Ok(TellAnswer::new(delta.revision, news.outcomes))
}

/// What the audit log says of events that were taken in.
fn audited(pool: &str, entries: &[Entry], actor: &Actor) -> Vec<AuditEntry> {
    let entry = |entry: &Entry| {
        let collection = match &*entry.kind {
            "vm-created" | "vm-changed" | "vm-removed" => "vms",
            "host-up" | "host-down" | "host-fenced" | "host-enabled" | "host-disabled"
            | "host-maintenance" | "host-added" | "host-removed" => "hosts",
            _ => return None,
        };
        let told = entry.data.get("vm").or_else(|| entry.data.get("host"))?;
        let name = told.get("id").unwrap_or(told).as_str()?;
        let did = actor.did(&entry.kind, format!("pools/{pool}/{collection}/{name}"));
        let after = if told.is_object() { told.clone() } else { Value::Null };
        Some(did.with_change(Value::Null, after))
    };
    entries.iter().filter_map(entry).collect()
}

/// What events make of a pool.
struct News {
    after: Option<(Pool, Step)>,
    entries: Vec<Entry>,
    outcomes: Vec<Outcome>,
    at: Option<jiff::Timestamp>,
}

async fn weigh(turn: &Turn, told: Vec<Told>, by: String) -> Result<News, ApiError> {
    let slow = |told: &Told| {
        matches!(told.fact, Fact::VmDescribed(_) | Fact::HostDescribed(_) | Fact::HostRemoved { .. })
    };
    let apart = told.len() > FEW || told.iter().any(slow);
    let telling = Telling::of(turn.view().pool, turn.vm_names());
    if apart {
        return spawn_blocking(move || all(telling, told, &by)).await.map_err(|_| ApiError::Internal);
    }
    Ok(all(telling, told, &by))
}

fn all(mut telling: Telling, told: Vec<Told>, by: &str) -> News {
    let mut entries = Vec::with_capacity(told.len());
    let mut outcomes = Vec::with_capacity(told.len());
    let mut newest = None;
    for Told { kind, fact, at, data } in told {
        outcomes.push(match telling.tell(&fact) {
            Ok(true) => {
                newest = newest.max(at);
                entries.push(Entry { kind: kind.to_owned(), by: Some(by.to_owned()), data });
                Outcome::Applied
            }
            Ok(false) => Outcome::KnownAlready,
            Err(error) => Outcome::refused(&ApiError::from(error)),
        });
    }
    News { after: telling.end(), entries, outcomes, at: newest }
}

/// Which events.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct EventsQuery {
    limit: Option<usize>,
    after: Option<u64>,
    kind: Option<String>,
}

/// The events of a pool: a page of its log, or, for whoever accepts `text/event-stream`, each as it happens.
pub(crate) async fn events(
    State(service): State<Service>,
    Path(pool): Path<String>,
    principal: Principal,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let EventsQuery { limit, after, kind } = question::query(&uri)?;
    let most = limit_of(limit)?;
    let kinds = Kinds::of(kind.as_deref());
    let handle = service.pool(&pool)?;
    if !wants_stream(&headers) {
        return Ok(page(&handle, after, most, &kinds));
    }
    let after = match headers.get("last-event-id") {
        None => after,
        Some(id) => Some(
            id.to_str()
                .ok()
                .and_then(|id| id.trim().parse().ok())
                .ok_or_else(|| ApiError::BadHeader("Last-Event-ID must be the id of an event".to_owned()))?,
        ),
    };
    let place = match service.guard().stream_place(&principal) {
        Ok(place) => place,
        Err(refusal) => return Ok(refusal.into_response()),
    };
    Ok(stream::of(handle, after, kinds, place, service.metrics().listener()))
}

fn wants_stream(headers: &HeaderMap) -> bool {
    let accepts = headers.get_all(ACCEPT).into_iter().filter_map(|value| value.to_str().ok());
    accepts.flat_map(|value| value.split(',')).any(|kind| kind.trim().starts_with("text/event-stream"))
}

/// The page as JSON. Entries are spelt already: they are put together, not spelt again.
fn page(handle: &PoolHandle, after: Option<u64>, most: usize, kinds: &Kinds) -> Response {
    let page = handle.entries_of(after, most + 1, |entry| kinds.want(entry));
    let more = page.entries.len() > most;
    let items = &page.entries[..page.entries.len().min(most)];
    let mut json = String::from("{\"items\":[");
    for (position, entry) in items.iter().enumerate() {
        if position > 0 {
            json.push(',');
        }
        json.push_str(&entry.json);
    }
    let next = items.last().filter(|_| more).map(|last| format!("\"{}\"", last.number));
    let end = format!("],\"next\":{},\"gap\":{}}}", next.as_deref().unwrap_or("null"), page.gap);
    json.push_str(&end);
    ([(CONTENT_TYPE, "application/json")], json).into_response()
}

/// The kinds of events that somebody wants to hear of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Kinds(Option<Vec<String>>);

impl Kinds {
    fn of(text: Option<&str>) -> Self {
        let words = |text: &str| text.split(',').map(str::trim).map(str::to_owned).collect();
        Self(text.map(words))
    }

    /// Whether this entry is wanted.
    pub(super) fn want(&self, entry: &Logged) -> bool {
        self.0.as_ref().is_none_or(|kinds| kinds.iter().any(|kind| **kind == *entry.kind))
    }
}
