//! How a request is turned away: the same problem documents as everywhere, and never a hint that would help whoever
//! should not be here.
use super::access::Access;
use super::role::Role;
use crate::error::Problem;
use axum::Json;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

/// Why a request is turned away.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is not known who calls. Which part of the credentials was wrong stays unsaid.
    #[error("this takes a valid token (Authorization: Bearer lb_…) or the certificate of an agent")]
    Unauthenticated,
    /// The role is not enough.
    #[error("this takes the role {needs}; yours is {role}")]
    Forbidden {
        /// The caller's.
        role: Role,
        /// What it takes.
        needs: Access,
    },
    /// The role does not hold for this pool; whether there is such a pool stays unsaid.
    #[error("{}", match pool { Some(pool) => format!("your role does not hold for the pool {pool:?}"),
        None => "this takes a role that holds for all pools".to_owned() })]
    OutOfScope {
        /// The pool; none: it concerns all of them.
        pool: Option<String>,
    },
    /// The host of the certificate belongs to the pool no more, or its place is another's.
    #[error(
        "the certificate is of no host that belongs to the pool: who was removed joins anew, with a token of `lifeboat host invite`"
    )]
    NoMember,
    /// Too many requests.
    #[error("too many requests; come again in {retry_after_s} s")]
    TooMany {
        /// When to come again, in seconds.
        retry_after_s: u64,
    },
    /// The request took too long.
    #[error("the answer took longer than the service gives to one request")]
    TimedOut,
    /// A name in the path that is no text.
    #[error("the path holds a name that is not UTF-8")]
    BadPath,
    /// A defect of ours.
    #[error("the answer could not be computed; this is a defect of the service")]
    Internal,
}

impl Refusal {
    /// Status, code and title.
    fn kind(&self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::Unauthenticated => (StatusCode::UNAUTHORIZED, "unauthenticated", "Who is calling?"),
            Self::Forbidden { .. } => (StatusCode::FORBIDDEN, "forbidden", "The role is not enough"),
            Self::OutOfScope { .. } => (StatusCode::FORBIDDEN, "out-of-scope", "Not for this pool"),
            Self::NoMember => (StatusCode::FORBIDDEN, "no-member", "No host of the pool"),
            Self::TooMany { .. } => (StatusCode::TOO_MANY_REQUESTS, "too-many-requests", "Too many requests"),
            Self::TimedOut => (StatusCode::GATEWAY_TIMEOUT, "timed-out", "The answer took too long"),
            Self::BadPath => (StatusCode::BAD_REQUEST, "bad-path", "The path makes no sense"),
            Self::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "internal", "Internal error"),
        }
    }

    /// The kind as a word for programs.
    pub fn code(&self) -> &'static str {
        self.kind().1
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, code, title) = self.kind();
        let problem = Problem::of(status, code, title, self.to_string());
        let mut response = (status, Json(problem)).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        match self {
            Self::Unauthenticated => {
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"lifeboat\""));
            }
            Self::TooMany { retry_after_s } => {
                headers.insert(RETRY_AFTER, HeaderValue::from(retry_after_s.max(1)));
            }
            _ => (),
        }
        response
    }
}
