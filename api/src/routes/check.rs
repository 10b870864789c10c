//! `POST /v1/check`: may this change be made, and what would it do to the tolerance.
use super::question::{Bounds, Question, answered, json};
use crate::clock::Stopwatch;
use crate::dto::admission::AdmissionAnswer;
use crate::dto::change_request;
use crate::error::ApiError;
use crate::service::Service;
use axum::extract::State;
use axum::response::Response;
use lifeboat_planner::{Limits, admission};

/// Judge one change before it is made: what it would do to the tolerance
#[utoipa::path(
    post,
    path = "/v1/check",
    params(
        ("max" = Option<u32>, Query, description = "Examine no more than this many failures"),
        ("time_limit" = Option<f64>, Query, description = "Stop after so many seconds and say what is open"),
        ("work_limit" = Option<u64>, Query, description = "Stop after so much work: the same answer everywhere"),
    ),
    request_body(
        content = ref("#/components/schemas/CheckRequest"),
        content_type = "application/json",
        description = "The pool and the change; they may come with Content-Encoding: gzip"
    ),
    responses(
        (status = 200, description = "The verdict; `allowed` says whether the change may be made",
            content_type = "application/json", body = ref("#/components/schemas/AdmissionAnswer")),
        (status = "default", description = "Whatever goes wrong, as for /v1/plan",
            content_type = "application/problem+json", body = ref("#/components/schemas/Problem")),
    )
)]
pub(crate) async fn check(
    State(service): State<Service>,
    question: Question<Bounds>,
) -> Result<Response, ApiError> {
    let bounds = question.query;
    let time = bounds.time(&service)?;
    answered(&service, question.document, time, move |document, stop| {
        let (pool, change) = change_request::read(document).map_err(ApiError::Document)?;
        let clock = Stopwatch::start();
        let admission = bounds.run(&|| stop.reached(1.0), |limits| {
            // As on the command line: one failure more than the target asks for.
            let most = limits.max_failures.unwrap_or(pool.effective_target() + 1);
            admission::check(&pool, None, &change, &Limits { max_failures: Some(most), ..*limits })
        })?;
        json(&AdmissionAnswer::new(&pool, &change, &admission, clock.elapsed_us()))
    })
    .await
}
