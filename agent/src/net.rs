//! The heartbeat networks: one socket each. Nothing here waits: what cannot be sent now is lost, as datagrams are.
use crate::config::NetworkSection;
use lifeboat_link::Roster;
use lifeboat_model::HostIndex;
use lifeboat_protocol::HeartbeatNetwork;
use rustix::fd::{AsFd, BorrowedFd};
use rustix::net::sockopt::{
    set_ip_freebind, set_ipv6_freebind, set_socket_recv_buffer_size, set_socket_recv_buffer_size_force,
};
use rustix::net::{AddressFamily, RecvFlags, SocketFlags, SocketType};
use std::io;
use std::net::{SocketAddr, UdpSocket};

/// The longest datagram there is.
pub const MOST_BYTES: usize = 65_536;
/// What may wait in a socket: all others' heartbeats, doubled, while this thread is late by seconds.
const WAITING_BYTES: usize = 4 << 20;

/// Why there are no heartbeat networks.
#[derive(Debug, thiserror::Error)]
pub enum NetError {
    /// An address cannot be listened on.
    #[error(
        "heartbeat network {network}: cannot listen on {address}: {fault}; the address is to be one of this host's, and no other agent may use it"
    )]
    Listen {
        /// The network.
        network: String,
        /// The address.
        address: SocketAddr,
        /// Why not.
        fault: io::Error,
    },
    /// Configuration and roster speak of different networks.
    #[error(
        "the pool's heartbeat networks are {roster:?}, and the configuration has {here:?}: each [[network]] is named as in the roster"
    )]
    Other {
        /// Those of the roster.
        roster: Vec<String>,
        /// Those of the configuration.
        here: Vec<String>,
    },
}

/// The sockets, and who is reached where.
#[derive(Debug)]
pub struct Net {
    /// By the roster's order.
    sockets: Vec<UdpSocket>,
    /// By network, then by host. None: not of the pool any more.
    addresses: Vec<Vec<Option<SocketAddr>>>,
    buffer: Vec<u8>,
}

/// The configuration's networks in the roster's order.
///
/// # Errors
/// [`NetError::Other`].
pub fn in_order<'a>(
    networks: &'a [NetworkSection],
    roster: &Roster,
) -> Result<Vec<&'a NetworkSection>, NetError> {
    let found: Vec<_> = roster
        .networks
        .iter()
        .filter_map(|name| networks.iter().find(|network| network.name == *name))
        .collect();
    if found.len() == roster.networks.len() && found.len() == networks.len() {
        return Ok(found);
    }
    let here = networks.iter().map(|network| network.name.clone()).collect();
    Err(NetError::Other { roster: roster.networks.clone(), here })
}

impl Net {
    /// Listens on every network.
    ///
    /// # Errors
    /// If one cannot be listened on.
    pub fn open(networks: &[NetworkSection], roster: &Roster) -> Result<Self, NetError> {
        let sockets = in_order(networks, roster)?.into_iter().map(listen).collect::<Result<_, _>>()?;
        let mut net = Self { sockets, addresses: Vec::new(), buffer: vec![0; MOST_BYTES] };
        net.set_roster(roster);
        Ok(net)
    }

    /// From now on the hosts are reached where this roster says.
    pub fn set_roster(&mut self, roster: &Roster) {
        let of = |network: usize| {
            let address = |member: &lifeboat_link::roster::Member| {
                member.addresses.get(network).copied().filter(|_| !member.removed)
            };
            roster.hosts.iter().map(address).collect()
        };
        self.addresses = (0..self.sockets.len()).map(of).collect();
    }

    /// The sockets, by network.
    pub fn sockets(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.sockets.iter().map(AsFd::as_fd)
    }

    /// Sends a datagram. To a host that the roster does not have, or has no more, nothing is sent.
    ///
    /// # Errors
    /// What the network says; the datagram is lost.
    pub fn send(&self, network: HeartbeatNetwork, to: HostIndex, bytes: &[u8]) -> io::Result<()> {
        let network = usize::from(network.0);
        let address = self.addresses.get(network).and_then(|hosts| hosts.get(to.get()).copied().flatten());
        if let (Some(address), Some(socket)) = (address, self.sockets.get(network)) {
            socket.send_to(bytes, address)?;
        }
        Ok(())
    }

    /// The next datagram of a network, if one waits.
    pub fn receive(&mut self, network: usize) -> Option<Box<[u8]>> {
        let socket = self.sockets.get(network)?;
        loop {
            match rustix::net::recv(socket, &mut self.buffer[..], RecvFlags::DONTWAIT) {
                Ok((length, _)) => return Some(self.buffer[..length].into()),
                // An earlier datagram met nobody, which the kernel tells here. More may wait behind that.
                Err(rustix::io::Errno::CONNREFUSED | rustix::io::Errno::INTR) => {}
                Err(_) => return None,
            }
        }
    }
}

fn listen(network: &NetworkSection) -> Result<UdpSocket, NetError> {
    let fault = |fault| NetError::Listen { network: network.name.clone(), address: network.listen, fault };
    let socket = bind(network.listen).map_err(|errno| fault(errno.into()))?;
    // Beyond what the host allows to everybody only where this process may.
    if set_socket_recv_buffer_size_force(&socket, WAITING_BYTES).is_err() {
        let _ = set_socket_recv_buffer_size(&socket, WAITING_BYTES);
    }
    Ok(socket)
}

/// An address may be away: many hosts take it off a link without carrier. It is heard on again as soon as it is back; a host is not to
/// lose its lease because its agent was started meanwhile.
fn bind(listen: SocketAddr) -> rustix::io::Result<UdpSocket> {
    let family = if listen.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(family, SocketType::DGRAM, flags, None)?;
    match listen {
        SocketAddr::V4(_) => set_ip_freebind(&socket, true)?,
        SocketAddr::V6(_) => set_ipv6_freebind(&socket, true)?,
    }
    rustix::net::bind(&socket, &listen)?;
    Ok(UdpSocket::from(socket))
}

#[cfg(test)]
mod tests {
    use super::*;
    use lifeboat_link::roster::{LivenessSettings, Member};

    fn section(name: &str, listen: SocketAddr) -> NetworkSection {
        NetworkSection { name: name.into(), interface: "lo".into(), listen, gateway: None }
    }

    fn roster(networks: &[&str], hosts: &[Vec<SocketAddr>]) -> Roster {
        let member = |(position, addresses): (usize, &Vec<SocketAddr>)| Member {
            id: format!("h{position}"),
            addresses: addresses.clone(),
            api: String::new(),
            removed: false,
        };
        Roster {
            version: 1,
            pool: "p".into(),
            pool_id: "00".repeat(16),
            networks: networks.iter().map(ToString::to_string).collect(),
            settings: LivenessSettings::default(),
            hosts: hosts.iter().enumerate().map(member).collect(),
            authorities: Vec::new(),
        }
    }

    fn free() -> SocketAddr {
        UdpSocket::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a port is free")
    }

    #[test]
    fn a_datagram_goes_to_the_host_and_network_of_the_roster_and_to_nobody_who_left() {
        let (here, there) = (free(), free());
        let receiver = UdpSocket::bind(there).expect("it was free");
        let mut roster = roster(&["hb0"], &[vec![here], vec![there]]);
        let mut net = Net::open(&[section("hb0", here)], &roster).expect("it can be listened on");
        let to = HostIndex::new(1);
        net.send(HeartbeatNetwork(0), to, b"one").expect("it is sent");
        let mut buffer = [0; 8];
        assert_eq!(receiver.recv(&mut buffer).expect("it arrives"), 3);
        roster.hosts[1].removed = true;
        net.set_roster(&roster);
        net.send(HeartbeatNetwork(0), to, b"two").expect("it is dropped, which is no fault");
        net.send(HeartbeatNetwork(7), HostIndex::new(9), b"three").expect("nor is that");
        receiver.set_nonblocking(true).expect("it can be set");
        assert!(receiver.recv(&mut buffer).is_err(), "nothing comes after the host was removed");
    }

    /// What the kernel hands over, at once or a moment later.
    fn arrives(net: &mut Net) -> Vec<u8> {
        let mut heard = None;
        crate::testing::wait("it arrives", || {
            heard = net.receive(0);
            heard.is_some()
        });
        heard.expect("it was waited for").to_vec()
    }

    #[test]
    fn what_waits_is_read_and_an_empty_socket_is_no_wait() {
        let here = free();
        let mut net =
            Net::open(&[section("hb0", here)], &roster(&["hb0"], &[vec![here]])).expect("it listens");
        assert_eq!(net.receive(0), None);
        net.send(HeartbeatNetwork(0), HostIndex::new(0), b"to myself").expect("it is sent");
        assert_eq!(arrives(&mut net), b"to myself");
        assert_eq!(net.receive(1), None, "there is no such network");
    }

    #[test]
    fn networks_are_taken_in_the_order_of_the_roster_whatever_the_configuration_says() {
        let (one, two) = (section("hb0", free()), section("hb1", free()));
        let roster = roster(&["hb1", "hb0"], &[]);
        let both = [one.clone(), two];
        let found = in_order(&both, &roster).expect("both are there");
        assert_eq!(found[0].name, "hb1");
        assert!(matches!(in_order(&[one], &roster), Err(NetError::Other { .. })));
    }

    #[test]
    fn an_address_that_is_away_keeps_no_agent_from_starting() {
        let here = free();
        for away in ["192.0.2.77:7410", "[2001:db8::77]:7410"] {
            let away: SocketAddr = away.parse().expect("an address");
            let roster = roster(&["hb0", "hb1"], &[vec![here, away]]);
            let mut net =
                Net::open(&[section("hb0", here), section("hb1", away)], &roster).expect("it waits for it");
            net.send(HeartbeatNetwork(0), HostIndex::new(0), b"heard").expect("it is sent");
            assert_eq!(arrives(&mut net), b"heard", "the other network works");
        }
    }
}
