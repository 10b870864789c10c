//! Every request of a run is spoilt in turn: lost, answered into the void, or brought late. Commits take effect once and
//! in order all the same, and what was read stays true.
use crate::cases::{candidate, key};
use crate::etcd::Etcd;
use crate::relay::{Fault, Plan, Relay};
use lifeboat_store::{Batch, Key, Options, Record, Store, StoreAddress, StoreError, Term, open};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Commits of a run; every third goes through the journal.
const COMMITS: u64 = 6;
/// Threads that try at the same time: they wait for the disk, mostly.
const THREADS: u64 = 4;
/// How often something is tried again before the network counts as broken for good.
const PATIENCE: usize = 100;

fn at(endpoint: &str, prefix: &str) -> StoreAddress {
    StoreAddress::Etcd { endpoints: vec![endpoint.to_owned()], tls: false, prefix: format!("/{prefix}/") }
}

fn hasty() -> Options {
    Options { timeout: Duration::from_millis(400), lease: Duration::from_mins(1), ..Options::default() }
}

fn batch(number: u64) -> Batch {
    let text = number.to_string().into_bytes();
    let mut batch = Batch::default();
    if number.is_multiple_of(3) {
        batch.delete_under(Key::of(&["wide"]));
        for at in 0..150 {
            batch.put(Key::numbered(&["wide"], at), text.clone());
        }
    }
    batch.put(key("last"), text.clone());
    batch.put(Key::numbered(&["log"], number), text);
    batch
}

/// Tries until it is answered, through a network that is no longer dark.
fn insist<T>(relay: &Relay, mut attempt: impl FnMut() -> Result<T, StoreError>) -> T {
    for _ in 0..PATIENCE {
        match attempt() {
            Ok(answer) => return answer,
            Err(StoreError::Unavailable(_)) => relay.light(),
            Err(fault) => panic!("{fault}"),
        }
    }
    panic!("never answered")
}

fn last(store: &dyn Store) -> Result<u64, StoreError> {
    let value = store.get(&key("last"))?;
    Ok(value.map_or(0, |value| str::from_utf8(&value).expect("digits").parse().expect("a number")))
}

/// What a writer does after a doubtful answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Doubt {
    /// Looks what came of it, and writes it again if nothing did.
    Look,
    /// Goes on with the next, whatever came of it.
    GoOn,
}

/// Writes everything; which commits were acknowledged, or found to be there.
fn write_all(relay: &Relay, store: &dyn Store, witness: &dyn Store, term: Term, doubt: Doubt) -> Vec<u64> {
    let mut certain = Vec::new();
    let mut number = 1;
    while number <= COMMITS {
        match store.commit(term, &batch(number)) {
            Ok(()) => {}
            // The last one is written until it is certain, so that there is an end to look at.
            Err(StoreError::Unavailable(_)) if doubt == Doubt::GoOn => {
                relay.light();
                number = COMMITS.min(number + 1);
                continue;
            }
            Err(StoreError::Unavailable(_)) => {
                relay.light();
                let read = insist(relay, || last(store));
                assert!(read == number || read == number - 1, "{read} after {number} was tried");
                // What is late arrives now: if it were to change anything, what was read would not be true.
                relay.bring_late();
                assert_eq!(
                    insist(relay, || last(witness)),
                    read,
                    "commit {number} arrived after it was looked for"
                );
                number = read;
            }
            Err(fault) => panic!("{fault}"),
        }
        assert_eq!(insist(relay, || last(witness)), number, "what was acknowledged is there");
        certain.extend((number > 0).then_some(number));
        number += 1;
    }
    certain
}

/// A run through this network; how many requests it took.
fn run(member: &str, prefix: &str, plan: Option<Plan>, doubt: Doubt) -> u64 {
    let relay = Relay::to(member, plan);
    let witness = open(&at(member, prefix), &Options::default()).expect("it opens");
    let store = insist(&relay, || open(&at(&relay.endpoint(), prefix), &hasty()));
    let term = loop {
        let campaign = store.campaign(&candidate("a"), Duration::from_secs(5));
        match campaign {
            Ok(Some(term)) => break term,
            // A campaign whose answer was lost may have put us there. The next one ends that first.
            Ok(None) | Err(StoreError::Unavailable(_)) => relay.light(),
            Err(fault) => panic!("{fault}"),
        }
    };
    let certain = write_all(&relay, &*store, &*witness, term, doubt);
    relay.bring_late();
    let log: Vec<u64> = scan(&*witness, "log").iter().map(number).collect();
    assert!(certain.iter().all(|number| log.contains(number)), "{certain:?} are certain, {log:?} are there");
    assert!(doubt == Doubt::GoOn || log.iter().copied().eq(1..=COMMITS), "{log:?}");
    let wide = scan(&*witness, "wide");
    let newest = log.iter().rfind(|number| number.is_multiple_of(3));
    assert!(wide.len() == 150 && wide.iter().all(|record| Some(&number(record)) == newest));
    assert_eq!(last(&*witness).expect("a read"), COMMITS);
    insist(&relay, || store.renew(term));
    relay.requests()
}

fn scan(store: &dyn Store, name: &str) -> Vec<Record> {
    store.scan(&Key::of(&[name]), None, usize::MAX).expect("a scan")
}

fn number(record: &Record) -> u64 {
    str::from_utf8(&record.value).expect("digits").parse().expect("a number")
}

#[test]
fn whatever_request_is_spoilt_commits_take_effect_once_and_in_order() {
    let etcd = Etcd::start(1);
    let member = &etcd.endpoints()[0];
    let patient = Options { timeout: Duration::from_secs(30), ..Options::default() };
    drop(open(&at(member, "warm"), &patient).expect("it starts"));
    let requests = run(member, "clean", None, Doubt::Look);
    let ways = [
        (Fault::LoseRequest, false, Doubt::Look),
        (Fault::LoseAnswer, false, Doubt::Look),
        (Fault::LoseAnswer, true, Doubt::Look),
        (Fault::LoseAnswer, true, Doubt::GoOn),
        (Fault::Late(1), false, Doubt::Look),
        (Fault::Late(2), false, Doubt::Look),
        (Fault::Late(1), true, Doubt::Look),
        (Fault::Late(1), true, Doubt::GoOn),
        (Fault::Late(u64::MAX / 4), true, Doubt::Look),
    ];
    let next = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let request = number / ways.len() as u64;
                    if request >= requests {
                        return;
                    }
                    let (fault, dark, doubt) = ways[(number % ways.len() as u64) as usize];
                    let plan = Plan { request, fault, dark };
                    println!("run {number}: {plan:?}, {doubt:?}");
                    run(member, &format!("run-{number}"), Some(plan), doubt);
                }
            });
        }
    });
}
