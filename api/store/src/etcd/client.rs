//! Calls to whichever member of etcd answers.
//!
//! A call is tried on one member after another until its time is over. Each attempt has a share of that time, so that
//! one silent member does not use up what the others need. An attempt that failed may have taken effect all the same:
//! whoever calls must be able to bear that (see [`Answer::repeated`]).
use super::refusal::{Refused, judge};
use super::wire::{Credentials, Token};
use crate::clock::{Backoff, Deadline};
use crate::{Options, StoreError};
use serde::{Serialize, de::DeserializeOwned};
use std::io::Read;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use ureq::Agent;

/// The largest answer that is read: a page of records of the largest size, as base64.
const MOST_ANSWER_BYTES: u64 = 1 << 30;
/// How many attempts on silent members fit into the time of a call.
const ATTEMPTS: u32 = 3;

/// The members of an etcd, as a client sees them.
pub(super) struct Client {
    agent: Agent,
    members: Vec<String>,
    /// The member that answered last.
    preferred: AtomicUsize,
    credentials: Option<Credentials>,
    token: Mutex<Option<String>>,
    timeout: Duration,
}

impl std::fmt::Debug for Client {
    /// Without what proves who we are.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("members", &self.members).finish_non_exhaustive()
    }
}

/// What a call came to.
#[derive(Debug)]
pub(super) struct Answer<T> {
    pub(super) said: T,
    /// Whether it was tried before, without an answer: the earlier attempt may have taken effect.
    pub(super) repeated: bool,
}

/// Why one attempt came to nothing.
enum Failed {
    /// Nothing can be said of it: another member may know more.
    Silent(String),
    /// The token is none any more.
    Stranger,
    /// It was understood and refused.
    Refused(StoreError),
}

impl Client {
    /// Of the members at these endpoints.
    pub(super) fn new(endpoints: &[String], tls: bool, options: &Options) -> Result<Self, StoreError> {
        let agent = super::tls::agent(tls, options)?;
        let scheme = if tls { "https" } else { "http" };
        Ok(Self {
            agent,
            members: endpoints.iter().map(|endpoint| format!("{scheme}://{endpoint}")).collect(),
            preferred: AtomicUsize::new(0),
            credentials: super::tls::credentials(options)?,
            token: Mutex::new(None),
            timeout: options.timeout,
        })
    }

    /// Calls, and waits for an answer no longer than the store's timeout.
    pub(super) fn call<T: DeserializeOwned>(
        &self,
        path: &str,
        question: &impl Serialize,
    ) -> Result<T, StoreError> {
        self.call_within(self.timeout, path, question).map(|answer| answer.said)
    }

    /// The same, and says whether there were several attempts.
    pub(super) fn call_within<T: DeserializeOwned>(
        &self,
        timeout: Duration,
        path: &str,
        question: &impl Serialize,
    ) -> Result<Answer<T>, StoreError> {
        let body = serde_json::to_vec(question).expect("a request has a JSON form");
        let (deadline, mut backoff) = (Deadline::within(timeout), Backoff::new());
        let (mut attempts, mut introduced) = (0, false);
        let mut why = String::from("there was no time");
        while let Some(left) = deadline.left() {
            let member = self.preferred.load(Ordering::Relaxed) % self.members.len();
            match self.attempt(member, path, &body, left.min(timeout / ATTEMPTS)) {
                Ok(said) => return Ok(Answer { said, repeated: attempts > 0 }),
                Err(Failed::Refused(fault)) => return Err(fault),
                Err(Failed::Stranger) if introduced => {
                    return Err(StoreError::Refused("it does not know our token".to_owned()));
                }
                // What is refused for its token took no effect.
                Err(Failed::Stranger) => {
                    *self.token() = None;
                    introduced = true;
                }
                Err(Failed::Silent(fault)) => {
                    why = format!("{}: {fault}", self.members[member]);
                    attempts += 1;
                    self.prefer_another(member);
                    if attempts % self.members.len() == 0 {
                        backoff.wait(deadline);
                    }
                }
            }
        }
        Err(StoreError::Unavailable(why))
    }

    /// Sends a request whose answer is a stream, to the member that answered last.
    pub(super) fn stream(
        &self,
        wait: Duration,
        path: &str,
        question: &impl Serialize,
    ) -> Result<Box<dyn Read>, StoreError> {
        let member = self.preferred.load(Ordering::Relaxed) % self.members.len();
        let body = serde_json::to_vec(question).expect("a request has a JSON form");
        let sent = self.send(member, path, &body, wait).inspect_err(|_| self.prefer_another(member));
        sent.map(|answer| Box::new(answer.into_body().into_reader()) as Box<dyn Read>).map_err(|failed| {
            match failed {
                Failed::Silent(why) => StoreError::Unavailable(why),
                Failed::Stranger => StoreError::Refused("it does not know our token".to_owned()),
                Failed::Refused(fault) => fault,
            }
        })
    }

    /// Goes on to another member than this one, if nobody has yet.
    pub(super) fn prefer_another(&self, member: usize) {
        let next = (member + 1) % self.members.len();
        let _ = self.preferred.compare_exchange(member, next, Ordering::Relaxed, Ordering::Relaxed);
    }

    fn attempt<T: DeserializeOwned>(
        &self,
        member: usize,
        path: &str,
        body: &[u8],
        timeout: Duration,
    ) -> Result<T, Failed> {
        let answer = self.send(member, path, body, timeout)?;
        let mut content = answer.into_body();
        let text = content.with_config().limit(MOST_ANSWER_BYTES).read_to_vec();
        let text = text.map_err(|fault| Failed::Silent(fault.to_string()))?;
        serde_json::from_slice(&text).map_err(|fault| Failed::Silent(format!("it makes no sense: {fault}")))
    }

    fn send(
        &self,
        member: usize,
        path: &str,
        body: &[u8],
        timeout: Duration,
    ) -> Result<ureq::http::Response<ureq::Body>, Failed> {
        let token = self.introduce(member, timeout)?;
        let url = format!("{}/v3/{path}", self.members[member]);
        let mut request = self.agent.post(url).config().timeout_global(Some(timeout)).build();
        if let Some(token) = token {
            request = request.header("authorization", token);
        }
        // A member that has lost its leader says so, instead of keeping a watch that sees nothing.
        request = request.header("grpc-metadata-hasleader", "true");
        let sent = request.content_type("application/json").send(body);
        let mut answer = sent.map_err(|fault| Failed::Silent(fault.to_string()))?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        let status = answer.status();
        let text = answer.body_mut().with_config().limit(64 << 10).read_to_vec();
        let text = text.map_err(|fault| Failed::Silent(fault.to_string()))?;
        Err(match judge(status.as_u16(), &text) {
            Refused::Transient(why) => Failed::Silent(why),
            Refused::Stranger => Failed::Stranger,
            Refused::For(fault) => Failed::Refused(fault),
        })
    }

    /// The token that stands for our user and password; none if we have no user.
    fn introduce(&self, member: usize, timeout: Duration) -> Result<Option<String>, Failed> {
        let Some(credentials) = &self.credentials else { return Ok(None) };
        if let Some(token) = &*self.token() {
            return Ok(Some(token.clone()));
        }
        let url = format!("{}/v3/auth/authenticate", self.members[member]);
        let request = self.agent.post(url).config().timeout_global(Some(timeout)).build();
        let sent = request.send_json(credentials).map_err(|fault| Failed::Silent(fault.to_string()));
        let mut answer = sent?;
        let status = answer.status();
        let text = answer.body_mut().with_config().limit(64 << 10).read_to_vec();
        let text = text.map_err(|fault| Failed::Silent(fault.to_string()))?;
        if !status.is_success() {
            return Err(match judge(status.as_u16(), &text) {
                Refused::Transient(why) => Failed::Silent(why),
                Refused::Stranger => {
                    Failed::Refused(StoreError::Refused("it does not know our user".to_owned()))
                }
                Refused::For(fault) => Failed::Refused(fault),
            });
        }
        let Token { token } = serde_json::from_slice(&text)
            .map_err(|fault| Failed::Silent(format!("its token makes no sense: {fault}")))?;
        *self.token() = Some(token.clone());
        Ok(Some(token))
    }

    fn token(&self) -> std::sync::MutexGuard<'_, Option<String>> {
        // It is replaced in one step, so a panic elsewhere leaves it whole.
        self.token.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
