//! How a host joins a pool: what a one-time token is, what the newcomer asks, what it is given; and what the first host of a pool
//! leaves to the service, from which newcomers are then given theirs.
//!
//! ```text
//!   lifeboat host invite ─► token ─(an operator carries it)─► lifeboat-agent join
//!   newcomer ── POST /v1/pools/{pool}/join: JoinRequest ──► service (checked by the fingerprint in the token before anything is sent)
//!   newcomer ◄── JoinAnswer: roster, heartbeat keys, authorities, certificate ── service
//!
//!   a host that was away ── GET /v1/pools/{pool}/membership, with its certificate ──► service
//!   a host that was away ◄── MembershipAnswer: roster, heartbeat keys ── service
//!   a host that is reached elsewhere now ── PUT /v1/pools/{pool}/membership/addresses: AddressChange ──► service, which answers the same
//! ```
use crate::certificate::HOST_LIVES;
use crate::roster::Roster;
use serde::{Deserialize, Serialize};
use std::fmt::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

/// Where the service signs for newcomers, in pool `pool`.
pub fn path(pool: &str) -> String {
    of_pool(pool) + "/join"
}

/// Where the service tells the hosts of pool `pool` what they have missed.
pub fn membership_path(pool: &str) -> String {
    of_pool(pool) + "/membership"
}

/// Where the service is told that a host of pool `pool` is reached elsewhere.
pub fn addresses_path(pool: &str) -> String {
    membership_path(pool) + "/addresses"
}

fn of_pool(pool: &str) -> String {
    let mut path = String::from("/v1/pools/");
    for byte in pool.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            path.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(path, "%{byte:02X}");
        }
    }
    path
}

/// What a newcomer asks.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JoinRequest {
    /// The secret of its token.
    pub token: String,
    /// Its name in the pool.
    pub host: String,
    /// Where its agent listens, one address for each heartbeat network of the roster.
    pub addresses: Vec<SocketAddr>,
    /// The names of its networks, in the order of the addresses: they must be the roster's.
    pub networks: Vec<String>,
    /// Where its service is reached, as a URL.
    pub api: String,
    /// Its request for a certificate, in PEM. The service takes the public key from it and nothing else.
    pub csr_pem: String,
}

impl fmt::Debug for JoinRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinRequest")
            .field("host", &self.host)
            .field("api", &self.api)
            .finish_non_exhaustive()
    }
}

/// What it is given.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JoinAnswer {
    /// Who belongs to the pool, with the newcomer.
    pub roster: Roster,
    /// The newcomer's position there.
    pub me: usize,
    /// The heartbeat keys, the one in use first.
    pub keys: Vec<PoolKey>,
    /// What carries the pool's records.
    pub medium: MediumPlace,
    /// Where the pool's database is: the address of a store, as in the service's configuration.
    pub metadata: String,
    /// The newcomer's certificate and those between it and its authority, in PEM.
    pub chain_pem: String,
    /// The pool's authorities, in PEM.
    pub authorities_pem: String,
}

impl fmt::Debug for JoinAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinAnswer")
            .field("roster", &self.roster)
            .field("me", &self.me)
            .finish_non_exhaustive()
    }
}

/// What a host of the pool says whose agent listens elsewhere than the roster has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AddressChange {
    /// Where its agent listens now, one address for each heartbeat network of the roster.
    pub addresses: Vec<SocketAddr>,
    /// The names of its networks, in the order of the addresses: they must be the roster's.
    pub networks: Vec<String>,
}

/// What a host of the pool is told that was away, or is not heard: it may have missed both.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MembershipAnswer {
    /// Who belongs to the pool.
    pub roster: Roster,
    /// The heartbeat keys, the one in use first.
    pub keys: Vec<PoolKey>,
}

impl fmt::Debug for MembershipAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MembershipAnswer").field("roster", &self.roster).finish_non_exhaustive()
    }
}

/// A heartbeat key.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PoolKey {
    /// Its epoch.
    pub epoch: u32,
    /// The key, in hexadecimal: 64 digits.
    pub key: String,
}

impl fmt::Debug for PoolKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PoolKey").field("epoch", &self.epoch).finish_non_exhaustive()
    }
}

impl PoolKey {
    /// Of these bytes.
    pub fn new(epoch: u32, key: &[u8; 32]) -> Self {
        Self { epoch, key: hex(key) }
    }

    /// Its bytes; none if it is none.
    pub fn bytes(&self) -> Option<[u8; 32]> {
        unhex(&self.key)
    }
}

/// What carries the pool's records, as in `[medium]` of `agent.toml`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum MediumPlace {
    /// A region of a shared block device or file.
    Statefile {
        /// The device or file: the same path on every host.
        path: PathBuf,
        /// Where the region begins.
        #[serde(default)]
        offset: u64,
    },
    /// An etcd. How a host proves itself there is set up on each host.
    Etcd {
        /// Its members, as `host:port`.
        endpoints: Vec<String>,
        /// Whether they speak TLS.
        #[serde(default)]
        tls: bool,
    },
}

/// Under this one name the first host leaves a [`Founding`], as JSON, in the pool's store.
pub const FOUNDING: &str = "founding";

/// What the first host leaves to the service, before the pool's first term, in the pool's store itself (`Key::of(&[FOUNDING])`): whoever
/// leads can then sign for newcomers, and knows what to tell them.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Founding {
    /// The pool's first roster.
    pub roster: Roster,
    /// What carries the pool's records.
    pub medium: MediumPlace,
    /// Where the pool's database is.
    pub metadata: String,
    /// The certificate of the pool's authority, in PEM.
    pub authority_pem: String,
    /// Its private key, in PEM.
    pub authority_key_pem: String,
    /// The heartbeat keys.
    pub keys: Vec<PoolKey>,
    /// How long hosts' certificates live, in seconds.
    #[serde(default = "usual_life_s")]
    pub certificates_live_s: u64,
}

fn usual_life_s() -> u64 {
    HOST_LIVES.as_secs()
}

impl fmt::Debug for Founding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Founding").field("roster", &self.roster).finish_non_exhaustive()
    }
}

/// A one-time token as an operator carries it: `lbjoin_<id>_<secret>_<fingerprint>`, all in hexadecimal.
#[derive(Clone, PartialEq, Eq)]
pub struct Invitation {
    /// Which invitation: public, so that it can be listed and taken back.
    pub id: [u8; 8],
    /// What only its bearer knows; the service keeps a SHA-256 of it.
    pub secret: [u8; 32],
    /// SHA-256 of a certificate, in DER, that the server shows or that the one which it shows goes back to.
    pub fingerprint: [u8; 32],
}

impl fmt::Debug for Invitation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Invitation").field("id", &hex(&self.id)).finish_non_exhaustive()
    }
}

/// A token that is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no token of `lifeboat host invite`: it reads lbjoin_…_…_…, and is copied whole")]
pub struct NoInvitation;

const INVITATION: &str = "lbjoin";

impl Invitation {
    /// The part that goes into [`JoinRequest::token`]: who it is and the secret, without the fingerprint.
    pub fn credential(&self) -> String {
        format!("{INVITATION}_{}_{}", hex(&self.id), hex(&self.secret))
    }

    /// Id and secret of a [`JoinRequest::token`].
    ///
    /// # Errors
    /// If it is none.
    pub fn parse_credential(text: &str) -> Result<([u8; 8], [u8; 32]), NoInvitation> {
        let mut parts = text.trim().split('_');
        let mut next = || parts.next().ok_or(NoInvitation);
        if next()? != INVITATION {
            return Err(NoInvitation);
        }
        let id = unhex(next()?).ok_or(NoInvitation)?;
        let secret = unhex(next()?).ok_or(NoInvitation)?;
        if parts.next().is_some() { Err(NoInvitation) } else { Ok((id, secret)) }
    }
}

impl fmt::Display for Invitation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}_{}", self.credential(), hex(&self.fingerprint))
    }
}

impl FromStr for Invitation {
    type Err = NoInvitation;

    fn from_str(text: &str) -> Result<Self, NoInvitation> {
        let (credential, fingerprint) = text.trim().rsplit_once('_').ok_or(NoInvitation)?;
        let (id, secret) = Self::parse_credential(credential)?;
        Ok(Self { id, secret, fingerprint: unhex(fingerprint).ok_or(NoInvitation)? })
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() != 2 * N || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn invitation() -> Invitation {
        Invitation { id: [1; 8], secret: [0xAB; 32], fingerprint: [0x0C; 32] }
    }

    #[test]
    fn a_token_is_what_it_was_after_being_carried_by_hand() {
        let text = format!("  {}\n", invitation());
        assert_eq!(text.parse(), Ok(invitation()));
        let credential = invitation().credential();
        assert_eq!(Invitation::parse_credential(&credential), Ok(([1; 8], [0xAB; 32])));
        assert!(!credential.contains("0c0c"), "the fingerprint stays with the newcomer");
    }

    #[test]
    fn what_is_no_token_is_refused() {
        let whole = invitation().to_string();
        for wrong in [
            "",
            "lbjoin",
            "lbjoin__",
            &whole[1..],
            &whole[..whole.len() - 1],
            &format!("{whole}_00"),
            "lbjoin_é_é_é",
        ] {
            assert_eq!(wrong.parse::<Invitation>(), Err(NoInvitation), "{wrong}");
        }
    }

    #[test]
    fn secrets_are_not_in_what_is_printed_for_finding_faults() {
        let key = PoolKey::new(1, &[0xEE; 32]);
        assert_eq!(key.bytes(), Some([0xEE; 32]));
        let request = JoinRequest {
            token: invitation().credential(),
            host: "h1".into(),
            addresses: Vec::new(),
            networks: Vec::new(),
            api: String::new(),
            csr_pem: String::new(),
        };
        let printed = format!("{:?}{key:?}{request:?}", invitation());
        assert!(!printed.contains("eeee") && !printed.contains("abab"), "{printed}");
    }

    #[test]
    fn a_medium_is_spelt_as_in_the_agents_configuration() {
        let place: MediumPlace =
            serde_json::from_str(r#"{"kind":"statefile","path":"/dev/x"}"#).expect("a place");
        assert_eq!(place, MediumPlace::Statefile { path: "/dev/x".into(), offset: 0 });
        assert!(serde_json::from_str::<MediumPlace>(r#"{"kind":"tape"}"#).is_err());
    }

    #[test]
    fn a_pools_name_is_one_segment_of_the_path() {
        assert_eq!(path("prod-a"), "/v1/pools/prod-a/join");
        assert_eq!(path("a/b ü"), "/v1/pools/a%2Fb%20%C3%BC/join");
        assert_eq!(membership_path("prod-a"), "/v1/pools/prod-a/membership");
    }
}
