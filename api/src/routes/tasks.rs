//! Tasks of a pool: actions that take time, and how far they are.
use super::listing::{Listing, Page};
use crate::error::ApiError;
use crate::served::task::Task;
use crate::service::Service;
use axum::Json;
use axum::extract::{Path, State};

/// The tasks of a pool, newest first
#[utoipa::path(
    get,
    path = "/v1/pools/{pool}/tasks",
    params(
        ("pool" = String, Path, description = "The pool"),
        ("state" = Option<String>, Query, description = "running, ended or all; all unless said otherwise"),
        ("limit" = Option<usize>, Query, description = "How many, 1 to 1000"),
        ("after" = Option<u64>, Query, description = "Older ones than this"),
    ),
    responses(
        (status = 200, description = "A page of tasks", content_type = "application/json",
            body = ref("#/components/schemas/TaskPage")),
        (status = "default", description = "Whatever goes wrong",
            content_type = "application/problem+json", body = ref("#/components/schemas/Problem")),
    )
)]
pub(crate) async fn list(
    State(service): State<Service>,
    Path(pool): Path<String>,
    listing: Listing,
) -> Result<Json<Page<Task>>, ApiError> {
    listing.check_state(&["running", "ended", "all"])?;
    let wanted = |task: &&Task| match listing.state.as_deref() {
        Some("running") => task.is_running(),
        Some("ended") => !task.is_running(),
        _ => true,
    };
    let handle = service.pool(&pool)?;
    Ok(Json(handle.ledger(|ledger| listing.page(ledger.tasks.newest_first().filter(wanted), |task| task.id))))
}

/// One task
#[utoipa::path(
    get,
    path = "/v1/pools/{pool}/tasks/{id}",
    params(("pool" = String, Path, description = "The pool"), ("id" = u64, Path, description = "The task")),
    responses(
        (status = 200, description = "The task with its steps", content_type = "application/json",
            body = ref("#/components/schemas/Task")),
        (status = "default", description = "Whatever goes wrong",
            content_type = "application/problem+json", body = ref("#/components/schemas/Problem")),
    )
)]
pub(crate) async fn get(
    State(service): State<Service>,
    Path((pool, id)): Path<(String, String)>,
) -> Result<Json<Task>, ApiError> {
    let handle = service.pool(&pool)?;
    let found = id.parse().ok().and_then(|id| handle.ledger(|ledger| ledger.tasks.get(id).cloned()));
    found.map(Json).ok_or_else(|| ApiError::NotFound(format!("pool {pool} has no task {id}")))
}
