//! Pools as a whole: list, export, import, delete, at a glance.
use super::admit::Insistence;
use super::ask::{Ask, NoQuery};
use super::conditions::{Conditions, tag};
use super::edits;
use super::things::limit_of;
use crate::clock;
use crate::dto::pool::{self, Fault, FaultKind};
use crate::dto::served::{Done, List, Summary};
use crate::engine::{Entry, Transition, pools::CreateError};
use crate::error::ApiError;
use crate::guard::Principal;
use crate::served::{Edit, Step};
use crate::service::Service;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::header::{CONTENT_TYPE, ETAG};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use lifeboat_model::{Pool, spec};
use lifeboat_store::Batch;
use serde::Deserialize;
use serde_json::json;
use tokio::task::spawn_blocking;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PageQuery {
    limit: Option<usize>,
    after: Option<String>,
}

/// All pools that the caller may see at a glance, by name.
pub(crate) async fn list(
    State(service): State<Service>,
    principal: Principal,
    uri: Uri,
) -> Result<Json<List<Summary>>, ApiError> {
    let PageQuery { limit, after } = super::question::query(&uri)?;
    let most = limit_of(limit)?;
    let pools = service.engine()?.pools();
    let beyond = |id: &str| after.as_deref().is_none_or(|after| id > after);
    let mut rest = pools.iter().filter(|pool| beyond(pool.id()) && principal.may_see(pool.id()));
    let items: Vec<Summary> = rest.by_ref().take(most).map(|pool| Summary::of(pool, clock::now())).collect();
    let next = rest.next().and(items.last()).map(|last| last.pool.clone());
    Ok(Json(List { items, next }))
}

/// A pool at a glance.
pub(crate) async fn summary(
    State(service): State<Service>,
    Path(pool): Path<String>,
) -> Result<Json<Summary>, ApiError> {
    Ok(Json(Summary::of(&*service.pool(&pool)?, clock::now())))
}

/// The whole pool document.
pub(crate) async fn export(
    State(service): State<Service>,
    Path(pool): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let conditions = Conditions::of(&headers)?;
    let view = service.pool(&pool)?.view();
    let known = conditions.answer(view.revision, || Ok(StatusCode::OK.into_response()))?;
    if known.status() != StatusCode::OK {
        return Ok(known);
    }
    let document = spawn_blocking(move || {
        let mut document = Vec::new();
        pool::write(&view.pool.describe(), &mut document).map(|()| document)
    });
    let document = document.await.map_err(|_| ApiError::Internal)?.map_err(|_| ApiError::Internal)?;
    let headers = [
        (CONTENT_TYPE, "application/json".parse().map_err(|_| ApiError::Internal)?),
        (ETAG, tag(view.revision)),
    ];
    Ok((headers, document).into_response())
}

/// Makes a pool, or replaces it as a whole. It is the operator's word: it is not refused for what it does to the tolerance.
pub(crate) async fn import(
    State(service): State<Service>,
    Path(id): Path<String>,
    ask: Ask<Insistence>,
) -> Result<Response, ApiError> {
    let engine = service.engine()?;
    let (body, name) = (ask.body.clone(), id.clone());
    let read = spawn_blocking(move || read(&body, &name));
    let pool = read.await.map_err(|_| ApiError::Internal)??;
    let Some(handle) = engine.pool(&id) else {
        ask.conditions.check(None)?;
        if ask.query.only {
            return Ok(Json(Done::unjudged(false, 0)).into_response());
        }
        let made = json!({"changed": ["pool"], "gone": []});
        let entries = vec![Entry::new("changed", Some(&ask.who.name), made)];
        let mut records = Batch::default();
        engine.audit().add(&mut records, &ask.who.did("make-pool", format!("pools/{id}")));
        let handle = match engine.create(pool, entries, records).await {
            // Two asked at once: the second one replaces nothing that it has seen.
            Err(CreateError::Exists(_)) => {
                return Err(ApiError::Precondition(
                    "somebody else made the pool just now; look at it, and try again".to_owned(),
                ));
            }
            made => made?,
        };
        let revision = handle.view().revision;
        return Ok((StatusCode::CREATED, [(ETAG, tag(revision))], Json(Done::unjudged(true, revision)))
            .into_response());
    };
    let turn = handle.turn().await?;
    let revision = turn.view().revision;
    ask.conditions.check(Some(revision))?;
    if ask.query.only {
        return Ok(Json(Done::unjudged(false, revision)).into_response());
    }
    let ha = turn.pool().ledger(|ledger| ledger.ha.clone());
    if let Some(reason) = ha.would_lose(&turn.view().pool, &pool) {
        return Err(ApiError::Forbidden { code: "heartbeat-storage-in-use", reason });
    }
    let entry = edits::entry(&Edit::Replace(Box::default()), &ask.who.name);
    let transition = Transition {
        pool: Some((pool, Step::Rebuilt)),
        entries_if_changed: vec![entry],
        audit: vec![ask.who.did("import-pool", format!("pools/{id}"))],
        ..Transition::default()
    };
    let delta = turn.commit(transition).acknowledged().await?;
    Ok(([(ETAG, tag(delta.revision))], Json(Done::unjudged(true, delta.revision))).into_response())
}

/// Reads a pool document that must be called `id`.
fn read(document: &[u8], id: &str) -> Result<Pool, ApiError> {
    let pool = pool::read(document).map_err(ApiError::Document)?;
    if pool.id() == id {
        return Ok(pool);
    }
    let words = format!("must be {id:?}, the name in the path");
    let kind = FaultKind::Unsound(spec::Fault::Unreadable(words));
    Err(ApiError::Document(vec![Fault { pointer: "/id".to_owned(), kind }]))
}

/// Deletes a pool with everything that is kept of it.
pub(crate) async fn delete(
    State(service): State<Service>,
    Path(pool): Path<String>,
    ask: Ask<NoQuery>,
) -> Result<Response, ApiError> {
    let engine = service.engine()?;
    let handle = service.pool(&pool)?;
    if service.conductor(&pool).is_some() {
        // The next term would make it anew, without a priority for any VM.
        return Err(ApiError::Forbidden {
            code: "pool-has-agents",
            reason: format!(
                "the hosts of pool {pool} run agents, which guard its VMs: shut the hosts down and remove their agents first"
            ),
        });
    }
    let turn = handle.turn().await?;
    let revision = turn.view().revision;
    ask.conditions.check(Some(revision))?;
    let mut records = Batch::default();
    engine.audit().add(&mut records, &ask.who.did("delete-pool", format!("pools/{pool}")));
    engine.delete(turn, records).await?;
    Ok(Json(Done::unjudged(true, revision)).into_response())
}
