//! What is known of a pool that the service keeps: the published verdict, the restart plan for a failure set, and what keeps a VM
//! from each host.
use super::question::json;
use crate::clock::Stopwatch;
use crate::dto::agility::VmAgility;
use crate::dto::restart::RestartPlanAnswer;
use crate::dto::tolerance::PublishedTolerance;
use crate::engine::PoolHandle;
use crate::error::ApiError;
use crate::failure_set;
use crate::served::{Kind, Outlook, Resource, ServedError};
use crate::service::Service;
use axum::extract::{Path, Query, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use lifeboat_planner::{Limits, assess, restart_plan, state_after};
use serde::Deserialize;
use std::sync::Arc;
use tokio::time::timeout;

/// The published verdict: how many host failures the pool survives
#[utoipa::path(
    get,
    path = "/v1/pools/{pool}/tolerance",
    params(("pool" = String, Path, description = "The pool")),
    responses(
        (status = 200, description = "The newest verdict; `up_to_date` says whether it speaks of the pool as it is",
            content_type = "application/json", body = ref("#/components/schemas/PublishedTolerance")),
        (status = 503, description = "The first search has not ended yet",
            content_type = "application/problem+json", body = ref("#/components/schemas/Problem")),
        (status = "default", description = "Whatever goes wrong",
            content_type = "application/problem+json", body = ref("#/components/schemas/Problem")),
    )
)]
pub(crate) async fn tolerance(
    State(service): State<Service>,
    Path(pool): Path<String>,
) -> Result<Response, ApiError> {
    let handle = service.pool(&pool)?;
    let outlook = published(&service, &handle).await?;
    let revision = handle.view().revision;
    Ok(sent(json(&PublishedTolerance::new(&outlook, revision))?))
}

/// The newest verdict; of a pool that is new, the first one is waited for.
async fn published(service: &Service, handle: &Arc<PoolHandle>) -> Result<Arc<Outlook>, ApiError> {
    let mut outlooks = handle.outlooks();
    let first = async {
        loop {
            if let Some(outlook) = handle.outlook() {
                return Some(outlook);
            }
            outlooks.changed().await.ok()?;
        }
    };
    timeout(service.settings().usual_time, first).await.ok().flatten().ok_or(ApiError::NoVerdictYet)
}

/// What the query may say.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FailQuery {
    fail: String,
}

/// The restart plan for when these hosts fail
#[utoipa::path(
    get,
    path = "/v1/pools/{pool}/plan",
    params(
        ("pool" = String, Path, description = "The pool"),
        ("fail" = String, Query, description = "The hosts, comma-separated"),
    ),
    responses(
        (status = 200, description = "The plan", content_type = "application/json",
            body = ref("#/components/schemas/RestartPlan")),
        (status = "default", description = "Whatever goes wrong",
            content_type = "application/problem+json", body = ref("#/components/schemas/Problem")),
    )
)]
pub(crate) async fn plan(
    State(service): State<Service>,
    Path(pool): Path<String>,
    query: Result<Query<FailQuery>, axum::extract::rejection::QueryRejection>,
) -> Result<Response, ApiError> {
    let Query(FailQuery { fail }) = query.map_err(|rejection| ApiError::BadQuery(rejection.body_text()))?;
    let handle = service.pool(&pool)?;
    let view = handle.view();
    let known = handle.outlook().filter(|outlook| outlook.revision == view.revision);
    let time = service.settings().usual_time;
    let answer = service
        .compute(time, move |stop| {
            let clock = Stopwatch::start();
            let failed = failure_set::named(&view.pool, std::slice::from_ref(&fail))?;
            let within = |share: f64| move || stop.reached(share);
            let (first, second, third) = (within(0.4), within(0.6), within(1.0));
            let assessment = match known {
                // The plan that is shown is the plan of the verdict that is shown.
                Some(outlook) => Arc::clone(&outlook.assessment),
                None => Arc::new(assess(&view.pool, &Limits { stop: Some(&first), ..Limits::default() })),
            };
            let limits = Limits { stop: Some(&second), ..Limits::default() };
            let plan = restart_plan(&view.pool, &failed, &assessment, &limits);
            let after = state_after(&view.pool, &plan);
            let remaining = assess(&after, &Limits { stop: Some(&third), ..Limits::default() });
            json(&RestartPlanAnswer::new(&view.pool, &plan, remaining.tolerance, clock.elapsed_us()))
        })
        .await?;
    Ok(sent(answer))
}

/// What keeps a VM from each host
#[utoipa::path(
    get,
    path = "/v1/pools/{pool}/vms/{id}/diagnosis",
    params(("pool" = String, Path, description = "The pool"), ("id" = String, Path, description = "The VM")),
    responses(
        (status = 200, description = "Per host: whether it could run there, else why not",
            content_type = "application/json", body = ref("#/components/schemas/VmAgility")),
        (status = "default", description = "Whatever goes wrong",
            content_type = "application/problem+json", body = ref("#/components/schemas/Problem")),
    )
)]
pub(crate) async fn diagnosis(
    State(service): State<Service>,
    Path((pool, vm)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let handle = service.pool(&pool)?;
    let (pool, index) = handle.with(|served| (Arc::clone(served.pool()), served.find_vm(&vm)));
    let index = index.ok_or_else(|| ServedError::Unknown(Resource::new(Kind::Vm, vm)))?;
    Ok(sent(json(&VmAgility::new(&pool, index))?))
}

fn sent(json: Vec<u8>) -> Response {
    ([(CONTENT_TYPE, "application/json")], json).into_response()
}
