//! Edits on their way: judged, made, made durable, answered.
use super::admit::{Act, Insistence, admit};
use super::ask::Ask;
use super::conditions::tag;
use super::thing::document_of;
use crate::conductor::shell::{Conductor, Event};
use crate::conductor::{enrolment, records};
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
) -> Result<Response, ApiError> {
    let entry = entry(&edit, &ask.who.name);
    let resource = edit.resource();
    let before = resource.as_ref().map_or(Value::Null, |resource| document_of(&turn.view().pool, resource));
    let created = verb == Verb::Put && before.is_null();
    let mut act = Act::new(&ask.who, verb.word(), path(turn.pool().id(), &edit), move |_| entry);
    if let Some(resource) = resource {
        act.shows = Box::new(move |after| (before, document_of(after, &resource)));
    }
    let leaving = leaving(service, &turn, &edit)?;
    if let Some((_, roster)) = leaving.clone() {
        act.keep = Box::new(move |_| {
            let mut batch = Batch::default();
            records::put_roster(&mut batch, &roster);
            batch
        });
    }
    let admitted = admit(service, turn, Wish::Edit(Box::new(edit)), &ask.query, act).await?;
    if let Some((conductor, roster)) = leaving.filter(|_| admitted.done) {
        conductor.tell(Event::Enrol(roster));
    }
    let status = if created && admitted.done { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, [(ETAG, tag(admitted.revision))], Json(admitted)).into_response())
}

/// A host that leaves a pool whose hosts run agents leaves its roster too: it is to be down by then.
fn leaving(
    service: &Service,
    turn: &Turn,
    edit: &Edit,
) -> Result<Option<(Arc<Conductor>, Roster)>, ApiError> {
    let Edit::Remove(Resource { kind: Kind::Host, id }) = edit else { return Ok(None) };
    let Some(conductor) = service.conductor(turn.pool().id()) else { return Ok(None) };
    let Some(roster) = enrolment::left(&conductor.roster(), id) else { return Ok(None) };
    if conductor.is_live(id) {
        return Err(ApiError::Forbidden {
            code: "host-is-live",
            reason: format!(
                "host {id} belongs to the liveset: shut it down first (lifeboat host shutdown {id})"
            ),
        });
    }
    Ok(Some((conductor, roster)))
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
