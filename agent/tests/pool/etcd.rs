//! The same agents with etcd as their medium: a real one, of one member.
use super::harness::{Pool, T, hold, wait};
use lifeboat_agent::config::MediumSection;
use lifeboat_agent::medium;
use lifeboat_protocol::medium::{Answer, PoolId, etcd};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

struct Etcd {
    member: Option<Child>,
    clients: u16,
    peers: u16,
    directory: tempfile::TempDir,
}

impl Etcd {
    fn start() -> Self {
        let free = || {
            TcpListener::bind("127.0.0.1:0")
                .and_then(|held| held.local_addr())
                .expect("a port is free")
                .port()
        };
        let (clients, peers) = (free(), free());
        let mut etcd =
            Self { member: None, clients, peers, directory: tempfile::tempdir().expect("there is room") };
        etcd.go_on();
        etcd
    }

    fn go_on(&mut self) {
        let (clients, peers) =
            (format!("http://127.0.0.1:{}", self.clients), format!("http://127.0.0.1:{}", self.peers));
        let mut command = Command::new("etcd");
        command.args(["--name", "m", "--initial-cluster", &format!("m={peers}")]);
        command.args(["--listen-client-urls", &clients, "--advertise-client-urls", &clients]);
        command.args(["--listen-peer-urls", &peers, "--initial-advertise-peer-urls", &peers]);
        let directory: &Path = self.directory.path();
        command.arg("--data-dir").arg(directory.join("data")).stdin(Stdio::null());
        let member = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        self.member = Some(
            member.expect("etcd cannot be started: apt-get install --no-install-recommends etcd-server"),
        );
    }

    fn stop(&mut self) {
        let mut member = self.member.take().expect("it runs");
        member.kill().expect("it is ours");
        member.wait().expect("it is ours");
    }

    fn section(&self) -> MediumSection {
        MediumSection::Etcd {
            endpoints: vec![format!("127.0.0.1:{}", self.clients)],
            tls: false,
            ca_file: None,
            certificate_file: None,
            key_file: None,
            user: None,
            password_file: None,
        }
    }
}

impl Drop for Etcd {
    fn drop(&mut self) {
        if self.member.is_some() {
            self.stop();
        }
    }
}

#[test]
fn a_pool_forms_on_etcd_and_outlives_its_loss_and_its_return() {
    let mut etcd_server = Etcd::start();
    let layout = etcd::format(PoolId([7; 16]), 3);
    let lay_out = || medium::once(&etcd_server.section(), Duration::from_secs(10), &layout);
    wait("etcd takes the pool's records", || matches!(lay_out(), Ok(Answer::Transaction { .. })));
    let Ok(Answer::Transaction { guard_held, values }) = lay_out() else {
        panic!("it answered a moment ago")
    };
    assert!(!guard_held && values.len() == 1, "a pool that stands there is not laid out again");
    let mut pool = Pool::new(3);
    let medium = format!("kind = \"etcd\"\nendpoints = [\"127.0.0.1:{}\"]", etcd_server.clients);
    for host in &mut pool.hosts {
        host.change_medium(&medium);
        host.start();
    }
    wait("all hosts are members", || pool.hosts.iter().all(super::harness::Host::is_member));
    let says = |works: bool| {
        let said = |by: usize, host: usize| pool.hosts[by].status()["hosts"][host]["medium_works"] == works;
        said(0, 1) && said(1, 2) && said(2, 0)
    };
    etcd_server.stop();
    wait("all have lost it", || says(false));
    hold(T * 2, "nobody is fenced", || {
        pool.hosts.iter().all(|host| host.is_member() && !host.watchdog().bitten)
    });
    etcd_server.go_on();
    wait("all have it again", || says(true));
    pool.hosts[2].lose_power();
    wait("what has to be agreed is", || pool.standing(0, 2) == "fenced");
}
