//! A pool of two machines: what `init` and `join` would have written is made here with their own code, before the machines boot.
use crate::console::{Record, Seen};
use crate::machine::{Machine, Parts};
use crate::needs::{Needs, said};
use crate::{image, needs};
use lifeboat_agent::enrol::files::Places;
use lifeboat_agent::enrol::{EtcdArguments, HostArguments, Membership, medium};
use lifeboat_link::Roster;
use lifeboat_link::certificate::{Authority, HOST_LIVES, Request};
use lifeboat_link::join::{FOUNDING, Founding, MediumPlace, PoolKey};
use lifeboat_link::roster::{LivenessSettings, Member};
use lifeboat_protocol::medium::PoolId;
use lifeboat_store::volume::{SMALLEST_LENGTH, Tenure};
use lifeboat_store::{Batch, Candidate, Key, Options, StoreAddress};
use serde_json::{Value, json};
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::net::{TcpListener, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

const HOSTS: usize = 2;
const POOL: &str = "machines";
const POOL_ID: [u8; 16] = [0x5A; 16];
/// What the shared disk is called inside.
const SHARED: &str = "/dev/vdb";
const STATEFILE_LENGTH: u64 = 4 << 20;
const VOLUME_LENGTH: u64 = 2 * SMALLEST_LENGTH;

/// Machines that run.
pub(crate) struct Pool {
    record: Record,
    machines: Vec<Machine>,
    apis: Vec<u16>,
    token: String,
    // Last, so that it goes after the machines.
    _folder: TempDir,
}

impl Pool {
    /// Makes the files, boots the machines, and has the pool protect its VM and start it.
    pub(crate) fn form(needs: &Needs, timeout: Duration) -> Self {
        let folder = tempfile::Builder::new().prefix("lifeboat-watchdog-").tempdir().expect("a folder");
        let token_file = folder.path().join("token");
        said(Command::new(&needs.service).args(["config", "bootstrap-token"]).arg(&token_file))
            .expect("a token");
        let token = fs::read_to_string(&token_file).expect("it is ours").trim().to_owned();
        let shared = folder.path().join("shared.img");
        let disks = prepare(needs, folder.path(), &shared, &token, timeout);
        let initramfs = image::initramfs(needs, folder.path());
        let record = Record::new();
        let network =
            UdpSocket::bind("127.0.0.1:0").expect("a port").local_addr().expect("it has one").port();
        let apis: Vec<u16> = (0..HOSTS).map(|_| free_port()).collect();
        let machines = disks.iter().enumerate().map(|(position, disk)| {
            let parts = Parts {
                name: &name(position),
                number: position + 1,
                folder: folder.path(),
                initramfs: &initramfs,
                disk,
                shared: &shared,
                network,
                api: apis[position],
            };
            Machine::start(needs, &parts, &record)
        });
        let pool = Self { machines: machines.collect(), record, apis, token, _folder: folder };
        pool.has("PATCH", "vms/vm1", &json!({ "restart_priority": "restart" }));
        pool.has("POST", "vms/vm1/actions/start", &json!({ "host": "h1" }));
        pool
    }

    /// Where a VM runs, once it says so.
    pub(crate) fn runs(&self, vm: &str, within: Duration) -> Option<String> {
        self.record.wait_for(Duration::ZERO, within, |line| line.runs(vm)).map(|line| line.host)
    }

    /// Freezes a host's agent; the moment from which on it is.
    pub(crate) fn freeze_agent(&self, host: &str) -> Duration {
        let machine = self.machines.iter().find(|machine| machine.name == host).expect("a host");
        let asked = self.record.now();
        machine.tell("freeze");
        let said = self.record.wait_for(asked, Duration::from_secs(20), |line| {
            line.host == host && line.text.contains("FROZEN")
        });
        assert!(said.is_some(), "its init freezes the agent:\n{}", self.tell());
        // It may have been frozen long before that was said.
        asked
    }

    pub(crate) fn wait_for(&self, within: Duration, is: impl Fn(&Seen) -> bool) -> Option<Seen> {
        let first_freeze = self.record.lines().into_iter().find(|line| line.text.contains("FROZEN"));
        self.record.wait_for(first_freeze.map_or(Duration::ZERO, |line| line.at), within, is)
    }

    pub(crate) fn now(&self) -> Duration {
        self.record.now()
    }

    pub(crate) fn lines(&self) -> Vec<Seen> {
        self.record.lines()
    }

    /// For whoever reads why a test failed.
    pub(crate) fn tell(&self) -> String {
        let mut told = String::new();
        for machine in &self.machines {
            let lines = self.record.lines();
            let console =
                lines.iter().filter(|line| line.host == machine.name && !line.text.contains("RUNS"));
            let console: Vec<String> = console.map(|line| format!("{:?} {}", line.at, line.text)).collect();
            let log = machine.log();
            let said = console.join("\n");
            told.extend(["== ", &machine.name, " console\n", &said, "\n== its agent\n", &log, "\n"]);
        }
        told
    }

    /// Whether a host's service answers in time, which says that its agent is back.
    pub(crate) fn answers(&self, host: &str, within: Duration) -> bool {
        let api =
            self.machines.iter().zip(&self.apis).find(|(machine, _)| machine.name == host).expect("a host").1;
        self.until(within, || {
            self.ask(*api, "PATCH", "vms/vm1", &json!({ "restart_priority": "restart" })).is_some()
        })
    }

    /// Has whoever leads do something; asked again until it is done, since at first nobody leads and nobody knows the VM.
    fn has(&self, method: &str, path: &str, body: &Value) {
        let mut last = String::from("nobody answers");
        let done = self.until(Duration::from_mins(5), || {
            self.apis.iter().any(|api| match self.ask(*api, method, path, body) {
                Some((200..300, _)) => true,
                Some((status, body)) => {
                    last = format!("{status}: {body}");
                    false
                }
                None => false,
            })
        });
        assert!(done, "{method} {path}: {last}\n{}", self.tell());
    }

    /// Looks at what no console tells, four times a second.
    fn until(&self, within: Duration, mut is: impl FnMut() -> bool) -> bool {
        let end = self.record.now() + within;
        loop {
            if is() {
                return true;
            }
            if self.record.now() >= end {
                return false;
            }
            self.record.wait_for(self.record.now(), Duration::from_millis(250), |_| false);
        }
    }

    fn ask(&self, api: u16, method: &str, path: &str, body: &Value) -> Option<(u16, String)> {
        // Who it is does not matter here: the port is this test's own.
        let tls = ureq::tls::TlsConfig::builder().disable_verification(true).build();
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_global(Some(Duration::from_secs(5)))
            .tls_config(tls)
            .build()
            .new_agent();
        let kind = if method == "PATCH" { "application/merge-patch+json" } else { "application/json" };
        let request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("https://127.0.0.1:{api}/v1/pools/{POOL}/{path}"))
            .header("authorization", format!("Bearer {}", self.token))
            .header("content-type", kind);
        let mut answer = agent.run(request.body(body.to_string()).ok()?).ok()?;
        let status = answer.status().as_u16();
        Some((status, answer.body_mut().read_to_string().unwrap_or_default()))
    }
}

fn name(position: usize) -> String {
    format!("h{}", position + 1)
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("it has one").port()
}

fn arguments(position: usize, root: &Path) -> HostArguments {
    let number = position + 1;
    HostArguments {
        pool: POOL.into(),
        host: name(position),
        networks: vec![format!("hb0=10.77.0.{number}:7946,eth0").parse().expect("a network")],
        api: format!("https://10.77.0.{number}:7878"),
        api_listen: Some("0.0.0.0:7878".parse().expect("an address")),
        watchdog: "device:/dev/watchdog".into(),
        hypervisor: "process".into(),
        service: "/bin/lifeboat".into(),
        state_directory: root.join("var/lib/lifeboat/agent"),
        run_directory: "/run/lifeboat".into(),
    }
}

/// The shared disk with statefile and metadata volume, and each host's own disk.
fn prepare(
    needs: &needs::Needs,
    folder: &Path,
    shared: &Path,
    token: &str,
    timeout: Duration,
) -> Vec<PathBuf> {
    let roots: Vec<PathBuf> = (0..HOSTS).map(|position| folder.join(name(position))).collect();
    let hosts: Vec<HostArguments> =
        roots.iter().enumerate().map(|(position, root)| arguments(position, root)).collect();
    let member = |host: &HostArguments| Member {
        id: host.host.clone(),
        addresses: host.addresses(),
        api: host.api.clone(),
        removed: false,
    };
    let now = lifeboat_agent::clock::wall();
    let authority = Authority::found(POOL, now).expect("an authority");
    let roster = Roster {
        version: 1,
        pool: POOL.into(),
        pool_id: "5a".repeat(16),
        networks: vec!["hb0".into()],
        settings: LivenessSettings { timeout_ms: timeout.as_millis() as u64, ..LivenessSettings::default() },
        hosts: hosts.iter().map(member).collect(),
        authorities: vec![authority.certificate_pem().to_owned()],
    };
    let keys = vec![PoolKey::new(1, &[0x77; 32])];
    let place = MediumPlace::Statefile { path: SHARED.into(), offset: 0 };
    let metadata = format!("volume:{SHARED}?offset={STATEFILE_LENGTH}&length={VOLUME_LENGTH}");
    let founding = Founding {
        roster: roster.clone(),
        medium: place.clone(),
        metadata: metadata.clone(),
        authority_pem: authority.certificate_pem().to_owned(),
        authority_key_pem: authority.key_pem(),
        keys: keys.clone(),
        certificates_live_s: HOST_LIVES.as_secs(),
    };
    share(shared, &founding);
    let disks = hosts.iter().zip(&roots).enumerate().map(|(position, (host, root))| {
        let request = Request::new().expect("a key");
        let csr = request.csr_pem().expect("a request");
        let membership = Membership {
            host,
            etcd: &EtcdArguments::default(),
            medium: &place,
            metadata: &metadata,
            roster: &roster,
            keys: &keys,
            chain_pem: &authority.sign(&csr, &roster, position, now, HOST_LIVES).expect("a certificate"),
            key_pem: &request.key_pem(),
            authorities_pem: authority.certificate_pem(),
        };
        let agent = root.join("etc/lifeboat/agent.toml");
        let places = Places::of(&agent, &host.state_directory);
        membership.write(&places).expect("it is written");
        // Inside, the host's folder is the root.
        for path in [agent.as_path(), places.service()] {
            let text = fs::read_to_string(path).expect("it is ours");
            fs::write(path, text.replace(&root.display().to_string(), "")).expect("it is ours");
        }
        append(&agent, "\n[log]\nlevel = \"debug\"\n");
        append(places.service(), "\n[tokens]\nbootstrap = { file = \"/etc/lifeboat/token\" }\n");
        let secret = root.join("etc/lifeboat/token");
        fs::write(&secret, token).expect("it is ours");
        fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).expect("it is ours");
        fs::create_dir_all(root.join("seed")).expect("it is ours");
        if position == 0 {
            fs::write(root.join("seed/vm1.json"), vm("vm1")).expect("it is ours");
        }
        image::disk(needs, root, &host.host, position + 1)
    });
    disks.collect()
}

/// A VM that is known on its host and does not run, as the agent keeps it.
fn vm(name: &str) -> String {
    let definition = json!({ "command": ["/bin/sh", "/bin/vm", name], "memory_mib": 16 });
    json!({ "vm": name, "definition": definition.to_string(), "pid": null, "began": null, "end": "stopped" })
        .to_string()
}

fn append(path: &Path, text: &str) {
    let mut file = OpenOptions::new().append(true).open(path).expect("it is ours");
    file.write_all(text.as_bytes()).expect("it is ours");
}

/// Statefile and metadata volume on one disk, and what the first term finds there.
fn share(shared: &Path, founding: &Founding) {
    fs::write(shared, b"").expect("it is ours");
    medium::check_statefile(shared, 0, false).expect("it is empty");
    lifeboat_store::volume::format(shared, STATEFILE_LENGTH, VOLUME_LENGTH, POOL_ID, false)
        .expect("it is empty");
    medium::make_statefile(shared, 0, PoolId(POOL_ID)).expect("it is written");
    let address =
        StoreAddress::Volume { path: shared.to_owned(), offset: STATEFILE_LENGTH, length: VOLUME_LENGTH };
    let options = Options { tenure: Some(Tenure { pool: POOL_ID, epoch: 0 }), ..Options::default() };
    let store = lifeboat_store::open(&address, &options).expect("it opens");
    let us = Candidate { name: "h1".into(), address: String::new() };
    let term = store.campaign(&us, Duration::ZERO).expect("a campaign").expect("nobody else leads");
    let mut batch = Batch::default();
    batch.put(Key::of(&[FOUNDING]), serde_json::to_vec(founding).expect("JSON"));
    store.commit(term, &batch).expect("a commit");
}
