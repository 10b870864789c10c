//! Why the client has no answer, and what to do about it.
use super::address::{AddressError, ServerAddress};
use super::context::ContextError;
use super::problem::Problem;
use super::redirect::RedirectError;
use super::sse::TooLong;
use super::tls::TlsError;
use super::token::TokenError;
use std::fmt::Write as _;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// An address of no use.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// A token file of no use.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// A token that others could read on its way.
    #[error("will not send a token to {0}: it would cross the network for everybody to read")]
    TokenInTheClear(ServerAddress),
    /// A certificate or key of no use.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The file of contexts is of no use, or has no such context.
    #[error(transparent)]
    Context(#[from] ContextError),
    /// No server has answered.
    #[error("{}", attempts(.0))]
    Unreachable(Vec<Attempt>),
    /// A redirection that is not followed.
    #[error("{server} sends us on, but {why}")]
    Redirect {
        /// Who redirects.
        server: ServerAddress,
        /// Why it is not followed.
        #[source]
        why: RedirectError,
    },
    /// The service refuses.
    #[error("{}", told(.0))]
    Refused(Box<Problem>),
    /// The answer is not what was asked for.
    #[error("the answer of {server} cannot be read: {why}")]
    Unreadable {
        /// Who has answered.
        server: ServerAddress,
        /// What is wrong with it.
        why: String,
    },
    /// The stream of events is none.
    #[error("the stream of events cannot be read")]
    Stream(#[from] TooLong),
}

/// A server that did not answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The server.
    pub server: ServerAddress,
    /// What went wrong, as a kind.
    pub kind: AttemptKind,
    /// What went wrong, in words.
    pub why: String,
    /// Whether the request may have reached it.
    pub sent: bool,
}

/// What went wrong with an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttemptKind {
    /// Nobody listens there.
    NobodyListens,
    /// No machine has that name.
    NoSuchHost,
    /// It took too long.
    TooSlow,
    /// Its certificate is not believed.
    NotBelieved,
    /// It asks for a certificate, or refuses ours.
    WantsCertificate,
    /// One side speaks TLS, the other does not.
    NoTls,
    /// Anything else.
    Other,
}

impl ClientError {
    /// Whether the service only cannot serve now, so that another of its servers may.
    pub fn is_for_now(&self) -> bool {
        matches!(self, Self::Refused(problem) if matches!(problem.status, 502..=504))
    }

    /// The HTTP status, where the service refuses.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Refused(problem) => Some(problem.status),
            _ => None,
        }
    }

    /// Whether trying again later may help: what a watch waits out.
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::Unreadable { .. })
            || matches!(self, Self::Refused(problem) if matches!(problem.status, 408 | 429 | 500..))
    }

    /// What to do about it.
    pub fn next_step(&self) -> Option<String> {
        let step = match self {
            Self::Address(_) => {
                "an address reads https://host:7878, or http://127.0.0.1:7878 on this machine"
            }
            Self::Token(_) => {
                "put the token alone into a file: lifeboat token create … > FILE; chmod 600 FILE"
            }
            Self::TokenInTheClear(_) => {
                "let the service speak TLS and name it with https://, or ask it on its own machine"
            }
            Self::Tls(_) => "give certificates and keys as PEM files",
            Self::Context(error) => return error.next_step(),
            Self::Unreachable(attempts) => return unreachable_step(attempts),
            Self::Redirect { .. } => {
                "name all servers of the service in the context: lifeboat context set NAME --server … --server …"
            }
            Self::Refused(problem) => return refused_step(problem),
            Self::Unreadable { .. } => "is it a Lifeboat service, and of this version? lifeboat --version",
            Self::Stream(_) => return None,
        };
        Some(step.to_owned())
    }
}

fn unreachable_step(attempts: &[Attempt]) -> Option<String> {
    let step = match attempts.last()?.kind {
        AttemptKind::NobodyListens => {
            "is the service running? `lifeboat serve` starts one, `lifeboat demo` one with a pool to try; \
             --server and --context name another"
        }
        AttemptKind::NoSuchHost => "check the name; `lifeboat context show` tells which servers are asked",
        AttemptKind::TooSlow => "is the network open between here and there? --timeout waits longer",
        AttemptKind::NotBelieved => {
            "if the service has a certificate of your own authority: --ca FILE, or lifeboat context set NAME --ca FILE"
        }
        AttemptKind::WantsCertificate => "show one that it knows: --certificate FILE --key FILE",
        AttemptKind::NoTls => "one side speaks TLS and the other does not: https:// or http://?",
        AttemptKind::Other => return None,
    };
    Some(step.to_owned())
}

fn refused_step(problem: &Problem) -> Option<String> {
    let step = match (problem.status, problem.code.as_str()) {
        (401, _) => {
            "the service wants to know who you are: lifeboat context set NAME --server URL --token-file FILE, \
             or --token-file FILE"
        }
        (403, _) => {
            "your token does not allow that; `lifeboat token list` shows an admin which roles there are"
        }
        (404, "no-such-pool") => "`lifeboat pool list` shows the pools that there are",
        (404, "no-such-route") => {
            "does the service have this version? lifeboat --version, lifeboat context show"
        }
        (404, _) => "names are those of the pool document, in the same spelling; `list` shows them",
        (409, code) if problem.admission.is_some() && code != "cannot-be-done" => {
            "--force --reason TEXT does it all the same, and is recorded"
        }
        (409, "vm-is-protected") => "--lift-protection stops it and lifts its protection in the same step",
        (409, "host-is-live") => {
            "make sure that it is off; then --yes --force --reason TEXT, which is recorded"
        }
        (409, "cannot-be-evacuated") => {
            "`lifeboat host evacuate HOST` shows what is stuck; --force --reason TEXT leaves it there"
        }
        (409, "cannot-enable") => "`lifeboat pool preconditions` shows everything that enabling needs",
        (412, _) => "somebody else has changed it meanwhile: look again, then try again",
        (413, _) => "the document is larger than the service takes; its configuration sets how large",
        (422, "faulty-document") => "correct the document; `lifeboat schema` prints what belongs in it",
        (429 | 503, _) => "the service has no time just now; try again in a moment",
        (500, _) => "a defect of the service: its log tells more",
        (502 | 504, "") => "a proxy answers, and does not reach the service behind it",
        _ => return None,
    };
    Some(step.to_owned())
}

fn attempts(attempts: &[Attempt]) -> String {
    if let [attempt] = attempts {
        return format!("cannot ask {}: {}", attempt.server, attempt.why);
    }
    let mut text = "no server can be asked".to_owned();
    for (position, attempt) in attempts.iter().enumerate() {
        let separator = if position == 0 { ": " } else { "; " };
        let _ = write!(text, "{separator}{}: {}", attempt.server, attempt.why);
    }
    text
}

fn told(problem: &Problem) -> String {
    let code = if problem.code.is_empty() { String::new() } else { format!(", {}", problem.code) };
    let mut text = format!("{} ({}{code})", problem.sentence(), problem.status);
    for fault in &problem.faults {
        let place = if fault.pointer.is_empty() { "the whole" } else { &fault.pointer };
        let _ = write!(text, "\n  {place}: {}", fault.message);
    }
    for finding in problem.findings() {
        let _ = write!(text, "\n  {finding}");
    }
    if let Some(more) = problem.more_faults {
        let _ = write!(text, "\n  and {more} more");
    }
    text
}
