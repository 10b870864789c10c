//! What happens to every request before anybody asks who it is from, and to every answer last: a request id, a span for the
//! log, the rate of its address, headers for browsers, and a plain 500 where a handler panics.
use super::door::Caller;
use super::refusal::Refusal;
use super::sentry::Guard;
use crate::clock::Stopwatch;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use std::any::Any;
use std::sync::atomic::{AtomicU64, Ordering};
use tower_http::catch_panic::CatchPanicLayer;
use tracing::Instrument;

/// The header that carries the request id, both ways.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Characters of a request id that is taken from outside.
const LONGEST_ID: usize = 64;

/// The id of a request: the caller's own if it is harmless, else a new one. It stands in the log, in the audit log and in
/// the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(pub String);

/// Puts all of this around a router.
pub fn outside(router: Router, guard: &Guard) -> Router {
    router.layer(CatchPanicLayer::custom(panicked)).layer(from_fn_with_state(guard.clone(), around))
}

async fn around(State(guard): State<Guard>, mut request: Request, next: Next) -> Response {
    let taken = Stopwatch::start();
    let id = RequestId::of(request.headers());
    let caller = request.extensions().get::<Caller>().cloned().unwrap_or_default();
    let is_page = request.uri().path().starts_with("/v1/docs");
    let span =
        tracing::info_span!("request", id = id.0, method = %request.method(), path = request.uri().path());
    request.extensions_mut().insert(id.clone());
    let mut response = match guard.count_address(&caller) {
        Ok(()) => next.run(request).instrument(span.clone()).await,
        Err(refusal) => refusal.into_response(),
    };
    span.in_scope(|| {
        tracing::debug!(status = response.status().as_u16(), elapsed_us = taken.elapsed_us(), "answered");
    });
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&id.0) {
        headers.insert(REQUEST_ID, id);
    }
    for_browsers(headers, is_page, caller.encrypted);
    response
}

impl RequestId {
    fn of(headers: &HeaderMap) -> Self {
        let harmless = |id: &&str| {
            (1..=LONGEST_ID).contains(&id.len())
                && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        };
        let given = headers.get(REQUEST_ID).and_then(|id| id.to_str().ok()).filter(harmless);
        Self(given.map_or_else(Self::fresh, str::to_owned))
    }

    /// A number that only rises, behind a random one for this process: ids of two services never meet.
    fn fresh() -> String {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        static PROCESS: std::sync::LazyLock<u64> =
            std::sync::LazyLock::new(|| getrandom::u64().unwrap_or_default());
        format!("{:016x}-{:x}", *PROCESS, NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// The pages need scripts and styles of this service; everything else is data, in which a browser shall run nothing.
fn for_browsers(headers: &mut HeaderMap, is_page: bool, encrypted: bool) {
    let policy = if is_page {
        "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'"
    } else {
        "default-src 'none'; frame-ancestors 'none'"
    };
    let mut usual = |name: HeaderName, value| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    usual(CONTENT_SECURITY_POLICY, policy);
    usual(X_CONTENT_TYPE_OPTIONS, "nosniff");
    usual(REFERRER_POLICY, "no-referrer");
    // A pool's state is nobody else's business, and a token's secret passes by here.
    usual(CACHE_CONTROL, "no-store");
    if encrypted {
        usual(STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the signature that the layer calls")]
fn panicked(cause: Box<dyn Any + Send + 'static>) -> Response {
    let text = cause.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| cause.downcast_ref::<String>().cloned()).unwrap_or_default();
    tracing::error!(panic = text, "a handler panicked; this is a defect of the service");
    Refusal::Internal.into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id_of(given: &'static str) -> String {
        let mut headers = HeaderMap::new();
        headers.insert(REQUEST_ID, HeaderValue::from_static(given));
        RequestId::of(&headers).0
    }

    #[test]
    fn a_harmless_id_is_kept_and_any_other_replaced() {
        assert_eq!(id_of("deploy-17.a_b"), "deploy-17.a_b");
        for given in ["", "a b", "a\"b", "<script>", "a;b", "{}"] {
            assert_ne!(id_of(given), given);
        }
        let (first, second) = (RequestId::of(&HeaderMap::new()), RequestId::of(&HeaderMap::new()));
        assert_ne!(first, second);
    }
}
