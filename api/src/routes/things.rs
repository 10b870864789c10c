//! Hosts, VMs, storages, networks, rules and settings: one by one and in lists.
use super::admit::Insistence;
use super::ask::Ask;
use super::conditions::Conditions;
use super::edits::{self, Verb};
use super::thing::Filter;
pub(crate) use super::thing::Thing;
use crate::dto::pool::one::{Reading, all_faults};
use crate::dto::served::List;
use crate::engine::once::to_its_end;
use crate::engine::{PoolHandle, Turn};
use crate::error::ApiError;
use crate::served::{Edit, Resource, Served, ServedError, edit};
use crate::service::Service;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

/// Items on a page, where the query does not say.
const USUAL: usize = 100;
/// The most items on a page.
pub(super) const MOST: usize = 1000;

/// Which page of a list.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PageQuery {
    limit: Option<usize>,
    after: Option<u64>,
    host: Option<String>,
    state: Option<String>,
    priority: Option<String>,
}

/// A page of a list.
pub(crate) async fn list<T: Thing>(
    State(service): State<Service>,
    Path(pool): Path<String>,
    uri: Uri,
) -> Result<Response, ApiError> {
    let PageQuery { limit, after, host, state, priority } = super::question::query(&uri)?;
    let most = limit_of(limit)?;
    let handle = service.pool(&pool)?;
    let filter = Filter { host, state, priority };
    let (pool, page, next) = handle.with(|served| {
        let (page, next) = page::<T>(served, &filter, after, most)?;
        Ok::<_, ApiError>((served.pool().clone(), page, next))
    })?;
    let things: Vec<T> = page.into_iter().map(|position| T::describe(&pool, position)).collect();
    let items = things.iter().map(T::document).collect();
    Ok(Json(List { items, next: next.map(|next| next.to_string()) }).into_response())
}

/// How many items a page has.
pub(super) fn limit_of(limit: Option<usize>) -> Result<usize, ApiError> {
    match limit.unwrap_or(USUAL) {
        most @ 1..=MOST => Ok(most),
        _ => Err(ApiError::BadQuery(format!("limit must be 1 to {MOST}"))),
    }
}

/// The places of the things on a page, and after which position the next one begins.
fn page<T: Thing>(
    served: &Served,
    filter: &Filter,
    after: Option<u64>,
    most: usize,
) -> Result<(Vec<usize>, Option<u64>), ApiError> {
    let pool = served.pool();
    let wanted = T::wanted(pool, filter)?;
    let position = |place: usize| {
        let resource = Resource::new(T::KIND, T::name(pool, place));
        served.mark_of(&resource).map_or(0, |mark| mark.position)
    };
    let first = after.map_or(0, |after| first_beyond(T::count(pool), |place| position(place) > after));
    let mut rest = (first..T::count(pool)).filter(|&place| wanted(place));
    let page: Vec<usize> = rest.by_ref().take(most).collect();
    let next = rest.next().and(page.last()).map(|&last| position(last));
    Ok((page, next))
}

/// The first of so many places that is `beyond`, where all behind such a one are as well.
fn first_beyond(count: usize, beyond: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = usize::midpoint(low, high);
        if beyond(middle) { high = middle } else { low = middle + 1 }
    }
    low
}

/// One thing.
pub(crate) async fn get<T: Thing>(
    State(service): State<Service>,
    Path((pool, name)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    one::<T>(&*service.pool(&pool)?, &name, &headers)
}

fn one<T: Thing>(handle: &PoolHandle, name: &str, headers: &HeaderMap) -> Result<Response, ApiError> {
    let conditions = Conditions::of(headers)?;
    let resource = Resource::new(T::KIND, name);
    let (thing, revision) = handle
        .with(|served| {
            let mark = served.mark_of(&resource)?;
            let position = T::find(served.pool(), name)?;
            Some((T::describe(served.pool(), position), mark.revision))
        })
        .ok_or_else(|| ServedError::Unknown(resource.clone()))?;
    conditions.answer(revision, || Ok(Json(thing.document()).into_response()))
}

/// Puts a thing in the place of the one of its name, or adds it.
pub(crate) async fn put<T: Thing>(
    State(service): State<Service>,
    Path((pool, name)): Path<(String, String)>,
    ask: Ask<Insistence>,
) -> Result<Response, ApiError> {
    put_named::<T>(&service, &pool, &name, ask).await
}

async fn put_named<T: Thing>(
    service: &Service,
    pool: &str,
    name: &str,
    ask: Ask<Insistence>,
) -> Result<Response, ApiError> {
    let handle = service.pool(pool)?;
    let reading = Reading::<T>::named(&ask.body, name).map_err(ApiError::Body)?;
    let turn = handle.turn().await?;
    let known = revision_of::<T>(&turn, name);
    ask.conditions.check(known)?;
    change(service, turn, reading, name, &ask, Verb::Put).await
}

/// Changes a thing in part: a JSON merge patch (RFC 7396) of its document.
pub(crate) async fn patch<T: Thing>(
    State(service): State<Service>,
    Path((pool, name)): Path<(String, String)>,
    ask: Ask<Insistence>,
) -> Result<Response, ApiError> {
    patch_named::<T>(&service, &pool, &name, ask).await
}

async fn patch_named<T: Thing>(
    service: &Service,
    pool: &str,
    name: &str,
    ask: Ask<Insistence>,
) -> Result<Response, ApiError> {
    let handle = service.pool(pool)?;
    let patch = serde_json::from_slice(&ask.body).map_err(|error| {
        let kind = crate::dto::pool::FaultKind::Syntax(error.to_string());
        ApiError::Body(vec![crate::dto::pool::Fault { pointer: String::new(), kind }])
    })?;
    let turn = handle.turn().await?;
    let known = revision_of::<T>(&turn, name);
    ask.conditions.check(known)?;
    let view = turn.view();
    let place =
        T::find(&view.pool, name).ok_or_else(|| ServedError::Unknown(Resource::new(T::KIND, name)))?;
    let present = T::describe(&view.pool, place);
    let mut merged = serde_json::to_value(present.document()).map_err(|_| ApiError::Internal)?;
    json_patch::merge(&mut merged, &patch);
    let merged = serde_json::to_vec(&merged).map_err(|_| ApiError::Internal)?;
    let reading = Reading::<T>::named(&merged, name).map_err(ApiError::Body)?;
    change(service, turn, reading, name, &ask, Verb::Patch).await
}

/// Takes a thing out of the pool.
pub(crate) async fn delete<T: Thing>(
    State(service): State<Service>,
    Path((pool, name)): Path<(String, String)>,
    ask: Ask<Insistence>,
) -> Result<Response, ApiError> {
    let changing = edits::changing(&service, &pool, T::KIND).await;
    let turn = service.pool(&pool)?.turn().await?;
    let resource = Resource::new(T::KIND, name.as_str());
    let known = revision_of::<T>(&turn, &name);
    ask.conditions.check(known)?;
    if known.is_none() {
        return Err(ServedError::Unknown(resource).into());
    }
    // Also if whoever asks goes away: who has left the roster is told to all.
    let done = to_its_end(async move {
        edits::carry_out(&service, turn, Edit::Remove(resource), &ask, Verb::Delete, changing).await
    });
    done.await.unwrap_or(Err(ApiError::Internal))
}

/// The settings.
pub(crate) async fn get_only<T: Thing>(
    State(service): State<Service>,
    Path(pool): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    one::<T>(&*service.pool(&pool)?, "", &headers)
}

/// Replaces the settings.
pub(crate) async fn put_only<T: Thing>(
    State(service): State<Service>,
    Path(pool): Path<String>,
    ask: Ask<Insistence>,
) -> Result<Response, ApiError> {
    put_named::<T>(&service, &pool, "", ask).await
}

/// Changes the settings in part.
pub(crate) async fn patch_only<T: Thing>(
    State(service): State<Service>,
    Path(pool): Path<String>,
    ask: Ask<Insistence>,
) -> Result<Response, ApiError> {
    patch_named::<T>(&service, &pool, "", ask).await
}

fn revision_of<T: Thing>(turn: &Turn, name: &str) -> Option<u64> {
    turn.pool().with(|served| served.mark_of(&Resource::new(T::KIND, name))).map(|mark| mark.revision)
}

/// Makes the pool have the thing as it was read; everything that is wrong with it is told at once.
async fn change<T: Thing>(
    service: &Service,
    turn: Turn,
    reading: Reading<T>,
    name: &str,
    ask: &Ask<Insistence>,
    verb: Verb,
) -> Result<Response, ApiError> {
    let pool = turn.view().pool;
    let known = T::find(&pool, name);
    let place = T::place(known.unwrap_or_else(|| T::count(&pool)));
    let Reading { is, faults } = reading;
    let elsewhere = known.and_then(|position| is.not_by_edit(&T::describe(&pool, position)));
    let edit = is.put();
    if !faults.is_empty() {
        let found = match edit::after(&pool, &edit) {
            Err(ServedError::Unsound(found)) => found,
            _ => Vec::new(),
        };
        return Err(ApiError::Body(all_faults(faults, &place, found)));
    }
    if let Some(reason) = elsewhere {
        return Err(ApiError::Forbidden { code: "use-the-action", reason });
    }
    let answer = edits::carry_out(service, turn, edit, ask, verb, None).await;
    answer.map_err(|error| match error {
        ApiError::Served(ServedError::Unsound(found)) => {
            ApiError::Body(all_faults(Vec::new(), &place, found))
        }
        error => error,
    })
}
