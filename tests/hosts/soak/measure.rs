//! How fast guests come back: power loss, the coordinator's power loss, a split network, and evidence in hand.
use super::results::{self, Outcome, STALL_S};
use super::{Fault, Wishes, say};
use lifeboat_lab::pool::timing::{Measured, Victims};
use lifeboat_lab::pool::{self, Pool};
use lifeboat_lab::programs::Programs;
use serde_json::json;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

/// Hosts and guests of a pool that is measured.
const HOSTS: usize = 4;
const VMS: usize = 8;
/// Runs on one pool, before another one forms: a host that fails three times within an hour is quarantined, and guests gather on few hosts.
const RUNS_OF_A_POOL: usize = 3;
/// A run whose machine stalled is made again, so often at most for each run that is wanted.
const TRIES: usize = 3;
/// After so many failures of one case the next one has its turn.
const MOST_FAILURES: usize = 3;

/// What happens to the pool: the moment from which it is timed, and whose guests come back; nothing where guests have gathered so that it
/// cannot be measured on this pool any more.
type Act = fn(&mut Pool) -> Option<(f64, Victims)>;

const CASES: [(&str, Act); 4] = [
    ("power-loss", power_loss),
    ("coordinator", coordinator_loss),
    ("partition", partition),
    ("evidence", evidence),
];

/// Makes the runs that are missing.
pub(crate) fn run(programs: &Programs, wishes: &Wishes) -> Result<(), Fault> {
    let runs = wishes.number("runs", 20)? as usize;
    let timeouts = wishes.text("timeouts", "5,15");
    let cases = wishes.text("cases", "power-loss,coordinator,partition,evidence");
    let path = wishes.results();
    for timeout in timeouts.split(',') {
        let timeout_s: u64 = timeout.parse()?;
        for (case, act) in CASES.iter().filter(|(case, _)| cases.split(',').any(|wanted| wanted == *case)) {
            let mut failures = 0;
            while missing(&path, case, timeout_s, runs)? && failures < MOST_FAILURES {
                failures += series(programs, &path, (case, *act), timeout_s, runs)?;
            }
        }
    }
    Ok(())
}

/// Whether a case has too few runs without a stall, and may have more.
fn missing(path: &Path, name: &str, timeout: u64, runs: usize) -> Result<bool, Fault> {
    let (mut clean, mut all) = (0, 0);
    for outcome in results::read(path)? {
        if let Outcome::Measured { case, timeout_s, stalled_s, .. } = outcome
            && case == name
            && timeout_s == timeout
        {
            all += 1;
            clean += usize::from(stalled_s <= STALL_S);
        }
    }
    Ok(clean < runs && all < runs * TRIES)
}

/// Some runs on one pool, or until one fails; how many failed.
fn series(
    programs: &Programs,
    path: &Path,
    (name, act): (&str, Act),
    timeout_s: u64,
    runs: usize,
) -> Result<usize, Fault> {
    let pool = pool::Wishes { hosts: HOSTS, vms: VMS, timeout_s, bmc: false, quarantine: 0 };
    say(&format!("{name}, T = {timeout_s} s: a pool forms"));
    let mut outcome = Ok(Ok(()));
    let failed =
        catch_unwind(AssertUnwindSafe(|| outcome = on_one_pool(programs, path, (name, act), pool, runs)));
    let why = match (failed, outcome) {
        (Err(panic), _) => panic.downcast_ref::<String>().cloned().unwrap_or_else(|| "it panicked".into()),
        (Ok(()), Ok(Ok(()))) => return Ok(0),
        (Ok(()), Ok(Err(fault))) => fault,
        (Ok(()), Err(fault)) => return Err(fault),
    };
    let first = why.lines().take(2).collect::<Vec<_>>().join("; ");
    say(&format!("{name}, T = {timeout_s} s: FAILED: {first}"));
    results::add(path, &Outcome::Failed { case: name.into(), timeout_s, why: first })?;
    Ok(1)
}

fn on_one_pool(
    programs: &Programs,
    path: &Path,
    (name, act): (&str, Act),
    wishes: pool::Wishes,
    runs: usize,
) -> Result<Result<(), String>, Fault> {
    let mut pool = match Pool::form(programs, wishes) {
        Ok(pool) => pool,
        Err(fault) => return Ok(Err(fault.to_string())),
    };
    for _ in 0..RUNS_OF_A_POOL {
        if !missing(path, name, wishes.timeout_s, runs)? {
            break;
        }
        let Some((moment, victims)) = act(&mut pool) else {
            break;
        };
        let Measured { first_start, last_up, stalled } = victims.come_back(&pool, moment);
        say(&format!(
            "{name}, T = {} s: first start {first_start:.2} s, last of {} up {last_up:.2} s{}",
            wishes.timeout_s,
            victims.vms.len(),
            if stalled > STALL_S {
                format!(" (the machine stalled for {stalled:.2} s)")
            } else {
                String::new()
            }
        ));
        results::add(
            path,
            &Outcome::Measured {
                case: name.into(),
                timeout_s: wishes.timeout_s,
                hosts: wishes.hosts,
                vms: victims.vms.len(),
                first_start_s: first_start,
                last_up_s: last_up,
                stalled_s: stalled,
            },
        )?;
        pool.make_whole();
    }
    Ok(Ok(()))
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "a case as the others are, one of which may have nobody to measure"
)]
fn power_loss(pool: &mut Pool) -> Option<(f64, Victims)> {
    let host = pool.following().clone();
    let victims = Victims::of(pool, &[&host]);
    Some((pool.lab.switch_off(&host), victims))
}

/// The leader loses its power, if it has guests: whoever has been back for a shorter time than the others may lead with none.
fn coordinator_loss(pool: &mut Pool) -> Option<(f64, Victims)> {
    let host = pool.leading().clone();
    let victims = Victims::of(pool, &[&host]);
    (!victims.vms.is_empty()).then(|| (pool.lab.switch_off(&host), victims))
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "a case as the others are, one of which may have nobody to measure"
)]
fn partition(pool: &mut Pool) -> Option<(f64, Victims)> {
    let host = pool.following().clone();
    let others: Vec<usize> =
        pool.on().iter().map(|host| host.spec.number).filter(|other| *other != host.spec.number).collect();
    let victims = Victims::of(pool, &[&host]);
    let moment = pool.lab.recorder.time();
    pool.wires(|wires| wires.partition(&[&[host.spec.number], &others]));
    Some((moment, victims))
}

/// A host loses its power, and somebody who has looked says so at once: timed from that word.
#[expect(
    clippy::unnecessary_wraps,
    reason = "a case as the others are, one of which may have nobody to measure"
)]
fn evidence(pool: &mut Pool) -> Option<(f64, Victims)> {
    let host = pool.following().clone();
    let leader = pool.leading().clone();
    let victims = Victims::of(pool, &[&host]);
    pool.lab.switch_off(&host);
    let moment = pool.lab.recorder.time();
    let word = json!({ "ask": "confirm-dead", "host": host.name(), "forced": true });
    let told = pool.tell(&leader, &word);
    pool.holds(&format!("the leader takes an operator's word: {told:?}"), told.is_ok());
    Some((moment, victims))
}
