//! `POST /v1/explain`: why the pool does not tolerate one failure more.
use super::question::{Bounds, Question, answered, json};
use crate::clock::Stopwatch;
use crate::dto::explanation::ExplainAnswer;
use crate::error::ApiError;
use crate::service::Service;
use axum::extract::State;
use axum::response::Response;
use lifeboat_planner::{assess, explain as planner};

/// Explain why the pool does not tolerate more failures
#[utoipa::path(
    post,
    path = "/v1/explain",
    params(
        ("max" = Option<u32>, Query, description = "Examine no more than this many failures"),
        ("time_limit" = Option<f64>, Query, description = "Stop after so many seconds and say what is open"),
        ("work_limit" = Option<u64>, Query, description = "Stop after so much work: the same answer everywhere"),
    ),
    request_body(
        content = ref("#/components/schemas/PoolDocument"),
        content_type = "application/json",
        description = "The pool document; it may come with Content-Encoding: gzip"
    ),
    responses(
        (status = 200, description = "The explanation",
            content_type = "application/json", body = ref("#/components/schemas/ExplainAnswer")),
        (status = "default", description = "Whatever goes wrong, as for /v1/plan",
            content_type = "application/problem+json", body = ref("#/components/schemas/Problem")),
    )
)]
pub(crate) async fn explain(
    State(service): State<Service>,
    question: Question<Bounds>,
) -> Result<Response, ApiError> {
    let bounds = question.query;
    let time = bounds.time(&service)?;
    answered(&service, question.document, time, move |document, stop| {
        let pool = crate::dto::pool::read(document).map_err(ApiError::Document)?;
        let clock = Stopwatch::start();
        let assessment = bounds.run(&|| stop.reached(1.0), |limits| assess(&pool, limits));
        let explanation = planner::explain(&pool, &assessment);
        json(&ExplainAnswer::new(&pool, &explanation, clock.elapsed_us()))
    })
    .await
}
