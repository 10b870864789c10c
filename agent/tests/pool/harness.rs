//! A pool of agents on this machine, and what is done to it.
use lifeboat_agent::clock;
use lifeboat_agent::identity::{self, KeyFile};
use lifeboat_agent::socket::{Ask, client};
use lifeboat_link::Roster;
use lifeboat_link::roster::{LivenessSettings, Member};
use lifeboat_protocol::Instant;
use lifeboat_protocol::medium::{PoolId, statefile};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, UdpSocket};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The shortest timeout there is.
pub(super) const T: Duration = Duration::from_secs(3);
/// Beyond this on a busy machine something does not happen any more.
pub(super) const SOON: Duration = Duration::from_secs(30);
const POOL: PoolId = PoolId([7; 16]);

/// A pool of agents.
pub(super) struct Pool {
    pub(super) hosts: Vec<Host>,
    /// Goes last: agents have their files in it.
    pub(super) directory: tempfile::TempDir,
}

/// A host: directories, a watchdog, and its agent while that runs.
pub(super) struct Host {
    directory: PathBuf,
    agent: Option<Child>,
    watchdog: Arc<Mutex<Supervised>>,
}

/// What a host's watchdog knows.
#[derive(Debug, Default)]
pub(super) struct Supervised {
    deadline: Option<Instant>,
    pid: Option<u32>,
    /// Whether it has killed the host.
    pub(super) bitten: bool,
    /// Whether it was armed, and whether it was told that it is no longer needed.
    pub(super) armed: bool,
    pub(super) disarmed: bool,
}

impl Pool {
    /// A pool of so many hosts, none of which runs.
    pub(super) fn new(hosts: usize) -> Self {
        let directory = tempfile::tempdir().expect("there is room");
        let region = statefile::format(POOL, hosts).expect("there is room for them");
        fs::write(directory.path().join("statefile"), &region).expect("there is room");
        let addresses: Vec<_> = (0..hosts).map(|_| free_address()).collect();
        let member = |(position, address): (usize, &SocketAddr)| Member {
            id: format!("h{position}"),
            addresses: vec![*address],
            api: String::new(),
            removed: false,
        };
        let roster = Roster {
            version: 1,
            pool: "p".into(),
            pool_id: "07".repeat(16),
            networks: vec!["hb0".into()],
            settings: LivenessSettings { timeout_ms: T.as_millis() as u64, ..LivenessSettings::default() },
            hosts: addresses.iter().enumerate().map(member).collect(),
            authorities: Vec::new(),
        };
        let hosts = addresses.iter().enumerate();
        let hosts = hosts
            .map(|(position, address)| Host::new(directory.path(), position, *address, &roster))
            .collect();
        Self { hosts, directory }
    }

    /// Such a pool, formed.
    pub(super) fn formed(hosts: usize) -> Self {
        let mut pool = Self::new(hosts);
        pool.hosts.iter_mut().for_each(Host::start);
        wait("all hosts are members", || pool.hosts.iter().all(Host::is_member));
        pool
    }

    /// Where the statefile is.
    pub(super) fn statefile(&self) -> PathBuf {
        self.directory.path().join("statefile")
    }

    /// How `host` stands by what the agent of `by` says.
    pub(super) fn standing(&self, by: usize, host: usize) -> String {
        let status = self.hosts[by].status();
        status["hosts"][host]["standing"].as_str().unwrap_or("unknown").to_owned()
    }

    /// The position of the host that leads, as `by` sees it.
    pub(super) fn leader(&self, by: usize) -> usize {
        let status = self.hosts[by].status();
        let name = status["leader"].as_str().expect("somebody leads");
        name[1..].parse().expect("a host's name is h and its position")
    }
}

impl Host {
    fn new(pool: &Path, position: usize, address: SocketAddr, roster: &Roster) -> Self {
        let directory = pool.join(format!("h{position}"));
        fs::create_dir_all(directory.join("state")).expect("there is room");
        fs::create_dir_all(directory.join("run")).expect("there is room");
        identity::keep_roster(&directory.join("state"), roster).expect("there is room");
        KeyFile::new(1, [3; 32]).write(&directory.join("state")).expect("there is room");
        let host = Self { directory, agent: None, watchdog: Arc::default() };
        host.boot("first");
        host.configure(pool, position, address);
        host.supervise();
        host
    }

    fn configure(&self, pool: &Path, position: usize, address: SocketAddr) {
        let at = |name: &str| self.directory.join(name).display().to_string();
        let service = super::stand_in::command(&at("service.log"));
        let text = format!(
            "[host]\nname = \"h{position}\"\nstate_directory = {:?}\nrun_directory = {:?}\nboot_id_file = {:?}\n\
             [[network]]\nname = \"hb0\"\ninterface = \"lo\"\nlisten = \"{address}\"\n\
             [medium]\nkind = \"statefile\"\npath = {:?}\n\
             [watchdog]\nkind = \"supervisor\"\npath = {:?}\n\
             [fence]\nreset = [\"sh\", \"-c\", {:?}]\n\
             [hypervisor]\nkind = \"none\"\n\
             [service]\ncommand = {service:?}\n",
            at("state"),
            at("run"),
            at("boot_id"),
            pool.join("statefile").display().to_string(),
            at("watchdog"),
            format!("touch {}; kill -9 $PPID", at("reset")),
        );
        fs::write(self.config(), text).expect("there is room");
    }

    /// Gives it another medium than the statefile.
    pub(super) fn change_medium(&self, section: &str) {
        let text = fs::read_to_string(self.config()).expect("it is there");
        let (before, rest) = text.split_once("[medium]\n").expect("it has a medium");
        let (_, after) = rest.split_once("[watchdog]").expect("and a watchdog after that");
        fs::write(self.config(), format!("{before}[medium]\n{section}\n[watchdog]{after}"))
            .expect("there is room");
    }

    pub(super) fn config(&self) -> PathBuf {
        self.directory.join("agent.toml")
    }

    /// A file of this host.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// From the next start on it is another boot.
    pub(super) fn boot(&self, id: &str) {
        fs::write(self.directory.join("boot_id"), id).expect("there is room");
    }

    /// The watchdog: a thread of this test that kills the host's agent when it is told nothing in time.
    fn supervise(&self) {
        let listener = UnixListener::bind(self.directory.join("watchdog")).expect("a socket");
        let told = Arc::clone(&self.watchdog);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let told = Arc::clone(&told);
                std::thread::spawn(move || {
                    for line in BufReader::new(stream.expect("a connection")).lines().map_while(Result::ok) {
                        told.lock().expect("no panic").hear(&line);
                    }
                });
            }
        });
        let bites = Arc::downgrade(&self.watchdog);
        std::thread::spawn(move || {
            while let Some(told) = bites.upgrade() {
                told.lock().expect("no panic").bite();
                drop(told);
                clock::wait(Duration::from_millis(5));
            }
        });
    }

    /// Starts the agent.
    pub(super) fn start(&mut self) {
        assert!(self.agent.is_none(), "it runs");
        let log =
            fs::OpenOptions::new().create(true).append(true).open(self.path("agent.log")).expect("a log");
        let mut command = Command::new(env!("CARGO_BIN_EXE_lifeboat-agent"));
        command
            .arg("--config")
            .arg(self.config())
            .arg("run")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        let child = command.spawn().expect("the agent starts");
        self.watchdog.lock().expect("no panic").pid = Some(child.id());
        self.agent = Some(child);
    }

    /// Sends its agent a signal.
    pub(super) fn signal(&self, signal: Signal) {
        let pid = self.agent.as_ref().expect("it runs").id();
        let pid = Pid::from_raw(i32::try_from(pid).expect("a process number")).expect("not 0");
        kill_process(pid, signal).expect("it is ours");
    }

    /// Kills the agent, and waits for its end.
    pub(super) fn kill(&mut self) {
        let mut agent = self.agent.take().expect("it runs");
        self.watchdog.lock().expect("no panic").pid = None;
        agent.kill().expect("it is ours");
        agent.wait().expect("it is ours");
    }

    /// Kills the host: agent and watchdog.
    pub(super) fn lose_power(&mut self) {
        self.watchdog.lock().expect("no panic").deadline = None;
        self.kill();
    }

    /// Whether the agent has ended.
    pub(super) fn has_ended(&mut self) -> bool {
        self.agent.as_mut().is_none_or(|agent| agent.try_wait().expect("it is ours").is_some())
    }

    /// What the agent says.
    pub(super) fn status(&self) -> Value {
        client::ask(&self.directory.join("run/agent.sock"), &Ask::Status).unwrap_or_default()
    }

    pub(super) fn phase(&self) -> String {
        self.status()["phase"].as_str().unwrap_or("silent").to_owned()
    }

    pub(super) fn is_member(&self) -> bool {
        self.phase() == "member"
    }

    /// What the watchdog knows.
    pub(super) fn watchdog(&self) -> std::sync::MutexGuard<'_, Supervised> {
        self.watchdog.lock().expect("no panic")
    }

    /// What the service's stand-in was told.
    pub(super) fn service_log(&self) -> String {
        fs::read_to_string(self.path("service.log")).unwrap_or_default()
    }
}

impl Drop for Host {
    #[expect(clippy::print_stdout, reason = "a test that fails shows what its agents said")]
    fn drop(&mut self) {
        if let Some(agent) = &mut self.agent {
            let _ = agent.kill();
            let _ = agent.wait();
        }
        if std::thread::panicking() {
            let log = fs::read_to_string(self.path("agent.log")).unwrap_or_default();
            println!("{}:\n{log}", self.directory.display());
        }
    }
}

impl Supervised {
    fn hear(&mut self, line: &str) {
        match line.split_once(' ') {
            Some(("arm", milliseconds)) => {
                let left = milliseconds.parse().expect("a number");
                self.deadline = Some(clock::now() + Duration::from_millis(left));
                self.armed = true;
            }
            None if line == "disarm" => {
                self.deadline = None;
                self.disarmed = true;
            }
            _ => panic!("{line:?} is no order for a watchdog"),
        }
    }

    fn bite(&mut self) {
        if self.deadline.is_none_or(|deadline| clock::now() < deadline) {
            return;
        }
        (self.deadline, self.bitten) = (None, true);
        if let Some(pid) = self.pid.and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?)) {
            // One that has ended already is not there any more.
            let _ = kill_process(pid, Signal::KILL);
        }
    }
}

/// An address of the loopback that nobody uses.
fn free_address() -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port is free");
    socket.local_addr().expect("it has an address")
}

/// Waits until something is so.
pub(super) fn wait(what: &str, is_so: impl FnMut() -> bool) {
    wait_within(SOON, what, is_so);
}

/// Waits until something is so, no longer than that.
pub(super) fn wait_within(span: Duration, what: &str, mut is_so: impl FnMut() -> bool) {
    let until = clock::now() + span;
    while !is_so() {
        assert!(clock::now() < until, "after {span:?} it is still not so that {what}");
        clock::wait(Duration::from_millis(20));
    }
}

/// Sees to it that something is so all the time.
pub(super) fn hold(span: Duration, what: &str, mut is_so: impl FnMut() -> bool) {
    let until = clock::now() + span;
    while clock::now() < until {
        assert!(is_so(), "it is no longer so that {what}");
        clock::wait(Duration::from_millis(50));
    }
}
