//! The guard that stands before every route: the book of tokens, the rates, the places, and what it was told to trust.
use super::book::{Denied, TokenBook, TokenRecord};
use super::certificate::AgentIdentity;
use super::door::Caller;
use super::places::{Place, Places};
use super::principal::{Principal, Via};
use super::rate::Rate;
use super::refusal::Refusal;
use super::role::{Role, Scope};
use crate::clock::{self, Stopwatch};
use arc_swap::{ArcSwap, ArcSwapOption};
use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, FORWARDED, HOST, ORIGIN};
use lifeboat_link::Roster;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// What the guard allows.
#[derive(Clone, Debug)]
pub struct GuardSettings {
    /// Whether everybody on this machine is admin while there is no token of an admin of all pools (who could make the others). Only where nobody else can reach the service.
    pub trust_loopback: bool,
    /// Requests a second of one principal.
    pub principal_per_s: u32,
    /// Requests of one principal at once.
    pub principal_burst: u32,
    /// Requests a second from one address; of IPv6, from one /64. Loopback is not counted.
    pub address_per_s: u32,
    /// Requests from one address at once.
    pub address_burst: u32,
    /// How long an answer may take until its head is sent; an event stream may then go on.
    pub request_time: Duration,
    /// Event streams at a time.
    pub streams: usize,
    /// Event streams of one principal at a time.
    pub streams_each: usize,
}

impl Default for GuardSettings {
    /// For a service on loopback.
    fn default() -> Self {
        Self {
            trust_loopback: true,
            principal_per_s: 5000,
            principal_burst: 10_000,
            address_per_s: 5000,
            address_burst: 10_000,
            request_time: Duration::from_secs(90),
            streams: 8192,
            streams_each: 8192,
        }
    }
}

/// Principals and addresses whose rates are kept, each.
const MOST_KEYS: usize = 65_536;
/// Refused credentials from one address that are logged and answered in full, at once and a second.
const FAILURES_BURST: u32 = 10;
const FAILURES_PER_S: u32 = 1;

/// The guard. Copies are one.
#[derive(Clone, Debug)]
pub struct Guard(Arc<Post>);

#[derive(Debug)]
struct Post {
    settings: GuardSettings,
    book: ArcSwap<TokenBook>,
    /// Who belongs to the pool whose hosts run agents; none: there is no such pool here.
    roster: ArcSwapOption<watch::Receiver<Roster>>,
    since: Stopwatch,
    principals: Mutex<Rate<String>>,
    addresses: Mutex<Rate<u128>>,
    failures: Mutex<Rate<u128>>,
    streams: Places,
    /// Ids of tokens whose last use is to be written down; no more than there are tokens.
    used: Mutex<BTreeSet<String>>,
}

impl Guard {
    /// A guard with these settings and this book.
    pub fn new(settings: GuardSettings, book: TokenBook) -> Self {
        Self(Arc::new(Post {
            book: ArcSwap::from_pointee(book),
            roster: ArcSwapOption::empty(),
            since: Stopwatch::start(),
            principals: Mutex::new(Rate::new(settings.principal_per_s, settings.principal_burst, MOST_KEYS)),
            addresses: Mutex::new(Rate::new(settings.address_per_s, settings.address_burst, MOST_KEYS)),
            failures: Mutex::new(Rate::new(FAILURES_PER_S, FAILURES_BURST, MOST_KEYS)),
            streams: Places::new(settings.streams, settings.streams_each),
            used: Mutex::default(),
            settings,
        }))
    }

    /// A guard for loopback that lets everybody in while there is no token.
    pub fn local() -> Self {
        Self::new(GuardSettings::default(), TokenBook::default())
    }

    /// What it allows.
    pub fn settings(&self) -> &GuardSettings {
        &self.0.settings
    }

    /// The tokens as they are now. Whoever changes them copies the book, keeps the change, and [publishes](Self::publish).
    pub fn book(&self) -> Arc<TokenBook> {
        self.0.book.load_full()
    }

    /// From now on these tokens hold, and no others. Whoever calls it serialises the changes.
    pub fn publish(&self, book: TokenBook) {
        self.0.book.store(Arc::new(book));
    }

    /// From now on an agent's certificate for this roster's pool is worth something only while its place there is held.
    pub fn follow(&self, roster: watch::Receiver<Roster>) {
        self.0.roster.store(Some(Arc::new(roster)));
    }

    /// The records of tokens whose last use is worth writing down, each once. Whoever writes calls this now and then; nothing
    /// is lost but an hour of *last used* if it does not.
    pub fn take_used(&self) -> Vec<TokenRecord> {
        let used = std::mem::take(&mut *self.0.used.lock().unwrap_or_else(PoisonError::into_inner));
        let book = self.0.book.load();
        used.iter().filter_map(|id| book.record(id)).collect()
    }

    /// Who calls.
    ///
    /// # Errors
    /// [`Refusal::Unauthenticated`], [`Refusal::NoMember`], or [`Refusal::TooMany`] once an address has failed too often.
    pub fn identify(&self, headers: &HeaderMap, caller: &Caller) -> Result<Principal, Refusal> {
        let book = self.0.book.load();
        if let Some(credentials) = headers.get(AUTHORIZATION) {
            let text = credentials.to_str().ok().and_then(bearer).unwrap_or_default();
            let now = clock::now();
            return match book.authenticate(text, now) {
                Ok(principal) => {
                    self.note_use(&book, &principal, now);
                    Ok(principal)
                }
                Err(denied) => Err(self.denied(caller, Some(denied))),
            };
        }
        if let Some(agent) = &caller.agent {
            if !self.is_held(agent) {
                if self.count_failure(caller).is_ok() {
                    tracing::warn!(
                        who = agent.name(),
                        "the certificate of a host that does not belong to the pool"
                    );
                }
                return Err(Refusal::NoMember);
            }
            return Ok(Principal {
                name: agent.name(),
                role: Role::Agent,
                scope: Scope::of(agent.pool.clone()),
                via: Via::Certificate { host: agent.host.clone() },
            });
        }
        if self.0.settings.trust_loopback && !book.has_admin() && comes_from_here(headers, caller) {
            return Ok(Principal::local());
        }
        Err(self.denied(caller, None))
    }

    /// Counts a request of this principal.
    ///
    /// # Errors
    /// [`Refusal::TooMany`].
    pub fn count(&self, principal: &Principal) -> Result<(), Refusal> {
        take(&self.0.principals, principal.share(), self.0.since.elapsed())
    }

    /// Counts a request from this address, whoever it is.
    ///
    /// # Errors
    /// [`Refusal::TooMany`].
    pub fn count_address(&self, caller: &Caller) -> Result<(), Refusal> {
        match caller.address.map(|address| address.ip()) {
            Some(address) if !address.is_loopback() => {
                take(&self.0.addresses, neighbourhood(address), self.0.since.elapsed())
            }
            _ => Ok(()),
        }
    }

    /// A place for one event stream, given back when it is dropped.
    ///
    /// # Errors
    /// [`Refusal::TooMany`] if all are taken.
    pub fn stream_place(&self, principal: &Principal) -> Result<Place, Refusal> {
        self.0.streams.take(Some(principal.share())).ok_or(Refusal::TooMany { retry_after_s: 5 })
    }

    /// Event streams that are open.
    pub fn streams(&self) -> usize {
        self.0.streams.taken()
    }

    fn note_use(&self, book: &TokenBook, principal: &Principal, now: jiff::Timestamp) {
        if let Via::Token { id } = &principal.via
            && book.note_use(id, now)
        {
            self.0.used.lock().unwrap_or_else(PoisonError::into_inner).insert(id.clone());
        }
    }

    /// Turns somebody away whose credentials are none or wrong. What was wrong goes to the log, the credentials go nowhere.
    fn denied(&self, caller: &Caller, denied: Option<Denied>) -> Refusal {
        let Some(denied) = denied else { return Refusal::Unauthenticated };
        if let Err(refusal) = self.count_failure(caller) {
            return refusal;
        }
        let address = caller.address.map(|address| address.ip().to_string()).unwrap_or_default();
        tracing::warn!(address, %denied, "credentials refused");
        Refusal::Unauthenticated
    }

    fn count_failure(&self, caller: &Caller) -> Result<(), Refusal> {
        let address = caller.address.map_or(0, |address| neighbourhood(address.ip()));
        take(&self.0.failures, address, self.0.since.elapsed())
    }

    /// Whether the place that a certificate names is its host's still. Of a pool without agents nobody knows places.
    fn is_held(&self, agent: &AgentIdentity) -> bool {
        let roster = self.0.roster.load();
        let Some(roster) = roster.as_ref().map(|roster| roster.borrow()) else { return true };
        roster.pool != agent.pool || agent.place_in(&roster).is_some()
    }
}

fn take<K: Ord>(rate: &Mutex<Rate<K>>, key: K, now: Duration) -> Result<(), Refusal> {
    let taken = rate.lock().unwrap_or_else(PoisonError::into_inner).take(key, now);
    taken.map_err(|wait| Refusal::TooMany { retry_after_s: wait.as_secs() + 1 })
}

/// The address as a key. A single customer commonly has a whole /64 of IPv6.
pub(super) fn neighbourhood(address: IpAddr) -> u128 {
    match address.to_canonical() {
        IpAddr::V4(address) => u128::from(u32::from(address)),
        IpAddr::V6(address) => u128::from(address) >> 64 << 64,
    }
}

/// The token of an `Authorization` header.
fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Whether a request was made on this machine by somebody who meant to make it. A web page that somebody here looks at can
/// have the browser call loopback: under another name for it (DNS rebinding), which shows in `Host`, or by its own name,
/// which shows in `Origin`. A proxy on this machine brings strangers, and says so.
fn comes_from_here(headers: &HeaderMap, caller: &Caller) -> bool {
    let here = caller.address.is_none_or(|address| address.ip().to_canonical().is_loopback());
    let proxied = headers.contains_key(FORWARDED)
        || ["x-forwarded-for", "x-forwarded-host", "x-real-ip", "via"]
            .iter()
            .any(|name| headers.contains_key(*name));
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let asked_for_here = text(HOST).is_none_or(is_local_name);
    let by_own_page = text(ORIGIN).is_none_or(|origin| {
        origin.strip_prefix("http://").is_some_and(|authority| {
            is_local_name(authority) && text(HOST).is_none_or(|host| host == authority)
        })
    });
    here && !proxied && asked_for_here && by_own_page
}

/// Whether `host[:port]` names this machine by its loopback address.
fn is_local_name(authority: &str) -> bool {
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) && !host.is_empty() => host,
        _ => authority,
    };
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    host.eq_ignore_ascii_case("localhost") || address.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests;
