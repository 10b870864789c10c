//! The promises, held on an etcd of three members; and what several coordinators are promised besides.
use crate::cases::{CASES, Kind, candidate, everything, key, lead, names, puts};
use crate::etcd::Etcd;
use lifeboat_store::{Batch, Key, Options, Store, StoreAddress, StoreError, open};
use rustix::process::{Pid, Signal, kill_process};
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Longer than anything here takes, on the busiest machine.
const LONG: Duration = Duration::from_mins(1);

struct OnEtcd {
    etcd: Etcd,
    made: Cell<u32>,
}

impl OnEtcd {
    fn start() -> Self {
        Self { etcd: Etcd::start(3), made: Cell::new(0) }
    }
}

/// Time enough on a busy machine, also for members that are just starting.
fn patient() -> Options {
    Options { lease: Duration::from_secs(20), timeout: Duration::from_secs(30), ..Options::default() }
}

impl Kind for OnEtcd {
    fn fresh(&self) -> StoreAddress {
        self.made.set(self.made.get() + 1);
        self.etcd.address(&format!("test-{}", self.made.get()))
    }

    fn open(&self, address: &StoreAddress) -> Box<dyn Store> {
        open(address, &patient()).expect("it opens")
    }
}

#[test]
fn an_etcd_keeps_every_promise() {
    let kind = OnEtcd::start();
    for (promise, case) in CASES {
        println!("{promise}");
        case(&kind);
    }
}

/// As a process would that dies soon.
fn short_lived() -> Options {
    Options { lease: Duration::from_secs(3), ..patient() }
}

fn kept(store: &dyn Store) -> Vec<String> {
    names(&everything(store))
}

#[test]
fn one_candidate_leads_and_the_next_when_it_resigns() {
    let kind = OnEtcd::start();
    let address = kind.fresh();
    let (a, b) = (kind.open(&address), kind.open(&address));
    let first = lead(&*a);
    assert_eq!(b.campaign(&candidate("b"), Duration::ZERO).expect("an answer"), None);
    assert_eq!(b.leader().expect("an answer").expect("somebody leads").leader, candidate("a"));
    let second = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| b.campaign(&candidate("b"), LONG));
        a.commit(first, &puts([("a", "1")])).expect("it leads while others wait");
        a.resign(first).expect("a resignation");
        waiting.join().expect("a thread").expect("a campaign").expect("the seat is vacant")
    });
    assert!(first < second);
    b.commit(second, &puts([("b", "1")])).expect("b leads");
    assert!(matches!(a.commit(first, &puts([("c", "1")])), Err(StoreError::Superseded)));
    assert_eq!(kept(&*a), ["a", "b"]);
}

#[test]
fn a_leader_that_is_silent_is_followed_and_writes_no_more() {
    let kind = OnEtcd::start();
    let address = kind.fresh();
    let a = open(&address, &short_lived()).expect("it opens");
    let b = kind.open(&address);
    // On a machine that is busy enough the lease may run out before it is used.
    let led = (0..10).map(|_| lead(&*a)).find(|term| a.commit(*term, &puts([("a", "1")])).is_ok());
    let first = led.expect("it leads long enough for a commit");
    let second = b.campaign(&candidate("b"), LONG).expect("a campaign").expect("the lease runs out");
    assert!(first < second);
    // It does not know yet, and tries everything.
    let wide: Vec<String> = (0..500).map(|number| number.to_string()).collect();
    for batch in [puts([("late", "1")]), puts([]), puts(wide.iter().map(|name| (name.as_str(), "late")))] {
        let late = a.commit(first, &batch);
        assert!(matches!(late, Err(StoreError::Superseded)), "{late:?}");
    }
    assert!(matches!(a.renew(first), Err(StoreError::Superseded)));
    a.resign(first).expect("it is over already");
    b.renew(second).expect("nobody has ended it");
    assert_eq!(kept(&*b), ["a"]);
}

#[test]
fn nobody_sees_half_of_a_wide_batch() {
    let kind = OnEtcd::start();
    let address = kind.fresh();
    let (writer, reader) = (kind.open(&address), kind.open(&address));
    let term = lead(&*writer);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reading = scope.spawn(|| {
            let mut seen = 0;
            while !done.load(Ordering::Relaxed) {
                let records = everything(&*reader);
                let first = records.first().map(|record| record.value.clone());
                assert!(records.iter().all(|record| Some(&record.value) == first.as_ref()), "half a batch");
                assert!(records.is_empty() || records.len() == 700, "{} of 700", records.len());
                let one = reader.get(&Key::numbered(&["wide"], 699)).expect("a read");
                assert!(one >= first, "a read goes back behind another");
                seen += usize::from(first.is_some());
            }
            seen
        });
        for round in 10..20 {
            let mut batch = Batch::default();
            batch.delete_under(Key::of(&["wide"]));
            for number in 0..700 {
                batch.put(Key::numbered(&["wide"], number), round.to_string().into_bytes());
            }
            writer.renew(term).expect("it lives");
            writer.commit(term, &batch).expect("a commit");
        }
        done.store(true, Ordering::Relaxed);
        assert!(reading.join().expect("the reader") > 0, "it read while others wrote");
    });
}

#[test]
fn members_die_under_load_and_nothing_acknowledged_is_lost() {
    let mut kind = OnEtcd::start();
    let address = kind.fresh();
    let store = kind.open(&address);
    let term = lead(&*store);
    let mut number = 0;
    let mut commit = |times: u32| {
        for _ in 0..times {
            let text = number.to_string();
            let renewed = store.renew(term);
            assert!(!matches!(renewed, Err(StoreError::Superseded)), "two of three keep a lease alive");
            store.commit(term, &puts([(&*text, "acknowledged")])).expect("two of three suffice");
            number += 1;
        }
    };
    for member in 0..3 {
        commit(20);
        kind.etcd.kill(member);
        commit(20);
        kind.etcd.start_member(member);
    }
    commit(20);
    let last = number;
    assert_eq!(everything(&*store).len(), last);
    let other = kind.open(&address);
    assert!((0..last).all(|number| other.get(&key(&number.to_string())).expect("a read").is_some()));
}

/// A member that hangs, and goes on when this is dropped.
struct Hanging(Pid);

impl Hanging {
    fn member(etcd: &Etcd, member: usize) -> Self {
        let process = Pid::from_child(etcd.running[member].as_ref().expect("it runs"));
        kill_process(process, Signal::STOP).expect("it is ours");
        Self(process)
    }
}

impl Drop for Hanging {
    fn drop(&mut self) {
        kill_process(self.0, Signal::CONT).expect("it is ours");
    }
}

#[test]
fn a_member_that_hangs_is_passed_by() {
    let kind = OnEtcd::start();
    let address = kind.fresh();
    drop(kind.open(&address));
    let brisk = Options { timeout: Duration::from_secs(15), ..patient() };
    let [a, b] = [(); 2].map(|()| open(&address, &brisk).expect("it opens"));
    let term = lead(&*a);
    for member in 0..3 {
        let hanging = Hanging::member(&kind.etcd, member);
        let name = member.to_string();
        a.commit(term, &puts([(&*name, "1")])).expect("two of three suffice");
        a.renew(term).expect("it lives");
        assert_eq!(kept(&*a).len(), member + 1);
        drop(hanging);
    }
    // Nor does it keep a candidate from seeing that the seat is vacant.
    let next = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| b.campaign(&candidate("b"), LONG));
        let _hanging = Hanging::member(&kind.etcd, 0);
        a.resign(term).expect("a resignation");
        waiting.join().expect("a thread").expect("a campaign")
    });
    assert!(next > Some(term));
}

#[test]
fn without_a_majority_it_is_unavailable_and_goes_on_later() {
    let mut kind = OnEtcd::start();
    let address = kind.fresh();
    let hasty = Options { timeout: Duration::from_secs(6), lease: LONG, ..Options::default() };
    drop(kind.open(&address));
    let store = open(&address, &hasty).expect("it opens");
    let term = lead(&*store);
    store.commit(term, &puts([("a", "1")])).expect("a commit");
    kind.etcd.kill(0);
    kind.etcd.kill(1);
    for _ in 0..2 {
        let lost = store.commit(term, &puts([("b", "1")]));
        assert!(matches!(lost, Err(StoreError::Unavailable(_))), "{lost:?}");
        assert!(matches!(store.get(&key("a")), Err(StoreError::Unavailable(_))));
    }
    kind.etcd.start_member(0);
    kind.etcd.start_member(1);
    let other = kind.open(&address);
    assert_eq!(everything(&*other)[0].key, key("a"));
    // What this process reads now is what stays: nothing of its own is on its way any more.
    let before = loop {
        if let Ok(value) = store.get(&key("b")) {
            break value;
        }
    };
    store.commit(term, &puts([("c", "1")])).expect("the term goes on");
    assert_eq!(other.get(&key("b")).expect("a read"), before);
    assert_eq!(other.get(&key("c")).expect("a read").as_deref(), Some(&b"1"[..]));
}
