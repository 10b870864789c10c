//! The process that is killed: writes numbered batches, and says each number when it was acknowledged.
use lifeboat_store::{Batch, Key, Options, Store, StoreAddress, StoreError, Term, open};
use std::io::Write;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

/// The argument that makes this process a writer.
pub(crate) const VERB: &str = "write-until-killed";
/// How many records a wide batch has: on etcd it goes through the journal.
pub(crate) const WIDE: u64 = 250;

pub(crate) fn options() -> Options {
    Options { lease: Duration::from_secs(2), timeout: Duration::from_secs(20), ..Options::default() }
}

pub(crate) fn log() -> Key {
    Key::of(&["log"])
}

pub(crate) fn wide() -> Key {
    Key::of(&["wide"])
}

/// Writes until it is killed, or until somebody else leads.
pub(crate) fn write(address: &str) {
    let address: StoreAddress = address.parse().expect("an address");
    let store = open(&address, &options()).expect("it opens");
    let us = lifeboat_store::Candidate { name: "writer".to_owned(), address: String::new() };
    let term = store.campaign(&us, Duration::from_mins(1)).expect("a campaign").expect("a term");
    let last = store.get(&Key::of(&["last"])).expect("a read");
    let last = last.map_or(0, |last| String::from_utf8(last).expect("digits").parse().expect("a number"));
    let (stop, stopped) = channel();
    std::thread::scope(|scope| {
        let store = &*store;
        scope.spawn(move || renew(store, term, &stopped));
        write_from(store, term, last);
        drop(stop);
    });
}

fn write_from(store: &dyn Store, term: Term, last: u64) {
    for number in last + 1.. {
        let committed = store.commit(term, &batch(number));
        match committed {
            Ok(()) => writeln!(std::io::stdout(), "{number}").expect("somebody listens"),
            // Its fate is not known, so this number must not be written again by us: the next writer looks.
            Err(StoreError::Unavailable(_) | StoreError::Superseded) => return,
            Err(fault) => panic!("{fault}"),
        }
    }
}

/// Batch `number`: a line of the log, the last number, and now and then many records that all say the same.
fn batch(number: u64) -> Batch {
    let text = number.to_string().into_bytes();
    let mut batch = Batch::default();
    if number.is_multiple_of(5) {
        if number.is_multiple_of(3) {
            batch.delete_under(wide());
        }
        for at in 0..WIDE {
            batch.put(Key::numbered(&["wide"], at), text.clone());
        }
    }
    batch.put(Key::numbered(&["log"], number), text.clone());
    batch.put(Key::of(&["last"]), text);
    batch
}

fn renew(store: &dyn Store, term: Term, stopped: &Receiver<()>) {
    while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(Duration::from_millis(500)) {
        // If it fails, the next commit says so.
        let _ = store.renew(term);
    }
}
