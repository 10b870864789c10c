//! What the service says when it cannot answer: RFC 9457 problem documents, with a code for programs and, for
//! a wrong pool document, every fault with its JSON pointer.
use crate::conductor::AskError;
use crate::dto::ha::PreconditionsAnswer;
use crate::dto::pool::Fault;
use crate::dto::served_admission::ServedAdmission;
use crate::engine::{self, pools::CreateError};
use crate::failure_set::FailureSetError;
use crate::guard::book::IssueError;
use crate::served::ServedError;
use crate::source::UnpackError;
use axum::Json;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use lifeboat_coordinator::Refusal;
use lifeboat_model::ChangeError;
use lifeboat_store::StoreError;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::value::RawValue;
use std::time::Duration;

/// Why a request has no answer.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// The pool document is wrong.
    #[error("the pool document cannot be used")]
    Document(Vec<Fault>),
    /// The body is wrong.
    #[error("the body cannot be used")]
    Body(Vec<Fault>),
    /// What the request's head makes its condition does not hold.
    #[error("{0}")]
    Precondition(String),
    /// The idempotency key stands for another request.
    #[error("this Idempotency-Key was used for another request: give each request a key of its own")]
    KeyReused,
    /// A header is wrong.
    #[error("{0}")]
    BadHeader(String),
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
    /// A body that cannot be read.
    #[error("the body cannot be read: {0}")]
    BadBody(String),
    /// No token with that id.
    #[error("there is no token {0:?}; GET /v1/tokens lists them")]
    NoSuchToken(String),
    /// A token that cannot be made.
    #[error(transparent)]
    Token(#[from] IssueError),
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No pool of that name.
    #[error("the service keeps no pool {0:?}; GET /v1/pools lists those that it keeps")]
    NoSuchPool(String),
    /// Something that the pool does not have, or a fact or an edit that makes no sense for it.
    #[error(transparent)]
    Served(#[from] ServedError),
    /// There is a pool of that name already, or there are too many.
    #[error(transparent)]
    Create(#[from] CreateError),
    /// The pool cannot be changed now.
    #[error(transparent)]
    Unchanged(#[from] engine::pool::ChangeError),
    /// Admission refuses it.
    #[error("{reason}")]
    Refused {
        /// `would-break-target`, `would-make-worse` or `cannot-be-done`.
        code: &'static str,
        /// Why, in words.
        reason: String,
        /// The whole answer.
        admission: Box<RawValue>,
    },
    /// Something that the state of things does not allow, whatever it would do to the tolerance.
    #[error("{reason}")]
    Forbidden {
        /// Why, as a code.
        code: &'static str,
        /// Why, in words, and what to do first.
        reason: String,
    },
    /// High availability cannot be enabled.
    #[error("high availability cannot be enabled: {}", .0.refusals.first().map(|one| one.text.as_str()).unwrap_or_default())]
    CannotEnable(Box<PreconditionsAnswer>),
    /// Nothing of that name.
    #[error("{0}")]
    NotFound(String),
    /// Nothing is known yet.
    #[error("the first search has not ended yet")]
    NoVerdictYet,
    /// Another process leads, or none yet.
    #[error("this process does not lead{}", .leader.as_ref().map(|leader| format!("; {leader} does")).unwrap_or_default())]
    NotLeader {
        /// Where the leader is, if it is known.
        leader: Option<String>,
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

/// Who leads instead, beside an answer that says so: its address.
#[derive(Clone, Debug)]
pub(crate) struct Elsewhere(pub(crate) String);

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
    /// What admission says, where it refuses.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<ServedAdmission<'static>>")]
    pub admission: Option<Box<RawValue>>,
    /// What was found, where high availability cannot be enabled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preconditions: Option<PreconditionsAnswer>,
}

impl Problem {
    /// A problem without particulars.
    pub fn of(status: StatusCode, code: &'static str, title: &'static str, detail: String) -> Self {
        let kind = format!("urn:lifeboat:problem:{code}");
        Self {
            kind,
            title,
            status: status.as_u16(),
            detail,
            code,
            faults: Vec::new(),
            more_faults: None,
            admission: None,
            preconditions: None,
        }
    }
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
            Self::Body(_) => (StatusCode::UNPROCESSABLE_ENTITY, "faulty-document", "The body is wrong"),
            Self::Precondition(_) => {
                (StatusCode::PRECONDITION_FAILED, "precondition-failed", "The condition does not hold")
            }
            Self::KeyReused => {
                (StatusCode::UNPROCESSABLE_ENTITY, "idempotency-key-reused", "The key is taken")
            }
            Self::BadHeader(_) => (StatusCode::BAD_REQUEST, "bad-header", "A header makes no sense"),
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
            Self::BadBody(_) => (StatusCode::BAD_REQUEST, "bad-body", "The body cannot be read"),
            Self::NoSuchToken(_) => (StatusCode::NOT_FOUND, "no-such-token", "No such token"),
            Self::Token(IssueError::TooMuch(_)) => {
                (StatusCode::FORBIDDEN, "beyond-your-own", "Nobody gives away more than he has")
            }
            Self::Token(IssueError::TooMany) => (StatusCode::CONFLICT, "too-many-tokens", "Too many tokens"),
            Self::Token(_) => (StatusCode::UNPROCESSABLE_ENTITY, "bad-token", "Such a token cannot be made"),
            Self::Store(_) => {
                (StatusCode::SERVICE_UNAVAILABLE, "store-unavailable", "The store does not answer")
            }
            Self::NoSuchPool(_) => (StatusCode::NOT_FOUND, "no-such-pool", "No such pool"),
            Self::Served(ServedError::Unknown(_)) => {
                (StatusCode::NOT_FOUND, "no-such-resource", "No such thing in the pool")
            }
            Self::Served(ServedError::StillNamed { .. }) => {
                (StatusCode::CONFLICT, "still-named", "Others still need it")
            }
            Self::Served(ServedError::Change(_)) => {
                (StatusCode::CONFLICT, "impossible-change", "It makes no sense for the pool as it is")
            }
            Self::Served(ServedError::Unsound(_)) => {
                (StatusCode::UNPROCESSABLE_ENTITY, "faulty-document", "The pool would not be right")
            }
            Self::Create(CreateError::Exists(_)) => (StatusCode::CONFLICT, "pool-exists", "The pool exists"),
            Self::Create(CreateError::TooMany(_)) => {
                (StatusCode::CONFLICT, "too-many-pools", "Too many pools")
            }
            Self::Unchanged(change) | Self::Create(CreateError::Change(change)) => unchanged(change),
            Self::Refused { code, .. } => (StatusCode::CONFLICT, code, refused_title(code)),
            Self::Forbidden { code, .. } => (StatusCode::CONFLICT, code, "Not as things are"),
            Self::CannotEnable(_) => {
                (StatusCode::CONFLICT, "cannot-enable", "High availability cannot be enabled")
            }
            Self::NotFound(_) => (StatusCode::NOT_FOUND, "not-found", "Not found"),
            Self::NoVerdictYet => (StatusCode::SERVICE_UNAVAILABLE, "no-verdict-yet", "No verdict yet"),
            Self::NotLeader { leader: Some(_) } => {
                (StatusCode::TEMPORARY_REDIRECT, "not-leader", "Another process leads")
            }
            Self::NotLeader { leader: None } => {
                (StatusCode::SERVICE_UNAVAILABLE, "no-leader", "No process leads yet")
            }
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
        let faults = match self {
            Self::Document(faults) | Self::Body(faults) | Self::Served(ServedError::Unsound(faults)) => {
                faults.as_slice()
            }
            _ => &[],
        };
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
            admission: match self {
                Self::Refused { admission, .. } => Some(admission.clone()),
                _ => None,
            },
            preconditions: match self {
                Self::CannotEnable(found) => Some((**found).clone()),
                _ => None,
            },
        }
    }
}

fn refused_title(code: &str) -> &'static str {
    match code {
        "would-break-target" => "The pool would not tolerate the host failures that it is to tolerate",
        "would-make-worse" => "The pool falls short already and would fall shorter",
        _ => "It cannot be done",
    }
}

fn unchanged(error: &engine::pool::ChangeError) -> (StatusCode, &'static str, &'static str) {
    use engine::pool::ChangeError as Unchanged;
    use engine::writer::WriterError;
    match error {
        Unchanged::Gone => (StatusCode::NOT_FOUND, "no-such-pool", "No such pool"),
        Unchanged::TooLarge(_) => {
            (StatusCode::UNPROCESSABLE_ENTITY, "too-large-record", "The store takes no record of that size")
        }
        Unchanged::NotAcknowledged => {
            (StatusCode::SERVICE_UNAVAILABLE, "not-acknowledged", "The store has not acknowledged it in time")
        }
        Unchanged::Writer(WriterError::Failing) => {
            (StatusCode::SERVICE_UNAVAILABLE, "store-unavailable", "The store takes no changes")
        }
        Unchanged::Writer(WriterError::Superseded) => {
            (StatusCode::SERVICE_UNAVAILABLE, "no-leader", "This process leads no more")
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (status, ..) = self.kind();
        let mut response = (status, Json(self.problem())).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Self::NotLeader { leader: Some(leader) } = &self {
            response.extensions_mut().insert(Elsewhere(leader.clone()));
        }
        let headers = response.headers_mut();
        if let Self::Overloaded { retry_after } = self {
            headers.insert(RETRY_AFTER, HeaderValue::from(retry_after.as_secs().max(1)));
        }
        response
    }
}

impl From<AskError> for ApiError {
    fn from(error: AskError) -> Self {
        use engine::pool::ChangeError as Unchanged;
        match error {
            AskError::Refused(Refusal::StoreOutOfReach) => {
                Self::Unchanged(Unchanged::Writer(engine::writer::WriterError::Failing))
            }
            AskError::Slow => Self::Unchanged(Unchanged::NotAcknowledged),
            AskError::Over => Self::NotLeader { leader: None },
            AskError::Refused(_) => Self::Forbidden { code: error.code(), reason: error.to_string() },
        }
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
