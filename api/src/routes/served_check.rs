//! `POST /v1/pools/{pool}/check` and `POST /v1/pools/{pool}/hypothetical`: questions about a pool that the service keeps. They
//! change nothing, take no turn, and look at one moment of the pool.
use super::action::read_body;
use crate::dto::change_request;
use crate::dto::pool::RestartPriorityWord;
use crate::dto::tolerance::HypotheticalTolerance;
use crate::dto::verdict::{PlanAnswer, ToleranceAnswer};
use crate::error::ApiError;
use crate::served::admission::{Effort, Known, judge};
use crate::served::{Kind, Resource, ServedError};
use crate::service::Service;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use lifeboat_model::change::Change;
use lifeboat_model::spec::Guarantee;
use lifeboat_planner::{Limits, assess};
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// May this change be made to the pool, and what would it do to the tolerance? Changes nothing
#[utoipa::path(
    post,
    path = "/v1/pools/{pool}/check",
    params(("pool" = String, Path, description = "The pool")),
    request_body(content = ref("#/components/schemas/ChangeRequest"), content_type = "application/json"),
    responses(
        (status = 200, description = "The verdict; `allowed` says whether the change may be made",
            content_type = "application/json", body = ref("#/components/schemas/ServedAdmission")),
        (status = "default", description = "Whatever goes wrong",
            content_type = "application/problem+json", body = ref("#/components/schemas/Problem")),
    )
)]
pub(crate) async fn check(
    State(service): State<Service>,
    Path(pool): Path<String>,
    body: Bytes,
) -> Result<Response, ApiError> {
    let handle = service.pool(&pool)?;
    let view = handle.view();
    let known = handle.outlook().filter(|outlook| outlook.revision == view.revision);
    let answer = service
        .judge(move |stop| {
            let change = change_request::read_change(&view.pool, &body).map_err(ApiError::Document)?;
            let known = known.as_deref().map(Known::from);
            Ok(judge(&view.pool, view.revision, known, &change.into(), &Effort::QUESTION, stop)?.answer)
        })
        .await?;
    Ok(([(CONTENT_TYPE, "application/json")], String::from(Box::<str>::from(answer))).into_response())
}

/// What is supposed.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Supposition")]
pub(crate) struct Supposition {
    /// For each VM that is named: the restart priority that it is supposed to have.
    restart_priorities: BTreeMap<String, RestartPriorityWord>,
}

/// Compute how many failures the pool would tolerate with other restart priorities
#[utoipa::path(
    post,
    path = "/v1/pools/{pool}/hypothetical",
    params(("pool" = String, Path, description = "The pool")),
    request_body(content = ref("#/components/schemas/Supposition"), content_type = "application/json"),
    responses(
        (status = 200, description = "The bounds that would hold", content_type = "application/json",
            body = ref("#/components/schemas/HypotheticalTolerance")),
        (status = "default", description = "Whatever goes wrong",
            content_type = "application/problem+json", body = ref("#/components/schemas/Problem")),
    )
)]
pub(crate) async fn hypothetical(
    State(service): State<Service>,
    Path(pool): Path<String>,
    body: Bytes,
) -> Result<Response, ApiError> {
    let handle = service.pool(&pool)?;
    let supposed: Supposition = read_body(&body)?;
    let priorities: Vec<_> = supposed.restart_priorities.into_iter().collect();
    // Names and pool at one moment: indices of another would be other VMs.
    let (supposed_of, revision, changes) = handle.with(|served| {
        let change = |(name, priority): (String, RestartPriorityWord)| {
            let vm =
                served.find_vm(&name).ok_or_else(|| ServedError::Unknown(Resource::new(Kind::Vm, name)))?;
            Ok(Change::Protect { vm, priority: priority.into() })
        };
        let changes = priorities.into_iter().map(change).collect::<Result<Vec<Change>, ServedError>>()?;
        Ok::<_, ServedError>((Arc::clone(served.pool()), served.revision(), changes))
    })?;
    let known = handle.outlook().filter(|outlook| outlook.revision == revision);
    let time = service.settings().usual_time;
    let json = service
        .compute(time, move |stop| {
            let clock = crate::clock::Stopwatch::start();
            let pool = supposed_of.with_all(&changes)?;
            let stop = || stop.reached(1.0);
            let assessment = assess(&pool, &Limits { stop: Some(&stop), ..Limits::default() });
            let bounds = match pool.settings().guarantee {
                Guarantee::Sequential => assessment.tolerance.sequential,
                Guarantee::Simultaneous => assessment.tolerance.simultaneous,
            };
            super::question::json(&HypotheticalTolerance {
                verdict: PlanAnswer::new(&pool, &assessment, clock.elapsed_us()),
                revision,
                most_proven: bounds.proven,
                now: known.map(|outlook| ToleranceAnswer::from(outlook.assessment.tolerance)),
            })
        })
        .await?;
    Ok(([(CONTENT_TYPE, "application/json")], json).into_response())
}
