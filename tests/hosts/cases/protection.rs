//! Three hosts with T = 5 s, one of which fails in every way there is: it is fenced, and its guests start elsewhere only after that, and in time.
use super::holds::{go_through, nobody_else_fell};
use lifeboat_lab::host::Unit;
use lifeboat_lab::pool::timing::Victims;
use lifeboat_lab::pool::{Pool, SOON, Wishes};
use rustix::process::Signal;
use std::time::Duration;

#[test]
fn guests_survive_the_loss_of_hosts() {
    go_through(
        Wishes::THREE,
        &[
            ("a host loses its power", power_loss),
            ("the coordinator's host loses its power", coordinator_loss),
            ("all cables of a host are pulled", all_cables),
            ("the network splits", network_splits),
            ("two hosts do not hear one another", partial_connectivity),
            ("an agent is paused for longer than T", agent_paused_long),
            ("the whole pool goes off and on", whole_pool),
        ],
    );
}

pub(crate) fn power_loss(pool: &mut Pool) {
    let victim = pool.following().clone();
    let moved = Victims::of(pool, &[&victim]);
    let moment = pool.lab.switch_off(&victim);
    moved.restarted(pool, moment, pool.timeout() + Duration::from_secs(3));
    nobody_else_fell(pool, moment, &[]);
}

pub(crate) fn coordinator_loss(pool: &mut Pool) {
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
    // In this order: to find one that follows another one may be made to lead.
    let other = pool.following().clone();
    let leader = pool.leading().clone();
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

/// Its watchdog bites, since nobody feeds it: until then its guests run, and nobody starts them elsewhere.
fn agent_paused_long(pool: &mut Pool) {
    let victim = pool.following().clone();
    let moved = Victims::of(pool, &[&victim]);
    let moment = pool.lab.recorder.time();
    pool.holds("there is an agent", victim.signal(Unit::Agent, Signal::STOP));
    let measured = moved.restarted(pool, moment, pool.timeout() + Duration::from_secs(3));
    nobody_else_fell(pool, moment, &[victim.name()]);
    let fell = pool.lab.recorder.record().fell_since(moment).first().map(|(at, _)| at - moment);
    pool.holds(
        &format!("it falls before its guests start elsewhere: {fell:?}, {:.2} s", measured.first_start),
        fell.is_some_and(|fell| fell < measured.first_start),
    );
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
