//! What a host is told about itself on the command line when it becomes a member.
use lifeboat_link::certificate::host_of;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

/// A heartbeat network: `name=address:port,interface`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkArgument {
    /// Its name in the roster.
    pub name: String,
    /// Where this host's agent listens.
    pub listen: SocketAddr,
    /// The interface whose carrier is watched.
    pub interface: String,
}

/// No such network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no network: write NAME=ADDRESS:PORT,INTERFACE, such as hb0=10.0.0.1:7946,bond0")]
pub struct NoNetwork(String);

impl FromStr for NetworkArgument {
    type Err = NoNetwork;

    fn from_str(text: &str) -> Result<Self, NoNetwork> {
        let wrong = || NoNetwork(text.to_owned());
        let (name, rest) = text.split_once('=').ok_or_else(wrong)?;
        let (listen, interface) = rest.split_once(',').ok_or_else(wrong)?;
        let listen: SocketAddr = listen.parse().map_err(|_| wrong())?;
        let usable = !name.is_empty() && (1..=15).contains(&interface.len()) && listen.port() > 0;
        if !usable || listen.ip().is_unspecified() {
            return Err(wrong());
        }
        Ok(Self { name: name.to_owned(), listen, interface: interface.to_owned() })
    }
}

/// What a host is told about itself.
#[derive(Clone, Debug, clap::Args)]
pub struct HostArguments {
    /// The pool's name
    #[arg(long)]
    pub pool: String,
    /// This host's name in the pool
    #[arg(long)]
    pub host: String,
    /// A heartbeat network, as NAME=ADDRESS:PORT,INTERFACE; once for each
    #[arg(long = "network", required = true, value_name = "NETWORK")]
    pub networks: Vec<NetworkArgument>,
    /// Where this host's service is reached by the others and by people, as https://HOST:PORT
    #[arg(long, value_name = "URL")]
    pub api: String,
    /// Where the service listens, if not on the address and port of --api
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub api_listen: Option<SocketAddr>,
    /// The watchdog: device:/dev/watchdog, supervisor:SOCKET, or none, with which a VM can run twice when this host hangs
    #[arg(long, default_value = "device:/dev/watchdog")]
    pub watchdog: String,
    /// What runs VMs here: libvirt, process or exec
    #[arg(long, default_value = "libvirt")]
    pub hypervisor: String,
    /// The service's program
    #[arg(long, default_value = "lifeboat", value_name = "PROGRAM")]
    pub service: String,
    /// What survives a boot
    #[arg(long, default_value = "/var/lib/lifeboat/agent", value_name = "DIRECTORY")]
    pub state_directory: PathBuf,
    /// What a boot ends
    #[arg(long, default_value = "/run/lifeboat", value_name = "DIRECTORY")]
    pub run_directory: PathBuf,
}

/// How an etcd is spoken to; files are named, never their content.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct EtcdArguments {
    /// The authority of the etcd's certificates, in PEM
    #[arg(long, value_name = "FILE")]
    pub etcd_ca_file: Option<PathBuf>,
    /// What is shown to the etcd, in PEM
    #[arg(long, value_name = "FILE", requires = "etcd_key_file")]
    pub etcd_certificate_file: Option<PathBuf>,
    /// The key of that, in PEM
    #[arg(long, value_name = "FILE", requires = "etcd_certificate_file")]
    pub etcd_key_file: Option<PathBuf>,
    /// The user in the etcd
    #[arg(long, value_name = "NAME", requires = "etcd_password_file")]
    pub etcd_user: Option<String>,
    /// A file with the user's password
    #[arg(long, value_name = "FILE", requires = "etcd_user")]
    pub etcd_password_file: Option<PathBuf>,
}

impl HostArguments {
    /// What is wrong with them, if anything.
    ///
    /// # Errors
    /// The first thing, in words.
    pub fn check(&self) -> Result<(), String> {
        for (what, name) in [("--pool", &self.pool), ("--host", &self.host)] {
            if name.is_empty() || name.chars().count() > 255 || name.chars().any(char::is_control) {
                return Err(format!("{what} is 1 to 255 printable characters"));
            }
        }
        if self.networks.len() > 8 {
            return Err("there are 1 to 8 heartbeat networks".to_owned());
        }
        for (position, network) in self.networks.iter().enumerate() {
            if self.networks[..position].iter().any(|other| other.name == network.name) {
                return Err(format!("there are two networks {:?}", network.name));
            }
        }
        if !self.api.starts_with("https://") || host_of(&self.api).is_none() {
            return Err(format!("--api {:?} is no URL such as https://h01.example:7878", self.api));
        }
        if !["libvirt", "process", "exec"].contains(&self.hypervisor.as_str()) {
            return Err("--hypervisor is libvirt, process or exec".to_owned());
        }
        self.watchdog_table().map(drop)
    }

    /// Where the agent listens, in the order of the networks.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.networks.iter().map(|network| network.listen).collect()
    }

    /// Where the service listens.
    pub fn listens(&self) -> SocketAddr {
        self.api_listen.unwrap_or_else(|| {
            let host = host_of(&self.api).and_then(|host| host.parse().ok());
            // A name may stand for several addresses, some of which come later: all are listened on.
            SocketAddr::new(host.unwrap_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED)), port_of(&self.api))
        })
    }

    /// `[watchdog]`.
    pub(super) fn watchdog_table(&self) -> Result<toml::Table, String> {
        let mut table = toml::Table::new();
        let (kind, path) = self.watchdog.split_once(':').unwrap_or((&self.watchdog, ""));
        match (kind, path) {
            ("none", "") => drop(table.insert("allow_none".into(), true.into())),
            ("device" | "supervisor", path) if path.starts_with('/') => {
                drop(table.insert("path".into(), path.into()));
            }
            _ => {
                return Err(format!(
                    "--watchdog {:?} is device:PATH, supervisor:PATH or none",
                    self.watchdog
                ));
            }
        }
        table.insert("kind".into(), kind.into());
        Ok(table)
    }
}

/// The port in a URL; that of HTTPS where there is none.
pub fn port_of(url: &str) -> u16 {
    let place =
        url.split_once("://").map_or(url, |(_, rest)| rest).split(['/', '?']).next().unwrap_or_default();
    let behind = place.rsplit_once(']').map_or(place, |(_, behind)| behind);
    behind.rsplit_once(':').and_then(|(_, port)| port.parse().ok()).unwrap_or(443)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_has_a_name_an_address_and_an_interface() {
        let network: NetworkArgument = "hb0=10.0.0.1:7946,bond0".parse().expect("a network");
        assert_eq!((network.name.as_str(), network.interface.as_str()), ("hb0", "bond0"));
        for wrong in [
            "hb0",
            "hb0=10.0.0.1:7946",
            "=10.0.0.1:7946,eth0",
            "hb0=0.0.0.0:7946,eth0",
            "hb0=10.0.0.1:0,eth0",
            "hb0=h1:1,eth0",
        ] {
            assert!(wrong.parse::<NetworkArgument>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_port_of_a_url_is_found() {
        for (url, port) in [
            ("https://a:7878", 7878),
            ("https://[::1]:1/x", 1),
            ("https://[::1]", 443),
            ("https://a/b:1", 443),
        ] {
            assert_eq!(port_of(url), port, "{url}");
        }
    }
}
