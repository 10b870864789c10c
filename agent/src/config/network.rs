//! `[[network]]`: the heartbeat networks, in the order in which the roster names them.
use super::Faults;
use serde::Deserialize;
use std::net::{IpAddr, SocketAddr};

/// One heartbeat network, as this host is on it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkSection {
    /// Its name in the roster.
    pub name: String,
    /// The interface whose carrier is watched.
    pub interface: String,
    /// Where heartbeats are received.
    pub listen: SocketAddr,
    /// What else should be reachable from here; where the pool asks for it, a host that reaches none counts as cut off.
    #[serde(default)]
    pub gateway: Option<IpAddr>,
}

pub(super) fn check(networks: &[NetworkSection], faults: &mut Faults) {
    if !(1..=8).contains(&networks.len()) {
        faults.add("network", format!("there are 1 to 8 heartbeat networks, not {}", networks.len()));
    }
    for (position, network) in networks.iter().enumerate() {
        let earlier = &networks[..position];
        let named = format!("network {:?}", network.name);
        if network.name.is_empty() {
            faults.add("network", "a network has a name: the one that the roster has for it");
        }
        if earlier.iter().any(|other| other.name == network.name) {
            faults.add(&named, "two networks have this name");
        }
        if earlier.iter().any(|other| other.listen == network.listen) {
            faults.add(&named, format!("two networks listen on {}", network.listen));
        }
        if network.interface.is_empty() || network.interface.len() > 15 {
            faults.add(&named, "interface is the name of a network interface, 1 to 15 bytes");
        }
        if network.listen.ip().is_unspecified() {
            faults.add(
                &named,
                "listen is an address of this network, not of all: heartbeats must not leave by another",
            );
        }
        if network.listen.port() == 0 {
            faults.add(&named, "listen has a port that the other hosts know: not 0");
        }
    }
}
