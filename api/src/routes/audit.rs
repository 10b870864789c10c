//! The audit log, newest first.
use crate::error::ApiError;
use crate::guard::AuditEntry;
use crate::service::Service;
use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Entries in a page, unless the query says otherwise.
const USUAL: usize = 100;
/// Entries in a page at most.
const MOST: usize = 1000;

/// Which page.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PageQuery {
    limit: Option<usize>,
    after: Option<u64>,
}

/// A page of the audit log.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "AuditPage")]
pub struct AuditPage {
    /// The entries, newest first.
    items: Vec<AuditItem>,
    /// What `after` must be for the next page; null: this is the last.
    next: Option<String>,
}

/// An entry and its number.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "AuditItem")]
pub struct AuditItem {
    /// Its number.
    id: u64,
    /// What it says.
    #[serde(flatten)]
    entry: AuditEntry,
}

/// Read the audit log, newest first
#[utoipa::path(
    get,
    path = "/v1/audit",
    params(
        ("limit" = Option<usize>, Query, minimum = 1, maximum = 1000, description = "Entries in the page; 100 if left out"),
        ("after" = Option<u64>, Query, description = "The `next` of the page before"),
    ),
    responses((status = 200, description = "A page", content_type = "application/json",
        body = ref("#/components/schemas/AuditPage")))
)]
pub(crate) async fn read(
    State(service): State<Service>,
    query: Result<Query<PageQuery>, QueryRejection>,
) -> Result<Json<AuditPage>, ApiError> {
    let Query(query) = query.map_err(|rejection| ApiError::BadQuery(rejection.body_text()))?;
    let most = query.limit.unwrap_or(USUAL);
    if !(1..=MOST).contains(&most) {
        return Err(ApiError::BadQuery(format!("limit must be 1 to {MOST}")));
    }
    let engine = service.engine()?;
    let log = engine.audit().clone();
    let store = Arc::clone(engine.store());
    let read = tokio::task::spawn_blocking(move || log.newest(&*store, query.after, most)).await;
    let entries = read.map_err(|_| ApiError::Internal)??;
    let last = entries.last().map(|entry| entry.number);
    let next = last.filter(|&last| entries.len() == most && last > 1).map(|last| last.to_string());
    let items = entries.into_iter().map(|one| AuditItem { id: one.number, entry: one.entry }).collect();
    Ok(Json(AuditPage { items, next }))
}
