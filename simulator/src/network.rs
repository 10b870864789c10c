//! The heartbeat networks: which datagram arrives, when, and how often. Whether a link has carrier, whether a host
//! hears another, and what the air does to datagrams are three things that fail apart from one another.
use crate::draw::Draw;
use crate::scenario::WorldSettings;
use core::time::Duration;
use lifeboat_model::HostIndex;

/// All heartbeat networks of a pool.
#[derive(Debug)]
pub struct Network {
    hosts: usize,
    networks: Vec<Fabric>,
    latency: Duration,
    jitter: Duration,
    duplicates: u32,
    /// Per host: whether it reaches the gateway as far as faults of the gateway go.
    gateway: Vec<bool>,
}

/// One network.
#[derive(Debug)]
struct Fabric {
    /// Per host: whether its link is up.
    up: Vec<bool>,
    /// Per host: the group that it hears; all hosts are in group 0 as long as there is no partition.
    group: Vec<u32>,
    /// The group that has the gateway.
    gateway_group: Option<u32>,
    /// Per pair, sender first: whether datagrams are cut off.
    cut: Vec<bool>,
    /// Per host: share of its datagrams that is lost, in a million.
    loss: Vec<u32>,
    /// Whether nothing at all is wrong: the common case is one look.
    whole: bool,
}

/// When a datagram arrives, and when its double does.
pub type Arrivals = [Option<Duration>; 2];

impl Network {
    /// Networks on which nothing is wrong but what the world's settings say.
    pub fn new(hosts: usize, networks: usize, world: &WorldSettings) -> Self {
        let fabric = || Fabric {
            up: vec![true; hosts],
            group: vec![0; hosts],
            gateway_group: None,
            cut: vec![false; hosts * hosts],
            loss: vec![world.packet_loss; hosts],
            whole: world.packet_loss == 0,
        };
        Self {
            hosts,
            networks: (0..networks).map(|_| fabric()).collect(),
            latency: world.network_latency,
            jitter: world.network_jitter,
            duplicates: world.duplicates,
            gateway: vec![true; hosts],
        }
    }

    /// How many networks there are.
    pub fn count(&self) -> usize {
        self.networks.len()
    }

    /// What becomes of a datagram that is sent now.
    pub fn send(&self, from: HostIndex, to: HostIndex, network: usize, draw: &mut Draw) -> Arrivals {
        let Some(fabric) = self.networks.get(network) else { return [None, None] };
        if !fabric.whole {
            if !fabric.carries(from, to, self.hosts) {
                return [None, None];
            }
            if draw.chance(fabric.loss[from.get()].max(fabric.loss[to.get()])) {
                return [None, None];
            }
        }
        let first = Some(self.delay(draw));
        let second = if draw.chance(self.duplicates) { Some(self.delay(draw)) } else { None };
        [first, second]
    }

    fn delay(&self, draw: &mut Draw) -> Duration {
        if self.jitter.is_zero() {
            self.latency
        } else {
            self.latency + draw.span(Duration::ZERO, self.jitter)
        }
    }

    /// Whether what `from` sends can arrive at `to` on that network, losses apart.
    pub fn hears(&self, to: HostIndex, from: HostIndex, network: usize) -> bool {
        self.networks.get(network).is_some_and(|fabric| fabric.carries(from, to, self.hosts))
    }

    /// Whether two hosts hear each other, both ways on one network.
    pub fn connected(&self, a: HostIndex, b: HostIndex) -> bool {
        a == b || (0..self.count()).any(|network| self.hears(a, b, network) && self.hears(b, a, network))
    }

    /// Whether a host's link has carrier.
    pub fn carrier(&self, host: HostIndex, network: usize) -> bool {
        self.networks.get(network).is_some_and(|fabric| fabric.up[host.get()])
    }

    /// Whether a host reaches the gateway on some network.
    pub fn reaches_gateway(&self, host: HostIndex) -> bool {
        self.gateway[host.get()]
            && self.networks.iter().any(|fabric| {
                let beside = fabric.gateway_group.is_none_or(|group| fabric.group[host.get()] == group);
                fabric.up[host.get()] && beside
            })
    }

    /// The share of a host's datagrams that is lost, in a million.
    pub fn loss(&self, host: HostIndex, network: usize) -> u32 {
        self.networks.get(network).map_or(0, |fabric| fabric.loss[host.get()])
    }

    /// How long a datagram takes at most.
    pub fn longest_delay(&self) -> Duration {
        self.latency + self.jitter
    }

    /// Takes a link down or up.
    pub fn set_link(&mut self, host: HostIndex, network: usize, up: bool) {
        self.change(network, |fabric, _| fabric.up[host.get()] = up);
    }

    /// Splits a network: a group number for each host; where the gateway is, if that is said.
    pub fn split(&mut self, network: usize, groups: &[u32], gateway_group: Option<u32>) {
        self.change(network, |fabric, _| {
            fabric.group.copy_from_slice(groups);
            fabric.gateway_group = gateway_group;
        });
    }

    /// Cuts one direction.
    pub fn cut(&mut self, from: HostIndex, to: HostIndex, network: usize) {
        self.change(network, |fabric, hosts| fabric.cut[from.get() * hosts + to.get()] = true);
    }

    /// Loses a share of what a host sends or is sent.
    pub fn set_loss(&mut self, host: HostIndex, network: usize, in_a_million: u32) {
        self.change(network, |fabric, _| fabric.loss[host.get()] = in_a_million);
    }

    /// Doubles a share of all datagrams.
    pub fn set_duplicates(&mut self, in_a_million: u32) {
        self.duplicates = in_a_million;
    }

    /// How long datagrams take.
    pub fn set_delay(&mut self, latency: Duration, jitter: Duration) {
        (self.latency, self.jitter) = (latency, jitter);
    }

    /// Whether a host reaches the gateway.
    pub fn set_gateway(&mut self, host: HostIndex, reached: bool) {
        self.gateway[host.get()] = reached;
    }

    /// All networks whole again, as the world's settings say.
    pub fn heal(&mut self, world: &WorldSettings) {
        *self = Self::new(self.hosts, self.networks.len(), world);
    }

    fn change(&mut self, network: usize, change: impl FnOnce(&mut Fabric, usize)) {
        let hosts = self.hosts;
        let Some(fabric) = self.networks.get_mut(network) else { return };
        change(fabric, hosts);
        fabric.whole = fabric.up.iter().all(|up| *up)
            && fabric.group.iter().all(|group| *group == fabric.group[0])
            && !fabric.cut.contains(&true)
            && fabric.loss.iter().all(|loss| *loss == 0);
    }
}

impl Fabric {
    fn carries(&self, from: HostIndex, to: HostIndex, hosts: usize) -> bool {
        let (from, to) = (from.get(), to.get());
        self.up[from] && self.up[to] && self.group[from] == self.group[to] && !self.cut[from * hosts + to]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::Concern;

    const A: HostIndex = HostIndex::new(0);
    const B: HostIndex = HostIndex::new(1);
    const C: HostIndex = HostIndex::new(2);

    fn network(networks: usize) -> Network {
        Network::new(3, networks, &WorldSettings::default())
    }

    #[test]
    fn a_cut_is_one_way_and_on_its_network_only() {
        let mut network = network(2);
        network.cut(A, B, 0);
        assert!(!network.hears(B, A, 0) && network.hears(A, B, 0) && network.hears(B, A, 1));
        assert!(network.connected(A, B), "on the other network");
        network.cut(B, A, 1);
        assert!(!network.connected(A, B), "one way each on different networks is not both ways on one");
        network.heal(&WorldSettings::default());
        assert!(network.connected(A, B));
    }

    #[test]
    fn a_partition_keeps_carrier_and_a_link_down_does_not() {
        let mut network = network(1);
        network.split(0, &[0, 0, 1], Some(0));
        assert!(network.connected(A, B) && !network.connected(A, C));
        assert!(network.carrier(C, 0) && network.reaches_gateway(A) && !network.reaches_gateway(C));
        network.set_link(A, 0, false);
        assert!(!network.carrier(A, 0) && !network.connected(A, B) && !network.reaches_gateway(A));
    }

    #[test]
    fn datagrams_are_lost_and_doubled_as_often_as_said() {
        let mut network = network(1);
        let mut draw = Draw::new(1, Concern::Network);
        network.set_loss(A, 0, 500_000);
        network.set_duplicates(100_000);
        let sent: Vec<Arrivals> = (0..10_000).map(|_| network.send(B, A, 0, &mut draw)).collect();
        let arrived = sent.iter().filter(|arrivals| arrivals[0].is_some()).count();
        let twice = sent.iter().filter(|arrivals| arrivals[1].is_some()).count();
        assert!((4_700..5_300).contains(&arrived), "{arrived}");
        assert!((400..600).contains(&twice), "{twice}");
        assert_eq!(network.send(B, C, 0, &mut draw)[0], Some(Duration::from_millis(1)));
    }
}
