//! Edits on their way: judged, made, made durable, answered.
use super::admit::{Act, Insistence, admit};
use super::ask::Ask;
use super::conditions::tag;
use super::thing::document_of;
use crate::conductor::rosters::Changing;
use crate::conductor::shell::Conductor;
use crate::conductor::{enrolment, records};
use crate::engine::pool::ChangeError;
use crate::engine::{Entry, Turn};
use crate::error::ApiError;
use crate::served::admission::Wish;
use crate::served::{Edit, Kind, Resource};
use crate::service::Service;
use axum::Json;
use axum::http::StatusCode;
use axum::http::header::ETAG;
use axum::response::{IntoResponse, Response};
use lifeboat_link::Roster;
use lifeboat_model::HostIndex;
use lifeboat_protocol::Standing;
use lifeboat_store::Batch;
use serde_json::{Value, json};
use std::sync::Arc;

/// How an edit is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    /// As a whole.
    Put,
    /// In part.
    Patch,
    /// Away with it.
    Delete,
}

impl Verb {
    fn word(self) -> &'static str {
        match self {
            Self::Put => "put",
            Self::Patch => "patch",
            Self::Delete => "delete",
        }
    }
}

/// Carries an edit out, if admission lets it be made.
pub(super) async fn carry_out(
    service: &Service,
    turn: Turn,
    edit: Edit,
    ask: &Ask<Insistence>,
    verb: Verb,
    changing: Option<Changing>,
) -> Result<Response, ApiError> {
    let entry = entry(&edit, &ask.who.name);
    let resource = edit.resource();
    let before = resource.as_ref().map_or(Value::Null, |resource| document_of(&turn.view().pool, resource));
    let created = verb == Verb::Put && before.is_null();
    let mut act = Act::new(&ask.who, verb.word(), path(turn.pool().id(), &edit), move |_| entry);
    if let Some(resource) = resource {
        act.shows = Box::new(move |after| (before, document_of(after, &resource)));
    }
    let leaving = match &changing {
        Some(changing) => leaving(service, &turn, &edit, changing)?,
        None => None,
    };
    if let Some(roster) = leaving.clone() {
        act.keep = Box::new(move |_| {
            let mut batch = Batch::default();
            records::put_roster(&mut batch, &roster);
            batch
        });
    }
    let admitted = admit(service, turn, Wish::Edit(Box::new(edit)), &ask.query, act).await;
    match (&admitted, leaving, changing) {
        (Ok(admitted), Some(roster), Some(changing)) if admitted.done => changing.done(roster),
        (Err(ApiError::Unchanged(ChangeError::NotAcknowledged)), Some(roster), Some(changing)) => {
            changing.done_when_durable(roster, service.engine()?);
        }
        _ => {}
    }
    let admitted = admitted?;
    let status = if created && admitted.done { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, [(ETAG, tag(admitted.revision))], Json(admitted)).into_response())
}

/// The turn to change who belongs to the pool, for a host that is taken out of it. To be taken before the pool's turn.
pub(super) async fn changing(service: &Service, pool: &str, kind: Kind) -> Option<Changing> {
    let conductor: Arc<Conductor> = service.conductor(pool).filter(|_| kind == Kind::Host)?;
    Some(conductor.rosters().change().await)
}

/// A host that leaves a pool whose hosts run agents leaves its roster too: it is to be down by then.
fn leaving(
    service: &Service,
    turn: &Turn,
    edit: &Edit,
    changing: &Changing,
) -> Result<Option<Roster>, ApiError> {
    let Edit::Remove(Resource { kind: Kind::Host, id }) = edit else { return Ok(None) };
    let Some(conductor) = service.conductor(turn.pool().id()) else { return Ok(None) };
    let before = changing.roster();
    let (Some(place), Some(roster)) = (before.find(id), enrolment::left(&before, id)) else {
        return Ok(None);
    };
    // Who is being fenced may run VMs still: they would be forgotten with it.
    if !matches!(conductor.standing(HostIndex::new(place)), Some(Standing::Out | Standing::Fenced { .. })) {
        return Err(ApiError::Forbidden {
            code: "host-is-live",
            reason: format!(
                "host {id} belongs to the liveset, or is not fenced yet: shut it down first (lifeboat host shutdown {id}), or wait"
            ),
        });
    }
    Ok(Some(roster))
}

/// What is edited, as a path.
fn path(pool: &str, edit: &Edit) -> String {
    match edit.resource() {
        None => format!("pools/{pool}"),
        Some(resource) => format!("pools/{pool}/{}", named(&resource)),
    }
}

fn named(resource: &Resource) -> String {
    match &*resource.id {
        "" => resource.kind.plural().to_owned(),
        id => format!("{}/{id}", resource.kind.plural()),
    }
}

/// What the log says of an edit.
pub(super) fn entry(edit: &Edit, who: &str) -> Entry {
    let data = match edit.resource() {
        None => json!({"changed": ["pool"], "gone": []}),
        Some(gone) if matches!(edit, Edit::Remove(_)) => json!({"changed": [], "gone": [named(&gone)]}),
        Some(changed) => json!({"changed": [named(&changed)], "gone": []}),
    };
    Entry::new("changed", Some(who), data)
}
