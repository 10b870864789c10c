//! Who belongs to the pool: invitations, newcomers, and those who leave. Pure: what is asked and what is kept come in, the roster
//! after it goes out.
use super::authority::host_of;
use jiff::{SignedDuration, Timestamp};
use lifeboat_link::Roster;
use lifeboat_link::join::{Invitation, JoinRequest};
use lifeboat_link::roster::{Member, RosterFault};
use lifeboat_store::Key;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt::Write;
use subtle::ConstantTimeEq;

use super::records::CONDUCTOR;

/// How long an invitation holds, unless it is said.
pub const USUAL_SPAN: SignedDuration = SignedDuration::from_hours(1);
/// How long one may hold at most.
pub const LONGEST_SPAN: SignedDuration = SignedDuration::from_hours(7 * 24);
/// Invitations that are open at a time.
pub const MOST_OPEN: usize = 256;

/// An invitation as it is kept: whoever shows its secret may join, once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invited {
    /// Its id, in hexadecimal.
    pub id: String,
    /// SHA-256 of its secret, in hexadecimal.
    secret_sha256: String,
    /// Who made it.
    pub by: String,
    /// The host that it is for; none: any.
    pub host: Option<String>,
    /// Until when it holds.
    pub expires_at: Timestamp,
}

/// Why a host does not join.
#[derive(Debug, thiserror::Error)]
pub enum EnrolError {
    /// Its token is worth nothing.
    #[error("the token is unknown, used, taken back or out of date: `lifeboat host invite` makes another")]
    NoInvitation,
    /// The token is another host's.
    #[error("the token is for host {0:?}")]
    OtherHost(String),
    /// A host of that name lives.
    #[error(
        "host {0:?} belongs to the pool and is not down: choose another name, or shut that one down first"
    )]
    Taken(String),
    /// Its networks are not the pool's.
    #[error("the pool's heartbeat networks are {}, in this order: name the host's addresses so", .0.join(", "))]
    Networks(Vec<String>),
    /// Its service is nowhere.
    #[error("{0:?} is no URL such as https://h09.example:7878 under which the host's service is reached")]
    Api(String),
    /// Its name is none.
    #[error("a host's name has 1 to 255 printable characters")]
    Name,
    /// The roster would not be right.
    #[error(transparent)]
    Roster(#[from] RosterFault),
}

/// Where invitations of a pool lie.
pub fn invitations_key(pool: &str) -> Key {
    Key::of(&[CONDUCTOR, pool, "invitation"])
}

/// Where an invitation lies.
pub fn invitation_key(pool: &str, id: &str) -> Key {
    Key::of(&[CONDUCTOR, pool, "invitation", id])
}

impl Invited {
    /// A new one, and what is carried to the newcomer. `random` is fetched by the caller.
    pub fn new(
        random: [u8; 40],
        fingerprint: [u8; 32],
        by: &str,
        host: Option<String>,
        expires_at: Timestamp,
    ) -> (Self, Invitation) {
        let (mut id, mut secret) = ([0; 8], [0; 32]);
        id.copy_from_slice(&random[..8]);
        secret.copy_from_slice(&random[8..]);
        let kept = Self {
            id: hex(&id),
            secret_sha256: hex(&Sha256::digest(secret)),
            by: by.to_owned(),
            host,
            expires_at,
        };
        (kept, Invitation { id, secret, fingerprint })
    }

    /// Whether `secret` is its secret and it holds still, for that host.
    ///
    /// # Errors
    /// If not.
    pub fn check(&self, secret: &[u8; 32], host: &str, now: Timestamp) -> Result<(), EnrolError> {
        let known: bool = self.secret_sha256.as_bytes().ct_eq(hex(&Sha256::digest(secret)).as_bytes()).into();
        if !known || now >= self.expires_at {
            return Err(EnrolError::NoInvitation);
        }
        match &self.host {
            Some(other) if other != host => Err(EnrolError::OtherHost(other.clone())),
            _ => Ok(()),
        }
    }
}

/// The id and the secret of a token.
///
/// # Errors
/// If it is none.
pub fn credential(token: Option<&str>) -> Result<(String, [u8; 32]), EnrolError> {
    let parsed = token.map(Invitation::parse_credential).and_then(Result::ok);
    parsed.map(|(id, secret)| (hex(&id), secret)).ok_or(EnrolError::NoInvitation)
}

/// The roster with a newcomer, and its place there. One who has joined before and is not up takes its own place again: a first attempt may
/// have been cut short.
///
/// # Errors
/// If it cannot join as it is.
pub fn joined(roster: &Roster, ask: &JoinRequest, is_up: bool) -> Result<(Roster, usize), EnrolError> {
    let printable = ask.host.chars().count() <= 255 && !ask.host.chars().any(char::is_control);
    if ask.host.trim().is_empty() || !printable {
        return Err(EnrolError::Name);
    }
    if ask.networks != roster.networks {
        return Err(EnrolError::Networks(roster.networks.clone()));
    }
    if !(ask.api.starts_with("https://") || ask.api.starts_with("http://")) || host_of(&ask.api).is_none() {
        return Err(EnrolError::Api(ask.api.clone()));
    }
    let member = Member {
        id: ask.host.clone(),
        addresses: ask.addresses.clone(),
        api: ask.api.clone(),
        removed: false,
    };
    let mut roster = roster.clone();
    let me = match roster.find(&ask.host) {
        Some(_) if is_up => return Err(EnrolError::Taken(ask.host.clone())),
        Some(position) => {
            roster.hosts[position] = member;
            position
        }
        None => {
            roster.hosts.push(member);
            roster.hosts.len() - 1
        }
    };
    roster.version += 1;
    roster.check()?;
    Ok((roster, me))
}

/// The roster without a host; none if it has none of that name.
pub fn left(roster: &Roster, host: &str) -> Option<Roster> {
    let position = roster.find(host)?;
    let mut roster = roster.clone();
    roster.hosts[position].removed = true;
    roster.version += 1;
    Some(roster)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::super::names::tests::roster;
    use super::*;

    fn ask(host: &str) -> JoinRequest {
        JoinRequest {
            token: None,
            host: host.to_owned(),
            addresses: vec!["10.0.0.9:7946".parse().expect("an address")],
            networks: vec!["hb0".to_owned()],
            api: "https://10.0.0.9:7878".to_owned(),
            csr_pem: String::new(),
        }
    }

    #[test]
    fn a_newcomer_gets_the_next_place_and_the_roster_a_new_version() {
        let before = roster(&["h1", "!h2"]);
        let (after, me) = joined(&before, &ask("h2"), false).expect("it joins");
        assert_eq!((me, after.version, after.find("h2")), (2, before.version + 1, Some(2)));
        assert!(after.hosts[1].removed, "who has left keeps its place");
    }

    #[test]
    fn a_name_is_taken_while_its_host_is_up_and_kept_when_it_is_not() {
        assert!(matches!(joined(&roster(&["h1", "h2"]), &ask("h2"), true), Err(EnrolError::Taken(_))));
        let (after, me) = joined(&roster(&["h1", "h2"]), &ask("h2"), false).expect("it joins");
        assert_eq!((me, after.hosts.len()), (1, 2));
        assert_eq!(after.hosts[1].api, "https://10.0.0.9:7878");
    }

    #[test]
    fn a_host_that_is_described_wrongly_is_told_how_it_should_be() {
        let networks = JoinRequest { networks: vec!["lan".to_owned()], ..ask("h2") };
        assert!(matches!(joined(&roster(&["h1"]), &networks, false), Err(EnrolError::Networks(_))));
        let api = JoinRequest { api: "h2".to_owned(), ..ask("h2") };
        assert!(matches!(joined(&roster(&["h1"]), &api, false), Err(EnrolError::Api(_))));
        let none = JoinRequest { addresses: Vec::new(), ..ask("h2") };
        assert!(matches!(joined(&roster(&["h1"]), &none, false), Err(EnrolError::Roster(_))));
        assert!(matches!(joined(&roster(&["h1"]), &ask(" "), false), Err(EnrolError::Name)));
    }

    #[test]
    fn an_invitation_holds_for_its_secret_its_time_and_its_host() {
        let until = Timestamp::from_second(1000).expect("in range");
        let mut random = [0; 40];
        random[..8].fill(1);
        random[8..].fill(2);
        let (kept, carried) = Invited::new(random, [3; 32], "ops", Some("h9".to_owned()), until);
        let early = Timestamp::from_second(999).expect("in range");
        assert!(kept.check(&carried.secret, "h9", early).is_ok());
        assert!(matches!(kept.check(&carried.secret, "h9", until), Err(EnrolError::NoInvitation)));
        assert!(matches!(kept.check(&[4; 32], "h9", early), Err(EnrolError::NoInvitation)));
        assert!(matches!(kept.check(&carried.secret, "h8", early), Err(EnrolError::OtherHost(_))));
        let (id, secret) = credential(Some(&carried.credential())).expect("a token");
        assert_eq!((id, secret), (kept.id.clone(), carried.secret));
        assert!(!serde_json::to_string(&kept).expect("JSON").contains(&hex(&carried.secret)));
    }

    #[test]
    fn who_leaves_keeps_its_place() {
        let after = left(&roster(&["h1", "h2"]), "h1").expect("it leaves");
        assert!(after.hosts[0].removed && after.find("h1").is_none() && after.find("h2") == Some(1));
        assert_eq!(left(&after, "h1"), None);
    }
}
