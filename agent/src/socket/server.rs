//! The agent's end of the socket: a thread that accepts, and one for each operator who is connected.
use super::{Ask, standing};
use crate::context::Context;
use crate::wiring::{News, ToWarden};
use lifeboat_protocol::Input;
use lifeboat_protocol::evidence::EvidenceKind;
use lifeboat_protocol::input::Operator;
use rustix::net::sockopt::socket_peercred;
use serde_json::{Value, json};
use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

/// Operators who can be connected at once.
const MOST_CONNECTED: usize = 32;
/// How long one may say nothing.
const IDLE: Duration = Duration::from_mins(1);
/// The longest question.
const MOST_BYTES: u64 = 64 << 10;
/// How long another thread has for its part of an answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long the protocol's thread has to switch the watchdog off, in an emergency.
const AT_ONCE: Duration = Duration::from_millis(700);

/// What answers operators.
#[derive(Clone, Debug)]
pub struct Server {
    /// What is known of this host.
    pub context: Context,
    /// The state directory.
    pub state: PathBuf,
    /// None runs: the host was taken out of the protocol by an operator.
    pub disabled: bool,
}

impl Server {
    /// Listens, from now on, on a socket that only root and the agent's own user can open.
    ///
    /// # Errors
    /// If the socket cannot be made.
    pub fn start(self) -> io::Result<()> {
        let path = self.context.config.host.socket();
        // Whoever holds the state directory's lock is the only agent; what is there is an earlier one's.
        match fs::remove_file(&path) {
            Err(fault) if fault.kind() != io::ErrorKind::NotFound => return Err(fault),
            _ => {}
        }
        let listener = UnixListener::bind(&path)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
        crate::thread::spawn("socket", move || self.accept(&listener))?;
        Ok(())
    }

    fn accept(&self, listener: &UnixListener) {
        let connected = Arc::new(AtomicUsize::new(0));
        for stream in listener.incoming() {
            let Ok(stream) = stream else { continue };
            if connected.load(Ordering::Relaxed) >= MOST_CONNECTED || !may_ask(&stream) {
                continue;
            }
            connected.fetch_add(1, Ordering::Relaxed);
            let (server, counted) = (self.clone(), Arc::clone(&connected));
            let served = crate::thread::spawn("operator", move || {
                server.serve(&stream);
                counted.fetch_sub(1, Ordering::Relaxed);
            });
            if served.is_err() {
                connected.fetch_sub(1, Ordering::Relaxed);
            }
        }
    }

    fn serve(&self, stream: &UnixStream) {
        let timed = stream.set_read_timeout(Some(IDLE)).and_then(|()| stream.set_write_timeout(Some(IDLE)));
        if timed.is_err() {
            return;
        }
        let mut lines = BufReader::new(stream);
        loop {
            let mut line = String::new();
            match lines.by_ref().take(MOST_BYTES).read_line(&mut line) {
                Ok(1..) if line.ends_with('\n') => {}
                _ => return,
            }
            let answer = match serde_json::from_str(&line) {
                Ok(ask) => self.answer(ask),
                Err(fault) => Err(format!("not a question that this version knows: {fault}")),
            };
            let mut answer = match answer {
                Ok(answer) => json!({ "ok": answer }),
                Err(refused) => json!({ "error": refused }),
            }
            .to_string();
            answer.push('\n');
            if (&*stream).write_all(answer.as_bytes()).is_err() {
                return;
            }
        }
    }

    fn answer(&self, ask: Ask) -> Result<Value, String> {
        if ask == Ask::Status {
            return standing::of(self, PATIENCE);
        }
        tracing::info!(?ask, "an operator asks");
        if self.disabled && ask == Ask::EmergencyDisable {
            return Ok(json!({ "off": true, "why": "it was disabled already" }));
        }
        if self.disabled {
            return Err(
                "high availability is off on this host; `lifeboat-agent emergency-disable --undo` ends that"
                    .into(),
            );
        }
        match ask {
            Ask::Status => Ok(Value::Null),
            Ask::Disarm { lasts_s } => {
                self.of_the_leader(Operator::Disarm { lasts: Duration::from_secs(lasts_s) })
            }
            Ask::Arm => self.of_the_leader(Operator::Arm),
            Ask::HandOver => self.of_the_leader(Operator::HandOver),
            Ask::ReleaseBrake => self.of_the_leader(Operator::ReleaseBrake),
            Ask::RotateKey => {
                let mut key = [0; 32];
                getrandom::fill(&mut key)
                    .map_err(|fault| format!("the kernel gives no randomness: {fault}"))?;
                self.of_the_leader(Operator::RotateKey { key })
            }
            Ask::ConfirmDead { host, forced } => self.confirm_dead(&host, forced),
            Ask::Leave => self.leave(),
            Ask::EmergencyDisable => self.disable(),
        }
    }

    /// What concerns the pool has effect at the leader only.
    fn of_the_leader(&self, wish: Operator) -> Result<Value, String> {
        let standing = self.context.inbox.ask(PATIENCE).ok_or("the protocol's thread does not answer")?;
        let Some(known) = standing.adopted else {
            return Err("the pool has not formed yet: nobody leads".into());
        };
        if known.leader != self.context.me {
            let leader = self.context.roster.name(known.leader);
            return Err(format!("{leader} leads the pool: ask the agent there"));
        }
        self.context.inbox.input(Input::Operator(wish));
        Ok("the pool is asked; `lifeboat-agent status` shows what comes of it".into())
    }

    fn confirm_dead(&self, host: &str, forced: bool) -> Result<Value, String> {
        let Some(index) = self.context.roster.find(host) else {
            return Err(format!("the pool has no host {host:?}"));
        };
        if index == self.context.me {
            return Err(format!("{host} is this host, and it runs"));
        }
        let kind = if forced { EvidenceKind::OperatorForced } else { EvidenceKind::Operator };
        self.context.inbox.input(Input::Evidence { host: index, kind });
        Ok(format!("noted that {host} is off; it is refused, and logged, if the medium shows the host alive")
            .into())
    }

    fn leave(&self) -> Result<Value, String> {
        let (sender, answer) = mpsc::channel();
        let gone = || "the thread that knows this host's VMs does not answer".to_owned();
        self.context.outlets.warden.send(ToWarden::Leave(sender)).map_err(|_| gone())?;
        answer.recv_timeout(PATIENCE).map_err(|_| gone())??;
        Ok("this host leaves; it may be powered off when `lifeboat-agent status` says so".into())
    }

    fn disable(&self) -> Result<Value, String> {
        let (sender, answer) = mpsc::channel();
        self.context.inbox.send(News::Disable(sender));
        match answer.recv_timeout(AT_ONCE) {
            Ok(Ok(())) => Ok(json!({ "off": true, "why": "the watchdog is off" })),
            Ok(Err(why)) => Ok(json!({ "off": false, "why": why })),
            Err(_) => Err("the thread that holds the watchdog does not answer".into()),
        }
    }
}

/// Root, and whoever the agent itself runs as.
fn may_ask(stream: &UnixStream) -> bool {
    socket_peercred(stream).is_ok_and(|peer| peer.uid.is_root() || peer.uid == rustix::process::geteuid())
}
