//! What this host needs from its pool to be a member of it: the present roster, the present heartbeat keys, a certificate that lives.
//!
//! A member hears of new rosters and keys from the protocol. A host that was off, or out of the pool, has missed what was told meanwhile: it may
//! not know a host that must hear it, or be deaf. So whoever is no member asks the pool's service, again and again, at one server of its
//! roster after the other. The server proves itself by the pool's authority, this host by its own certificate; whoever was removed gets no
//! answer. All of that waits for networks and disks, so it has a thread of its own, and the protocol hears only what is durable.
mod absence;
pub mod credentials;

use crate::clock;
use crate::context::Context;
use crate::enrol::call::{CallFault, Caller};
use crate::identity::KeyFile;
use crate::net;
use crate::wiring::{Standing, ToKeeper};
use absence::Absence;
use credentials::Credentials;
use lifeboat_link::join::{self, AddressChange, MembershipAnswer};
use lifeboat_protocol::message::NewKey;
use lifeboat_protocol::status::Phase;
use serde_json::json;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

/// How often it is looked how this host stands.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// And after the pool was told where this host is: if it has not heard, this host has less than T until it is missed.
const LOOK_AGAIN: Duration = Duration::from_millis(200);
/// How long the protocol's thread may take to say it.
const PATIENCE: Duration = Duration::from_secs(5);
/// Servers that are asked in one round.
const SERVERS_AT_ONCE: usize = 4;

/// Starts the thread.
///
/// # Errors
/// If there can be no more threads.
pub fn start(context: Context) -> io::Result<()> {
    let membership = Membership {
        context,
        absence: Absence::of_no_member(),
        moving: Absence::of_one_that_moved(),
        credentials: Credentials::default(),
        held_key: None,
        rounds: 0,
    };
    crate::thread::spawn("membership", move || membership.run()).map(drop)
}

struct Membership {
    context: Context,
    absence: Absence,
    moving: Absence,
    credentials: Credentials,
    /// The agreed key that was last found among those that are kept.
    held_key: Option<u32>,
    rounds: usize,
}

/// Why nobody could be asked, or nothing came of it.
#[derive(Debug, thiserror::Error)]
enum AskFault {
    #[error("the roster names no other host")]
    Nobody,
    #[error("this host's certificate: {0}")]
    Certificate(#[from] credentials::CredentialFault),
    #[error("this host's certificate and key: {0}")]
    Tls(#[from] rustls::Error),
    #[error(transparent)]
    Call(#[from] CallFault),
    #[error("what the service answers cannot be used: {0}")]
    Answer(String),
}

impl Membership {
    fn run(mut self) {
        let mut rest = Duration::ZERO;
        loop {
            clock::wait(std::mem::replace(&mut rest, LOOK_EVERY));
            let Some(standing) = self.context.inbox.ask(PATIENCE) else { continue };
            let away =
                matches!(standing.phase, Phase::Starting | Phase::Joining) || self.lacks_key(&standing);
            if self.absence.is_due(clock::now(), away) {
                self.ask_round(&standing);
            }
            let moved = self.moved();
            if self.moving.is_due(clock::now(), moved.is_some())
                && let Some(change) = moved
            {
                self.tell_move(&standing, &change);
                rest = LOOK_AGAIN;
            }
            self.credentials.look(&self.context, &standing);
        }
    }

    /// Whether the pool seals under a key that is not kept here.
    fn lacks_key(&mut self, standing: &Standing) -> bool {
        let Some(agreed) = standing.adopted.as_ref().map(|known| known.key_epoch) else { return false };
        if self.held_key != Some(agreed) {
            let kept = KeyFile::read(&self.context.config.host.state_directory);
            self.held_key = kept.is_ok_and(|kept| kept.holds_or_is_beyond(agreed)).then_some(agreed);
        }
        self.held_key.is_none()
    }

    fn ask_round(&mut self, standing: &Standing) {
        let get = |caller: &Caller, url: &str, pool: &str| caller.get(url, &join::membership_path(pool));
        let asked = self.ask(standing, false, get);
        self.rounds += 1;
        let outcome = match &asked {
            Ok(answer) => format!("roster {}, keys up to {}", answer.roster.version, newest(answer)),
            Err(fault) => fault.to_string(),
        };
        self.context.board.post("membership", &json!({ "asked": self.rounds, "answer": outcome }));
        match asked {
            Ok(answer) => self.take(&answer),
            Err(AskFault::Nobody) => {}
            Err(fault) => {
                tracing::info!(%fault, "this host is no member; it asks the pool what it has missed, and is not answered yet");
            }
        }
    }

    /// Where this host's agent listens, if the others look for it elsewhere.
    fn moved(&self) -> Option<AddressChange> {
        let roster = self.context.roster.now();
        let known = &roster.hosts.get(self.context.me.get())?.addresses;
        let networks = net::in_order(&self.context.config.networks, &roster).ok()?;
        let addresses: Vec<SocketAddr> = networks.iter().map(|network| network.listen).collect();
        (*known != addresses).then(|| AddressChange { addresses, networks: roster.networks.clone() })
    }

    fn tell_move(&mut self, standing: &Standing, change: &AddressChange) {
        let body = serde_json::to_vec(change).unwrap_or_default();
        let put =
            |caller: &Caller, url: &str, pool: &str| caller.put(url, &join::addresses_path(pool), &body);
        let told = self.ask(standing, true, put);
        self.rounds += 1;
        let outcome = told.as_ref().err().map(ToString::to_string);
        self.context
            .board
            .post("addresses", &json!({ "listens_at": change.addresses, "pool_refuses": outcome }));
        match told {
            Ok(answer) => {
                tracing::info!(addresses = ?change.addresses, "the pool knows where this host is reached now");
                self.take(&answer);
            }
            Err(fault) => tracing::error!(
                %fault,
                addresses = ?change.addresses,
                "THE OTHER HOSTS DO NOT HEAR WHERE THIS ONE IS: agent.toml has other addresses than the pool, which has not taken them. Give it \
                 addresses that the pool takes, or those that it had"
            ),
        }
    }

    /// Asks one server after the other until one answers; of this host's own service only what others cannot know better.
    fn ask(
        &self,
        standing: &Standing,
        own_too: bool,
        request: impl Fn(&Caller, &str, &str) -> Result<Vec<u8>, CallFault>,
    ) -> Result<MembershipAnswer, AskFault> {
        let roster = self.context.roster.now();
        let (me, leader) = (self.context.me.get(), standing.adopted.as_ref().map(|known| known.leader.get()));
        let others: Vec<usize> =
            (0..roster.hosts.len()).filter(|&place| place != me && Some(place) != leader).collect();
        // Others each time: some may be off.
        let from = (self.rounds * (SERVERS_AT_ONCE - 1)).checked_rem(others.len()).unwrap_or(0);
        let (later, first) = others.split_at(from);
        let others =
            leader.into_iter().filter(|&leader| leader != me).chain(first.iter().chain(later).copied());
        let of_pool = |place: usize| roster.hosts.get(place).filter(|member| !member.removed);
        let own = own_too.then_some(me).and_then(of_pool);
        let mut servers = others.filter_map(of_pool).take(SERVERS_AT_ONCE).chain(own).peekable();
        servers.peek().ok_or(AskFault::Nobody)?;
        let files = credentials::read(&self.context.config.host)?;
        let caller = Caller::member(&files.authorities_pem, &files.chain_pem, &files.key_pem)?;
        let mut last = AskFault::Nobody;
        for server in servers {
            match request(&caller, &server.api, &roster.pool) {
                Ok(body) => {
                    return serde_json::from_slice(&body)
                        .map_err(|fault| AskFault::Answer(fault.to_string()));
                }
                Err(fault) => last = fault.into(),
            }
        }
        Err(last)
    }

    /// Who keeps checks the roster; the protocol checks the keys.
    fn take(&self, answer: &MembershipAnswer) {
        let known = self.context.roster.now();
        tracing::info!(
            roster = answer.roster.version,
            known = known.version,
            newest_key = newest(answer),
            "the pool has told this host what it may have missed"
        );
        let keys =
            answer.keys.iter().filter_map(|key| Some(NewKey { key_epoch: key.epoch, key: key.bytes()? }));
        let keys: Vec<NewKey> = keys.collect();
        let keeper = &self.context.outlets.keeper;
        // Who keeps may have ended with the agent.
        if answer.roster.version > known.version
            && let Ok(json) = serde_json::to_string(&answer.roster)
        {
            let _ = keeper.send(ToKeeper::Roster(json));
        }
        if answer.roster.pool_id == known.pool_id {
            let _ = keeper.send(ToKeeper::Fetched(keys));
        }
    }
}

fn newest(answer: &MembershipAnswer) -> u32 {
    answer.keys.iter().map(|key| key.epoch).max().unwrap_or_default()
}
