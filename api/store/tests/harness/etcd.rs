//! A real etcd of several members on this machine: started, killed and started again by the process ids made here.
use lifeboat_store::StoreAddress;
use std::fs::{File, OpenOptions};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use tempfile::TempDir;

/// The members.
pub(crate) struct Etcd {
    directory: TempDir,
    ports: Vec<Ports>,
    /// Their processes; none for one that is down.
    pub(crate) running: Vec<Option<Child>>,
    extra: Vec<String>,
}

#[derive(Clone, Copy)]
struct Ports {
    clients: u16,
    peers: u16,
}

impl Etcd {
    /// Starts so many members, in a directory that goes with them.
    pub(crate) fn start(members: usize) -> Self {
        Self::start_with(members, &[])
    }

    /// The same with more arguments for each.
    pub(crate) fn start_with(members: usize, extra: &[&str]) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let ports = free_ports(members);
        let extra = extra.iter().map(|&argument| argument.to_owned()).collect();
        let mut etcd = Self { directory, ports, running: (0..members).map(|_| None).collect(), extra };
        for member in 0..members {
            etcd.start_member(member);
        }
        etcd
    }

    /// Where a store is whose keys begin with `prefix`.
    pub(crate) fn address(&self, prefix: &str) -> StoreAddress {
        StoreAddress::Etcd { endpoints: self.endpoints(), tls: self.is_tls(), prefix: format!("/{prefix}/") }
    }

    /// Where its members listen.
    pub(crate) fn endpoints(&self) -> Vec<String> {
        self.ports.iter().map(|ports| format!("127.0.0.1:{}", ports.clients)).collect()
    }

    /// Kills a member as a loss of power would.
    pub(crate) fn kill(&mut self, member: usize) {
        let mut child = self.running[member].take().expect("it runs");
        child.kill().expect("it is ours");
        child.wait().expect("it is ours");
    }

    /// Starts a member, again or for the first time.
    pub(crate) fn start_member(&mut self, member: usize) {
        assert!(self.running[member].is_none(), "it runs already");
        let Ports { clients, peers } = self.ports[member];
        let scheme = if self.is_tls() { "https" } else { "http" };
        let others: Vec<String> = self
            .ports
            .iter()
            .enumerate()
            .map(|(at, ports)| format!("m{at}=http://127.0.0.1:{}", ports.peers))
            .collect();
        let mut command = Command::new("etcd");
        command.args(["--name", &format!("m{member}"), "--initial-cluster", &others.join(",")]);
        command.arg("--data-dir").arg(self.file(&format!("m{member}")));
        for name in ["--listen-client-urls", "--advertise-client-urls"] {
            command.args([name, &format!("{scheme}://127.0.0.1:{clients}")]);
        }
        for name in ["--listen-peer-urls", "--initial-advertise-peer-urls"] {
            command.args([name, &format!("http://127.0.0.1:{peers}")]);
        }
        let log = |name: &str| -> File {
            let file = self.file(&format!("m{member}.{name}"));
            OpenOptions::new().create(true).append(true).open(file).expect("it is ours")
        };
        command.args(&self.extra).stdin(Stdio::null()).stdout(log("out")).stderr(log("log"));
        let child = command.spawn();
        self.running[member] =
            Some(child.expect("etcd cannot be started: apt-get install --no-install-recommends etcd-server"));
    }

    fn is_tls(&self) -> bool {
        self.extra.iter().any(|argument| argument == "--cert-file")
    }

    fn file(&self, name: &str) -> PathBuf {
        Path::join(self.directory.path(), name)
    }
}

impl Drop for Etcd {
    fn drop(&mut self) {
        for mut child in self.running.iter_mut().filter_map(Option::take) {
            // It may have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Ports that nobody listens on, below those that the kernel gives to whoever asks for any: a member that is away for a while finds its
/// own free when it comes back.
fn free_ports(members: usize) -> Vec<Ports> {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = 20_000 + (std::process::id() % 40) as u16 * 100;
    let free = || loop {
        let port = first + NEXT.fetch_add(1, Ordering::Relaxed) % 8_000;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    };
    (0..members).map(|_| Ports { clients: free(), peers: free() }).collect()
}
