//! Tests of the protocol's thread on its own: what of it goes on when all others are stuck.
use super::*;
use crate::testing::{Around, around, roster, wait};
use crate::watchdog::{NoWatchdog, Watchdog};
use crate::wiring::{ToKeeper, ToMedium};
use lifeboat_model::spec::Medium as Kind;
use lifeboat_protocol::command::FenceReason;
use lifeboat_protocol::medium::PoolId;
use lifeboat_protocol::status::Phase;
use lifeboat_protocol::{AgentConfig, Keyring};
use std::net::UdpSocket;
use std::sync::mpsc;
use std::thread::JoinHandle;

struct Running {
    around: Around,
    peer: UdpSocket,
    thread: Option<JoinHandle<Ended>>,
    ends: mpsc::Receiver<End>,
    _directory: tempfile::TempDir,
}

/// The thread of host 0; host 1 is a socket of this test, and nobody answers what the protocol asks for.
fn running(stopping: Option<FenceReason>) -> Running {
    running_with(stopping, Box::<NoWatchdog>::default())
}

fn running_with(stopping: Option<FenceReason>, watchdog: Box<dyn Watchdog>) -> Running {
    let directory = tempfile::tempdir().expect("there is room");
    let free = || UdpSocket::bind("127.0.0.1:0").expect("a port is free");
    let (mine, peer) = (free(), free());
    let addresses = [mine.local_addr().expect("it has one"), peer.local_addr().expect("it has one")];
    drop(mine);
    let mut around = around(directory.path(), &addresses, "");
    let roster = roster(&addresses);
    let net = Net::open(&around.context.config.networks, &roster).expect("it was free");
    let pool = PoolId([7; 16]);
    let agent = AgentConfig {
        me: around.context.me,
        boot: around.context.boot,
        process: around.context.process,
        hosts: 2,
        stopping,
        pool,
        settings: roster.liveness(),
        keyring: Keyring::new(1, [3; 32]),
    };
    let medium = EitherMedium::new(Kind::Statefile, pool, around.context.me, 2);
    let agent = Agent::new(agent, medium, clock::now());
    let (_, spare) = crate::wiring::inbox().expect("a descriptor is to be had");
    let inbox = std::mem::replace(&mut around.inbox, spare);
    let (end, ends) = mpsc::channel();
    let outlets = around.context.outlets.clone();
    let me = around.context.me;
    let to_inbox = around.context.inbox.clone();
    let tell = move |told| {
        to_inbox.send(News::Watchdog(told));
    };
    let tender = Tender::start(watchdog, tell).expect("a thread is to be had");
    let liveness = Liveness::new(me, agent, net, inbox, outlets, tender, end);
    let thread = crate::thread::spawn("liveness", move || liveness.run()).expect("a thread is to be had");
    Running { around, peer, thread: Some(thread), ends, _directory: directory }
}

impl Running {
    fn phase(&self) -> Phase {
        self.around.context.inbox.ask(crate::testing::SOON).expect("it answers").phase
    }

    fn end(&mut self, news: News) -> Ended {
        self.around.context.inbox.send(news);
        self.thread.take().expect("it runs").join().expect("it does not panic")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.around.context.inbox.send(News::End);
    }
}

#[test]
fn a_medium_that_never_answers_holds_up_neither_heartbeats_nor_questions() {
    let running = running(None);
    let ToMedium::Request(_) = running.around.medium.recv().expect("it asks the medium first");
    let mut buffer = vec![0; crate::net::MOST_BYTES];
    running.peer.set_read_timeout(Some(crate::testing::SOON)).expect("it can be set");
    let began = clock::now();
    for _ in 0..10 {
        running.peer.recv(&mut buffer).expect("heartbeats go on");
    }
    // Ten intervals of 150 ms at the shortest timeout, and room for a machine that is busy.
    assert!(clock::now().since(began) < crate::testing::SOON);
    assert_eq!(running.phase(), Phase::Starting, "without a medium and without others it is nothing");
    assert!(running.around.medium.try_recv().is_err(), "one request at a time");
}

#[test]
fn nobody_hears_that_no_vm_runs_before_the_next_start_would_know_it() {
    let running = running(Some(FenceReason::Evicted));
    let reason = match running.around.warden.recv().expect("it tells the warden") {
        ToWarden::StopAllVms(reason) => reason,
        other => panic!("the first thing is to stop all VMs, not {other:?}"),
    };
    assert_eq!(reason, FenceReason::Evicted);
    assert!(matches!(running.around.keeper.recv().expect("it tells the keeper"), ToKeeper::Stopping(_)));
    running.around.context.inbox.input(Input::CoordinatorEnded);
    running.around.context.inbox.input(Input::NoVmRuns);
    assert_eq!(running.phase(), Phase::FencingSelf, "the state directory has not said that it is kept");
    running.around.context.inbox.send(News::StoppingKept);
    assert_eq!(running.phase(), Phase::Fenced);
    let end = running.ends.recv_timeout(crate::testing::SOON).expect("it resets itself then");
    assert_eq!(end, End::Reset(FenceReason::Evicted));
}

#[test]
fn where_the_state_directory_is_dead_the_host_resets_itself_without_a_word() {
    let running = running(Some(FenceReason::Evicted));
    running.around.context.inbox.input(Input::CoordinatorEnded);
    running.around.context.inbox.input(Input::NoVmRuns);
    let end = running.ends.recv_timeout(crate::testing::SOON).expect("it resets itself");
    assert_eq!((end, running.phase()), (End::Reset(FenceReason::Evicted), Phase::FencingSelf));
}

#[test]
fn a_watchdog_that_does_not_answer_holds_up_no_heartbeat_and_is_not_said_to_be_off() {
    let (watchdog, gate, _) = crate::watchdog::testing::Slow::new();
    let mut running = running_with(None, Box::new(watchdog));
    let (asked, answer) = mpsc::channel();
    running.peer.set_read_timeout(Some(crate::testing::SOON)).expect("it can be set");
    running.around.context.inbox.send(News::Disable(asked));
    assert!(answer.recv_timeout(Duration::from_millis(300)).is_err(), "it is not off yet");
    assert_eq!(running.phase(), Phase::Starting, "questions are answered");
    gate.send(()).expect("it waits");
    assert_eq!(answer.recv_timeout(crate::testing::SOON), Ok(Ok(())));
    let ended = running.thread.take().expect("it runs").join().expect("it does not panic");
    assert!(matches!(ended, Ended::Disabled(Ok(()))), "{ended:?}");
}

#[test]
fn it_ends_when_it_is_told_to_and_when_an_operator_disables_its_host() {
    assert!(matches!(running(None).end(News::End), Ended::Told));
    assert!(matches!(running(None).end(News::Disable(mpsc::channel().0)), Ended::Disabled(Ok(()))));
}

#[test]
fn a_host_that_is_to_reboot_does_so_once_it_has_left() {
    let running = running(None);
    running.around.context.inbox.input(Input::CoordinatorEnded);
    running.around.context.inbox.send(News::LeaveAndReboot);
    let end = running.ends.recv_timeout(crate::testing::SOON).expect("it boots anew then");
    assert_eq!(end, End::Reboot);
    assert_eq!(running.phase(), Phase::Left);
}

#[test]
fn a_host_that_a_new_roster_brings_is_sent_heartbeats() {
    let running = running(None);
    let third = UdpSocket::bind("127.0.0.1:0").expect("a port is free");
    third.set_nonblocking(true).expect("it can be set");
    let old = running.around.context.roster.now();
    let mut addresses: Vec<_> = old.hosts.iter().map(|host| host.addresses[0]).collect();
    addresses.push(third.local_addr().expect("it has one"));
    running.around.context.inbox.send(News::Roster(roster(&addresses).into()));
    let mut buffer = vec![0; crate::net::MOST_BYTES];
    wait("the new host hears of this one", || third.recv(&mut buffer).is_ok());
}
