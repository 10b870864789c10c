//! Eight hosts, sixteen guests: more failures than one, one after the other, and a coordinator that is lost in the middle of them.
use super::holds::{go_through, nobody_else_fell};
use lifeboat_lab::host::Host;
use lifeboat_lab::pool::timing::Victims;
use lifeboat_lab::pool::{Pool, SOON, Wishes};
use std::time::Duration;

const EIGHT: Wishes = Wishes { hosts: 8, vms: 16, ..Wishes::THREE };
/// So many failures put a host in quarantine.
const FLAPS: usize = EIGHT.quarantine as usize;

#[test]
fn eight_hosts_lose_several_of_them_in_a_row() {
    go_through(
        EIGHT,
        &[
            (
                "the coordinator is lost while the first host's guests restart",
                coordinator_lost_during_restarts,
            ),
            ("two hosts fail at once, then a third and a fourth", two_at_once_and_two_in_a_row),
            ("the network splits in five and three", five_and_three),
            ("a host fails again and again", flapping),
        ],
    );
}

fn coordinator_lost_during_restarts(pool: &mut Pool) {
    let (first, leader) = (pool.following().clone(), pool.leading().clone());
    let victims = Victims::of(pool, &[&first, &leader]);
    let moment = pool.lab.switch_off(&first);
    pool.expect("the first guest starts elsewhere", pool.timeout() * 3, || {
        !pool.lab.recorder.record().begun_since(moment).is_empty()
    });
    pool.lab.switch_off(&leader);
    victims.come_back(pool, moment);
    nobody_else_fell(pool, moment, &[]);
}

fn two_at_once_and_two_in_a_row(pool: &mut Pool) {
    let began = pool.lab.recorder.time();
    let leader = pool.leading().name().to_owned();
    let pair: Vec<Host> =
        pool.on().into_iter().filter(|host| host.name() != leader).take(2).cloned().collect();
    let victims = Victims::of(pool, &pair.iter().collect::<Vec<_>>());
    let moment = pool.lab.recorder.time();
    for host in &pair {
        pool.lab.switch_off(host);
    }
    victims.restarted(pool, moment, pool.timeout() + Duration::from_secs(3));
    for _ in 0..2 {
        let victim = pool.following().clone();
        let victims = Victims::of(pool, &[&victim]);
        let moment = pool.lab.switch_off(&victim);
        victims.restarted(pool, moment, pool.timeout() + Duration::from_secs(3));
    }
    nobody_else_fell(pool, began, &[]);
}

fn five_and_three(pool: &mut Pool) {
    let leader = pool.leading().clone();
    let hosts: Vec<Host> = pool.on().into_iter().cloned().collect();
    let mut fewer: Vec<&Host> = hosts.iter().filter(|host| host.name() != leader.name()).take(2).collect();
    // The coordinator is on the side that loses.
    fewer.push(&leader);
    let victims = Victims::of(pool, &fewer);
    let side: Vec<usize> = fewer.iter().map(|host| host.spec.number).collect();
    let rest: Vec<usize> =
        hosts.iter().map(|host| host.spec.number).filter(|host| !side.contains(host)).collect();
    let moment = pool.lab.recorder.time();
    pool.wires(|wires| wires.partition(&[&side, &rest]));
    victims.restarted(pool, moment, pool.timeout() + Duration::from_secs(5));
    let mut names: Vec<&str> = fewer.iter().map(|host| host.name()).collect();
    names.sort_unstable();
    pool.expect("the smaller side has fallen", SOON, || {
        pool.lab.recorder.record().fell_since(moment).len() >= 3
    });
    nobody_else_fell(pool, moment, &names);
}

/// It is taken in again each time, but is given no guests any more; and each guest is started once for each loss.
fn flapping(pool: &mut Pool) {
    let host = pool.following().clone();
    let moved = Victims::of(pool, &[&host]);
    let moment = pool.lab.recorder.time();
    for flap in 0..FLAPS {
        let switched = pool.lab.switch_off(&host);
        if flap == 0 {
            moved.come_back(pool, switched);
        }
        pool.bring_back(&host);
    }
    let begun: Vec<String> =
        pool.lab.recorder.record().begun_since(moment).iter().map(|(vm, _)| (*vm).to_owned()).collect();
    pool.holds(&format!("each of {:?} starts once: {begun:?}", moved.vms), begun.len() == moved.vms.len());
    pool.expect("it is in quarantine", SOON, || quarantined(pool, &host));
    pool.expect("that is told", SOON, || {
        pool.ask("GET", "/alerts", None).is_some_and(|alerts| {
            let alerts = alerts.body.to_string();
            alerts.contains("host-quarantined") && alerts.contains(host.name())
        })
    });
    let other = pool.following().clone();
    let victims = Victims::of(pool, &[&other]);
    let moment = pool.lab.switch_off(&other);
    victims.restarted(pool, moment, pool.timeout() + Duration::from_secs(3));
    let there = pool.lab.recorder.record().on(host.name()).len();
    pool.holds(&format!("nothing starts on the one in quarantine, not {there}"), there == 0);
    nobody_else_fell(pool, moment, &[]);
}

/// Whether the leader says that this host is in quarantine.
fn quarantined(pool: &Pool, host: &Host) -> bool {
    pool.status(pool.leading()).is_some_and(|status| {
        let hosts = status["hosts"].as_array().cloned().unwrap_or_default();
        hosts.iter().any(|line| line["host"] == host.name() && line["quarantined"] == true)
    })
}
