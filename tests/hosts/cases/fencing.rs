//! The usual timeout, T = 15 s, and fencing from outside: `fence_ipmilan` and a BMC for every host.
use super::holds::{go_through, nobody_else_fell, passes};
use super::protection::{coordinator_loss, power_loss};
use lifeboat_lab::host::Unit;
use lifeboat_lab::network::NETWORKS;
use lifeboat_lab::pool::timing::Victims;
use lifeboat_lab::pool::{Pool, SOON, Wishes};
use rustix::process::Signal;
use std::time::Duration;

#[test]
fn with_bmcs_a_host_that_cannot_fence_itself_is_switched_off_and_on_and_the_bounds_hold() {
    go_through(
        Wishes { timeout_s: 15, bmc: true, ..Wishes::THREE },
        &[
            ("a host without cables hangs before it has fenced itself", hangs_in_the_dark),
            ("a host loses its power", power_loss),
            ("the coordinator's host loses its power", coordinator_loss),
        ],
    );
}

/// The others cut it off while its lease by the medium has long to go, and so has its watchdog; it hangs before it can obey. Only its BMC makes
/// certain that its guests run no more, and nobody waits for the end of its lease.
fn hangs_in_the_dark(pool: &mut Pool) {
    let victim = pool.following().clone();
    let moved = Victims::of(pool, &[&victim]);
    let moment = pool.lab.recorder.time();
    for network in NETWORKS {
        pool.wires(|wires| wires.link(victim.spec.number, network, false));
    }
    // The others cut it off before T is over, and its BMC may answer at once.
    passes(pool, pool.timeout() * 2 / 3);
    let hung = pool.lab.recorder.time();
    pool.holds("there is an agent", victim.signal(Unit::Agent, Signal::STOP));
    pool.expect("it is switched off", pool.timeout() * 2, || {
        !pool.lab.recorder.record().fell_since(moment).is_empty()
    });
    moved.restarted(pool, moment, pool.timeout() + Duration::from_secs(5));
    nobody_else_fell(pool, moment, &[victim.name()]);
    let off = pool.lab.recorder.record().fell_since(moment)[0].0;
    // Not by its watchdog, which was fed to the last.
    pool.holds(
        &format!("it is switched off long before its watchdog bites: {:.2} s after it hung", off - hung),
        off - hung < pool.timeout().as_secs_f64() * 2.0 / 3.0,
    );
    pool.expect("it is switched on again", SOON, || victim.is_on());
}
