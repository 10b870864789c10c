//! Edits on their way: judged, made, made durable, answered.
use super::admit::{Act, Insistence, admit};
use super::ask::Ask;
use super::conditions::tag;
use crate::engine::{Entry, Turn};
use crate::error::ApiError;
use crate::served::admission::Wish;
use crate::served::{Edit, Resource};
use crate::service::Service;
use axum::Json;
use axum::http::StatusCode;
use axum::http::header::ETAG;
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// Carries an edit out, if admission lets it be made.
pub(super) async fn carry_out(
    service: &Service,
    turn: Turn,
    edit: Edit,
    ask: &Ask<Insistence>,
    created: bool,
) -> Result<Response, ApiError> {
    let entry = entry(&edit, &ask.who.name);
    let act = Act::new(&ask.who, "edit", path(turn.pool().id(), &edit), move |_| entry);
    let admitted = admit(service, turn, Wish::Edit(Box::new(edit)), &ask.query, act).await?;
    let status = if created && admitted.done { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, [(ETAG, tag(admitted.revision))], Json(admitted)).into_response())
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
