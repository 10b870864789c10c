//! The queues between the agent's threads. Everything that anybody has to say to the protocol goes into its [`Inbox`]; everything that
//! the protocol asks for goes out by the queues in [`Outlets`].
use crate::watchdog;
use lifeboat_link::{FromService, Roster};
use lifeboat_model::HostIndex;
use lifeboat_protocol::command::FenceReason;
use lifeboat_protocol::evidence::FenceProof;
use lifeboat_protocol::medium::Request;
use lifeboat_protocol::message::NewKey;
use lifeboat_protocol::order::{Order, Report};
use lifeboat_protocol::{Configuration, Epoch, Input};
use rustix::event::{EventfdFlags, eventfd};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Duration;

/// What the thread of the protocol can be told.
#[derive(Debug)]
pub enum News {
    /// An input of the protocol.
    Input(Input),
    /// Somebody wants to know how things stand.
    Ask(Sender<Standing>),
    /// The newest roster: who is reached where.
    Roster(Arc<Roster>),
    /// What came of telling the watchdog something.
    Watchdog(watchdog::Told),
    /// After [`ToKeeper::Stopping`]: the next start of the agent will know.
    StoppingKept,
    /// The host is taken out of the protocol, whatever the pool thinks of it: the watchdog is switched off, and the agent begins anew as
    /// one that is disabled. Who asked is told whether the watchdog is off, or in words why not.
    Disable(Sender<Result<(), String>>),
    /// This host leaves, and boots anew once it has.
    LeaveAndReboot,
    /// The agent is to end without leaving the pool: its VMs run on, and its next start takes them back.
    End,
}

/// How things stand, as the protocol sees them; for the status socket.
#[derive(Clone, Debug)]
pub struct Standing {
    /// The newest configuration that is known.
    pub adopted: Option<Configuration>,
    /// Where this host is in its life.
    pub phase: lifeboat_protocol::status::Phase,
    /// How much of the lease is left; none: there is none.
    pub lease_left: Option<Duration>,
    /// Whether the host is disarmed.
    pub disarmed: bool,
    /// The term of the coordinator on this host.
    pub coordinator_term: Option<Epoch>,
    /// What the other hosts last said of themselves, by host.
    pub peers: Vec<Option<lifeboat_protocol::Status>>,
    /// What its thread has to say of itself.
    pub thread: ThreadStanding,
}

/// What the protocol's thread has to say of itself.
#[derive(Clone, Debug, Default)]
pub struct ThreadStanding {
    /// How the watchdog stands, in words.
    pub watchdog: String,
    /// Whether the watchdog would reset the host if nobody fed it.
    pub armed: bool,
    /// Whether this host has left and may be powered off.
    pub may_power_off: bool,
    /// How often the thread was late by more than 200 ms.
    pub late: u64,
    /// By how much it was latest.
    pub latest: Duration,
    /// Datagrams taken in.
    pub received: u64,
    /// Datagrams sent.
    pub sent: u64,
    /// Datagrams that could not be sent.
    pub unsent: u64,
}

/// The way to the thread of the protocol. It never waits for its reader.
#[derive(Clone, Debug)]
pub struct Inbox {
    news: Sender<News>,
    wake: Arc<OwnedFd>,
}

/// The other end of an [`Inbox`].
#[derive(Debug)]
pub struct InboxReader {
    news: Receiver<News>,
    wake: Arc<OwnedFd>,
}

/// An inbox and its reader.
///
/// # Errors
/// If the process has no more file descriptors.
pub fn inbox() -> io::Result<(Inbox, InboxReader)> {
    let wake = Arc::new(eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC)?);
    let (sender, receiver) = mpsc::channel();
    Ok((Inbox { news: sender, wake: Arc::clone(&wake) }, InboxReader { news: receiver, wake }))
}

impl Inbox {
    /// Tells something; says whether there is somebody to be told.
    pub fn send(&self, news: News) -> bool {
        let told = self.news.send(news).is_ok();
        // A counter that is full wakes its reader all the same.
        let _ = rustix::io::write(&self.wake, &1_u64.to_ne_bytes());
        told
    }

    /// Tells an input of the protocol.
    pub fn input(&self, input: Input) -> bool {
        self.send(News::Input(input))
    }

    /// How things stand; none if the protocol's thread does not answer in time.
    pub fn ask(&self, within: Duration) -> Option<Standing> {
        let (sender, receiver) = mpsc::channel();
        self.send(News::Ask(sender));
        receiver.recv_timeout(within).ok()
    }
}

impl InboxReader {
    /// Becomes readable when there is something to read.
    pub fn wakes(&self) -> BorrowedFd<'_> {
        self.wake.as_fd()
    }

    /// The next thing that was told, without waiting. None: nothing more for now.
    pub fn next(&self) -> Option<News> {
        self.news.try_recv().ok()
    }

    /// Wakes its own reader: there is more than was read.
    pub fn wake(&self) {
        let _ = rustix::io::write(&self.wake, &1_u64.to_ne_bytes());
    }

    /// Forgets that it was woken; to be called before reading.
    pub fn rest(&self) {
        let mut count = [0; 8];
        let _ = rustix::io::read(&self.wake, &mut count);
    }
}

/// For the thread that works on the medium.
#[derive(Debug)]
pub enum ToMedium {
    /// The next request; answered by [`Input::Medium`].
    Request(Request),
}

/// For the thread that carries out what concerns VMs ([`crate::wiring`] names it the warden).
#[derive(Debug)]
pub enum ToWarden {
    /// A new coordinator's term; answered by an inventory.
    NewTerm(Epoch),
    /// An order.
    Order(Order),
    /// No VM may run here any more; answered by [`Input::NoVmRuns`] when that is certain.
    StopAllVms(FenceReason),
    /// Whether this host is in the liveset with a lease now. Only then VMs are started here.
    Leased(bool),
    /// An operator wants this host to leave. If no VM runs here, none is started from now on, and [`Operator::Leave`] follows as
    /// an input; else it is refused, in words.
    ///
    /// [`Operator::Leave`]: lifeboat_protocol::input::Operator::Leave
    Leave(Sender<Result<(), String>>),
}

/// For the thread that minds the service's process.
#[derive(Debug)]
pub enum ToCoordinator {
    /// A term begins on this host.
    Start(Epoch),
    /// The process is to be ended; answered by [`Input::CoordinatorEnded`] when it is gone and what it wrote has landed.
    End(Epoch),
    /// Answered by [`Input::CoordinatorAnswered`].
    Probe,
    /// The agreed configuration; told on every host, whoever leads.
    Agreed(Box<Configuration>),
    /// A host is safe to replace.
    Safe(FenceProof),
    /// A host reports.
    Report {
        /// Who.
        host: HostIndex,
        /// What.
        report: Report,
    },
    /// What another host says of its medium, or this one's is.
    Medium {
        /// The host.
        host: HostIndex,
        /// Whether it works.
        works: bool,
    },
    /// A peer, or for this host itself its medium, has been silent for more than half of T.
    Silence {
        /// The host.
        host: HostIndex,
        /// For how long.
        silent_for: Duration,
    },
    /// From the process of that start: a frame.
    Said {
        /// Which start.
        start: u64,
        /// What it said.
        frame: FromService,
    },
    /// The process of that start has ended, and what it wrote has landed.
    Gone {
        /// Which start.
        start: u64,
        /// How, in words.
        how: String,
    },
    /// The roster has changed; the context has the new one.
    Roster,
    /// The agent ends.
    Rest,
}

/// For the thread that keeps what must survive the agent.
#[derive(Debug)]
pub enum ToKeeper {
    /// A heartbeat key; answered by [`Input::KeyKept`] when it is durable.
    Key(NewKey),
    /// The pool seals under the key of this epoch now.
    Sending(u32),
    /// All VMs of this boot are to be stopped, for good.
    Stopping(FenceReason),
    /// A roster, as JSON.
    Roster(String),
    /// Heartbeat keys that were fetched from the pool's service.
    Fetched(Vec<NewKey>),
    /// This host's next certificate, with that of its authority, in PEM.
    Certificate(String),
}

/// For the thread that fences other hosts from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToFencer {
    /// This host leads, and these hosts are being fenced by agreement: the whole list, each time that it changes. Who is no longer on
    /// it needs no fencing any more. What is confirmed is answered by [`Input::Evidence`].
    Needed(Vec<HostIndex>),
    /// This host leads no more: nothing is switched off from here, or on, whatever was wanted before.
    Rest,
    /// The service asks for one more.
    Fence {
        /// The host.
        host: HostIndex,
    },
}

/// The way out of the protocol's thread.
#[derive(Clone, Debug)]
pub struct Outlets {
    /// Disk or etcd.
    pub medium: Sender<ToMedium>,
    /// VMs.
    pub warden: Sender<ToWarden>,
    /// The service's process.
    pub coordinator: Sender<ToCoordinator>,
    /// Other hosts' power.
    pub fencer: Sender<ToFencer>,
    /// The state directory.
    pub keeper: Sender<ToKeeper>,
}
