//! The lab's wires: a switch in a namespace of its own with a bridge for each network, and every host's ports on them. Cables are cut at
//! the switch: by link state, which hosts see as lost carrier, or by rules that drop frames, which nobody sees.
use crate::command::{Failed, fed, line};
use crate::ledger::{Ledger, Thing};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io;
use std::net::Ipv4Addr;

/// The networks: two for heartbeats, one for operators, services and BMCs.
pub const NETWORKS: [&str; 3] = ["hb0", "hb1", "mgmt"];
/// The networks that carry heartbeats.
pub const HEARTBEATS: [&str; 2] = ["hb0", "hb1"];
/// The operator's place on every network.
const OPERATOR: u8 = 250;
/// The gateway's place on every network: the bridge itself.
const GATEWAY: u8 = 254;

/// The lab's wires.
#[derive(Debug)]
pub struct Network {
    ledger: Ledger,
    /// Rules that drop frames, as nft writes them.
    rules: BTreeSet<String>,
    /// Ports that are down.
    down: BTreeSet<String>,
}

/// Why wires cannot be laid or cut.
#[derive(Debug, thiserror::Error)]
pub enum NetworkFault {
    /// A tool failed.
    #[error("the lab's network cannot be changed")]
    Tool(#[from] Failed),
    /// The ledger cannot be written.
    #[error("the lab's ledger cannot be written")]
    Ledger(#[from] io::Error),
}

/// The address of a host on a network.
pub fn address(host: usize, network: &str) -> Ipv4Addr {
    place(host as u8, network)
}

/// The gateway's address on a network.
pub fn gateway(network: &str) -> Ipv4Addr {
    place(GATEWAY, network)
}

/// Where BMCs and operators are.
pub fn operator() -> Ipv4Addr {
    place(OPERATOR, "mgmt")
}

fn place(last: u8, network: &str) -> Ipv4Addr {
    let third = NETWORKS.iter().position(|&name| name == network).unwrap_or_default() as u8;
    Ipv4Addr::new(10, 71, third, last)
}

fn port(host: usize, network: &str) -> String {
    format!("h{host}-{network}")
}

impl Network {
    /// The switch with its bridges, and the operator's namespace.
    ///
    /// # Errors
    /// If the machine does not allow that.
    pub fn build(ledger: &Ledger) -> Result<Self, NetworkFault> {
        let network = Self { ledger: ledger.clone(), rules: BTreeSet::new(), down: BTreeSet::new() };
        network.namespace("sw")?;
        let mut steps = String::new();
        for (name, last) in NETWORKS.iter().map(|&name| (name, GATEWAY)) {
            // The delay with which a bridge's port begins to forward is for networks with loops.
            let _ =
                writeln!(steps, "link add {name} type bridge forward_delay 0 stp_state 0 mcast_snooping 0");
            let _ = writeln!(steps, "addr add {}/24 dev {name}\nlink set {name} up", place(last, name));
        }
        fed(&format!("ip -n {}-sw -batch -", ledger.name()), &steps)?;
        network.namespace("op")?;
        network.wire("op", "op", "mgmt", operator())?;
        Ok(network)
    }

    /// A host's namespace, with a port on every network.
    ///
    /// # Errors
    /// If the machine does not allow that.
    pub fn add_host(&self, host: usize) -> Result<(), NetworkFault> {
        self.namespace(&format!("h{host}"))?;
        for name in NETWORKS {
            self.wire(&format!("h{host}"), &format!("h{host}"), name, address(host, name))?;
        }
        Ok(())
    }

    /// The path of a namespace, by its short name.
    pub fn path(&self, name: &str) -> String {
        format!("/run/netns/{}-{name}", self.ledger.name())
    }

    fn namespace(&self, name: &str) -> Result<(), NetworkFault> {
        let name = format!("{}-{name}", self.ledger.name());
        self.ledger.note(&Thing::Namespace(name.clone()))?;
        line(&format!("ip netns add {name}"))?;
        line(&format!("ip -n {name} link set lo up"))?;
        Ok(())
    }

    fn wire(
        &self,
        namespace: &str,
        port: &str,
        network: &str,
        address: Ipv4Addr,
    ) -> Result<(), NetworkFault> {
        let lab = self.ledger.name();
        let port = format!("{port}-{network}");
        let switch = format!(
            "link add {port} type veth peer name {network} netns {lab}-{namespace}\nlink set {port} master {network}\nlink set {port} up\n"
        );
        fed(&format!("ip -n {lab}-sw -batch -"), &switch)?;
        let end = format!("addr add {address}/24 dev {network}\nlink set {network} up\n");
        fed(&format!("ip -n {lab}-{namespace} -batch -"), &end)?;
        Ok(())
    }

    /// Splits the hosts: each hears only its own group, on all networks. Carrier stays. The operator hears everybody.
    ///
    /// # Errors
    /// If the rules cannot be set.
    pub fn partition(&mut self, groups: &[&[usize]]) -> Result<(), NetworkFault> {
        for (number, group) in groups.iter().enumerate() {
            let others = groups.iter().enumerate().filter(|(other, _)| *other != number);
            for to in others.flat_map(|(_, hosts)| hosts.iter()) {
                for from in *group {
                    self.drop_between(*from, *to, &NETWORKS);
                }
            }
        }
        self.apply()
    }

    /// One host hears another no more, on the networks for heartbeats.
    ///
    /// # Errors
    /// If the rules cannot be set.
    pub fn cut(&mut self, from: usize, to: usize) -> Result<(), NetworkFault> {
        self.drop_between(from, to, &HEARTBEATS);
        self.apply()
    }

    /// Of what a host sends on a network, so many in a hundred frames are lost.
    ///
    /// # Errors
    /// If the rules cannot be set.
    pub fn lose(&mut self, host: usize, network: &str, percent: u8) -> Result<(), NetworkFault> {
        self.rules
            .insert(format!("iifname \"{}\" numgen random mod 100 < {percent} drop", port(host, network)));
        self.apply()
    }

    /// Pulls a cable, or puts it back: the host sees that.
    ///
    /// # Errors
    /// If the port cannot be set.
    pub fn link(&mut self, host: usize, network: &str, up: bool) -> Result<(), NetworkFault> {
        let port = port(host, network);
        line(&format!("ip -n {}-sw link set {port} {}", self.ledger.name(), if up { "up" } else { "down" }))?;
        if up {
            self.down.remove(&port)
        } else {
            self.down.insert(port)
        };
        Ok(())
    }

    /// All cables are whole.
    ///
    /// # Errors
    /// If that cannot be set.
    pub fn heal(&mut self) -> Result<(), NetworkFault> {
        self.rules.clear();
        self.apply()?;
        for port in std::mem::take(&mut self.down) {
            line(&format!("ip -n {}-sw link set {port} up", self.ledger.name()))?;
        }
        Ok(())
    }

    fn drop_between(&mut self, from: usize, to: usize, networks: &[&str]) {
        for name in networks {
            self.rules.insert(format!(
                "iifname \"{}\" oifname \"{}\" drop",
                port(from, name),
                port(to, name)
            ));
        }
    }

    /// One call of nft replaces all rules at once.
    fn apply(&self) -> Result<(), NetworkFault> {
        let rules: String = self.rules.iter().flat_map(|rule| ["  ", rule, "\n"]).collect();
        let text = format!(
            "table bridge lab\ndelete table bridge lab\ntable bridge lab {{\n chain cuts {{\n  type filter hook forward priority 0; policy accept;\n{rules} }}\n}}\n"
        );
        fed(&format!("ip netns exec {}-sw nft -f -", self.ledger.name()), &text)?;
        Ok(())
    }
}
