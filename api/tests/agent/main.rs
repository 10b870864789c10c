//! The service beside an agent, as a program: the test is the agent at the other end of its standard input, and a client of its HTTP.
mod actions;
mod beside;
mod joining;
mod rolling;
mod terms;

use lifeboat::clock::Stopwatch;
use lifeboat_link::frame::{self, Hello, OperatorWish, ToService};
use lifeboat_link::note::{self, HostFacts, VmFacts};
use lifeboat_link::roster::{LivenessSettings, Member};
use lifeboat_link::{FromService, OrderNote, ReportNote, Roster};
use lifeboat_model::HostIndex;
use lifeboat_protocol::configuration::HostEntry;
use lifeboat_protocol::evidence::EvidenceKind;
use lifeboat_protocol::order::{Order, OrderId, Outcome, Report, VmState};
use lifeboat_protocol::{Boot, Configuration, ConfigurationNumber, Epoch, Standing};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

const PROGRAM: &str = env!("CARGO_BIN_EXE_lifeboat");
/// Ample, on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);
const POOL: &str = "prod";

/// A service, and the agent's end of the socket.
struct Beside {
    process: Child,
    socket: UnixStream,
    frames: Receiver<FromService>,
    url: String,
    /// Orders and notes that came while something else was waited for.
    before: Vec<FromService>,
    epoch: Epoch,
}

fn roster() -> Roster {
    let member = |number: u16| Member {
        id: format!("h{number}"),
        addresses: vec![([127, 0, 0, 1], 7000 + number).into()],
        api: format!("http://127.0.0.1:{}", 17000 + number),
        removed: false,
    };
    Roster {
        version: 1,
        pool: POOL.to_owned(),
        pool_id: "000102030405060708090a0b0c0d0e0f".to_owned(),
        networks: vec!["hb0".to_owned()],
        settings: LivenessSettings { timeout_ms: 5000, ..LivenessSettings::default() },
        hosts: (1..=3).map(member).collect(),
        authorities: Vec::new(),
    }
}

/// The path of a VM.
fn path_of(vm: &str) -> String {
    format!("/v1/pools/{POOL}/vms/{vm}")
}

/// What a VM is made of.
fn facts(vm: &str) -> VmFacts {
    VmFacts {
        vm: vm.to_owned(),
        definition: format!("<domain>{vm}</domain>"),
        memory_mib: 512,
        storages: vec!["san".to_owned()],
        networks: vec!["lan".to_owned()],
        ..VmFacts::default()
    }
}

fn host(number: usize) -> HostIndex {
    HostIndex::new(number - 1)
}

impl Beside {
    /// Starts a service on host `me` with its store there.
    fn start(folder: &Path, me: usize) -> Self {
        let configuration = folder.join("lifeboat.toml");
        let store = folder.join("store.redb");
        let text =
            format!("[listen]\naddresses = [\"127.0.0.1:0\"]\n[store]\naddress = \"{}\"\n", store.display());
        std::fs::write(&configuration, text).expect("it can be written");
        let (ours, theirs) = UnixStream::pair().expect("sockets");
        let mut process = Command::new(PROGRAM)
            .args(["serve", "--under-agent", "--config"])
            .arg(&configuration)
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program runs");
        let mut lines = BufReader::new(process.stdout.take().expect("it is piped")).lines();
        let line = lines.next().expect("it says where it listens").expect("text");
        let url = line.trim_start_matches("listening on ").to_owned();
        let (sender, frames) = channel();
        let mut reading = ours.try_clone().expect("a descriptor");
        std::thread::spawn(move || {
            while let Ok(frame) = frame::read::<FromService>(&mut reading) {
                if sender.send(frame).is_err() {
                    return;
                }
            }
        });
        let mut beside =
            Self { process, socket: ours, frames, url, before: Vec::new(), epoch: Epoch::default() };
        beside.says(&ToService::Hello(Box::new(Hello { roster: roster(), me: me - 1, boot: 1 })));
        beside
    }

    fn says(&mut self, frame: &ToService) {
        frame::write(&mut self.socket, frame).expect("the service reads");
    }

    fn begin(&mut self, epoch: u64) {
        self.epoch = Epoch(epoch);
        self.says(&ToService::Begin { epoch: Epoch(epoch) });
    }

    fn agreed(&mut self, standings: [Standing; 3]) {
        let hosts = standings.map(|standing| HostEntry { standing, ..HostEntry::default() }).to_vec();
        let configuration = Configuration {
            number: ConfigurationNumber(self.epoch.0),
            leader: host(1),
            epoch: self.epoch,
            timeout: Duration::from_secs(5),
            key_epoch: 1,
            disarm: None,
            braked: false,
            hosts,
        };
        self.says(&ToService::Agreed(Box::new(configuration)));
    }

    fn report(&mut self, from: usize, report: Report) {
        self.says(&ToService::Report { host: host(from), report });
    }

    fn note(&mut self, from: usize, note: &ReportNote) {
        self.report(from, Report::Note { bytes: note::pack(note).expect("short") });
    }

    /// A host's first words in a session: what runs there, what it has, what its VMs are made of.
    fn session(&mut self, from: usize, vms: &[&str]) {
        let running = vms.iter().map(|vm| ((*vm).to_owned(), VmState::Running)).collect();
        self.report(from, Report::Inventory { vms: running });
        let has = HostFacts {
            memory_mib: 8192,
            storages: vec!["san".to_owned()],
            networks: vec!["lan".to_owned()],
            ..HostFacts::default()
        };
        self.note(from, &ReportNote::Host(has));
        for vm in vms {
            self.note(from, &ReportNote::Vm(facts(vm)));
        }
    }

    fn dies(&mut self, number: usize) {
        let mut standings = [LIVE; 3];
        standings[number - 1] = FENCING;
        self.agreed(standings);
        self.says(&ToService::Safe { host: host(number), boot: Boot(1), kind: EvidenceKind::PowerOff });
    }

    /// The next frame that is wanted; others are kept.
    fn until<T>(&mut self, what: &str, wanted: impl Fn(&FromService) -> Option<T>) -> T {
        loop {
            match self.frames.recv_timeout(PATIENCE) {
                Ok(frame) => match wanted(&frame) {
                    Some(found) => return found,
                    None => self.before.push(frame),
                },
                Err(RecvTimeoutError::Timeout) => panic!("{what} did not come after {:?}", self.before),
                Err(RecvTimeoutError::Disconnected) => panic!("the service ended before {what}"),
            }
        }
    }

    fn start_order(&mut self) -> (HostIndex, OrderId, String) {
        self.until("a start", |frame| match frame {
            FromService::Order { host, order: Order::Start { id, vm, .. } } => Some((*host, *id, vm.clone())),
            _ => None,
        })
    }

    fn done(&mut self, on: HostIndex, id: OrderId) {
        self.says(&ToService::Report { host: on, report: Report::Finished { id, outcome: Outcome::Done } });
    }

    fn is_told_of(&self, on: HostIndex, vm: &str) -> bool {
        let about = |frame: &FromService| match frame {
            FromService::Order { host, order: Order::Note { bytes, .. } } if *host == on => {
                matches!(note::unpack::<OrderNote>(bytes), Ok(OrderNote::Vm(note)) if note.vm == vm)
            }
            _ => false,
        };
        self.before.iter().any(about)
    }

    fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
        let agent: ureq::Agent =
            ureq::Agent::config_builder().http_status_as_error(false).max_redirects(0).build().into();
        let url = format!("{}{path}", self.url);
        let mut request = ureq::http::Request::builder().method(method).uri(url);
        request = request.header("content-type", "application/json");
        let body = body.map(ToString::to_string).unwrap_or_default();
        let mut response = agent.run(request.body(body).expect("a request")).expect("it answers");
        let location = response.headers().get("location").and_then(|value| value.to_str().ok());
        let location = location.map(|location| Value::from(location.to_owned()));
        let status = response.status().as_u16();
        let text = response.body_mut().read_to_string().expect("text");
        (status, location.unwrap_or_else(|| serde_json::from_str(&text).unwrap_or(Value::String(text))))
    }

    fn get(&self, path: &str) -> (u16, Value) {
        self.ask("GET", path, None)
    }

    fn act(&self, path: &str, body: &Value) -> (u16, Value) {
        self.ask("POST", &format!("/v1/pools/{POOL}/{path}"), Some(body))
    }

    /// The next order for a VM that is no note.
    fn order(&mut self) -> (HostIndex, Order) {
        self.until("an order", |frame| match frame {
            FromService::Order { order: Order::Note { .. }, .. } => None,
            FromService::Order { host, order } => Some((*host, order.clone())),
            _ => None,
        })
    }

    fn wish(&mut self) -> OperatorWish {
        self.until("an operator's wish", |frame| match frame {
            FromService::Operator(wish) => Some(wish.clone()),
            _ => None,
        })
    }

    /// The next one other than that hosts be disarmed, which is said again for as long as it holds.
    fn other_wish(&mut self) -> OperatorWish {
        self.until("another wish of an operator", |frame| match frame {
            FromService::Operator(OperatorWish::Disarm { .. }) => None,
            FromService::Operator(wish) => Some(wish.clone()),
            _ => None,
        })
    }

    /// Asks for an action on a VM whose last order may not be known to be over.
    fn act_when_free(&self, path: &str, body: &Value) {
        let begun = Stopwatch::start();
        loop {
            let (status, answer) = self.act(path, body);
            if status == 200 {
                return;
            }
            assert_eq!((status, &answer["code"]), (409, &serde_json::json!("busy")), "{answer}");
            assert!(!begun.has_reached(PATIENCE), "{path} stays busy");
            std::thread::park_timeout(Duration::from_millis(10));
        }
    }

    /// Asks until the answer is as wanted: what is told takes its way.
    fn see(&self, path: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let begun = Stopwatch::start();
        loop {
            let (status, answer) = self.get(path);
            if status == 200 && wanted(&answer) {
                return answer;
            }
            assert!(!begun.has_reached(PATIENCE), "{path} stays {status} {answer}");
            std::thread::park_timeout(Duration::from_millis(10));
        }
    }

    /// Protects a VM.
    fn protect(&self, vm: &str) {
        let patch = serde_json::json!({"restart_priority": "restart"});
        let (status, answer) = self.ask("PATCH", &path_of(vm), Some(&patch));
        assert_eq!(status, 200, "{answer}");
    }

    /// Kills it as its agent does.
    fn killed(mut self) {
        self.process.kill().expect("it is ours");
        self.process.wait().expect("it is ours");
    }

    fn ends_by_itself(&mut self) -> ExitStatus {
        self.process.wait().expect("it is ours")
    }

    fn ended(mut self) -> ExitStatus {
        self.socket.shutdown(std::net::Shutdown::Both).expect("it is open");
        self.process.wait().expect("it is ours")
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

const LIVE: Standing = Standing::Member { boot: Boot(1), joined: ConfigurationNumber(1) };
const FENCING: Standing = Standing::Fencing { boot: Boot(1), joined: ConfigurationNumber(1), led: None };
