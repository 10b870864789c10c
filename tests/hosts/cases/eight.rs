//! Eight hosts, sixteen guests: more failures than one, one after the other, and a coordinator that is lost in the middle of them.
use super::protection::{go_through, nobody_else_fell};
use lifeboat_lab::host::Host;
use lifeboat_lab::pool::timing::Victims;
use lifeboat_lab::pool::{Pool, SOON, Wishes};
use std::time::Duration;

const EIGHT: Wishes = Wishes { hosts: 8, vms: 16, timeout_s: 5, bmc: false };

#[test]
fn eight_hosts_lose_several_of_them_in_a_row() {
    go_through(
        EIGHT,
        &[
            (
                "the coordinator is lost while the first host's guests restart",
                coordinator_lost_during_restarts,
            ),
            ("three hosts fail in a row", three_in_a_row),
            ("the network splits in five and three", five_and_three),
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

fn three_in_a_row(pool: &mut Pool) {
    let began = pool.lab.recorder.time();
    for _ in 0..3 {
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
