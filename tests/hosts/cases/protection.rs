//! One pool of three hosts with T = 5 s goes through what happens to pools, one thing after the other, and is made whole in between.
use super::{programs, turn};
use lifeboat_lab::host::Unit;
use lifeboat_lab::pool::timing::Victims;
use lifeboat_lab::pool::{Pool, SOON, Wishes};
use rustix::process::Signal;
use std::time::Duration;

/// Most cases need no more.
pub(crate) const THREE: Wishes = Wishes { hosts: 3, vms: 6, timeout_s: 5, bmc: false };

/// Something that happens to a pool.
type Case = (&'static str, fn(&mut Pool));

/// Goes through cases on one pool.
pub(crate) fn go_through(wishes: Wishes, cases: &[Case]) {
    let _turn = turn();
    let mut pool = Pool::form(programs(), wishes).expect("a pool");
    for (name, case) in cases {
        pool.lab.recorder.note(&format!("CASE: {name}"));
        case(&mut pool);
        pool.make_whole();
    }
}

#[test]
fn guests_survive_the_loss_of_hosts() {
    go_through(
        THREE,
        &[
            ("a host loses its power", power_loss),
            ("the coordinator's host loses its power", coordinator_loss),
            ("the whole pool goes off and on", whole_pool),
        ],
    );
}

#[test]
fn what_is_no_failure_of_a_host_fences_nobody() {
    go_through(
        THREE,
        &[
            ("the agent is killed", agent_killed),
            ("the agent is paused for less than T", agent_paused_briefly),
            ("the coordinator's service is killed", service_killed),
            ("the coordinator's service is paused", service_paused),
            ("libvirtd is killed", libvirtd_killed),
            ("libvirtd is paused", libvirtd_paused),
            ("a host loses the shared disk", one_loses_storage),
            ("all hosts lose the shared disk", all_lose_storage),
            ("a host's disk hangs", one_stalls),
            ("one of two cables is pulled", one_cable),
            ("frames are lost", frames_lost),
        ],
    );
}

#[test]
fn who_cannot_be_heard_is_fenced_before_its_guests_start_elsewhere() {
    go_through(
        THREE,
        &[
            ("all cables of a host are pulled", all_cables),
            ("the network splits", network_splits),
            ("two hosts do not hear one another", partial_connectivity),
        ],
    );
}

fn power_loss(pool: &mut Pool) {
    let victim = pool.following().clone();
    let moved = Victims::of(pool, &[&victim]);
    let moment = pool.lab.switch_off(&victim);
    moved.restarted(pool, moment, pool.timeout() + Duration::from_secs(3));
    nobody_else_fell(pool, moment, &[]);
}

fn coordinator_loss(pool: &mut Pool) {
    // In turn, so that the leader is one that has guests.
    let laden = |pool: &Pool| !pool.lab.recorder.record().on(pool.leading().name()).is_empty();
    for _ in 0..3 {
        if !laden(pool) {
            pool.hand_over();
        }
    }
    let victim = pool.leading().clone();
    let moved = Victims::of(pool, &[&victim]);
    let moment = pool.lab.switch_off(&victim);
    moved.restarted(pool, moment, pool.timeout() + Duration::from_secs(5));
    nobody_else_fell(pool, moment, &[]);
}

fn whole_pool(pool: &mut Pool) {
    for host in &pool.lab.hosts {
        pool.lab.switch_off(host);
    }
    pool.expect("nothing runs", SOON, || pool.down().len() == pool.vms.len());
    for host in &pool.lab.hosts {
        pool.holds("it can be switched on", pool.lab.switch_on(host).is_ok());
    }
    pool.expect("the pool forms again", SOON * 2, || pool.agree(&pool.on()));
    pool.expect("all guests are up", SOON * 2, || pool.down().is_empty());
}

fn agent_killed(pool: &mut Pool) {
    let host = pool.following().clone();
    undisturbed(pool, |pool| {
        let before = host.unit(Unit::Agent);
        pool.holds("there is an agent", host.signal(Unit::Agent, Signal::KILL));
        pool.expect("another agent is there", SOON, || {
            host.unit(Unit::Agent).is_some_and(|now| Some(now) != before)
        });
    });
}

fn agent_paused_briefly(pool: &mut Pool) {
    let host = pool.following().clone();
    undisturbed(pool, |pool| {
        pool.holds("there is an agent", host.signal(Unit::Agent, Signal::STOP));
        let until = pool.lab.recorder.time() + pool.timeout().as_secs_f64() / 2.0;
        pool.expect("half of T passes", SOON, || pool.lab.recorder.time() > until);
        pool.holds("it is there still", host.signal(Unit::Agent, Signal::CONT));
    });
}

fn service_killed(pool: &mut Pool) {
    let host = pool.leading().clone();
    undisturbed(pool, |pool| {
        let before = host.service();
        pool.holds("there is a service", before.is_some_and(|service| service.signal(Signal::KILL)));
        pool.expect("somebody's service leads", SOON, || {
            pool.ask("GET", "/summary", None).is_some_and(|answer| answer.status == 200)
        });
    });
}

fn service_paused(pool: &mut Pool) {
    let host = pool.leading().clone();
    undisturbed(pool, |pool| {
        let before = host.service();
        pool.holds("there is a service", before.is_some_and(|service| service.signal(Signal::STOP)));
        pool.expect("the one that hangs is ended", SOON, || before.is_some_and(|service| !service.lives()));
        pool.expect("somebody's service leads", SOON, || {
            pool.ask("GET", "/summary", None).is_some_and(|answer| answer.status == 200)
        });
    });
}

fn libvirtd_killed(pool: &mut Pool) {
    let host = pool.following().clone();
    undisturbed(pool, |pool| {
        let before = host.unit(Unit::Libvirtd);
        pool.holds("there is a libvirtd", host.signal(Unit::Libvirtd, Signal::KILL));
        pool.expect("another libvirtd is there", SOON, || {
            host.unit(Unit::Libvirtd).is_some_and(|now| Some(now) != before)
        });
    });
}

fn libvirtd_paused(pool: &mut Pool) {
    let host = pool.following().clone();
    undisturbed(pool, |pool| {
        pool.holds("there is a libvirtd", host.signal(Unit::Libvirtd, Signal::STOP));
        passes(pool, pool.timeout() * 2);
        // Somebody may have ended it for another one meanwhile.
        host.signal(Unit::Libvirtd, Signal::CONT);
    });
}

fn one_loses_storage(pool: &mut Pool) {
    let host = pool.following().clone();
    undisturbed(pool, |pool| {
        pool.holds("its disk can be taken", lifeboat_lab::device::lose(&host.spec.device, true).is_ok());
        passes(pool, pool.timeout() * 2);
        pool.holds("all are members", pool.agree(&pool.on()));
    });
}

fn all_lose_storage(pool: &mut Pool) {
    undisturbed(pool, |pool| {
        for host in &pool.lab.hosts {
            pool.holds("its disk can be taken", lifeboat_lab::device::lose(&host.spec.device, true).is_ok());
        }
        passes(pool, pool.timeout() * 2);
    });
}

fn one_stalls(pool: &mut Pool) {
    let host = pool.following().clone();
    undisturbed(pool, |pool| {
        let stalled = lifeboat_lab::device::stall(&host.spec.group, &host.spec.device, true);
        pool.holds("its disk can be stalled", stalled.is_ok());
        passes(pool, pool.timeout() * 2);
    });
}

fn one_cable(pool: &mut Pool) {
    let number = pool.following().spec.number;
    undisturbed(pool, |pool| {
        pool.wires(|wires| wires.link(number, "hb0", false));
        passes(pool, pool.timeout() * 2);
    });
}

fn frames_lost(pool: &mut Pool) {
    let number = pool.following().spec.number;
    undisturbed(pool, |pool| {
        for network in lifeboat_lab::network::HEARTBEATS {
            pool.wires(|wires| wires.lose(number, network, 30));
        }
        passes(pool, pool.timeout() * 2);
    });
}

fn all_cables(pool: &mut Pool) {
    let victim = pool.following().clone();
    let moved = Victims::of(pool, &[&victim]);
    let moment = pool.lab.recorder.time();
    for network in lifeboat_lab::network::NETWORKS {
        pool.wires(|wires| wires.link(victim.spec.number, network, false));
    }
    moved.restarted(pool, moment, pool.timeout() + Duration::from_secs(5));
    nobody_else_fell(pool, moment, &[victim.name()]);
}

fn network_splits(pool: &mut Pool) {
    let victim = pool.following().clone();
    let others: Vec<usize> =
        pool.on().iter().map(|host| host.spec.number).filter(|host| *host != victim.spec.number).collect();
    let moved = Victims::of(pool, &[&victim]);
    let moment = pool.lab.recorder.time();
    pool.wires(|wires| wires.partition(&[&[victim.spec.number], &others]));
    moved.restarted(pool, moment, pool.timeout() + Duration::from_secs(5));
    nobody_else_fell(pool, moment, &[victim.name()]);
}

fn partial_connectivity(pool: &mut Pool) {
    let (leader, other) = (pool.leading().clone(), pool.following().clone());
    let moment = pool.lab.recorder.time();
    pool.wires(|wires| wires.cut(other.spec.number, leader.spec.number));
    pool.expect("one of the two falls", pool.timeout() * 3, || {
        pool.lab.recorder.record().fell_since(moment).len() == 1
    });
    pool.expect("all guests are up", SOON, || pool.down().is_empty());
    let record = pool.lab.recorder.record();
    let fallen: Vec<String> = record.fell_since(moment).iter().map(|(_, host)| (*host).to_owned()).collect();
    drop(record);
    pool.holds(
        &format!("only one falls: {fallen:?}"),
        fallen.len() == 1 && (fallen[0] == leader.name() || fallen[0] == other.name()),
    );
}

/// No guest ends, no host falls, while this is done and for T after it.
pub(crate) fn undisturbed(pool: &mut Pool, act: impl FnOnce(&mut Pool)) {
    let moment = pool.lab.recorder.time();
    act(pool);
    passes(pool, pool.timeout());
    nobody_else_fell(pool, moment, &[]);
    let record = pool.lab.recorder.record();
    let ended: Vec<String> = record
        .runs
        .iter()
        .filter(|(_, runs)| runs.iter().any(|run| run.to.is_some_and(|to| to > moment)))
        .map(|(vm, _)| vm.clone())
        .collect();
    drop(record);
    pool.holds(&format!("no guest ends: {ended:?}"), ended.is_empty());
}

/// Time passes in which something may go wrong.
pub(crate) fn passes(pool: &Pool, span: Duration) {
    let until = pool.lab.recorder.time() + span.as_secs_f64();
    pool.expect(&format!("{:.0} s pass", span.as_secs_f64()), SOON * 2, || pool.lab.recorder.time() > until);
}

/// These hosts fall by themselves, now or soon, since they have been fenced; no others do.
pub(crate) fn nobody_else_fell(pool: &Pool, moment: f64, expected: &[&str]) {
    let fallen = || {
        let record = pool.lab.recorder.record();
        let mut fallen: Vec<String> =
            record.fell_since(moment).iter().map(|(_, host)| (*host).to_owned()).collect();
        fallen.sort();
        fallen.dedup();
        fallen
    };
    pool.expect(&format!("these hosts fall: {expected:?}"), pool.timeout() * 3, || {
        fallen().len() >= expected.len()
    });
    let fallen = fallen();
    pool.holds(&format!("these hosts fall, and no others: {expected:?}; not {fallen:?}"), fallen == expected);
}
