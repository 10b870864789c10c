//! The thread that owns the protocol. It holds the lease and feeds the watchdog, and so makes no call that can wait for a disk, a hypervisor
//! or another process: it waits in one place, for datagrams, for news from the other threads, and for the time when something is due.
mod carry_out;
mod priority;
#[cfg(test)]
mod tests;

pub use priority::{lock_memory, raise as raise_priority};

use crate::clock;
use crate::fence::own::End;
use crate::net::Net;
use crate::watchdog::{self, Tender, WatchdogError};
use crate::wiring::{InboxReader, News, Outlets, Standing, ThreadStanding, ToCoordinator, ToWarden};
use lifeboat_link::Roster;
use lifeboat_model::HostIndex;
use lifeboat_protocol::command::FenceReason;
use lifeboat_protocol::input::Operator;
use lifeboat_protocol::medium::either::EitherMedium;
use lifeboat_protocol::{Agent, ConfigurationNumber, HeartbeatNetwork, Input, Instant};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::sync::mpsc::Sender;
use std::time::Duration;

/// Datagrams of a network that are taken before timers are looked at again.
const DATAGRAMS_AT_ONCE: usize = 64;
/// News that are taken before timers are looked at again.
const NEWS_AT_ONCE: usize = 64;
/// Being later than this is worth telling.
const LATE: Duration = Duration::from_millis(200);
/// Waiting is no finer than this: what was due and is still due after its turn waits this long.
const FINEST: Duration = Duration::from_millis(1);
/// How often it is looked at what the others say of their media.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Why the thread ended.
#[derive(Debug)]
pub enum Ended {
    /// It was told to. The watchdog goes on; the next process takes over.
    Told,
    /// An operator took this host out of the protocol; the watchdog is off, or says why not.
    Disabled(Result<(), WatchdogError>),
    /// The watchdog could not be armed although arming it was tried before: no VM runs here now, and this host is to be no member.
    Unarmed(WatchdogError),
}

/// The protocol, and what it is connected to.
#[derive(Debug)]
pub struct Liveness {
    me: HostIndex,
    agent: Agent<EitherMedium>,
    net: Net,
    inbox: InboxReader,
    outlets: Outlets,
    watchdog: Tender,
    /// To the thread that ends this boot of the host.
    ends: Sender<End>,
    /// Whether this host boots anew once it has left.
    reboots: bool,
    thread: ThreadStanding,
    /// Whether the next start will know that all VMs are to be stopped, and whether that was said too early that none runs.
    stopping: Stopping,
    told: Told,
    /// What the protocol was last given a turn for.
    turned: Instant,
    next_look: Instant,
    /// A lease without a watchdog: since when, and whether that has become too long, so that all VMs are stopped.
    bare_since: Option<Instant>,
    unarmed: Option<WatchdogError>,
    /// Who waits for the watchdog to be switched off.
    disabling: Option<Sender<Result<(), String>>>,
    ended: Option<Ended>,
}

/// The end of all VMs of this host, as it is told.
#[derive(Debug, Default)]
struct Stopping {
    /// Why, if there was a word about it.
    reason: Option<FenceReason>,
    kept: bool,
    /// Since when no VM runs, and that is held back.
    no_vm_runs: Option<Instant>,
}

/// What the others were last told, so that they are told changes only.
#[derive(Debug, Default)]
struct Told {
    agreed: ConfigurationNumber,
    sending: u32,
    leased: bool,
    leads: bool,
    fencing: Vec<HostIndex>,
    media: Vec<Option<bool>>,
    watchdog_fails: bool,
    /// Networks on which nothing can be sent, a bit each.
    sends_fail: u8,
}

impl Liveness {
    /// The protocol's thread, ready to run.
    pub fn new(
        me: HostIndex,
        agent: Agent<EitherMedium>,
        net: Net,
        inbox: InboxReader,
        outlets: Outlets,
        watchdog: Tender,
        ends: Sender<End>,
    ) -> Self {
        let now = clock::now();
        Self {
            me,
            agent,
            net,
            inbox,
            outlets,
            watchdog,
            ends,
            reboots: false,
            thread: ThreadStanding::default(),
            stopping: Stopping::default(),
            told: Told::default(),
            turned: now,
            next_look: now,
            bare_since: None,
            unarmed: None,
            disabling: None,
            ended: None,
        }
    }

    /// Runs until it is told to end.
    pub fn run(mut self) -> Ended {
        priority::raise();
        // What it wants done first, it has said when it was made.
        self.carry_out_all();
        loop {
            if let Some(ended) = self.ended.take() {
                return ended;
            }
            let due = self.due();
            self.wait(due);
            let now = clock::now();
            self.note_lateness(now, due);
            // Timers come first, whatever else there is.
            if self.agent.deadline().is_some_and(|deadline| deadline <= now) {
                self.hand(Input::Elapsed);
            }
            self.take_news();
            self.take_datagrams();
            self.look_around();
        }
    }

    /// When this thread is to wake, whatever happens.
    fn due(&self) -> Option<Instant> {
        let protocol = self.agent.deadline().map(|deadline| deadline.max(self.turned + FINEST));
        // What is held back by a limit is looked at when that is over.
        let limits = self.stopping.no_vm_runs.or(self.bare_since).map(|_| self.next_look);
        [protocol, limits].into_iter().flatten().min()
    }

    fn wait(&self, due: Option<Instant>) {
        let mut fds: Vec<PollFd<'_>> =
            self.net.sockets().map(|socket| PollFd::from_borrowed_fd(socket, PollFlags::IN)).collect();
        fds.push(PollFd::from_borrowed_fd(self.inbox.wakes(), PollFlags::IN));
        let now = clock::now();
        let span = due.map(|due| due.since(now)).and_then(|span| Timespec::try_from(span).ok());
        // An interruption is a wake like any other.
        let _ = poll(&mut fds, span.as_ref());
    }

    fn note_lateness(&mut self, now: Instant, due: Option<Instant>) {
        let Some(late) = due.map(|due| now.since(due)).filter(|late| *late > LATE) else { return };
        self.thread.late += 1;
        self.thread.latest = self.thread.latest.max(late);
        tracing::warn!(
            late_ms = late.as_millis() as u64,
            "the protocol's thread stood still: this process or host was paused, or is overloaded"
        );
    }

    fn take_news(&mut self) {
        self.inbox.rest();
        for _ in 0..NEWS_AT_ONCE {
            let Some(news) = self.inbox.next() else { return };
            match news {
                News::Input(Input::NoVmRuns) if self.ends_unarmed() => return,
                News::Input(Input::NoVmRuns) if !self.stopping.kept => {
                    self.stopping.no_vm_runs.get_or_insert(clock::now());
                }
                News::Input(input) => self.hand(input),
                News::Ask(asked) => drop(asked.send(self.standing())),
                News::Roster(roster) => self.take_roster(&roster),
                News::StoppingKept => {
                    self.stopping.kept = true;
                    if self.stopping.no_vm_runs.take().is_some() {
                        self.hand(Input::NoVmRuns);
                    }
                }
                News::Watchdog(watchdog::Told::Fed(told)) => self.note_watchdog(told),
                News::Watchdog(watchdog::Told::Stopped(stopped)) => {
                    let Some(asked) = self.disabling.take() else {
                        self.note_watchdog(stopped);
                        continue;
                    };
                    // Who asked may have given up.
                    let _ = asked.send(stopped.as_ref().map(drop).map_err(ToString::to_string));
                    self.ended = Some(Ended::Disabled(stopped));
                    return;
                }
                News::Disable(asked) => {
                    // From here on the protocol is given no turn: nothing feeds what is being switched off.
                    self.disabling = Some(asked);
                    self.watchdog.stop();
                }
                News::LeaveAndReboot => {
                    self.reboots = true;
                    self.hand(Input::Operator(Operator::Leave));
                }
                News::End => {
                    self.ended = Some(Ended::Told);
                    return;
                }
            }
        }
        // There may be more: the next turn is not to wait.
        self.inbox.wake();
    }

    fn take_datagrams(&mut self) {
        for network in 0..self.net.sockets().count() {
            for _ in 0..DATAGRAMS_AT_ONCE {
                let Some(bytes) = self.net.receive(network) else { break };
                self.thread.received += 1;
                self.hand(Input::Datagram { network: HeartbeatNetwork(network as u8), bytes });
            }
        }
    }

    fn take_roster(&mut self, roster: &Roster) {
        self.net.set_roster(roster);
        self.hand(Input::Grown { hosts: roster.hosts.len() });
    }

    /// Gives the protocol an input, and does what it asks for.
    fn hand(&mut self, input: Input) {
        let now = clock::now();
        self.turned = now;
        if self.ended.is_some() || self.disabling.is_some() {
            return;
        }
        self.agent.handle(now, input);
        self.carry_out_all();
    }

    /// What the others say of their media, for the coordinator.
    fn look_around(&mut self) {
        let now = clock::now();
        if now < self.next_look {
            return;
        }
        self.next_look = now + LOOK_EVERY;
        self.look_at_limits(now);
        let hosts = self.agent.adopted().map_or(0, |known| known.hosts.len());
        self.told.media.resize(hosts.max(self.told.media.len()), None);
        for (position, told) in self.told.media.iter_mut().enumerate() {
            let host = HostIndex::new(position);
            let works = self.agent.status_of(host).map(|status| status.medium_works);
            if let Some(works) = works.filter(|works| host != self.me && *told != Some(*works)) {
                *told = Some(works);
                let _ = self.outlets.coordinator.send(ToCoordinator::Medium { host, works });
            }
        }
        // A lease can end without anything else happening.
        self.tell_leased();
    }

    /// VMs are started only where a watchdog stands behind the lease.
    fn tell_leased(&mut self) {
        let leased = self.agent.is_leased() && self.watchdog.is_ready() && self.unarmed.is_none();
        if leased != self.told.leased {
            self.told.leased = leased;
            let _ = self.outlets.warden.send(ToWarden::Leased(leased));
        }
    }

    fn standing(&self) -> Standing {
        let now = clock::now();
        let hosts = self.agent.adopted().map_or(0, |known| known.hosts.len());
        let thread = ThreadStanding {
            watchdog: self.watchdog.state(now),
            armed: self.watchdog.is_armed(),
            ..self.thread.clone()
        };
        Standing {
            adopted: self.agent.adopted().cloned(),
            phase: self.agent.phase(),
            lease_left: self.agent.lease_end().filter(|_| self.agent.is_leased()).map(|end| end.since(now)),
            disarmed: self.agent.is_disarmed(),
            coordinator_term: self.agent.coordinator_term(),
            peers: (0..hosts).map(|host| self.agent.status_of(HostIndex::new(host)).cloned()).collect(),
            thread,
        }
    }
}
