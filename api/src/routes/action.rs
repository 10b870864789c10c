//! What requests for an action have in common: what their callers insist on, who they are, and a small body or none.
use super::admit::{Actor, Insistence};
use crate::dto::pool::{Fault, FaultKind};
use crate::error::ApiError;
use crate::service::Service;
use axum::body;
use axum::extract::{FromRequest, FromRequestParts, Request};
use lifeboat_model::spec;
use serde::de::DeserializeOwned;
use tokio::time::timeout;

/// The largest body of an action, in bytes.
const MOST_BYTES: usize = 1 << 20;

/// A request for an action.
pub(crate) struct Action<B> {
    /// What its caller says about admission.
    pub(crate) insists: Insistence,
    /// Who asks.
    pub(crate) actor: Actor,
    /// What there is to say of it.
    pub(crate) body: B,
}

impl<B: DeserializeOwned + Default + Send> FromRequest<Service> for Action<B> {
    type Rejection = ApiError;
    async fn from_request(request: Request, service: &Service) -> Result<Self, ApiError> {
        let (mut parts, body) = request.into_parts();
        let insists = Insistence::from_request_parts(&mut parts, service).await?;
        let Ok(actor) = Actor::from_request_parts(&mut parts, service).await;
        let read = timeout(service.settings().upload_time, body::to_bytes(body, MOST_BYTES)).await;
        let bytes = read
            .map_err(|_| ApiError::SlowBody)?
            .map_err(|_| ApiError::TooLarge { most: MOST_BYTES as u64 })?;
        let body = if bytes.is_empty() { B::default() } else { read_body(&bytes)? };
        Ok(Self { insists, actor, body })
    }
}

/// Reads a small body.
pub(super) fn read_body<B: DeserializeOwned>(bytes: &[u8]) -> Result<B, ApiError> {
    serde_json::from_slice(bytes).map_err(|error| {
        let kind = FaultKind::Unsound(spec::Fault::Unreadable(error.to_string()));
        ApiError::Document(vec![Fault { pointer: String::new(), kind }])
    })
}
