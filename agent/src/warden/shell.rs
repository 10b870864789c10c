//! The thread around the machine: it takes what the protocol, the hypervisor and the jobs tell, and does what the machine says.
use super::kept::Kept;
use super::machine::{Do, Done, Job, Limits, Machine, Standing, Told};
use super::starts::Starts;
use super::work::work;
use crate::context::Board;
use crate::hypervisor::site::Site;
use crate::hypervisor::{Hypervisor, Permit};
use crate::wiring::{Inbox, News, ToWarden};
use crate::{clock, thread};
use lifeboat_link::note::{self, ReportNote};
use lifeboat_model::HostIndex;
use lifeboat_protocol::Input;
use lifeboat_protocol::input::Operator;
use lifeboat_protocol::order::Report;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

/// The longest the thread sleeps, whatever the machine says.
const LONGEST: Duration = Duration::from_secs(10);

/// Takes the coordinator's notes that are not about VMs, as they came.
pub type OtherNotes = Box<dyn Fn(&[u8]) + Send>;

/// What connects the warden with the rest of the agent.
pub struct Doors {
    /// To the protocol.
    pub inbox: Inbox,
    /// From it.
    pub told: Receiver<ToWarden>,
    /// What a host is called.
    pub name_of: Box<dyn Fn(HostIndex) -> String + Send + Sync>,
    /// Takes the coordinator's notes that are not about VMs.
    pub other_notes: OtherNotes,
    /// Where it says how things stand.
    pub board: Board,
    /// Where notes of VMs and evidence are kept.
    pub state_directory: PathBuf,
    /// Where it is noted what is under way in this boot.
    pub run_directory: PathBuf,
}

/// What jobs need.
pub(super) struct Host {
    pub(super) hypervisor: Arc<dyn Hypervisor>,
    pub(super) site: Arc<Site>,
    pub(super) permit: Permit,
    pub(super) name_of: Box<dyn Fn(HostIndex) -> String + Send + Sync>,
    pub(super) evidence: PathBuf,
    pub(super) starts: Starts,
    /// Whether a start was given up without an answer.
    pub(super) unheard: AtomicBool,
    starting: AtomicUsize,
}

impl Host {
    /// How many starts have begun and not ended.
    pub(super) fn starting(&self) -> usize {
        self.starting.load(Ordering::SeqCst)
    }
}

enum Heard {
    Protocol(ToWarden),
    Machine(Told),
    /// The protocol's thread is gone.
    End,
}

/// Starts the warden.
///
/// # Errors
/// If its directory cannot be made, or the operating system gives no threads.
pub fn start(
    doors: Doors,
    hypervisor: Arc<dyn Hypervisor>,
    site: Arc<Site>,
    limits: Limits,
) -> io::Result<()> {
    let kept = Kept::open(doors.state_directory.join("vms"))?;
    let starts = Starts::open(&doors.run_directory)?;
    let (heard, hears) = channel();
    let events = heard.clone();
    Arc::clone(&hypervisor)
        .watch(Box::new(move |event| events.send(Heard::Machine(Told::Event(event))).is_ok()));
    let forward = heard.clone();
    let told = doors.told;
    spawn("warden-in", move || {
        while let Ok(told) = told.recv() {
            if forward.send(Heard::Protocol(told)).is_err() {
                return;
            }
        }
        let _ = forward.send(Heard::End);
    })?;
    let host = Host {
        hypervisor,
        site,
        permit: Permit::default(),
        name_of: doors.name_of,
        evidence: doors.state_directory.join("evidence"),
        starts,
        unheard: AtomicBool::new(false),
        starting: AtomicUsize::new(0),
    };
    let mut machine = Machine::new(limits, kept.all(), clock::now());
    for vm in host.starts.left() {
        tracing::warn!(
            vm,
            "an earlier agent was killed while it started this VM: it may run until that is certain"
        );
        machine.settle(&vm);
    }
    let warden = Warden {
        machine,
        kept,
        host: Arc::new(host),
        inbox: doors.inbox,
        other_notes: doors.other_notes,
        board: doors.board,
        stands: Standing::default(),
        heard,
    };
    spawn("warden", move || warden.run(&hears))
}

fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> io::Result<()> {
    thread::spawn(name, body).map(drop)
}

struct Warden {
    machine: Machine,
    kept: Kept,
    host: Arc<Host>,
    inbox: Inbox,
    other_notes: OtherNotes,
    board: Board,
    stands: Standing,
    heard: Sender<Heard>,
}

impl Warden {
    fn run(mut self, hears: &Receiver<Heard>) {
        loop {
            let now = clock::now();
            let longest = self.machine.wakes_at(now).since(now).min(LONGEST);
            let told = match hears.recv_timeout(longest) {
                Ok(Heard::Protocol(told)) => self.protocol(told),
                Ok(Heard::Machine(told)) => Some(told),
                Err(RecvTimeoutError::Timeout) => Some(Told::Elapsed),
                Ok(Heard::End) | Err(RecvTimeoutError::Disconnected) => return,
            };
            if let Some(told) = told {
                self.machine.take(clock::now(), told);
            }
            self.act_all();
            let stands = self.machine.standing();
            if stands != self.stands {
                self.board.post("warden", &stands);
                self.stands = stands;
            }
        }
    }

    fn act_all(&mut self) {
        while let Some(next) = self.machine.next_action() {
            self.act(next);
        }
    }

    fn protocol(&mut self, told: ToWarden) -> Option<Told> {
        Some(match told {
            ToWarden::NewTerm(epoch) => Told::NewTerm(epoch),
            ToWarden::Order(order) => Told::Order(order),
            ToWarden::StopAllVms(reason) => {
                tracing::warn!(?reason, "all VMs of this host are stopped");
                Told::StopAll
            }
            ToWarden::Leased(leased) => Told::Leased(leased),
            ToWarden::Leave(asked) => {
                let may = self.machine.leave();
                self.act_all();
                let leaves = may.is_ok();
                // Whoever asked may have given up waiting; the host leaves all the same.
                let _ = asked.send(may);
                if leaves {
                    self.inbox.input(Input::Operator(Operator::Leave));
                }
                return None;
            }
        })
    }

    fn act(&mut self, next: Do) {
        match next {
            Do::Report(report) => drop(self.inbox.input(Input::Report(report))),
            Do::Note(note) => self.tell(&note),
            Do::NoVmRuns => drop(self.inbox.input(Input::NoVmRuns)),
            Do::ProtectedMemory(mib) => drop(self.inbox.input(Input::ProtectedMemory { mib })),
            Do::Leased(leased) => self.host.permit.set_leased(leased),
            Do::Close => self.host.permit.close(),
            Do::Job(ticket, job) => self.begin(ticket, job),
            Do::Keep(note) => {
                if let Err(fault) = self.kept.keep(&note) {
                    tracing::error!(vm = note.vm, %fault, "what it is made of cannot be kept");
                }
            }
            Do::MayLeave { reboots: false } => drop(self.inbox.input(Input::Operator(Operator::Leave))),
            Do::MayLeave { reboots: true } => drop(self.inbox.send(News::LeaveAndReboot)),
            Do::Other(note) => (self.other_notes)(&note),
        }
    }

    fn tell(&mut self, report: &ReportNote) {
        match note::pack(report) {
            Ok(bytes) => drop(self.inbox.input(Input::Report(Report::Note { bytes }))),
            Err(fault) => {
                let vm = match report {
                    ReportNote::Vm(facts) => Some(facts.vm.clone()),
                    _ => None,
                };
                tracing::error!(?vm, %fault, "the coordinator cannot be told");
                if vm.is_some() {
                    let text = format!(
                        "its definition cannot be sent to the pool, so it cannot run elsewhere: {fault}"
                    );
                    self.tell(&ReportNote::Alert { kind: "vm-not-agile".into(), vm, text });
                }
            }
        }
    }

    fn begin(&self, ticket: u64, job: Job) {
        let (host, heard) = (Arc::clone(&self.host), self.heard.clone());
        let starts = matches!(job, Job::Start { .. } | Job::Settle { .. });
        if starts {
            self.host.starting.fetch_add(1, Ordering::SeqCst);
        }
        let failed = instead(&job);
        let spawned = spawn("work", move || {
            let done = work(&host, job);
            if starts {
                host.starting.fetch_sub(1, Ordering::SeqCst);
            }
            // If nobody hears it, the agent ends.
            let _ = heard.send(Heard::Machine(Told::Done(ticket, done)));
        });
        if let Err(fault) = spawned {
            tracing::error!(%fault, "no thread for a job");
            if starts {
                self.host.starting.fetch_sub(1, Ordering::SeqCst);
            }
            match failed {
                Some(done) => drop(self.heard.send(Heard::Machine(Told::Done(ticket, done)))),
                // What must be certain cannot be skipped: the next agent begins anew, or the watchdog ends this host.
                None => std::process::abort(),
            }
        }
    }
}

/// What a job comes to that could not even begin.
fn instead(job: &Job) -> Option<Done> {
    let why = || "the agent can start no more threads".to_owned();
    Some(match job {
        Job::Look => Done::Look(Err(Vec::new())),
        Job::Start { .. } => Done::Start(Err(why())),
        Job::Migrate { .. } => Done::Migrate(Err(why())),
        Job::Gate { .. } => Done::Gate(false),
        Job::Facts { .. } => Done::Facts(Err(crate::hypervisor::Fault::Silent(why()))),
        Job::Host => Done::Host(None, Vec::new()),
        Job::Tame => Done::Tame(Vec::new()),
        Job::Revive => Done::Revive,
        Job::Pulses { .. } => Done::Pulses(None),
        Job::Reset { .. } => Done::Reset(Err(why())),
        Job::Stop { .. } | Job::StopIll { .. } | Job::KillAll | Job::Settle { .. } => return None,
    })
}
