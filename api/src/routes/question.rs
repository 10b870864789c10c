//! What the routes that compute have in common: bounds of the search in the query, a pool document in the body.
use crate::error::ApiError;
use crate::service::{Service, Stop};
use axum::body::{self, Body, Bytes};
use axum::extract::rejection::QueryRejection;
use axum::extract::{FromRequest, Query, Request};
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use lifeboat_planner::Limits;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::num::NonZeroUsize;
use std::time::Duration;
use tokio::time::timeout;

/// Bounds of the search, as query parameters.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Bounds {
    /// Examine no more than this many failures.
    pub(super) max: Option<u32>,
    /// Stop after so many seconds.
    pub(super) time_limit: Option<f64>,
    /// Stop after so much work.
    pub(super) work_limit: Option<u64>,
}

impl Bounds {
    /// The time that the search may take; no more than the service gives to anybody.
    pub(super) fn time(&self, service: &Service) -> Result<Duration, ApiError> {
        let settings = service.settings();
        let Some(seconds) = self.time_limit else { return Ok(settings.usual_time) };
        let most = settings.most_time;
        Duration::try_from_secs_f64(seconds)
            .ok()
            .filter(|time| *time <= most)
            .ok_or_else(|| ApiError::BadQuery(format!("time_limit must be 0 to {} seconds", most.as_secs())))
    }

    /// Runs a search within the bounds.
    pub(super) fn run<T>(
        &self,
        stop: &(dyn Fn() -> bool + Sync),
        search: impl FnOnce(&Limits<'_>) -> T,
    ) -> T {
        search(&Limits {
            max_failures: self.max,
            work: self.work_limit,
            // Requests share the machine: one thread each.
            threads: NonZeroUsize::MIN,
            stop: Some(stop),
            progress: None,
        })
    }
}

/// A request's query and body, each read within its bounds.
pub(crate) struct Question<Q> {
    /// The query.
    pub(super) query: Q,
    /// The body, still packed if it came packed.
    pub(super) document: Bytes,
}

impl<Q: DeserializeOwned + Send> FromRequest<Service> for Question<Q> {
    type Rejection = ApiError;
    async fn from_request(request: Request, service: &Service) -> Result<Self, ApiError> {
        let (parts, content) = request.into_parts();
        let query = query(&parts.uri)?;
        let document = body(&parts.headers, content, service).await?;
        Ok(Self { query, document })
    }
}

/// The query.
pub(super) fn query<Q: DeserializeOwned>(uri: &Uri) -> Result<Q, ApiError> {
    let query = Query::<Q>::try_from_uri(uri);
    Ok(query.map_err(|rejection: QueryRejection| ApiError::BadQuery(rejection.body_text()))?.0)
}

/// The body, packed as it came.
pub(super) async fn body(headers: &HeaderMap, body: Body, service: &Service) -> Result<Bytes, ApiError> {
    let encoding = headers.get(CONTENT_ENCODING).map(|value| value.as_bytes().to_ascii_lowercase());
    if !matches!(encoding.as_deref(), None | Some(b"gzip" | b"identity")) {
        return Err(ApiError::UnknownEncoding);
    }
    upload(body, service).await
}

/// The body: so many at a time, no larger and no slower than the service allows.
async fn upload(body: Body, service: &Service) -> Result<Bytes, ApiError> {
    let _place = service.place_to_upload()?;
    let settings = service.settings();
    let read = body::to_bytes(body, settings.most_packed);
    match timeout(settings.upload_time, read).await {
        Err(_) => Err(ApiError::SlowBody),
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(error)) => Err(broken_body(&error, settings.most_packed)),
    }
}

fn broken_body(error: &axum::Error, most: usize) -> ApiError {
    let too_large =
        std::error::Error::source(error).is_some_and(|source| source.to_string().contains("limit"));
    if too_large { ApiError::TooLarge { most: most as u64 } } else { ApiError::BrokenBody }
}

/// Has a document computed and sent. `answer` runs on a worker and is given the document unpacked.
pub(super) async fn answered<A>(
    service: &Service,
    document: Bytes,
    time: Duration,
    answer: A,
) -> Result<Response, ApiError>
where
    A: FnOnce(&[u8], &Stop) -> Result<Vec<u8>, ApiError> + Send + 'static,
{
    let most = service.settings().most_unpacked;
    let json = service
        .compute(time, move |stop| {
            let document = crate::source::unpack(document.into(), most)?;
            answer(&document, stop)
        })
        .await?;
    Ok(([(CONTENT_TYPE, "application/json")], json).into_response())
}

/// An answer as the command line prints it.
pub(super) fn json(answer: &impl Serialize) -> Result<Vec<u8>, ApiError> {
    let mut json = serde_json::to_vec_pretty(answer).map_err(|_| ApiError::Internal)?;
    json.push(b'\n');
    Ok(json)
}
