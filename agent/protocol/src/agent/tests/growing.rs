//! Hosts that come to a pool which runs.
use super::{Agent, AgentConfig, Pool};
use crate::Process;
use crate::input::Input;
use alloc::vec;
use lifeboat_model::HostIndex;

impl Pool {
    /// The shells of these hosts come to know of one host more; and that one is switched on.
    fn add_host(&mut self, told: &[usize]) {
        let hosts = self.agents.len() + 1;
        self.agents.push(None);
        self.boots.push(0);
        self.works.borrow_mut().push(true);
        for &host in told {
            self.give(host, Input::Grown { hosts });
        }
        self.board.borrow_mut().records.push(None);
        self.power_on(hosts - 1);
    }

    /// A new process on a host, whose shell knows only so many hosts.
    fn restart_knowing(&mut self, host: usize, hosts: usize) {
        let config = AgentConfig { process: Process(2), hosts, ..self.config_of(host) };
        let medium = self.medium_of(host, hosts);
        self.agents[host] = Some(Agent::new(config, medium, self.now));
    }
}

#[test]
fn a_host_joins_a_pool_that_runs_and_nobody_is_fenced() {
    let mut pool = Pool::new(2);
    assert_eq!(pool.members(), vec![0, 1]);
    let term = pool.agreed().epoch;
    pool.add_host(&[0, 1]);
    pool.run(10);
    assert_eq!(pool.members(), vec![0, 1, 2]);
    assert_eq!(pool.agreed().epoch, term, "the leader goes on");
    let fenced = pool.log.iter().any(|(_, _, what)| what.contains("StopAllVms"));
    assert!(!fenced, "{:?}", pool.log);
}

#[test]
fn a_new_host_is_taken_in_when_every_member_has_been_told_of_it() {
    let mut pool = Pool::new(3);
    pool.add_host(&[0, 1]);
    pool.run(30);
    assert_eq!(pool.members(), vec![0, 1, 2], "the third does not hear the new one");
    pool.give(2, Input::Grown { hosts: 4 });
    pool.run(10);
    assert_eq!(pool.members(), vec![0, 1, 2, 3]);
    assert!(pool.agents.iter().flatten().all(super::Agent::is_leased));
}

#[test]
fn a_member_that_has_not_been_told_of_a_new_host_obeys_its_own_eviction() {
    let mut pool = Pool::new(3);
    pool.give(2, Input::Grown { hosts: 4 });
    pool.add_host(&[0, 1]);
    pool.run(10);
    assert_eq!(pool.members(), vec![0, 1, 2, 3]);
    // A new process of the third, whose shell has an old roster; then nobody hears it, though it still has the medium.
    pool.restart_knowing(2, 3);
    pool.run(5);
    for other in [0, 1, 3] {
        pool.cut.extend([(2, other), (other, 2)]);
    }
    pool.run(20);
    assert_eq!(pool.members(), vec![0, 1, 3]);
    let obeyed = pool.log.iter().any(|(_, host, what)| *host == 2 && what.contains("StopAllVms"));
    assert!(obeyed, "{:?}", pool.log);
}

#[test]
fn a_pool_does_not_shrink_by_being_told_of_fewer_hosts() {
    let mut pool = Pool::new(3);
    pool.give(0, Input::Grown { hosts: 1 });
    pool.run(5);
    assert_eq!(pool.members(), vec![0, 1, 2]);
    assert!(pool.agents[0].as_ref().is_some_and(|agent| agent.status_of(HostIndex::new(2)).is_some()));
}
