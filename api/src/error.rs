//! What the service says when it cannot answer: RFC 9457 problem documents, with a code for programs and, for
//! a wrong pool document, every fault with its JSON pointer.
use crate::dto::pool::Fault;
use crate::failure_set::FailureSetError;
use crate::source::UnpackError;
use axum::Json;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use lifeboat_model::ChangeError;
use schemars::JsonSchema;
use serde::Serialize;
use std::time::Duration;

/// Why a request has no answer.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// The pool document is wrong.
    #[error("the pool document cannot be used")]
    Document(Vec<Fault>),
    /// The query is wrong.
    #[error("{0}")]
    BadQuery(String),
    /// Hosts that cannot fail.
    #[error(transparent)]
    FailureSet(#[from] FailureSetError),
    /// A change that makes no sense for the pool.
    #[error(transparent)]
    Change(#[from] ChangeError),
    /// The body is too large, packed or unpacked.
    #[error("the document has more than {most} bytes")]
    TooLarge {
        /// The most that is taken.
        most: u64,
    },
    /// The packed body does not unpack.
    #[error("the gzip data is damaged or cut short")]
    Damaged,
    /// A content encoding that is not understood.
    #[error("bodies may be packed with gzip, or not at all")]
    UnknownEncoding,
    /// The body came too slowly.
    #[error("the body did not come in time")]
    SlowBody,
    /// The body was cut short.
    #[error("the body was cut short")]
    BrokenBody,
    /// Too many requests at once.
    #[error("too many requests at once")]
    Overloaded {
        /// When to come again.
        retry_after: Duration,
    },
    /// A route that there is not.
    #[error("there is nothing here; /v1/openapi.json lists what there is")]
    NoSuchRoute,
    /// A route with another method.
    #[error("this route takes another method")]
    MethodNotAllowed,
    /// A defect of ours.
    #[error("the answer could not be computed; this is a defect of the service")]
    Internal,
}

/// Faults in one answer; the rest is counted.
const MOST_FAULTS: usize = 1000;

/// A problem document (RFC 9457).
#[derive(Debug, Serialize, JsonSchema)]
pub struct Problem {
    /// What kind of problem, as a URI.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind in words.
    pub title: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// This problem in words.
    pub detail: String,
    /// The kind as a word for programs.
    pub code: &'static str,
    /// What is wrong with the document, where that is the problem.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<FaultAnswer>,
    /// Faults that are not listed, because there are too many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub more_faults: Option<usize>,
}

/// One thing that is wrong with a document.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Fault")]
pub struct FaultAnswer {
    /// JSON pointer (RFC 6901) into the document; empty for the whole of it.
    pub pointer: String,
    /// What is wrong, as a code.
    pub code: &'static str,
    /// What is wrong, in words.
    pub message: String,
}

impl ApiError {
    /// Status, code and title.
    fn kind(&self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::Document(_) => {
                (StatusCode::UNPROCESSABLE_ENTITY, "faulty-document", "The pool document is wrong")
            }
            Self::BadQuery(_) => (StatusCode::BAD_REQUEST, "bad-query", "The query makes no sense"),
            Self::FailureSet(FailureSetError::UnknownHost(_)) => {
                (StatusCode::BAD_REQUEST, "unknown-host", "No such host")
            }
            Self::FailureSet(FailureSetError::AlreadyDown { .. }) => {
                (StatusCode::BAD_REQUEST, "already-down", "The host is down already")
            }
            Self::Change(_) => {
                (StatusCode::UNPROCESSABLE_ENTITY, "impossible-change", "The change makes no sense")
            }
            Self::TooLarge { .. } => {
                (StatusCode::PAYLOAD_TOO_LARGE, "too-large", "The document is too large")
            }
            Self::Damaged => (StatusCode::BAD_REQUEST, "damaged-gzip", "The body does not unpack"),
            Self::UnknownEncoding => {
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unknown-encoding", "Unknown content encoding")
            }
            Self::SlowBody => (StatusCode::REQUEST_TIMEOUT, "slow-body", "The body came too slowly"),
            Self::BrokenBody => (StatusCode::BAD_REQUEST, "broken-body", "The body was cut short"),
            Self::Overloaded { .. } => (StatusCode::SERVICE_UNAVAILABLE, "overloaded", "Overloaded"),
            Self::NoSuchRoute => (StatusCode::NOT_FOUND, "no-such-route", "Not found"),
            Self::MethodNotAllowed => {
                (StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "Method not allowed")
            }
            Self::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "internal", "Internal error"),
        }
    }

    /// The problem document.
    pub fn problem(&self) -> Problem {
        let (status, code, title) = self.kind();
        let faults = if let Self::Document(faults) = self { faults.as_slice() } else { &[] };
        Problem {
            kind: format!("urn:lifeboat:problem:{code}"),
            title,
            status: status.as_u16(),
            detail: self.to_string(),
            code,
            faults: faults
                .iter()
                .take(MOST_FAULTS)
                .map(|fault| FaultAnswer {
                    pointer: fault.pointer.clone(),
                    code: fault.kind.code(),
                    message: fault.kind.to_string(),
                })
                .collect(),
            more_faults: faults.len().checked_sub(MOST_FAULTS).filter(|more| *more > 0),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (status, ..) = self.kind();
        let mut response = (status, Json(self.problem())).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Self::Overloaded { retry_after } = self {
            headers.insert(RETRY_AFTER, HeaderValue::from(retry_after.as_secs().max(1)));
        }
        response
    }
}

impl From<UnpackError> for ApiError {
    fn from(error: UnpackError) -> Self {
        match error {
            UnpackError::TooLarge { most } => Self::TooLarge { most },
            UnpackError::Damaged(_) => Self::Damaged,
        }
    }
}
