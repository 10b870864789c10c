//! `POST /v1/plan`: the verdict about a pool, or the restart plan for a failure set.
use super::question::{Bounds, Question, answered, json};
use crate::clock::Stopwatch;
use crate::dto::{pool, restart::RestartPlanAnswer, verdict::PlanAnswer};
use crate::error::ApiError;
use crate::failure_set;
use crate::service::Service;
use axum::extract::State;
use axum::response::Response;
use lifeboat_model::{HostSet, Pool};
use lifeboat_planner::{assess, restart_plan, state_after};
use serde::Deserialize;

/// What the query may say.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PlanQuery {
    max: Option<u32>,
    time_limit: Option<f64>,
    work_limit: Option<u64>,
    fail: Option<String>,
}

/// Prove how many host failures a pool survives, or plan the restarts for when hosts fail
#[utoipa::path(
    post,
    path = "/v1/plan",
    params(
        ("max" = Option<u32>, Query, description = "Examine no more than this many failures"),
        ("time_limit" = Option<f64>, Query, description = "Stop after so many seconds and say what is open"),
        ("work_limit" = Option<u64>, Query, description = "Stop after so much work: the same answer everywhere"),
        ("fail" = Option<String>, Query, description = "Plan the restarts for when these hosts fail, comma-separated"),
    ),
    request_body(
        content = ref("#/components/schemas/PoolDocument"),
        content_type = "application/json",
        description = "The pool document; it may come with Content-Encoding: gzip"
    ),
    responses(
        (status = 200, description = "The verdict; with `fail`, the restart plan",
            content_type = "application/json", body = ref("#/components/schemas/PlanOrRestarts")),
        (status = 400, description = "A query that makes no sense, or a body that was cut short",
            content_type = "application/problem+json", body = ref("#/components/schemas/Problem")),
        (status = 408, description = "The body came too slowly",
            content_type = "application/problem+json", body = ref("#/components/schemas/Problem")),
        (status = 413, description = "The document is too large",
            content_type = "application/problem+json", body = ref("#/components/schemas/Problem")),
        (status = 415, description = "A content encoding other than gzip",
            content_type = "application/problem+json", body = ref("#/components/schemas/Problem")),
        (status = 422, description = "The document is wrong: every fault with its JSON pointer",
            content_type = "application/problem+json", body = ref("#/components/schemas/Problem")),
        (status = 503, description = "Too many requests at once; Retry-After says when to come again",
            content_type = "application/problem+json", body = ref("#/components/schemas/Problem")),
    )
)]
pub(crate) async fn plan(
    State(service): State<Service>,
    question: Question<PlanQuery>,
) -> Result<Response, ApiError> {
    let PlanQuery { max, time_limit, work_limit, fail } = question.query;
    let bounds = Bounds { max, time_limit, work_limit };
    let time = bounds.time(&service)?;
    answered(&service, question.document, time, move |document, stop| {
        let pool = pool::read(document).map_err(ApiError::Document)?;
        match &fail {
            None => verdict(&pool, &bounds, &|| stop.reached(1.0)),
            Some(names) => {
                let failed = failure_set::named(&pool, std::slice::from_ref(names))?;
                restarts(&pool, &failed, &bounds, &|share| stop.reached(share))
            }
        }
    })
    .await
}

fn verdict(pool: &Pool, bounds: &Bounds, stop: &(dyn Fn() -> bool + Sync)) -> Result<Vec<u8>, ApiError> {
    let clock = Stopwatch::start();
    let assessment = bounds.run(stop, |limits| assess(pool, limits));
    json(&PlanAnswer::new(pool, &assessment, clock.elapsed_us()))
}

fn restarts(
    pool: &Pool,
    failed: &HostSet,
    bounds: &Bounds,
    reached: &(dyn Fn(f64) -> bool + Sync),
) -> Result<Vec<u8>, ApiError> {
    let clock = Stopwatch::start();
    // The same shares of the time as on the command line.
    let assessment = bounds.run(&|| reached(0.4), |limits| assess(pool, limits));
    let plan = bounds.run(&|| reached(0.6), |limits| restart_plan(pool, failed, &assessment, limits));
    let after = state_after(pool, &plan);
    let remaining = bounds.run(&|| reached(1.0), |limits| assess(&after, limits));
    json(&RestartPlanAnswer::new(pool, &plan, remaining.tolerance, clock.elapsed_us()))
}
