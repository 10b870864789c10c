//! A host: a folder, an agent with its service while it is on.
use lifeboat_tests::program::{agent_program, program};
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, UdpSocket};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A host.
pub(super) struct Host {
    pub(super) name: String,
    folder: PathBuf,
    shared: PathBuf,
    listen: u16,
    api: u16,
    boots: u64,
    agent: Option<Child>,
}

impl Host {
    pub(super) fn new(pool: &Path, number: usize) -> Self {
        let name = format!("h{number}");
        let folder = pool.join(&name);
        fs::create_dir_all(&folder).expect("there is room");
        let udp = UdpSocket::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port is free");
        let tcp =
            TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port is free");
        Self {
            name,
            folder,
            shared: pool.to_owned(),
            listen: udp.port(),
            api: tcp.port(),
            boots: 0,
            agent: None,
        }
    }

    /// A file of this host.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// What is in one; nothing if it is not there.
    pub(super) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    pub(super) fn url(&self) -> String {
        format!("https://127.0.0.1:{}", self.api)
    }

    /// `lifeboat-agent join`, by a token in a file.
    pub(super) fn joining(&self, server: &str, token: &str) -> Child {
        let file = self.path("token");
        fs::write(&file, token).expect("there is room");
        self.enrolling(&["join", "--server", server, "--token-file", &file.display().to_string()])
    }

    /// `lifeboat-agent init` or `join`, as a process that may go on beside others.
    pub(super) fn enrolling(&self, words: &[&str]) -> Child {
        let mut command = Command::new(agent_program());
        command.arg("--config").arg(self.path("etc/agent.toml")).args(words);
        let network = format!("hb0=127.0.0.1:{},lo", self.listen);
        command.args(["--pool", "p", "--host", &self.name, "--network", &network, "--api", &self.url()]);
        command.args(["--watchdog", "none", "--hypervisor", "process", "--service"]).arg(program());
        command.arg("--state-directory").arg(self.path("state"));
        command.arg("--run-directory").arg(self.path("run"));
        command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the agent's program starts")
    }

    /// Waits for the end of that, and adds what only a test has: a boot of its own, a reset that is the end of its processes, an admin's token.
    pub(super) fn enrolled(&mut self, enrolling: Child) {
        let output = enrolling.wait_with_output().expect("it is ours");
        assert!(output.status.success(), "{}: {}", self.name, String::from_utf8_lossy(&output.stderr));
        let agent = self.read("etc/agent.toml");
        let boot_id = self.path("boot_id");
        let own = format!("[host]\nboot_id_file = {:?}\n", boot_id.display().to_string());
        let reset = "\n[fence]\nreset = [\"sh\", \"-c\", \"kill -9 $PPID\"]\n[log]\nlevel = \"debug\"\n";
        assert!(agent.contains("[host]\n"), "{agent}");
        fs::write(self.path("etc/agent.toml"), agent.replacen("[host]\n", &own, 1) + reset)
            .expect("there is room");
        let token = self.shared.join("admin-token");
        let service = self.read("etc/lifeboat.toml");
        let tokens = format!("\n[tokens]\nbootstrap = {{ file = {:?} }}\n", token.display().to_string());
        fs::write(self.path("etc/lifeboat.toml"), service + &tokens).expect("there is room");
    }

    /// Switches it on: another boot.
    pub(super) fn switch_on(&mut self) {
        self.boots += 1;
        fs::write(self.path("boot_id"), format!("{} {}", self.name, self.boots)).expect("there is room");
        self.start();
    }

    /// Its agent's configuration gets another heartbeat address.
    pub(super) fn moves(&mut self) -> String {
        let free = UdpSocket::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port is free");
        let old = format!("127.0.0.1:{}", self.listen);
        let agent = self.read("etc/agent.toml");
        assert!(agent.contains(&old), "{agent}");
        fs::write(self.path("etc/agent.toml"), agent.replace(&old, &free.to_string()))
            .expect("there is room");
        self.listen = free.port();
        free.to_string()
    }

    /// Starts its agent.
    pub(super) fn start(&mut self) {
        assert!(self.agent.is_none(), "it runs");
        let log =
            fs::OpenOptions::new().create(true).append(true).open(self.path("agent.log")).expect("a log");
        let mut command = Command::new(agent_program());
        command.arg("--config").arg(self.path("etc/agent.toml")).arg("run").stdin(Stdio::null());
        self.agent = Some(command.stdout(Stdio::null()).stderr(log).spawn().expect("the agent starts"));
    }

    /// Ends its agent, and with that its service.
    pub(super) fn kill(&mut self) {
        let mut agent = self.agent.take().expect("it runs");
        agent.kill().expect("it is ours");
        agent.wait().expect("it is ours");
    }

    /// How its agent says that things stand; null if it says nothing.
    pub(super) fn status(&self) -> Value {
        self.ask(&json!({ "ask": "status" })).unwrap_or_default()
    }

    fn ask(&self, what: &Value) -> Option<Value> {
        let mut stream = UnixStream::connect(self.path("run/agent.sock")).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
        stream.write_all(format!("{what}\n").as_bytes()).ok()?;
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).ok()?;
        let mut answer: Value = serde_json::from_str(&line).ok()?;
        Some(answer["ok"].take())
    }

    pub(super) fn is_member(&self) -> bool {
        self.status()["phase"] == "member"
    }

    /// The roster that it keeps.
    pub(super) fn roster(&self) -> Value {
        serde_json::from_str(&self.read("state/roster.json")).unwrap_or_default()
    }

    /// The end of its log, for a test that fails.
    pub(super) fn log(&self) -> String {
        let log = self.read("agent.log");
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        if self.agent.is_some() {
            self.kill();
        }
    }
}
