//! What is no failure of a host: nobody is fenced for it, and no guest ends. Where it happens to one host something else happens to another,
//! since they have nothing to do with one another.
use super::holds::{go_through, passes, undisturbed};
use lifeboat_lab::device;
use lifeboat_lab::host::{Host, Unit};
use lifeboat_lab::network::HEARTBEATS;
use lifeboat_lab::pool::{Pool, SOON, Wishes};
use rustix::process::Signal;
use std::time::Duration;

#[test]
fn what_is_no_failure_of_a_host_fences_nobody() {
    go_through(
        Wishes::THREE,
        &[
            ("an agent is killed, and another host's libvirtd", killed),
            ("an agent is paused for less than T, another host's libvirtd for longer", paused),
            ("the coordinator's service is killed", service_killed),
            ("the coordinator's service is paused", service_paused),
            ("a host loses the shared disk", one_loses_storage),
            (
                "only one host has the shared disk: one lost it, another's hangs, and one of its cables is pulled",
                one_has_storage,
            ),
            ("all hosts lose the shared disk", all_lose_storage),
            ("a host's frames are lost, one of another's cables goes up and down", frames_lost),
        ],
    );
}

/// Two hosts that do not lead.
fn followers(pool: &Pool) -> (Host, Host) {
    let leader = pool.leading().name().to_owned();
    let mut others = pool.on().into_iter().filter(|host| host.name() != leader).cloned();
    match (others.next(), others.next()) {
        (Some(one), Some(other)) => (one, other),
        _ => pool.fail("two hosts follow"),
    }
}

fn killed(pool: &mut Pool) {
    let (one, other) = followers(pool);
    undisturbed(pool, |pool| {
        for (host, unit) in [(&one, Unit::Agent), (&other, Unit::Libvirtd)] {
            let before = host.unit(unit);
            pool.holds("it is there", host.signal(unit, Signal::KILL));
            pool.expect(&format!("another {} is there", unit.name()), SOON, || {
                host.unit(unit).is_some_and(|now| Some(now) != before)
            });
        }
        pool.expect("all are members", SOON, || pool.agree(&pool.on()));
    });
}

fn paused(pool: &mut Pool) {
    let (one, other) = followers(pool);
    undisturbed(pool, |pool| {
        pool.holds("there is a libvirtd", other.signal(Unit::Libvirtd, Signal::STOP));
        pool.holds("there is an agent", one.signal(Unit::Agent, Signal::STOP));
        passes(pool, pool.timeout() / 2);
        pool.holds("it is there still", one.signal(Unit::Agent, Signal::CONT));
        passes(pool, pool.timeout() * 3 / 2);
        // Somebody may have ended it for another one meanwhile.
        other.signal(Unit::Libvirtd, Signal::CONT);
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

fn one_loses_storage(pool: &mut Pool) {
    let host = pool.following().clone();
    undisturbed(pool, |pool| {
        pool.holds("its disk can be taken", device::lose(&host.spec.device, true).is_ok());
        passes(pool, pool.timeout() * 2);
        pool.holds("all are members", pool.agree(&pool.on()));
    });
}

fn one_has_storage(pool: &mut Pool) {
    let (one, other) = followers(pool);
    undisturbed(pool, |pool| {
        pool.holds("a disk can be taken", device::lose(&one.spec.device, true).is_ok());
        let stalled = device::stall(&other.spec.group, &other.spec.device, true);
        pool.holds("a disk can be stalled", stalled.is_ok());
        pool.wires(|wires| wires.link(other.spec.number, "hb0", false));
        passes(pool, pool.timeout() * 2);
        pool.holds("all are members", pool.agree(&pool.on()));
    });
}

fn all_lose_storage(pool: &mut Pool) {
    undisturbed(pool, |pool| {
        for host in &pool.lab.hosts {
            pool.holds("its disk can be taken", device::lose(&host.spec.device, true).is_ok());
        }
        passes(pool, pool.timeout() * 2);
    });
}

fn frames_lost(pool: &mut Pool) {
    let (one, other) = followers(pool);
    undisturbed(pool, |pool| {
        for network in HEARTBEATS {
            pool.wires(|wires| wires.lose(one.spec.number, network, 30));
        }
        let end = pool.lab.recorder.time() + pool.timeout().as_secs_f64() * 2.0;
        while pool.lab.recorder.time() < end {
            for up in [false, true] {
                pool.wires(|wires| wires.link(other.spec.number, "hb0", up));
                passes(pool, Duration::from_millis(500));
            }
        }
    });
}
