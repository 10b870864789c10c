//! Who belongs to the pool, and where each host is reached. Every agent keeps the newest one that it has seen, so that it can find the
//! others after a power cycle before anybody leads. A host's position is its index in the protocol for ever: who leaves the pool
//! for good keeps its place, marked as removed.
use lifeboat_protocol::medium::PoolId;
use lifeboat_protocol::settings::{Quarantine, Settings, StorageLoss};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::time::Duration;

/// The most hosts of a roster: what a statefile has room for. (A pool on etcd has room for more in the protocol.)
pub const MOST_HOSTS: usize = 256;

/// Who belongs to the pool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Roster {
    /// Rises with each change; the higher one counts.
    pub version: u64,
    /// The pool's name: the `id` of its document.
    pub pool: String,
    /// This life of the pool, in hexadecimal: 32 digits.
    pub pool_id: String,
    /// Names of the heartbeat networks, in the order in which every host lists its addresses.
    pub networks: Vec<String>,
    /// What the pool's liveness rests on.
    pub settings: LivenessSettings,
    /// The hosts, by index.
    pub hosts: Vec<Member>,
    /// The certificates of the pool's authorities, in PEM: all that are believed, the one that signs first. More than one while the
    /// authority is changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub authorities: Vec<String>,
}

/// A host of the roster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Member {
    /// Its name: the `id` of the host in the pool document.
    pub id: String,
    /// Where its agent listens, one address for each heartbeat network.
    pub addresses: Vec<SocketAddr>,
    /// Where its service is reached, as a URL.
    pub api: String,
    /// Whether it has left the pool for good.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub removed: bool,
}

/// What the pool's liveness rests on; the same on every host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LivenessSettings {
    /// T, in milliseconds: 3,000 to 300,000.
    pub timeout_ms: u64,
    /// Whether a strict majority lives when the medium is out of reach, instead of whoever has it.
    pub majority: bool,
    /// The mass-failure brake, in thousandths of the liveset; none: off.
    pub brake_permille: Option<u32>,
    /// Failures that put a host in quarantine.
    pub quarantine_failures: u8,
    /// After how many seconds without a failure one is forgotten.
    pub quarantine_decay_s: u64,
    /// Whether a host that reaches no gateway counts as without carrier.
    pub gateway: bool,
}

impl Default for LivenessSettings {
    fn default() -> Self {
        let usual = Quarantine::default();
        Self {
            timeout_ms: 15_000,
            majority: false,
            brake_permille: None,
            quarantine_failures: usual.failures,
            quarantine_decay_s: usual.decay.as_secs(),
            gateway: false,
        }
    }
}

/// What is wrong with a roster.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RosterFault {
    /// Its pool id is none.
    #[error("the pool id {0:?} is not 32 hexadecimal digits")]
    PoolId(String),
    /// No host, or too many.
    #[error("{0} hosts; a roster has 1 to {MOST_HOSTS}")]
    Hosts(usize),
    /// No heartbeat network, or too many.
    #[error("{0} heartbeat networks; there are 1 to 8")]
    Networks(usize),
    /// A host with another number of addresses than there are networks.
    #[error("host {host:?} has {addresses} addresses for {networks} heartbeat networks")]
    Addresses {
        /// The host.
        host: String,
        /// Its addresses.
        addresses: usize,
        /// The networks.
        networks: usize,
    },
    /// Two hosts of one name.
    #[error("there are two hosts {0:?}")]
    Twice(String),
    /// Another pool's, or another life's.
    #[error("it is of another pool, or of another life of this one")]
    OtherPool,
    /// A place has become another host's.
    #[error("place {0} was another host's: a host's place is its own for ever")]
    Place(usize),
    /// Other heartbeat networks.
    #[error("it has other heartbeat networks")]
    OtherNetworks,
    /// What rules a split cannot change while hosts live by it.
    #[error("it changes whether a majority rules, which cannot be changed while the pool runs")]
    Majority,
    /// A timeout out of range.
    #[error("a timeout of {0} ms; T is 3,000 to 300,000 ms")]
    Timeout(u64),
}

impl Roster {
    /// Whether it can be acted by.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn check(&self) -> Result<(), RosterFault> {
        self.id()?;
        if !(1..=MOST_HOSTS).contains(&self.hosts.len()) {
            return Err(RosterFault::Hosts(self.hosts.len()));
        }
        if !(1..=8).contains(&self.networks.len()) {
            return Err(RosterFault::Networks(self.networks.len()));
        }
        if !(3_000..=300_000).contains(&self.settings.timeout_ms) {
            return Err(RosterFault::Timeout(self.settings.timeout_ms));
        }
        for (position, host) in self.hosts.iter().enumerate() {
            let (addresses, networks) = (host.addresses.len(), self.networks.len());
            if addresses != networks {
                return Err(RosterFault::Addresses { host: host.id.clone(), addresses, networks });
            }
            if self.hosts[..position]
                .iter()
                .any(|other| other.id == host.id && !other.removed && !host.removed)
            {
                return Err(RosterFault::Twice(host.id.clone()));
            }
        }
        Ok(())
    }

    /// Whether it can take the place of `known`, an older one of the same pool.
    ///
    /// # Errors
    /// The first thing in which it contradicts that.
    pub fn check_after(&self, known: &Self) -> Result<(), RosterFault> {
        if self.pool_id != known.pool_id {
            return Err(RosterFault::OtherPool);
        }
        if self.networks != known.networks {
            return Err(RosterFault::OtherNetworks);
        }
        if self.settings.majority != known.settings.majority {
            return Err(RosterFault::Majority);
        }
        for (place, before) in known.hosts.iter().enumerate() {
            let stays = self
                .hosts
                .get(place)
                .is_some_and(|host| host.id == before.id && (host.removed || !before.removed));
            if !stays {
                return Err(RosterFault::Place(place));
            }
        }
        Ok(())
    }

    /// The pool id as the protocol has it.
    ///
    /// # Errors
    /// If it is none.
    pub fn id(&self) -> Result<PoolId, RosterFault> {
        let fault = || RosterFault::PoolId(self.pool_id.clone());
        if self.pool_id.len() != 32 || !self.pool_id.is_ascii() {
            return Err(fault());
        }
        let mut id = [0; 16];
        for (byte, digits) in id.iter_mut().zip(self.pool_id.as_bytes().chunks(2)) {
            let digits = str::from_utf8(digits).map_err(|_| fault())?;
            *byte = u8::from_str_radix(digits, 16).map_err(|_| fault())?;
        }
        Ok(PoolId(id))
    }

    /// The certificates of all authorities that are believed, in one text.
    pub fn authorities_pem(&self) -> String {
        self.authorities.concat()
    }

    /// The position of the host of that name which belongs to the pool.
    pub fn find(&self, host: &str) -> Option<usize> {
        self.hosts.iter().position(|member| member.id == host && !member.removed)
    }

    /// The protocol's settings.
    pub fn liveness(&self) -> Settings {
        Settings {
            timeout: Duration::from_millis(self.settings.timeout_ms),
            storage_loss: if self.settings.majority { StorageLoss::Majority } else { StorageLoss::Medium },
            brake_permille: self.settings.brake_permille,
            quarantine: Quarantine {
                failures: self.settings.quarantine_failures,
                decay: Duration::from_secs(self.settings.quarantine_decay_s),
            },
            gateway: self.settings.gateway,
            networks: self.networks.len() as u8,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roster() -> Roster {
        let member = |id: &str| Member {
            id: id.into(),
            addresses: vec!["10.0.0.1:7946".parse().expect("an address")],
            api: format!("https://{id}:7878"),
            removed: false,
        };
        Roster {
            version: 1,
            pool: "prod-a".into(),
            pool_id: "000102030405060708090a0b0c0d0e0f".into(),
            networks: vec!["hb0".into()],
            settings: LivenessSettings::default(),
            hosts: vec![member("h01"), member("h02")],
            authorities: Vec::new(),
        }
    }

    #[test]
    fn a_roster_is_what_it_was_after_being_written_and_read() {
        let json = serde_json::to_string(&roster()).expect("it can be written");
        assert_eq!(serde_json::from_str::<Roster>(&json).expect("it can be read"), roster());
    }

    #[test]
    fn a_pool_id_is_read_as_hexadecimal() {
        assert_eq!(roster().id(), Ok(PoolId([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15])));
        let short = Roster { pool_id: "00".into(), ..roster() };
        assert_eq!(short.check(), Err(RosterFault::PoolId("00".into())));
    }

    #[test]
    fn a_name_can_be_given_again_when_its_host_has_left_for_good() {
        let mut roster = roster();
        roster.hosts[1].id = "h01".into();
        assert_eq!(roster.check(), Err(RosterFault::Twice("h01".into())));
        roster.hosts[0].removed = true;
        assert_eq!(roster.check(), Ok(()));
        assert_eq!(roster.find("h01"), Some(1));
    }

    #[test]
    fn a_newer_roster_contradicts_no_older_one() {
        let known = roster();
        let with = |change: &dyn Fn(&mut Roster)| {
            let mut newer = roster();
            change(&mut newer);
            newer.check_after(&known)
        };
        assert_eq!(with(&|newer| newer.hosts[0].api = "https://elsewhere:1".into()), Ok(()));
        assert_eq!(with(&|newer| newer.hosts[1].removed = true), Ok(()));
        assert_eq!(with(&|newer| newer.hosts.swap(0, 1)), Err(RosterFault::Place(0)));
        assert_eq!(with(&|newer| drop(newer.hosts.pop())), Err(RosterFault::Place(1)));
        assert_eq!(with(&|newer| newer.networks[0] = "hb1".into()), Err(RosterFault::OtherNetworks));
        assert_eq!(with(&|newer| newer.settings.majority = true), Err(RosterFault::Majority));
        assert_eq!(with(&|newer| newer.pool_id = "ff".repeat(16)), Err(RosterFault::OtherPool));
        let mut gone = roster();
        gone.hosts[1].removed = true;
        assert_eq!(
            known.check_after(&gone),
            Err(RosterFault::Place(1)),
            "who has left for good does not come back"
        );
    }

    #[test]
    fn every_host_has_an_address_on_every_network() {
        let mut roster = roster();
        roster.hosts[1].addresses.clear();
        assert!(matches!(roster.check(), Err(RosterFault::Addresses { addresses: 0, networks: 1, .. })));
    }
}
