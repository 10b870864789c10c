//! The demo's own routes, beside those of every service: what is said to the simulated pool from another terminal, and how
//! it stands. The demo listens on this machine alone; a page in a browser cannot post here, since no other origin may send
//! JSON without asking first, and nobody answers when it asks.
use super::command::LONGEST_LINE;
use super::conductor::{ANSWERED_WITHIN, Conductor, Unheard};
use super::scene::{Scene, Share};
use crate::error::ApiError;
use crate::guard::{Access, Guard, Guarded};
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use tokio::time::timeout;

/// Where lines are posted.
pub const COMMANDS: &str = "/v1/demo/commands";

/// The routes.
pub fn routes(conductor: Conductor, guard: &Guard) -> Router {
    let guarded = Guarded::new(guard.clone());
    let (routes, _) =
        guarded.get("/v1/demo", Access::Viewer, status).post(COMMANDS, Access::Operator, say).into_parts();
    routes.with_state(conductor)
}

/// A line for the pool.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// What is said, as at the prompt.
    pub command: String,
}

/// What the pool answers.
#[derive(Debug, Deserialize, Serialize)]
pub struct Said {
    /// In words.
    pub answer: String,
}

/// How the pool stands: the truth of the simulation, beside which `/v1/pools/demo` is what the service knows.
#[derive(Debug, Serialize)]
struct Standing {
    at_s: f64,
    coordinator: Option<String>,
    protected: Share,
    best_effort: Share,
    unprotected: Share,
    hosts: Vec<HostStanding>,
    story: Vec<Told>,
}

#[derive(Debug, Serialize)]
struct HostStanding {
    host: String,
    state: super::scene::CellState,
    vms: usize,
    memory_used_permille: u64,
}

#[derive(Debug, Serialize)]
struct Told {
    number: u64,
    at_s: f64,
    since_blow_s: Option<f64>,
    text: String,
}

async fn status(State(conductor): State<Conductor>) -> Json<impl Serialize> {
    Json(standing(&conductor.scene()))
}

fn standing(scene: &Scene) -> Standing {
    let [protected, best_effort, unprotected] = scene.vms;
    Standing {
        at_s: scene.at.as_secs_f64(),
        coordinator: scene.coordinator.clone(),
        protected,
        best_effort,
        unprotected,
        hosts: scene
            .hosts
            .iter()
            .map(|host| HostStanding {
                host: host.name.clone(),
                state: host.state,
                vms: host.vms,
                memory_used_permille: host.load,
            })
            .collect(),
        story: scene
            .items
            .iter()
            .map(|item| Told {
                number: item.number,
                at_s: item.at.as_secs_f64(),
                since_blow_s: item.since.as_ref().map(Duration::as_secs_f64),
                text: item.text.clone(),
            })
            .collect(),
    }
}

async fn say(
    State(conductor): State<Conductor>,
    line: Result<Json<Line>, JsonRejection>,
) -> Result<Json<Said>, ApiError> {
    let Json(Line { command }) = line.map_err(|error| ApiError::BadQuery(error.body_text()))?;
    if command.len() > LONGEST_LINE {
        return Err(ApiError::BadQuery(format!("a line has at most {LONGEST_LINE} bytes")));
    }
    let heard = conductor.say(&command).map_err(|unheard| match unheard {
        Unheard::Busy => ApiError::Overloaded { retry_after: Duration::from_secs(1) },
        Unheard::Over => ApiError::BadQuery(unheard.to_string()),
    })?;
    match timeout(ANSWERED_WITHIN, heard).await {
        Ok(Ok(Ok(answer))) => Ok(Json(Said { answer })),
        Ok(Ok(Err(fault))) => Err(ApiError::BadQuery(fault)),
        Ok(Err(_)) => Err(ApiError::BadQuery(Unheard::Over.to_string())),
        Err(_) => Err(ApiError::Overloaded { retry_after: ANSWERED_WITHIN }),
    }
}
