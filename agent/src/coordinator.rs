//! Minds the service's process: starts it, tells it what the protocol says, hands on what it says, ends it when its term is over.
//!
//! The service may hang or die at any moment, and nothing here waits for it: it is written to and read from by threads of their own, and
//! waited for by another. While it follows it is started again and again; when it leads and dies, its term is over. That is said
//! only when the kernel has reaped the process, nobody else has its end of the pair of sockets, and the metadata volume is flushed: from
//! then on nothing that it wrote is under way.
mod process;
mod remains;
#[cfg(test)]
mod tests;

use crate::clock;
use crate::context::Context;
use crate::identity::KeyFile;
use crate::wiring::{ToCoordinator, ToFencer};
use lifeboat_link::frame::{Hello, OperatorWish};
use lifeboat_link::{FromService, ToService};
use lifeboat_model::HostIndex;
use lifeboat_protocol::evidence::EvidenceKind;
use lifeboat_protocol::input::Operator;
use lifeboat_protocol::settings::coordinator_patience;
use lifeboat_protocol::{Configuration, Epoch, Input, Instant};
use process::Service;
use serde_json::json;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

/// A follower that dies is started again after this long, and after twice as long each time, up to the second.
const FIRST_BACKOFF: Duration = Duration::from_secs(1);
const LONGEST_BACKOFF: Duration = Duration::from_secs(30);
/// Who has run this long has not failed at its start.
const STEADY: Duration = Duration::from_mins(1);
/// A fall that is longer ago does not count with the next: in a large pool a host's next turn to lead comes only after all the others'.
const FALLS_COUNT_FOR: Duration = Duration::from_hours(1);

/// What the service on this host is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Office {
    /// It points to the leader.
    Follows,
    /// It decides for the pool in this term.
    Leads(Epoch),
    /// It is being killed; the protocol waits for its end.
    Ends,
}

/// Minds the service's process.
#[derive(Debug)]
pub struct Minder {
    context: Context,
    service: Option<Service>,
    started: Instant,
    starts: u64,
    office: Office,
    /// The newest term that began here, and the newest whose end was said.
    begun: Epoch,
    said: Epoch,
    agreed: Option<Box<Configuration>>,
    backoff: Duration,
    start_at: Option<Instant>,
    fall: Fall,
}

/// Terms that ended by themselves. The first is told at once, so that the next begins, and so is that of a term that lasted. Those that
/// end at their start are told later and later, as far as the protocol's patience goes: a service that falls on every host would else be
/// given a new term as fast as the medium can agree on it.
#[derive(Debug, Default)]
struct Fall {
    /// When the term began that is the last.
    began: Instant,
    last: Option<Instant>,
    wait: Duration,
    /// When the end of the last term is told.
    tell_at: Option<Instant>,
}

impl Fall {
    /// A term has ended by itself, and its end is to be told within `longest`.
    fn note(&mut self, now: Instant, longest: Duration) {
        let again = self.last.is_some_and(|last| now.since(last) < FALLS_COUNT_FOR);
        let lasted = now.since(self.began) >= STEADY;
        self.wait =
            if again && !lasted { (self.wait * 2).max(FIRST_BACKOFF).min(longest) } else { Duration::ZERO };
        self.last = Some(now);
        self.tell_at = Some(now + self.wait);
    }
}

impl Minder {
    /// Nothing runs yet.
    pub fn new(context: Context) -> Self {
        Self {
            context,
            service: None,
            started: Instant::default(),
            starts: 0,
            office: Office::Follows,
            begun: Epoch(0),
            said: Epoch(0),
            agreed: None,
            backoff: FIRST_BACKOFF,
            start_at: None,
            fall: Fall::default(),
        }
    }

    /// Minds it until the agent ends.
    pub fn run(mut self, told: &Receiver<ToCoordinator>) {
        // A service that an earlier agent has left may still write; only then is anything said or started.
        remains::end_orphan(&self.context);
        self.start_at = Some(clock::now());
        loop {
            self.start_if_due();
            self.tell_fall_if_due();
            let next = [self.start_at, self.fall.tell_at].into_iter().flatten().min();
            let span = next.map_or(Duration::MAX, |at| at.since(clock::now()));
            match told.recv_timeout(span) {
                Ok(ToCoordinator::Rest) | Err(RecvTimeoutError::Disconnected) => break,
                Ok(what) => self.take(what),
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
        if let Some(service) = self.service.take() {
            service.kill();
        }
    }

    fn take(&mut self, what: ToCoordinator) {
        match what {
            ToCoordinator::Start(epoch) => self.begin(epoch),
            ToCoordinator::End(epoch) => self.end(epoch),
            ToCoordinator::Probe => self.tell_leader(ToService::Probe),
            ToCoordinator::Agreed(configuration) => self.agree(configuration),
            ToCoordinator::Safe(proof) => {
                let evidence = proof.evidence();
                let (host, boot, kind) = (evidence.host, evidence.boot, evidence.kind);
                self.tell_leader(ToService::Safe { host, boot, kind });
            }
            ToCoordinator::Report { host, report } => self.tell_leader(ToService::Report { host, report }),
            ToCoordinator::Medium { host, works } => self.tell_leader(ToService::Medium { host, works }),
            ToCoordinator::Silence { host, silent_for } => {
                self.tell_leader(ToService::Silence { host, silent_for });
            }
            ToCoordinator::Roster => self.introduce(),
            ToCoordinator::Said { start, frame } if self.is_current(start) => self.hear(frame),
            ToCoordinator::Gone { start, how } => {
                remains::forget(&self.context, start);
                if self.is_current(start) {
                    self.mourn(&how);
                }
            }
            ToCoordinator::Said { .. } | ToCoordinator::Rest => {}
        }
    }

    /// The protocol takes a coordinator that answers nothing for longer for one that hangs.
    fn longest_silence(&self) -> Duration {
        let timeout = self.agreed.as_ref().map_or(Duration::ZERO, |known| known.timeout);
        coordinator_patience(timeout) * 3 / 4
    }

    fn is_current(&self, start: u64) -> bool {
        self.service.as_ref().is_some_and(|service| service.start() == start)
    }

    fn begin(&mut self, epoch: Epoch) {
        self.begun = epoch;
        self.fall.began = clock::now();
        if self.service.is_none() {
            self.start();
        }
        if self.service.is_none() {
            tracing::error!(
                epoch = epoch.0,
                "this host is to lead, and no service can be started: another one has to"
            );
            self.fall.note(clock::now(), self.longest_silence());
            return;
        }
        tracing::info!(epoch = epoch.0, "a coordinator's term begins on this host");
        self.office = Office::Leads(epoch);
        self.tell(ToService::Begin { epoch });
        self.tell_keys();
        self.post();
    }

    /// Kills the service, if it leads. One that follows has written nothing, and what led before it was seen to end.
    fn end(&mut self, epoch: Epoch) {
        if Epoch(0) < epoch && (epoch <= self.said || epoch < self.begun) {
            // Its end was said when its process ended by itself; once more, it would be taken for that of a newer term.
            return;
        }
        let Some(service) = self.service.as_ref().filter(|_| self.office != Office::Follows) else {
            return self.say_ended();
        };
        tracing::info!(
            epoch = epoch.0,
            pid = service.pid(),
            "the coordinator's term ends: its process is killed"
        );
        self.office = Office::Ends;
        service.kill();
        self.post();
    }

    fn agree(&mut self, configuration: Box<Configuration>) {
        let leader = |known: &Configuration| known.leader;
        let moved = self.agreed.as_deref().map(leader) != Some(configuration.leader);
        let rekeyed = self.agreed.as_deref().map(|known| known.key_epoch) != Some(configuration.key_epoch);
        self.tell(ToService::Agreed(configuration.clone()));
        if moved {
            self.tell(ToService::Leader { host: Some(configuration.leader) });
        }
        self.agreed = Some(configuration);
        if rekeyed && matches!(self.office, Office::Leads(_)) {
            self.tell_keys();
        }
    }

    /// Whoever leads gives newcomers the heartbeat keys.
    fn tell_keys(&mut self) {
        match KeyFile::read(&self.context.config.host.state_directory) {
            Ok(keys) => self.tell(ToService::Keys(keys.for_newcomers())),
            Err(fault) => tracing::warn!(%fault, "the service is not told the heartbeat keys"),
        }
    }

    fn hear(&mut self, frame: FromService) {
        let Office::Leads(_) = self.office else { return };
        let input = match frame {
            FromService::Answered => Input::CoordinatorAnswered,
            FromService::Order { host, order } => Input::Order { host, order },
            FromService::Fence { host } => {
                let _ = self.context.outlets.fencer.send(ToFencer::Fence { host });
                return;
            }
            FromService::Operator(wish) => return self.wish(&wish),
        };
        self.context.inbox.input(input);
    }

    fn wish(&self, wish: &OperatorWish) {
        tracing::info!(?wish, "an operator asks, by the service");
        let operator = match *wish {
            OperatorWish::Disarm { lasts_s } => Operator::Disarm { lasts: Duration::from_secs(lasts_s) },
            OperatorWish::Arm => Operator::Arm,
            OperatorWish::HandOver => Operator::HandOver,
            OperatorWish::ReleaseBrake => Operator::ReleaseBrake,
            OperatorWish::RotateKey => {
                let mut key = [0; 32];
                if let Err(fault) = getrandom::fill(&mut key) {
                    return tracing::error!(%fault, "the kernel gives no randomness; the key stays");
                }
                Operator::RotateKey { key }
            }
            OperatorWish::ConfirmDead { host, forced } => {
                let kind = if forced { EvidenceKind::OperatorForced } else { EvidenceKind::Operator };
                // A host of no pool is refused by the protocol.
                if u16::try_from(host).is_ok() {
                    self.context.inbox.input(Input::Evidence { host: HostIndex::new(host), kind });
                }
                return;
            }
        };
        self.context.inbox.input(Input::Operator(operator));
    }

    /// The process is reaped, and what it wrote has landed.
    fn mourn(&mut self, how: &str) {
        self.service = None;
        let office = std::mem::replace(&mut self.office, Office::Follows);
        match office {
            Office::Ends => tracing::info!(how, "the service has ended"),
            Office::Leads(epoch) => tracing::error!(how, epoch = epoch.0, "the service ended while it led"),
            Office::Follows => tracing::warn!(how, "the service ended; it is started again"),
        }
        if office == Office::Follows {
            if clock::now().since(self.started) >= STEADY {
                self.backoff = FIRST_BACKOFF;
            }
            self.start_at = Some(clock::now() + self.backoff);
            self.backoff = (self.backoff * 2).min(LONGEST_BACKOFF);
        } else {
            if office == Office::Ends {
                self.say_ended();
            } else {
                self.fall.note(clock::now(), self.longest_silence());
            }
            self.start_at = Some(clock::now());
        }
        self.post();
    }

    fn tell_fall_if_due(&mut self) {
        if self.fall.tell_at.is_some_and(|at| at <= clock::now()) {
            self.say_ended();
        }
    }

    /// The term that began here last is over. That of an earlier one was said before.
    fn say_ended(&mut self) {
        self.fall.tell_at = None;
        self.said = self.begun;
        self.context.inbox.input(Input::CoordinatorEnded);
    }

    fn start_if_due(&mut self) {
        if self.service.is_none() && self.start_at.is_some_and(|at| at <= clock::now()) {
            self.start();
        }
    }

    fn start(&mut self) {
        self.start_at = None;
        if self.context.config.service.command.is_empty() {
            return;
        }
        self.starts += 1;
        match Service::begin(&self.context, self.starts) {
            Ok(service) => {
                tracing::info!(pid = service.pid(), "the service is started");
                self.service = Some(service);
                self.started = clock::now();
                self.introduce();
            }
            Err(fault) => {
                let command = &self.context.config.service.command;
                tracing::error!(?command, %fault, "the service cannot be started; it is tried again");
                self.start_at = Some(clock::now() + self.backoff);
                self.backoff = (self.backoff * 2).min(LONGEST_BACKOFF);
            }
        }
        self.post();
    }

    /// What every service is told first, and again when the roster has changed: one that follows points to addresses in it.
    fn introduce(&mut self) {
        let roster = (*self.context.roster.now()).clone();
        let hello = Hello { roster, me: self.context.me.get(), boot: self.context.boot.0 };
        self.tell(ToService::Hello(Box::new(hello)));
        if let Some(known) = self.agreed.clone() {
            let host = Some(known.leader);
            self.tell(ToService::Agreed(known));
            self.tell(ToService::Leader { host });
        }
    }

    fn tell_leader(&mut self, frame: ToService) {
        if let Office::Leads(_) = self.office {
            self.tell(frame);
        }
    }

    /// A service that takes nothing any more is killed: whatever leads must know everything.
    fn tell(&mut self, frame: ToService) {
        if let Some(service) = &self.service
            && !service.tell(frame)
        {
            tracing::error!(pid = service.pid(), "the service takes nothing any more: it is killed");
            service.kill();
        }
    }

    fn post(&self) {
        let office = match self.office {
            Office::Follows => json!("follows"),
            Office::Leads(epoch) => json!(format!("leads term {}", epoch.0)),
            Office::Ends => json!("is being ended"),
        };
        let pid = self.service.as_ref().map(Service::pid);
        self.context.board.post("service", &json!({ "office": office, "pid": pid, "starts": self.starts }));
    }
}
