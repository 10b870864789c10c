//! Who belongs to the pool: invitations, newcomers, and those who leave. Pure: what is asked and what is kept come in, the roster
//! after it goes out.
use jiff::{SignedDuration, Timestamp};
use lifeboat_link::Roster;
use lifeboat_link::certificate::host_of;
use lifeboat_link::join::{AddressChange, Invitation, JoinRequest};
use lifeboat_link::roster::{Member, RosterFault};
use lifeboat_protocol::Standing;
use lifeboat_store::Key;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::net::{IpAddr, SocketAddr};
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
    /// A host of that name lives, or may live.
    #[error(
        "host {0:?} belongs to the pool and is not known to be down: choose another name, shut that one down, or wait until it is fenced"
    )]
    Taken(String),
    /// Another host is known by this name or address.
    #[error(
        "{0:?} is a name or an address of host {1:?}: give the newcomer's own, or remove that host first"
    )]
    Claimed(String, String),
    /// Its networks are not the pool's.
    #[error("the pool's heartbeat networks are {}, in this order: name the host's addresses so", .0.join(", "))]
    Networks(Vec<String>),
    /// Its service is nowhere.
    #[error("{0:?} is no URL such as https://h09.example:7878 under which the host's service is reached")]
    Api(String),
    /// Its name is none.
    #[error("a host's name has 1 to 255 printable characters")]
    Name,
    /// Nobody would hear of it.
    #[error(
        "this host leads, and the others look for it at {}: they would not hear it anywhere else, not even where it is now. Give its agent one of these back, let another host lead (`lifeboat-agent hand-over`), and then change them",
        .0.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    )]
    HandOverFirst(Vec<SocketAddr>),
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
pub fn credential(token: &str) -> Result<(String, [u8; 32]), EnrolError> {
    let parsed = Invitation::parse_credential(token);
    parsed.map(|(id, secret)| (hex(&id), secret)).map_err(|_| EnrolError::NoInvitation)
}

/// The roster with a newcomer, and its place there. `standing` is what is agreed of the host in a place; none: nothing is known yet.
///
/// A machine takes no place in which another may still run VMs: a boot of its own would prove to the others that those are over. One
/// that has left, or never came, and is reached where the newcomer is takes its own place again, as a first attempt may have been cut
/// short. Any other newcomer under the name of a host that is gone gets a place of its own.
///
/// # Errors
/// If it cannot join as it is.
pub fn joined(
    roster: &Roster,
    ask: &JoinRequest,
    standing: impl FnOnce(usize) -> Option<Standing>,
) -> Result<(Roster, usize), EnrolError> {
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
    unclaimed(roster, &member)?;
    let mut roster = roster.clone();
    let me = if let Some(position) = roster.find(&ask.host) {
        match standing(position) {
            Some(Standing::Out) if roster.hosts[position].addresses == member.addresses => {
                roster.hosts[position] = member;
                position
            }
            Some(Standing::Out | Standing::Fenced { .. }) => {
                roster.hosts[position].removed = true;
                roster.hosts.push(member);
                roster.hosts.len() - 1
            }
            None | Some(Standing::Member { .. } | Standing::Fencing { .. }) => {
                return Err(EnrolError::Taken(ask.host.clone()));
            }
        }
    } else {
        roster.hosts.push(member);
        roster.hosts.len() - 1
    };
    roster.version += 1;
    roster.check()?;
    Ok((roster, me))
}

/// The roster with the host in this place reached elsewhere; none if it is reached there already. If it leads others, one address has to stay:
/// they hear of the others by that.
///
/// # Errors
/// If it cannot be.
pub fn moved(
    roster: &Roster,
    place: usize,
    ask: &AddressChange,
    leads_others: bool,
) -> Result<Option<Roster>, EnrolError> {
    if ask.networks != roster.networks {
        return Err(EnrolError::Networks(roster.networks.clone()));
    }
    let mut roster = roster.clone();
    let known = &roster.hosts[place].addresses;
    if *known == ask.addresses {
        return Ok(None);
    }
    if leads_others && known.iter().zip(&ask.addresses).all(|(known, asked)| known != asked) {
        return Err(EnrolError::HandOverFirst(known.clone()));
    }
    roster.hosts[place].addresses.clone_from(&ask.addresses);
    unclaimed(&roster, &roster.hosts[place])?;
    roster.version += 1;
    roster.check()?;
    Ok(Some(roster))
}

/// Whether no other host is known by a name or address of this one.
fn unclaimed(roster: &Roster, member: &Member) -> Result<(), EnrolError> {
    for other in roster.hosts.iter().filter(|other| !other.removed && other.id != member.id) {
        if let Some(claimed) = known_by(member).intersection(&known_by(other)).next() {
            return Err(EnrolError::Claimed(claimed.clone(), other.id.clone()));
        }
    }
    Ok(())
}

/// The roster without a host; none if it has none of that name.
pub fn left(roster: &Roster, host: &str) -> Option<Roster> {
    let position = roster.find(host)?;
    let mut roster = roster.clone();
    roster.hosts[position].removed = true;
    roster.version += 1;
    Some(roster)
}

/// What a host is reached by and known by in its certificate. A loopback address is everybody's; with a port it is one host's.
fn known_by(host: &Member) -> BTreeSet<String> {
    let local =
        |name: &str| name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    let mut names: BTreeSet<String> = host.addresses.iter().map(ToString::to_string).collect();
    names.insert(host.api.trim_end_matches('/').to_lowercase());
    let addresses = host.addresses.iter().map(|address| address.ip().to_string());
    let named = host_of(&host.api).into_iter().chain([host.id.as_str()]).map(str::to_lowercase);
    names.extend(addresses.chain(named).filter(|name| !local(name)));
    names
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
    use lifeboat_protocol::evidence::EvidenceKind;
    use lifeboat_protocol::{Boot, ConfigurationNumber};

    #[expect(
        clippy::unnecessary_wraps,
        reason = "it stands for what a host's standing is, which may be unknown"
    )]
    fn out(_: usize) -> Option<Standing> {
        Some(Standing::Out)
    }

    fn ask(host: &str) -> JoinRequest {
        JoinRequest {
            token: String::new(),
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
        let (after, me) = joined(&before, &ask("h2"), out).expect("it joins");
        assert_eq!((me, after.version, after.find("h2")), (2, before.version + 1, Some(2)));
        assert!(after.hosts[1].removed, "who has left keeps its place");
    }

    #[test]
    fn a_name_is_taken_until_its_host_is_known_to_run_nothing() {
        let before = roster(&["h1", "h2"]);
        let (boot, joined_in) = (Boot(7), ConfigurationNumber(1));
        let member = Standing::Member { boot, joined: joined_in };
        let fencing = Standing::Fencing { boot, joined: joined_in, led: None };
        for standing in [None, Some(member), Some(fencing)] {
            assert!(matches!(joined(&before, &ask("h2"), |_| standing), Err(EnrolError::Taken(_))));
        }
        let fenced = Standing::Fenced { boot, evidence: EvidenceKind::PowerOff };
        for standing in [Standing::Out, fenced] {
            let (after, me) = joined(&before, &ask("h2"), |_| Some(standing)).expect("it joins");
            assert_eq!((me, after.hosts[1].removed, after.find("h2")), (2, true, Some(2)));
        }
    }

    #[test]
    fn a_host_whose_first_attempt_was_cut_short_takes_its_place_again() {
        let (before, _) = joined(&roster(&["h1"]), &ask("h2"), out).expect("it joins");
        let again = JoinRequest { api: "https://h2.example:7878".to_owned(), ..ask("h2") };
        let (after, me) = joined(&before, &again, out).expect("it joins");
        assert_eq!((me, after.hosts.len(), after.version), (1, 2, before.version + 1));
        assert_eq!(after.hosts[1].api, again.api);
    }

    #[test]
    fn nobody_is_known_by_the_name_or_the_address_of_another() {
        let (before, _) = joined(&roster(&["h1"]), &ask("h8"), out).expect("it joins");
        let other = |api: &str, address: &str| JoinRequest {
            api: api.to_owned(),
            addresses: vec![address.parse().expect("an address")],
            ..ask("h9")
        };
        for (api, address) in [
            ("https://H1:9999", "10.0.0.7:7946"),
            ("https://10.0.0.9:9999", "10.0.0.7:7946"),
            ("https://h9", "10.0.0.9:9999"),
            ("https://h9", "127.0.0.1:7946"),
        ] {
            let refused = joined(&before, &other(api, address), out);
            assert!(matches!(refused, Err(EnrolError::Claimed(..))), "{api} {address}: {refused:?}");
        }
        let named = JoinRequest { host: "10.0.0.9".to_owned(), ..other("https://h9", "10.0.0.7:7946") };
        assert!(matches!(joined(&before, &named, out), Err(EnrolError::Claimed(..))));
        assert!(joined(&before, &other("https://h9", "10.0.0.7:7946"), out).is_ok());
        let gone = left(&before, "h8").expect("it leaves");
        assert!(joined(&gone, &other("https://10.0.0.9", "10.0.0.9:7946"), out).is_ok());
    }

    #[test]
    fn a_host_is_reached_elsewhere_where_nobody_else_is() {
        let (before, me) = joined(&roster(&["h1"]), &ask("h8"), out).expect("it joins");
        let to = |address: &str| AddressChange {
            addresses: vec![address.parse().expect("an address")],
            networks: before.networks.clone(),
        };
        let after = moved(&before, me, &to("10.0.0.99:7946"), false).expect("it can").expect("it does");
        assert_eq!(
            (after.version, after.hosts[me].addresses.clone()),
            (before.version + 1, to("10.0.0.99:7946").addresses)
        );
        assert!(matches!(moved(&after, me, &to("10.0.0.99:7946"), false), Ok(None)), "it is there already");
        let others = before.hosts[0].addresses[0].to_string();
        assert!(matches!(moved(&before, me, &to(&others), false), Err(EnrolError::Claimed(..))));
        let elsewhere = AddressChange { networks: vec!["lan".to_owned()], ..to("10.0.0.99:7946") };
        assert!(matches!(moved(&before, me, &elsewhere, false), Err(EnrolError::Networks(_))));
        let none = AddressChange { addresses: Vec::new(), ..to("10.0.0.99:7946") };
        assert!(matches!(moved(&before, me, &none, false), Err(EnrolError::Roster(_))));
    }

    #[test]
    fn whoever_leads_keeps_an_address_by_which_the_others_hear_of_the_new_ones() {
        let mut before = roster(&["h1", "h2"]);
        before.networks.push("hb1".to_owned());
        let address = |text: &str| text.parse::<SocketAddr>().expect("an address");
        for (position, host) in before.hosts.iter_mut().enumerate() {
            host.addresses =
                [1, 2].map(|network| address(&format!("10.0.{network}.{position}:7946"))).to_vec();
        }
        let to = |addresses: [&str; 2]| AddressChange {
            addresses: addresses.map(address).to_vec(),
            networks: before.networks.clone(),
        };
        let both = to(["10.0.1.9:7946", "10.0.2.9:7946"]);
        assert!(matches!(moved(&before, 0, &both, true), Err(EnrolError::HandOverFirst(_))));
        // An address on another network is not where the others look for it there.
        let crossed = to(["10.0.2.0:7946", "10.0.1.0:7946"]);
        assert!(matches!(moved(&before, 0, &crossed, true), Err(EnrolError::HandOverFirst(_))));
        assert!(matches!(moved(&before, 0, &both, false), Ok(Some(_))));
        assert!(matches!(moved(&before, 0, &to(["10.0.1.9:7946", "10.0.2.0:7946"]), true), Ok(Some(_))));
    }

    #[test]
    fn a_host_that_is_described_wrongly_is_told_how_it_should_be() {
        let networks = JoinRequest { networks: vec!["lan".to_owned()], ..ask("h2") };
        assert!(matches!(joined(&roster(&["h1"]), &networks, out), Err(EnrolError::Networks(_))));
        let api = JoinRequest { api: "h2".to_owned(), ..ask("h2") };
        assert!(matches!(joined(&roster(&["h1"]), &api, out), Err(EnrolError::Api(_))));
        let none = JoinRequest { addresses: Vec::new(), ..ask("h2") };
        assert!(matches!(joined(&roster(&["h1"]), &none, out), Err(EnrolError::Roster(_))));
        assert!(matches!(joined(&roster(&["h1"]), &ask(" "), out), Err(EnrolError::Name)));
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
        let (id, secret) = credential(&carried.credential()).expect("a token");
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
