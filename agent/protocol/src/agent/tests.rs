//! Small pools of agents on a perfect network and a perfect medium, driven by hand: stories of single rules. The medium here is a
//! fake that decides by compare-and-swap in memory, because what is told is the agent's part; the media have tests of their
//! own, and the simulator runs everything with what is used in production.
#![expect(clippy::unchecked_time_subtraction, reason = "later moments of a story are later")]
mod disarmed;
mod failing;
mod growing;
mod keys;
mod leaving;

use super::{Agent, AgentConfig};
use crate::command::Command;
use crate::configuration::{Configuration, Standing};
use crate::evidence::EvidenceKind;
use crate::input::Input;
use crate::keyring::Keyring;
use crate::medium::{Answer, Medium, PoolId, Request, Snapshot, Step};
use crate::order::{Order, OrderId, Report};
use crate::status::Status;
use crate::{Boot, Epoch, HeartbeatNetwork, Instant, Process, Settings};
use alloc::rc::Rc;
use alloc::string::String;
use alloc::{boxed::Box, format, vec, vec::Vec};
use core::cell::RefCell;
use core::time::Duration;
use lifeboat_model::HostIndex;

/// What stands on the fake medium.
#[derive(Default)]
struct Board {
    records: Vec<Option<(u64, Status)>>,
    agreed: Option<Configuration>,
    writes: u64,
}

/// One host's way to it.
struct FakeMedium {
    me: usize,
    board: Rc<RefCell<Board>>,
    works: Rc<RefCell<Vec<bool>>>,
    seen: Vec<u64>,
    newest: u64,
    under_way: Option<(Status, Option<Configuration>)>,
}

impl Medium for FakeMedium {
    fn idle(&self) -> bool {
        self.under_way.is_none()
    }

    fn begin(&mut self, own: &Status, proposal: Option<&Configuration>) -> Request {
        self.under_way = Some((own.clone(), proposal.cloned()));
        Request::Read { offset: 0, length: 4096 }
    }

    fn answered(&mut self, _: Answer) -> Step {
        let (own, proposal) = self.under_way.take().expect("a request is under way");
        if !self.works.borrow()[self.me] {
            return Step::Failed(crate::medium::Fault::Input);
        }
        let mut board = self.board.borrow_mut();
        board.writes += 1;
        let write = board.writes;
        board.records[self.me] = Some((write, own));
        let settled = proposal.is_some();
        if let Some(proposal) = proposal
            && board.agreed.as_ref().map(|agreed| agreed.number).unwrap_or_default().next() == proposal.number
        {
            board.agreed = Some(proposal);
        }
        let mut renewed = Vec::new();
        for (host, record) in board.records.iter().enumerate() {
            if let Some((write, status)) = record
                && host != self.me
                && host < self.seen.len()
                && *write > self.seen[host]
            {
                self.seen[host] = *write;
                renewed.push((HostIndex::new(host), status.clone()));
            }
        }
        let newest = board.agreed.clone().filter(|agreed| agreed.number.0 > self.newest);
        self.newest = newest.as_ref().map_or(self.newest, |agreed| agreed.number.0);
        Step::Done(Snapshot { renewed, newest, settled })
    }

    fn learned(&mut self, decided: &Configuration) {
        self.newest = self.newest.max(decided.number.0);
    }

    fn grown(&mut self, hosts: usize) {
        self.seen.resize(hosts, 0);
    }
}

/// A pool in a world where everything takes a millisecond.
struct Pool {
    agents: Vec<Option<Agent<FakeMedium>>>,
    boots: Vec<u64>,
    works: Rc<RefCell<Vec<bool>>>,
    board: Rc<RefCell<Board>>,
    now: Instant,
    /// Pairs that do not hear one another, one way.
    cut: Vec<(usize, usize)>,
    /// Hosts whose disks take nothing.
    full: Vec<usize>,
    /// Whether coordinators answer nothing.
    hangs: bool,
    answers: Vec<(usize, Answer)>,
    datagrams: Vec<(usize, HeartbeatNetwork, Box<[u8]>)>,
    log: Vec<(Duration, usize, String)>,
}

impl Pool {
    fn new(hosts: usize) -> Self {
        let mut pool = Self {
            agents: (0..hosts).map(|_| None).collect(),
            boots: vec![0; hosts],
            works: Rc::new(RefCell::new(vec![true; hosts])),
            board: Rc::new(RefCell::new(Board { records: vec![None; hosts], ..Board::default() })),
            now: Instant::from_micros(1_000_000),
            cut: Vec::new(),
            full: Vec::new(),
            hangs: false,
            answers: Vec::new(),
            datagrams: Vec::new(),
            log: Vec::new(),
        };
        (0..hosts).for_each(|host| pool.power_on(host));
        pool.run(20);
        pool
    }

    fn power_on(&mut self, host: usize) {
        self.boots[host] += 1;
        let (config, medium) = (self.config_of(host), self.medium_of(host, self.agents.len()));
        self.agents[host] = Some(Agent::new(config, medium, self.now));
    }

    fn config_of(&self, host: usize) -> AgentConfig {
        AgentConfig {
            me: HostIndex::new(host),
            boot: Boot(self.boots[host]),
            process: Process(1),
            hosts: self.agents.len(),
            stopping: None,
            pool: PoolId([7; 16]),
            settings: Settings::default(),
            keyring: Keyring::new(1, [3; 32]),
        }
    }

    fn medium_of(&self, host: usize, hosts: usize) -> FakeMedium {
        FakeMedium {
            me: host,
            board: Rc::clone(&self.board),
            works: Rc::clone(&self.works),
            seen: vec![0; hosts],
            newest: 0,
            under_way: None,
        }
    }

    fn run(&mut self, seconds: u64) {
        let end = self.now + Duration::from_secs(seconds);
        while self.now < end {
            self.now = self.now + Duration::from_millis(1);
            for (host, answer) in core::mem::take(&mut self.answers) {
                self.give(host, Input::Medium(answer));
            }
            for (host, network, bytes) in core::mem::take(&mut self.datagrams) {
                self.give(host, Input::Datagram { network, bytes });
            }
            for host in 0..self.agents.len() {
                if self.agents[host].as_ref().and_then(Agent::deadline).is_some_and(|at| at <= self.now) {
                    self.give(host, Input::Elapsed);
                }
                self.drain(host);
            }
        }
    }

    fn give(&mut self, host: usize, input: Input) {
        if let Some(agent) = &mut self.agents[host] {
            agent.handle(self.now, input);
            self.drain(host);
        }
    }

    fn drain(&mut self, host: usize) {
        while let Some(command) = self.agents[host].as_mut().and_then(Agent::next_command) {
            self.carry_out(host, command);
        }
    }

    fn carry_out(&mut self, host: usize, command: Command) {
        let follow_up = match command {
            Command::Transmit { network, to, bytes } => {
                if !self.cut.contains(&(host, to.get())) {
                    self.datagrams.push((to.get(), network, bytes));
                }
                return;
            }
            Command::Medium(_) => {
                self.answers.push((host, Answer::Written));
                return;
            }
            Command::ProbeCoordinator if self.hangs => return,
            Command::ProbeCoordinator => return self.give(host, Input::CoordinatorAnswered),
            Command::FeedWatchdog { .. } => return,
            Command::EndCoordinator { .. } => Some(Input::CoordinatorEnded),
            Command::StopAllVms { .. } => Some(Input::NoVmRuns),
            Command::KeepKey(_) if self.full.contains(&host) => None,
            Command::KeepKey(ref key) => Some(Input::KeyKept(key.clone())),
            _ => None,
        };
        let at = self.now.since(Instant::default());
        self.log.push((at, host, format!("{command:?}")));
        if let Command::Reset { .. } | Command::MayPowerOff = command {
            self.agents[host] = None;
        }
        if let Some(input) = follow_up {
            self.give(host, input);
        }
    }

    fn agreed(&self) -> Configuration {
        self.board.borrow().agreed.clone().expect("a pool has formed")
    }

    fn members(&self) -> Vec<usize> {
        self.agreed().members().map(|(host, _)| host.get()).collect()
    }

    fn standing(&self, host: usize) -> Standing {
        self.agreed().standing(HostIndex::new(host))
    }

    fn leader(&self) -> usize {
        self.agreed().leader.get()
    }

    fn said(&self, host: usize, what: &str) -> Option<Duration> {
        self.log.iter().find(|(_, who, said)| *who == host && said.contains(what)).map(|(at, ..)| *at)
    }

    fn isolate(&mut self, host: usize) {
        for other in (0..self.agents.len()).filter(|&other| other != host) {
            self.cut.push((host, other));
            self.cut.push((other, host));
        }
    }

    fn seconds(&self) -> Duration {
        self.now.since(Instant::default())
    }
}

#[test]
fn hosts_that_are_switched_on_together_form_one_pool_led_by_the_first() {
    let pool = Pool::new(3);
    assert_eq!(pool.members(), [0, 1, 2]);
    assert_eq!(pool.leader(), 0);
    assert!(pool.said(0, "StartCoordinator").is_some());
    assert!((0..3).all(|host| pool.agents[host].as_ref().is_some_and(Agent::is_leased)));
}

#[test]
fn a_host_without_power_is_proven_fenced_within_t_and_three_seconds() {
    let mut pool = Pool::new(3);
    pool.agents[2] = None;
    let lost = pool.seconds();
    pool.run(30);
    assert_eq!(pool.members(), [0, 1]);
    let Standing::Fenced { evidence, .. } = pool.standing(2) else { panic!("{:?}", pool.standing(2)) };
    assert_eq!(evidence, EvidenceKind::LeaseExpired);
    let safe = pool.said(0, "SafeToReplace").expect("proven");
    let after = safe - lost;
    assert!(after > Duration::from_secs(15) && after < Duration::from_millis(17_500), "{after:?}");
}

#[test]
fn a_lost_coordinator_is_followed_by_the_next_host() {
    let mut pool = Pool::new(3);
    pool.agents[0] = None;
    let lost = pool.seconds();
    pool.run(30);
    assert_eq!((pool.members(), pool.leader()), (vec![1, 2], 1));
    let begun = pool.said(1, "StartCoordinator").expect("begun") - lost;
    assert!(begun > Duration::from_secs(15) && begun < Duration::from_millis(17_500), "{begun:?}");
}

#[test]
fn of_a_split_pool_the_larger_side_lives_and_the_loser_says_that_it_is_fenced() {
    let mut pool = Pool::new(3);
    pool.isolate(0);
    let cut = pool.seconds();
    pool.run(30);
    assert_eq!(pool.members(), [1, 2]);
    assert!(pool.said(0, "Reset").expect("fenced") - cut < Duration::from_secs(16));
    let Standing::Fenced { evidence, .. } = pool.standing(0) else { panic!("{:?}", pool.standing(0)) };
    assert_eq!(evidence, EvidenceKind::Notice);
    assert!(pool.said(1, "StartCoordinator").expect("begun") - cut < Duration::from_secs(20));
}

#[test]
fn nobody_is_fenced_when_all_lose_the_medium_or_all_but_one() {
    for keeper in [None, Some(2), Some(0)] {
        let mut pool = Pool::new(3);
        let works = (0..3).map(|host| Some(host) == keeper).collect();
        *pool.works.borrow_mut() = works;
        pool.run(120);
        assert_eq!(pool.members(), [0, 1, 2]);
        assert!(!pool.log.iter().any(|(.., said)| said.contains("StopAllVms")), "{keeper:?}");
        pool.works.borrow_mut().fill(true);
        pool.run(20);
        assert!(!pool.log.iter().any(|(.., said)| said.contains("StopAllVms")), "{keeper:?}");
    }
}

#[test]
fn a_host_without_medium_and_network_fences_itself_at_t() {
    let mut pool = Pool::new(3);
    pool.isolate(1);
    pool.works.borrow_mut()[1] = false;
    let cut = pool.seconds();
    pool.run(30);
    let stopped = pool.said(1, "StopAllVms").expect("fenced") - cut;
    assert!(stopped <= Duration::from_secs(15) && stopped > Duration::from_secs(13), "{stopped:?}");
    assert_eq!(pool.members(), [0, 2]);
}

#[test]
fn a_host_that_comes_back_joins_again() {
    let mut pool = Pool::new(3);
    pool.agents[2] = None;
    pool.run(40);
    pool.power_on(2);
    pool.run(10);
    assert_eq!(pool.members(), [0, 1, 2]);
}

#[test]
fn a_quick_reboot_is_evidence_by_itself() {
    let mut pool = Pool::new(3);
    pool.agents[2] = None;
    pool.run(2);
    pool.power_on(2);
    pool.run(5);
    assert_eq!(pool.members(), [0, 1, 2]);
    assert_eq!(pool.agreed().hosts[2].failures, 1);
    assert!(pool.said(0, "kind: Rebooted").is_some());
}

#[test]
fn an_evicted_leader_that_may_still_act_is_waited_for() {
    let mut pool = Pool::new(3);
    // It stands still: neither hears nor writes, and nobody sees it die.
    let paused = pool.agents[0].take();
    let lost = pool.seconds();
    pool.run(15);
    assert_eq!(pool.said(1, "StartCoordinator"), None, "evicted, and not yet proven fenced");
    pool.run(4);
    assert!(pool.said(1, "StartCoordinator").expect("begun") > lost + Duration::from_secs(15));
    drop(paused);
}

#[test]
fn a_pause_shorter_than_t_fences_nobody() {
    for pause in [5, 12, 13, 14] {
        let mut pool = Pool::new(3);
        let paused = pool.agents[0].take();
        let held = core::mem::take(&mut pool.answers);
        pool.run(pause);
        pool.agents[0] = paused;
        pool.answers.extend(held);
        pool.run(20);
        assert_eq!(pool.members(), [0, 1, 2], "after {pause} s");
        assert!(
            !pool.log.iter().any(|(.., said)| said.contains("StopAllVms")),
            "after {pause} s: {:?}",
            pool.log
        );
    }
}

#[test]
fn two_of_three_form_at_once_and_one_of_three_after_the_wait() {
    for (up, least, most) in [(2, 2, 6), (1, 75, 80)] {
        let mut pool = Pool::new(3);
        let before = pool.agreed().number;
        pool.agents.fill_with(|| None);
        pool.run(5);
        (0..up).for_each(|host| pool.power_on(host));
        pool.run(least);
        assert_eq!(pool.agreed().number, before, "{up} hosts, too early");
        pool.run(most - least);
        assert!(pool.agreed().number > before, "{up} hosts, too late");
        assert!(pool.members().len() == up);
    }
}

#[test]
fn a_bmc_that_confirms_power_off_shortens_the_wait_to_a_moment() {
    let mut pool = Pool::new(3);
    pool.agents[2] = None;
    pool.run(1);
    let told = pool.seconds();
    let off = Input::Evidence { host: HostIndex::new(2), kind: EvidenceKind::PowerOff };
    pool.give(0, off.clone());
    pool.give(1, off);
    pool.run(2);
    assert!(matches!(pool.standing(2), Standing::Fenced { evidence: EvidenceKind::PowerOff, .. }));
    let agreed = pool.said(0, "PowerOff").expect("noted");
    assert!(agreed - told < Duration::from_secs(1));
}

#[test]
fn an_operator_is_not_believed_while_the_host_is_seen_alive() {
    let mut pool = Pool::new(3);
    pool.give(0, Input::Evidence { host: HostIndex::new(2), kind: EvidenceKind::Operator });
    pool.run(5);
    assert_eq!(pool.members(), [0, 1, 2]);
    assert!(pool.said(0, "EvidenceRefused").is_some());
}

#[test]
fn an_order_of_an_earlier_term_is_carried_out_nowhere() {
    let mut pool = Pool::new(3);
    let term = pool.agreed().epoch;
    let stop = |epoch| Order::Stop { id: OrderId { epoch, number: 1 }, vm: "db1".into() };
    pool.give(1, Input::Report(Report::Inventory { vms: Vec::new() }));
    pool.run(1);
    for host in [0, 1] {
        let host = HostIndex::new(host);
        pool.give(0, Input::Order { host, order: stop(Epoch(term.0 - 1)) });
    }
    pool.run(1);
    assert_eq!((pool.said(0, "Order("), pool.said(1, "Order(")), (None, None));
    for host in [0, 1] {
        pool.give(0, Input::Order { host: HostIndex::new(host), order: stop(term) });
    }
    pool.run(1);
    assert!(pool.said(0, "Order(").is_some() && pool.said(1, "Order(").is_some());
}

#[test]
fn after_a_power_cycle_a_host_cut_off_much_later_is_waited_for_as_long_as_ever() {
    let mut pool = Pool::new(3);
    pool.agents.fill_with(|| None);
    pool.run(5);
    (0..3).for_each(|host| pool.power_on(host));
    pool.run(10);
    assert_eq!(pool.members(), [0, 1, 2]);
    pool.works.borrow_mut()[2] = false;
    pool.run(300);
    // It is cut off, and its agent stands still: nobody tells that it is fenced.
    pool.isolate(2);
    let paused = pool.agents[2].take();
    let cut = pool.seconds();
    pool.log.clear();
    pool.run(40);
    let safe = pool.said(0, "SafeToReplace").expect("proven");
    assert!(safe - cut > Duration::from_secs(15), "{:?}", safe - cut);
    drop(paused);
}
