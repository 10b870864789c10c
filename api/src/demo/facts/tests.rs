//! The service that is told knows what is true, once the pool has come to rest.
use super::*;
use crate::demo::command::Command;
use crate::demo::driver;
use crate::demo::pool::Recipe;
use crate::dto::served::event;
use crate::served::{Served, Telling};
use lifeboat_simulator::Live;
use std::sync::Arc;
use std::time::Duration;

/// A pool that is driven and told of, fact by fact.
struct Told {
    live: Live,
    facts: Facts,
    served: Served,
    all: Vec<Fact>,
}

impl Told {
    fn new() -> Self {
        let pool =
            Pool::new(&Recipe { hosts: 8, vms: 96, seed: 2 }.pool()).expect("the recipe's pools are right");
        let served = Served::new(pool.clone(), 1);
        let facts = Facts::new(&pool);
        Self { live: driver::form(pool, 2).expect("a healthy pool forms"), facts, served, all: Vec::new() }
    }

    fn lives(&mut self, until_s: u64, line: &str) {
        self.tell_until(Duration::from_secs(until_s));
        match Command::parse(line, self.live.pool()).expect("it is a command") {
            Command::Act(action) => self.live.act(&action).expect("the pool has what it names"),
            other => panic!("{other:?}"),
        }
    }

    fn tell_until(&mut self, until: Duration) {
        while self.live.now() < until {
            let step = (self.live.now() + Duration::from_millis(500)).min(until);
            self.live.run_until(step);
            let mut telling = Telling::of(Arc::clone(self.served.pool()), Arc::clone(self.served.vm_names()));
            let happened = self.live.take();
            for told in self.facts.of(self.live.pool(), &happened) {
                let known = event::KINDS.iter().any(|(kind, _)| *kind == told.kind);
                assert!(known, "{} is no kind of event", told.kind);
                let news = telling.tell(&told.fact);
                news.unwrap_or_else(|error| panic!("{:?}: {error}", told.fact));
                self.all.push(told.fact);
            }
            if let Some((pool, step)) = telling.end() {
                self.served.adopt(pool, step);
            }
        }
    }

    /// Every VM runs where the service believes, and every host is what the service believes.
    fn agrees(&self) {
        let pool = self.served.pool();
        for vm in pool.vm_indices() {
            assert_eq!(pool.runs_on(vm), self.live.runs_at(vm), "{}", pool.vm_id(vm));
        }
        for host in pool.host_indices() {
            let member = self.live.host(host).known == Known::Member;
            assert_eq!(pool.host(host).state.is_up(), member, "{}", pool.host_id(host));
        }
    }
}

#[test]
fn a_host_that_dies_and_comes_back_is_told_in_the_order_in_which_the_pool_knows_it() {
    let mut told = Told::new();
    told.lives(1, "kill h03");
    told.tell_until(Duration::from_secs(9));
    assert_eq!(told.all, [], "nobody knows it yet");
    told.tell_until(Duration::from_mins(1));
    let position = |wanted: &dyn Fn(&Fact) -> bool| told.all.iter().position(wanted);
    let down =
        position(&|fact| matches!(fact, Fact::HostState { host, state: HostState::Dead } if host == "h03"));
    let starts = position(&|fact| matches!(fact, Fact::VmRuns { .. }));
    assert!(down.is_some() && down < starts, "{down:?} {starts:?}");
    told.agrees();
    told.lives(60, "revive h03");
    told.tell_until(Duration::from_secs(150));
    assert!(told.all.contains(&Fact::HostUp { host: "h03".to_owned() }));
    told.agrees();
}

#[test]
fn an_evacuation_is_told_move_by_move_and_the_host_is_in_maintenance() {
    let mut told = Told::new();
    told.lives(1, "evacuate h02");
    told.tell_until(Duration::from_mins(2));
    told.agrees();
    let h02 = told.served.pool().find_host("h02").expect("there is one");
    assert_eq!(told.served.pool().host(h02).state, HostState::Maintenance);
    assert!(told.all.iter().any(|fact| matches!(fact, Fact::MigrationBegun { .. })));
    told.lives(121, "enable h02");
    told.tell_until(Duration::from_secs(125));
    assert_eq!(told.served.pool().host(h02).state, HostState::Live);
}

#[test]
fn a_split_a_lost_statefile_and_crashes_leave_the_service_with_the_truth() {
    let mut told = Told::new();
    told.lives(1, "crash db-0001");
    told.lives(2, "split h01-h03 / rest");
    told.lives(50, "heal");
    told.lives(200, "storage-loss");
    told.lives(210, "kill h05");
    told.lives(260, "storage-heal");
    told.lives(300, "kill coordinator");
    told.lives(360, "revive all");
    told.tell_until(Duration::from_mins(10));
    assert!(told.all.iter().any(|fact| matches!(fact, Fact::VmCrashed { .. })));
    told.agrees();
}
