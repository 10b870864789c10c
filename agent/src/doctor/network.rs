//! The heartbeat networks, and whether the others are reached.
use super::{Finding, Subject, read};
use crate::config::NetworkSection;
use crate::enrol::arguments::port_of;
use lifeboat_link::Roster;
use lifeboat_link::certificate::host_of;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs, UdpSocket};
use std::path::Path;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(2);
/// What a heartbeat of a pool of 64 hosts fits into without being taken apart.
const LEAST_MTU: u32 = 1400;

pub(super) fn look(subject: &Subject, roster: Option<&Roster>, sys: &Path) -> Vec<Finding> {
    let mut findings: Vec<Finding> = subject.networks.iter().flat_map(|network| one(network, sys)).collect();
    if subject.networks.len() == 1 {
        findings.push(Finding::warn(
            "networks",
            "one heartbeat network",
            "add a second one, over other switches: a cable then costs no host",
        ));
    }
    let members = roster.into_iter().flat_map(|roster| &roster.hosts);
    for member in members.filter(|member| !member.removed && member.id != subject.name) {
        findings.push(reached(&member.id, &member.api));
    }
    findings
}

fn one(network: &NetworkSection, sys: &Path) -> Vec<Finding> {
    let check = format!("network {}", network.name);
    let at = |what: &str| read(&sys.join("class/net").join(&network.interface).join(what));
    let Some(state) = at("operstate") else {
        let found = format!("there is no interface {}", network.interface);
        return vec![Finding::refuse(check, found, "name the right one in [[network]]")];
    };
    let mut findings = vec![if at("carrier").as_deref() == Some("1") {
        // Some, such as the loopback, have carrier and no state.
        let state = if state == "unknown" { "has carrier".to_owned() } else { format!("is {state}") };
        Finding::ok(check.as_str(), format!("{} {state}", network.interface))
    } else {
        Finding::refuse(
            check.as_str(),
            format!("{} has no carrier", network.interface),
            "plug it in, or set it up",
        )
    }];
    if let Some(mtu) = at("mtu").and_then(|mtu| mtu.parse::<u32>().ok()).filter(|mtu| *mtu < LEAST_MTU) {
        findings.push(Finding::warn(
            format!("{check} MTU"),
            format!("{mtu}"),
            format!("at least {LEAST_MTU}"),
        ));
    }
    findings.extend(bond(&check, &network.interface, sys));
    // The agent may hold its own port: any other of this address will do.
    if let Err(fault) = UdpSocket::bind(SocketAddr::new(network.listen.ip(), 0)) {
        let found = format!("{} is no address of this host: {fault}", network.listen.ip());
        findings.push(Finding::refuse(
            format!("{check} address"),
            found,
            "set listen in [[network]] to one that it has",
        ));
    }
    findings
}

fn bond(check: &str, interface: &str, sys: &Path) -> Option<Finding> {
    let folder = sys.join("class/net").join(interface);
    let slaves = read(&folder.join("bonding/slaves"))?;
    let down: Vec<&str> = slaves
        .split_ascii_whitespace()
        .filter(|slave| read(&sys.join("class/net").join(slave).join("carrier")).as_deref() != Some("1"))
        .collect();
    let check = format!("{check} bond");
    Some(if slaves.split_ascii_whitespace().count() < 2 {
        Finding::warn(check, format!("of {slaves:?} alone"), "a bond of one link protects from nothing")
    } else if down.is_empty() {
        Finding::ok(check, slaves)
    } else {
        Finding::warn(
            check,
            format!("without carrier: {}", down.join(", ")),
            "mend the link: the next one that fails is the last",
        )
    })
}

fn reached(host: &str, api: &str) -> Finding {
    let check = format!("host {host}");
    let addresses = host_of(api).and_then(|name| (name, port_of(api)).to_socket_addrs().ok());
    let Some(addresses) = addresses else {
        return Finding::warn(
            check,
            format!("{api} has no address"),
            "see to its name, here and on every host",
        );
    };
    let mut addresses = addresses.peekable();
    if addresses.peek().is_some()
        && addresses.any(|address| TcpStream::connect_timeout(&address, PATIENCE).is_ok())
    {
        Finding::ok(check, format!("{api} answers"))
    } else {
        Finding::warn(
            check,
            format!("{api} does not answer"),
            "see whether its agent runs, and what is between the two",
        )
    }
}
