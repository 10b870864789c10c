//! `POST /v1/pools/{pool}/actions/{action}`: what operators ask of the agents of a pool and of its coordinator, not of one host or VM.
use super::action::Action;
use super::ha::Nothing;
use super::join::authorities;
use crate::clock::{self, Stopwatch};
use crate::conductor::{Conductor, link, rotation};
use crate::engine::once::to_its_end;
use crate::engine::pool::ChangeError;
use crate::engine::{Entry, Transition, Turn};
use crate::error::ApiError;
use crate::service::Service;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use lifeboat_link::frame::OperatorWish;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

/// How long the answer of a process that is about to end may take on its way.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// What was asked for is on its way to the agents.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Told {
    /// What the agents were told.
    told: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verb {
    HandOver,
    Reset,
    ReleaseBrake,
    RotateKey,
    RotateAuthority,
}

impl Verb {
    const ALL: [Self; 5] =
        [Self::HandOver, Self::Reset, Self::ReleaseBrake, Self::RotateKey, Self::RotateAuthority];

    fn word(self) -> &'static str {
        match self {
            Self::HandOver => "hand-over",
            Self::Reset => "reset-coordinator",
            Self::ReleaseBrake => "release-brake",
            Self::RotateKey => "rotate-key",
            Self::RotateAuthority => "rotate-authority",
        }
    }

    fn wish(self) -> Option<OperatorWish> {
        match self {
            Self::HandOver => Some(OperatorWish::HandOver),
            Self::Reset | Self::RotateAuthority => None,
            Self::ReleaseBrake => Some(OperatorWish::ReleaseBrake),
            Self::RotateKey => Some(OperatorWish::RotateKey),
        }
    }
}

/// Hand the coordinator over to another host or begin it anew, release the mass-failure brake, rotate the heartbeat key or the authority
///
/// A new authority is believed by every host before it signs, and every host has a certificate of it before the old one is believed no more;
/// a host that is off is waited for. The pool's log tells each step: `authority-added`, `authority-signs`, `authority-replaced`.
#[utoipa::path(
    post,
    path = "/v1/pools/{pool}/actions/{action}",
    params(
        ("pool" = String, Path, description = "The pool"),
        ("action" = String, Path, description = "hand-over, reset-coordinator, release-brake, rotate-key or rotate-authority"),
    ),
    responses(
        (status = 202, description = "The agents are told", content_type = "application/json",
            body = ref("#/components/schemas/Told")),
        (status = 409, description = "The pool's hosts run no agents",
            content_type = "application/problem+json", body = ref("#/components/schemas/Problem")),
        (status = "default", description = "Whatever goes wrong",
            content_type = "application/problem+json", body = ref("#/components/schemas/Problem")),
    )
)]
pub(crate) async fn act(
    State(service): State<Service>,
    Path((pool, action)): Path<(String, String)>,
    asked: Action<Nothing>,
) -> Result<Response, ApiError> {
    asked.insists.not_only()?;
    let verb = Verb::ALL.into_iter().find(|verb| verb.word() == action).ok_or(ApiError::NoSuchRoute)?;
    let conductor = service.conductor(&pool).ok_or_else(without_agents)?;
    if verb == Verb::RotateAuthority {
        rotate_authority(&service, &pool, &conductor, &asked).await?;
        return Ok((StatusCode::ACCEPTED, Json(Told { told: verb.word() })).into_response());
    }
    let turn = service.pool(&pool)?.turn().await?;
    written_down(turn, verb, &asked).await?;
    match verb.wish() {
        Some(wish) => conductor.wish(wish)?,
        None => end_soon(),
    }
    Ok((StatusCode::ACCEPTED, Json(Told { told: verb.word() })).into_response())
}

/// Begins the change; it goes on by itself, in this term or the next.
async fn rotate_authority(
    service: &Service,
    pool: &str,
    conductor: &Arc<Conductor>,
    asked: &Action<Nothing>,
) -> Result<(), ApiError> {
    let authorities = authorities(service, pool)?;
    let (handle, engine) = (service.pool(pool)?, service.engine()?);
    let changing = conductor.rosters().change().await;
    let begun = authorities.kept().rotated(&changing.roster(), clock::now().into())?;
    let begun = begun.ok_or_else(|| ApiError::Forbidden {
        code: "rotation-under-way",
        reason: "the authority is being changed already: the service's log says which hosts it waits for"
            .to_owned(),
    })?;
    let (who, conductor) = (asked.actor.name.clone(), Arc::clone(conductor));
    let did = asked.actor.did(Verb::RotateAuthority.word(), format!("pools/{pool}"));
    // Also if whoever asked goes away: who is believed is told to all, or to nobody.
    let kept = to_its_end(async move {
        rotation::keep(&handle, &engine, &conductor, changing, begun, &who, Some(did)).await
    });
    Ok(kept.await.unwrap_or(Err(ChangeError::NotAcknowledged))?)
}

async fn written_down(turn: Turn, verb: Verb, asked: &Action<Nothing>) -> Result<(), ApiError> {
    let did = asked.actor.did(verb.word(), format!("pools/{}", turn.pool().id()));
    let transition = Transition {
        entries: vec![Entry::new(verb.word(), Some(&asked.actor.name), json!({}))],
        audit: vec![did],
        ..Transition::default()
    };
    turn.commit(transition).acknowledged().await?;
    Ok(())
}

/// Ends this process, once whoever asked for it has an answer: its agent begins another.
fn end_soon() {
    tokio::spawn(async {
        let clock = Stopwatch::start();
        let mut ticks = tokio::time::interval(LAST_WORDS / 5);
        while !clock.has_reached(LAST_WORDS) {
            ticks.tick().await;
        }
        link::end("an operator has it begun anew");
    });
}

/// What such actions are refused with where nobody could carry them out.
pub(super) fn without_agents() -> ApiError {
    ApiError::Forbidden {
        code: "no-agents",
        reason: "this process conducts no such pool: its hosts run no agents that could be told".to_owned(),
    }
}
