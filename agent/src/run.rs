//! A whole agent: every thread is started here, in the order in which they need one another.
//!
//! There is no orderly end that anything rests on. The process can be killed at any moment, and is, by an update or by the kernel: VMs run on,
//! the watchdog keeps its deadline, and the next process takes over from what the state directory says. SIGTERM comes to the same, but for the
//! last lines of the log, which are written then.
use crate::bare;
use crate::config::{Config, WatchdogSection, hypervisor::Kind};
use crate::context::{Board, Context, RosterBook};
use crate::coordinator::Minder;
use crate::fence::own;
use crate::identity::keeper::Keeper;
use crate::identity::{self, FileError, Identity, IdentityError, KeyFile, StateDirectory, files};
use crate::links::{self, LinkError};
use crate::liveness::{self, Ended, Liveness};
use crate::medium::{self, MediumError};
use crate::net::{Net, NetError};
use crate::socket::server::Server;
use crate::telemetry::Telemetry;
use crate::watchdog::{self, Tender, WatchdogError};
use crate::wiring::{
    self, InboxReader, News, Outlets, ToCoordinator, ToFencer, ToKeeper, ToMedium, ToWarden,
};
use crate::{clock, membership, thread, warden};
use lifeboat_protocol::medium::either::EitherMedium;
use lifeboat_protocol::{Agent, AgentConfig};
use sd_notify::NotifyState;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// How long the answer to the operator who disables this host is given to leave.
const LAST_WORD: Duration = Duration::from_millis(300);

/// How long the protocol's thread has to end the process when that is wanted.
const TO_END: Duration = Duration::from_secs(2);
/// How an agent is started that takes no part in the protocol, whether or not the flag for that could be written.
const DISABLED: &str = "--disabled";

/// Why an agent cannot run, or no longer.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Who it is.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// A file.
    #[error(transparent)]
    File(#[from] FileError),
    /// The heartbeat networks.
    #[error(transparent)]
    Net(#[from] NetError),
    /// The links.
    #[error(transparent)]
    Links(#[from] LinkError),
    /// The medium.
    #[error(transparent)]
    Medium(#[from] MediumError),
    /// The watchdog.
    #[error("this host does not become a member without a watchdog: {0}")]
    Watchdog(#[from] WatchdogError),
    /// The operating system gives no more.
    #[error("the agent cannot start: {0}")]
    System(#[from] io::Error),
    /// What runs VMs cannot be minded.
    /// The medium is too small.
    #[error("the roster has {hosts} hosts, and the medium has room for {room}: a pool that large needs etcd")]
    NoRoom {
        /// Hosts of the roster.
        hosts: usize,
        /// For how many there is room.
        room: usize,
    },
    /// A thread ended that must not.
    #[error("the protocol's thread has ended; the next start takes this host's VMs back")]
    Broken,
}

/// What the threads are told, each on its own queue.
struct Queues {
    inbox: InboxReader,
    medium: Receiver<ToMedium>,
    warden: Receiver<ToWarden>,
    coordinator: Receiver<ToCoordinator>,
    keeper: Receiver<ToKeeper>,
    fencer: Receiver<ToFencer>,
}

/// Runs an agent, until the process is killed or an operator takes its host out of the protocol.
///
/// # Errors
/// Why it cannot run.
pub fn run(config: Config, disabled: bool) -> Result<(), RunError> {
    // Caught, not blocked: whatever this agent starts is given what is caught as usual, and what is blocked as blocked.
    let told = Signals::new([SIGTERM, SIGINT])?;
    let telemetry = Telemetry::start(config.log)?;
    files::make_private_directory(&config.host.run_directory)?;
    let state = StateDirectory::take(&config.host)?;
    let identity = state.begin(&config.host.name)?;
    let (context, queues) = context(config, &identity)?;
    end_when_told(told, &context)?;
    if disabled || state.is_disabled() {
        drop(queues);
        return be_disabled(context, &state);
    }
    tracing::info!(
        host = context.config.host.name,
        boot = context.boot.0,
        process = context.process.0,
        version = env!("CARGO_PKG_VERSION"),
        "an agent starts"
    );
    let ended = start(&context, queues, identity, &state)?;
    match ended {
        Ended::Told => {
            tracing::info!("this agent ends; its VMs run on, and the watchdog waits for the next one");
            drop(telemetry);
            Ok(())
        }
        Ended::Unarmed(fault) => Err(fault.into()),
        Ended::Disabled(stopped) => {
            if let Err(fault) = stopped {
                tracing::error!(%fault, "the watchdog is not off");
            }
            let _ = context.outlets.fencer.send(ToFencer::Rest);
            let _ = context.outlets.warden.send(ToWarden::Leased(false));
            let _ = context.outlets.coordinator.send(ToCoordinator::Rest);
            // Whoever asked is still being answered.
            clock::wait(LAST_WORD);
            drop(telemetry);
            // A disabled agent has none of the threads of this one: nothing that was begun or planned here can go on.
            let words = std::env::args_os().skip(1);
            Err(Command::new("/proc/self/exe").args(words).arg(DISABLED).exec().into())
        }
    }
}

/// From now on SIGTERM ends this process by way of the protocol's thread.
#[expect(
    clippy::exit,
    reason = "where nobody takes it up there is no way back to the function that started it all"
)]
fn end_when_told(mut told: Signals, context: &Context) -> io::Result<()> {
    let inbox = context.inbox.clone();
    thread::spawn("end", move || {
        told.forever().next();
        if inbox.send(News::End) {
            clock::wait(TO_END);
        }
        // Nobody takes it up, while the agent starts or where it is disabled; it is to end all the same.
        std::process::exit(0);
    })?;
    Ok(())
}

fn context(config: Config, identity: &Identity) -> Result<(Context, Queues), RunError> {
    let (inbox, inbox_reader) = wiring::inbox()?;
    let ((medium, medium_queue), (warden, warden_queue)) = (channel(), channel());
    let ((coordinator, coordinator_queue), (keeper, keeper_queue)) = (channel(), channel());
    let (fencer, fencer_queue) = channel();
    let context = Context {
        config: Arc::new(config),
        me: identity.me,
        boot: identity.number.boot,
        process: identity.number.process,
        roster: RosterBook::new(identity.roster.clone()),
        inbox,
        outlets: Outlets { medium, warden, coordinator, fencer, keeper },
        board: Board::default(),
    };
    let queues = Queues {
        inbox: inbox_reader,
        medium: medium_queue,
        warden: warden_queue,
        coordinator: coordinator_queue,
        keeper: keeper_queue,
        fencer: fencer_queue,
    };
    Ok((context, queues))
}

/// Starts everything, and waits for the protocol's thread.
fn start(
    context: &Context,
    queues: Queues,
    identity: Identity,
    state: &StateDirectory,
) -> Result<Ended, RunError> {
    let Queues { inbox, medium, warden, coordinator, keeper, fencer } = queues;
    let roster = context.roster.now();
    let settings = roster.liveness();
    // What can refuse comes first, before anything is running.
    let room = context.config.medium.most_hosts();
    if roster.hosts.len() > room {
        return Err(RunError::NoRoom { hosts: roster.hosts.len(), room });
    }
    let net = Net::open(&context.config.networks, &roster)?;
    let watchdog = watchdog::open(&context.config, context.boot, settings.timeout)?;
    let keys = KeyFile::read(state.path()).map_err(IdentityError::from)?;
    let reset = own::start(context)?;
    medium::start(context, medium)?;
    links::watch(context)?;
    start_warden(context, warden)?;
    crate::fence::external::start(context.clone(), fencer)?;
    let keeping = Keeper::new(state.path().to_owned(), context.clone(), keys);
    thread::spawn("keeper", move || keeping.run(&keeper))?;
    let minder = Minder::new(context.clone());
    thread::spawn("coordinator", move || minder.run(&coordinator))?;
    membership::start(context.clone())?;
    let server = Server { context: context.clone(), state: state.path().to_owned(), disabled: false };
    server.start()?;
    let hosts = roster.hosts.len();
    let medium = EitherMedium::new(context.config.medium.kind(), pool_id(&roster), context.me, hosts);
    let agent = AgentConfig {
        me: context.me,
        boot: context.boot,
        process: context.process,
        hosts,
        stopping: identity.stopping,
        pool: pool_id(&roster),
        settings,
        keyring: identity.keyring,
    };
    let inbox_of_watchdog = context.inbox.clone();
    let tell = move |told| {
        inbox_of_watchdog.send(News::Watchdog(told));
    };
    let watchdog = Tender::start(watchdog, tell)?;
    let agent = Agent::new(agent, medium, clock::now());
    let liveness = Liveness::new(context.me, agent, net, inbox, context.outlets.clone(), watchdog, reset);
    liveness::lock_memory();
    let thread = thread::spawn("liveness", move || liveness.run())?;
    say(&[NotifyState::Ready]);
    thread.join().map_err(|_| RunError::Broken)
}

fn start_warden(context: &Context, told: Receiver<ToWarden>) -> Result<(), RunError> {
    match context.config.hypervisor.kind {
        Kind::None => {
            let context = context.clone();
            thread::spawn("warden", move || bare::run(&context, &told))?;
            Ok(())
        }
        Kind::Libvirt | Kind::Process | Kind::Exec => Ok(warden::start_here(context, told)?),
    }
}

/// The host is out of the protocol; its agent only says so.
fn be_disabled(context: Context, state: &StateDirectory) -> Result<(), RunError> {
    tracing::error!(
        flag = %identity::disabled_flag(state.path()).display(),
        "HIGH AVAILABILITY IS OFF ON THIS HOST: `lifeboat-agent emergency-disable --undo` ends that"
    );
    let (section, run_directory) = (&context.config.watchdog, &context.config.host.run_directory);
    let left_on = match section {
        // What the supervisor was told by an earlier agent, that one has taken back.
        WatchdogSection::Device { .. } => watchdog::switch_off(section, run_directory, context.boot)?,
        _ => None,
    };
    let mut watchdog = left_on.map(|(watchdog, fault)| {
        tracing::error!(%fault, "the watchdog");
        watchdog
    });
    Server { context, state: state.path().to_owned(), disabled: true }.start()?;
    say(&[NotifyState::Ready, NotifyState::Status("high availability is off on this host")]);
    loop {
        // One that cannot be switched off is fed for as long as this agent runs.
        match watchdog.as_mut().and_then(|watchdog| Some((watchdog.due()?, watchdog))) {
            Some((due, watchdog)) => {
                clock::wait(due.since(clock::now()));
                if let Err(fault) = watchdog.tick(clock::now()) {
                    tracing::error!(%fault, "the watchdog, which cannot be switched off");
                }
            }
            None => rustix::event::pause(),
        }
    }
}

/// The roster was checked when it was read.
fn pool_id(roster: &lifeboat_link::Roster) -> lifeboat_protocol::medium::PoolId {
    roster.id().unwrap_or_default()
}

fn say(what: &[NotifyState<'_>]) {
    if let Err(fault) = sd_notify::notify(what) {
        tracing::warn!(%fault, "systemd cannot be told");
    }
}
