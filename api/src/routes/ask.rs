//! What requests for a change have in common: who asks, on what conditions, and the body, each read within its bounds.
use super::admit::Actor;
use super::conditions::Conditions;
use super::question;
use crate::error::ApiError;
use crate::service::Service;
use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use serde::Deserialize;

/// A request for a change.
#[derive(Debug)]
pub(crate) struct Ask<Q> {
    /// Its query.
    pub(crate) query: Q,
    /// Who asks.
    pub(crate) who: Actor,
    /// On what conditions.
    pub(crate) conditions: Conditions,
    /// Its body, unpacked.
    pub(crate) body: Bytes,
}

impl<Q> FromRequest<Service> for Ask<Q>
where
    Q: FromRequestParts<Service, Rejection = ApiError> + Send,
{
    type Rejection = ApiError;
    async fn from_request(request: Request, service: &Service) -> Result<Self, ApiError> {
        let (mut parts, body) = request.into_parts();
        let query = Q::from_request_parts(&mut parts, service).await?;
        let conditions = Conditions::of(&parts.headers)?;
        let Ok(who) = Actor::from_request_parts(&mut parts, service).await;
        let packed = question::body(&parts.headers, body, service).await?;
        let most = service.settings().most_unpacked;
        let body = crate::source::unpack(packed.into(), most)?.into();
        Ok(Self { query, who, conditions, body })
    }
}

/// No query at all.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NoQuery {}

impl<S: Sync> FromRequestParts<S> for NoQuery {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        question::query(&parts.uri)
    }
}
