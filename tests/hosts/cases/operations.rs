//! What operators do on purpose, on pools that go on working: nobody is fenced for it, and no guest is interrupted.
use super::holds::{go_through, passes, undisturbed};
use lifeboat_lab::clock::until;
use lifeboat_lab::host::{Host, Unit};
use lifeboat_lab::pool::{Pool, SOON, Wishes};
use rustix::process::Signal;
use serde_json::json;
use std::collections::BTreeSet;

#[test]
fn operators_change_a_pool_that_goes_on_working() {
    go_through(
        Wishes::THREE,
        &[
            ("the heartbeat key is changed", key_rotation),
            ("the agents are upgraded", upgrade),
            ("the leader hands over", hand_over),
            ("a host is emptied, shut down and comes back", clean_shutdown),
            ("a host joins while another is off and its guests restart, and leaves again", join_and_leave),
        ],
    );
}

#[test]
fn all_hosts_boot_anew_with_their_guests_running_on() {
    go_through(Wishes::THREE, &[("a rolling reboot", rolling_reboot)]);
}

fn rolling_reboot(pool: &mut Pool) {
    let boot = |host: &Host| std::fs::read_to_string(host.folder().join("boot_id")).unwrap_or_default();
    let failures = |pool: &Pool| {
        let alerts = pool.ask("GET", "/alerts?limit=1000", None).map(|answer| answer.body["items"].clone());
        let alerts = alerts.and_then(|items| items.as_array().cloned()).unwrap_or_default();
        let failures = ["host-failed", "host-fenced", "vm-restart-failed", "vm-runs-twice"];
        alerts.iter().filter(|alert| failures.iter().any(|kind| alert["kind"] == *kind)).count()
    };
    let before: Vec<String> = pool.lab.hosts.iter().map(boot).collect();
    let (booted, failed, moment) = (boots(pool), failures(pool), pool.lab.recorder.time());
    let plan = pool.ask("GET", "/rolling-reboot", None);
    let complete = plan.as_ref().is_some_and(|plan| plan.body["plan"]["complete"] == true);
    pool.holds(&format!("it can be done: {plan:?}"), complete);
    let asked = pool.ask("POST", "/rolling-reboot", Some(&json!({ "returns_within_s": 120 })));
    pool.holds(&format!("it begins: {asked:?}"), asked.as_ref().is_some_and(|answer| answer.status == 202));
    let mut state = json!(null);
    migrating(pool, || {
        pool.expect("it comes to its end", SOON * 8, || {
            for host in &pool.lab.hosts {
                // One that is on, or off for another reason, is none of the firmware's business.
                let _ = host.begin_again();
            }
            let told = pool.ask("GET", "/rolling-reboot", None).filter(|answer| answer.status == 200);
            state = told.map_or(json!(null), |answer| answer.body["run"].clone());
            ["done", "stopped", "canceled"].iter().any(|end| state["state"] == *end)
        });
    });
    pool.holds(&format!("it is done: {state}"), state["state"] == "done");
    let anew = pool.lab.hosts.iter().zip(&before).all(|(host, before)| boot(host) != *before);
    pool.holds("every host has booted anew", anew);
    let record = pool.lab.recorder.record();
    let fallen: Vec<String> =
        record.fell_since(moment).into_iter().map(|(_, host)| host.to_owned()).collect();
    drop(record);
    // One that is on again before the recorder looks has not fallen for it.
    let once = fallen.iter().collect::<BTreeSet<_>>().len() == fallen.len();
    pool.holds(&format!("none of them twice: {fallen:?}"), once);
    pool.expect("all guests are up", SOON, || pool.down().is_empty());
    pool.holds("no guest began from the beginning", boots(pool) == booted && booted > 0);
    pool.holds("nobody failed and nobody was fenced", failures(pool) == failed);
}

fn key_rotation(pool: &mut Pool) {
    undisturbed(pool, |pool| {
        let newest = |pool: &Pool| -> Vec<u64> {
            let of = |host: &Host| {
                let status = pool.status(host)?;
                status["hosts"].as_array()?.iter().filter_map(|line| line["newest_key"].as_u64()).max()
            };
            pool.on().into_iter().filter_map(of).collect()
        };
        let before = newest(pool).into_iter().max().unwrap_or_default();
        let told = pool.tell(pool.leading(), &json!({ "ask": "rotate-key" }));
        pool.holds(&format!("the leader changes the key: {told:?}"), told.is_ok());
        pool.expect("all hosts have a newer key", SOON, || {
            let now = newest(pool);
            now.len() == pool.on().len() && now.iter().all(|key| *key > before)
        });
    });
}

/// Another file with the same program is what an upgrade is to pid 1 and to the pool.
fn upgrade(pool: &mut Pool) {
    undisturbed(pool, |pool| {
        for host in &pool.lab.hosts {
            let program = host.folder().join("lifeboat/lifeboat-agent");
            let other = host.folder().join("lifeboat/upgraded");
            let put = std::fs::copy(&program, &other).and_then(|_| std::fs::rename(&other, &program));
            pool.holds("the program can be replaced", put.is_ok());
            let before = host.unit(Unit::Agent);
            host.signal(Unit::Agent, Signal::TERM);
            pool.expect("the new agent is a member", SOON, || {
                host.unit(Unit::Agent).is_some_and(|now| Some(now) != before) && pool.agree(&pool.on())
            });
        }
    });
}

fn hand_over(pool: &mut Pool) {
    undisturbed(pool, |pool| pool.hand_over());
}

fn clean_shutdown(pool: &mut Pool) {
    let host = pool.following().clone();
    let moment = pool.lab.recorder.time();
    let guests = pool.lab.recorder.record().on(host.name()).len();
    empty(pool, &host);
    leave(pool, &host);
    pool.lab.switch_off(&host);
    passes(pool, pool.timeout() * 2);
    let record = pool.lab.recorder.record();
    let fell = record.fell_since(moment).len();
    drop(record);
    pool.holds("nobody falls", fell == 0);
    let up = pool.down().is_empty();
    pool.holds("all guests are up", up);
    pool.bring_back(&host);
    let path = format!("/hosts/{}/actions/enable", host.name());
    let booted = boots(pool);
    migrating(pool, || {
        pool.expect("it takes guests again", SOON, || {
            pool.ask("POST", &path, Some(&json!({}))).is_some_and(|answer| answer.status < 300)
        });
        // The service moves back who left, one by one, where admission agrees: that they come is no promise.
        until(SOON, || {
            let there = pool.lab.recorder.record().on(host.name()).len();
            there == guests && settled(pool)
        });
    });
    pool.expect("all guests are up", SOON, || pool.down().is_empty());
    pool.holds("none began from the beginning", boots(pool) == booted);
}

fn join_and_leave(pool: &mut Pool) {
    let victim = pool.following().clone();
    pool.lab.switch_off(&victim);
    let joined = pool.grow();
    pool.holds(&format!("a host joins: {:?}", joined.as_ref().err()), joined.is_ok());
    pool.expect("all guests are up", SOON, || pool.down().is_empty());
    pool.expect("the new host is a member", SOON, || pool.agree(&pool.on()));
    let Some(newcomer) = pool.lab.hosts.last().cloned() else { return };
    if !pool.lab.recorder.record().on(newcomer.name()).is_empty() {
        empty(pool, &newcomer);
    }
    leave(pool, &newcomer);
    pool.lab.switch_off(&newcomer);
    passes(pool, pool.timeout());
    pool.holds("the others go on", pool.agree(&pool.on()));
}

/// While this is done guests may migrate.
fn migrating(pool: &Pool, what: impl FnOnce()) {
    for vm in &pool.vms {
        pool.lab.recorder.migrates(vm);
    }
    what();
    pool.expect("every guest has one process", SOON, || settled(pool));
    for vm in &pool.vms {
        pool.lab.recorder.migrated(vm);
    }
}

/// Whether there are as many processes as guests.
fn settled(pool: &Pool) -> bool {
    let record = pool.lab.recorder.record();
    pool.lab.hosts.iter().map(|host| record.on(host.name()).len()).sum::<usize>() == pool.vms.len()
}

/// How often guests began from the beginning.
fn boots(pool: &Pool) -> usize {
    let consoles = |host: &Host| {
        let folder = host.folder().join("log/consoles");
        let texts = pool.vms.iter().filter_map(|vm| std::fs::read(folder.join(vm)).ok()).collect::<Vec<_>>();
        texts.iter().map(|text| String::from_utf8_lossy(text).matches("GUEST UP").count()).sum::<usize>()
    };
    pool.lab.hosts.iter().map(consoles).sum()
}

/// Moves all guests of a host elsewhere, live.
fn empty(pool: &Pool, host: &Host) {
    let booted = boots(pool);
    migrating(pool, || {
        let path = format!("/hosts/{}/actions/evacuate", host.name());
        let asked = pool.ask("POST", &path, Some(&json!({})));
        pool.holds(
            &format!("it is emptied: {asked:?}"),
            asked.as_ref().is_some_and(|answer| answer.status < 300),
        );
        pool.expect("it is empty", SOON, || pool.lab.recorder.record().on(host.name()).is_empty());
    });
    // The first word of a guest at its new place comes a little after it has arrived.
    pool.expect("all guests are up", SOON, || pool.down().is_empty());
    pool.holds("none began from the beginning", boots(pool) == booted && booted > 0);
}

/// An empty host leaves the pool.
fn leave(pool: &Pool, host: &Host) {
    // The recorder sees a guest's process end before the agent hears that its migration is over, and until then it refuses.
    pool.expect("it leaves", SOON, || pool.tell(host, &json!({ "ask": "leave" })).is_ok());
    pool.expect("it may be switched off", SOON, || {
        pool.status(host).is_some_and(|status| status["may_power_off"] == true)
    });
}
