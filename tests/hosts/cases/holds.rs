//! How cases go through a pool, and what they hold it to.
use super::{programs, turn};
use lifeboat_lab::pool::{Pool, SOON, Wishes};
use std::time::Duration;

/// Something that happens to a pool.
pub(crate) type Case = (&'static str, fn(&mut Pool));

/// Goes through cases on one pool, which is made whole after each.
#[expect(
    clippy::print_stdout,
    reason = "these are tests: how long each case takes is shown with their output"
)]
pub(crate) fn go_through(wishes: Wishes, cases: &[Case]) {
    let _turn = turn();
    let mut pool = Pool::form(programs(), wishes).unwrap_or_else(|fault| panic!("{fault}"));
    println!(
        "{} hosts, T = {} s: formed after {:.0} s",
        wishes.hosts,
        wishes.timeout_s,
        pool.lab.recorder.time()
    );
    for (name, case) in cases {
        let began = pool.lab.recorder.time();
        pool.lab.recorder.note(&format!("CASE: {name}"));
        case(&mut pool);
        pool.make_whole();
        println!("{name}: {:.0} s", pool.lab.recorder.time() - began);
    }
}

/// No guest ends, no host falls, while this is done and until twice T has passed since it began: whoever is going to be fenced for it has been.
pub(crate) fn undisturbed(pool: &mut Pool, act: impl FnOnce(&mut Pool)) {
    let moment = pool.lab.recorder.time();
    act(pool);
    let left = moment + pool.timeout().as_secs_f64() * 2.0 - pool.lab.recorder.time();
    passes(pool, Duration::from_secs_f64(left.max(1.0)));
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
