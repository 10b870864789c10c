//! A store that comes and goes, and a channel that writes down what people are told.
use super::*;
use crate::alarms::Alarms;
use crate::clock::Stopwatch;
use crate::engine::EngineSettings;
use crate::engine::pools::all_under;
use crate::served::alerts::{Alert, Holds, Kind, Subject};
use crate::served::ledger::ALERTS;
use lifeboat_model::PoolSpec;
use lifeboat_store::{Candidate, Key, Leadership, Options, Record, Store, StoreAddress, StoreError, Term};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

/// Ample, on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// A store that takes nothing while it is away.
#[derive(Debug)]
struct Distant {
    store: Box<dyn Store>,
    away: AtomicBool,
}

impl Store for Distant {
    fn get(&self, key: &Key) -> Result<Option<Vec<u8>>, StoreError> {
        self.store.get(key)
    }

    fn scan(&self, prefix: &Key, after: Option<&Key>, most: usize) -> Result<Vec<Record>, StoreError> {
        self.store.scan(prefix, after, most)
    }

    fn commit(&self, term: Term, batch: &Batch) -> Result<(), StoreError> {
        if self.away.load(Ordering::Relaxed) {
            return Err(StoreError::Unavailable("it is away".into()));
        }
        self.store.commit(term, batch)
    }

    fn campaign(&self, candidate: &Candidate, wait: Duration) -> Result<Option<Term>, StoreError> {
        self.store.campaign(candidate, wait)
    }

    fn renew(&self, term: Term) -> Result<(), StoreError> {
        self.store.renew(term)
    }

    fn resign(&self, term: Term) -> Result<(), StoreError> {
        self.store.resign(term)
    }

    fn leader(&self) -> Result<Option<Leadership>, StoreError> {
        self.store.leader()
    }

    fn lease(&self) -> Option<Duration> {
        self.store.lease()
    }

    fn backup(&self, out: &mut dyn std::io::Write) -> Result<(), StoreError> {
        self.store.backup(out)
    }
}

fn led(folder: &Path) -> (Arc<Distant>, Engine) {
    let address = StoreAddress::File(folder.join("store.redb"));
    let store = lifeboat_store::open(&address, &Options::default()).expect("it opens");
    let candidate = Candidate { name: "h1".to_owned(), address: "http://localhost".to_owned() };
    let term = store.campaign(&candidate, PATIENCE).expect("it answers").expect("nobody else leads");
    let store = Arc::new(Distant { store, away: AtomicBool::new(false) });
    let engine = Engine::start(
        Arc::clone(&store) as Arc<dyn Store>,
        term,
        EngineSettings::default(),
        Box::new(|_, _, _| Vec::new()),
        Box::new(|_| {}),
    );
    (store, engine.expect("it starts"))
}

/// People who are told: each kind of an alert is a line in the file.
fn people(engine: &Engine, folder: &Path) -> (Alarms, std::path::PathBuf) {
    let (program, told) = (folder.join("tell"), folder.join("told"));
    std::fs::write(&program, format!("echo $LIFEBOAT_KIND >> {}\n", told.display()))
        .expect("it can be written");
    // Not by its own name: while another test forks, a file that was just written cannot be run.
    let channel = serde_json::json!({"kind": "command", "name": "people", "run": ["/bin/sh", program]});
    let channel = serde_json::from_value(channel).expect("a channel");
    (Alarms::start(engine, &[channel], None, 1).expect("it starts"), told)
}

fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let begun = Stopwatch::start();
    while !is_so() {
        assert!(!begun.has_reached(PATIENCE), "{what}: in vain");
        std::thread::park_timeout(Duration::from_millis(5));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_told_while_the_store_is_away_and_it_is_booked_when_it_is_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let (store, engine) = led(folder.path());
    let spec = PoolSpec { id: "prod".to_owned(), ..PoolSpec::default() };
    let pool = engine.create(Pool::new(&spec).expect("a pool"), Vec::new(), Batch::default()).await;
    let pool = pool.expect("it is made");
    let (alarms, told) = people(&engine, folder.path());
    let told = || std::fs::read_to_string(&told).unwrap_or_default();
    let booked = || -> Vec<Alert> {
        let records = all_under(&*store.store, &Key::of(&[ALERTS, "prod"])).expect("it can be read");
        records.iter().map(|record| serde_json::from_slice(&record.value).expect("an alert")).collect()
    };
    store.away.store(true, Ordering::Relaxed);
    let mut lost = Batch::default();
    lost.put(Key::of(&["x"]), Vec::new());
    assert!(engine.writer().hand_over(lost), "there is room");
    wait_until("the writer sees that the store is away", || engine.writer().health().is_failing());
    assert!(pool.turn().await.is_err(), "what changes the pool is refused");

    let keeper = Keeper::new(Handle::current());
    let teller = tokio::spawn(keeper.clone().tell(Arc::clone(&pool)));
    let found = Finding {
        kind: Kind::StatefileLost,
        subject: Subject::Host("h1".to_owned()),
        holds: Holds::Yes,
        summary: "host h1: its medium is away".to_owned(),
        detail: String::new(),
        next_step: String::new(),
        data: serde_json::Value::Null,
    };
    keeper.find(found.clone());
    wait_until("people are told", || told() == "statefile-lost\n");
    assert_eq!(booked(), [], "it was away all the time");
    store.away.store(false, Ordering::Relaxed);
    wait_until("it is booked", || booked().iter().map(|alert| alert.kind).eq([Kind::StatefileLost]));
    keeper.find(found.clone());
    keeper.find(Finding { holds: Holds::No { because: "it is back".to_owned() }, ..found });
    wait_until("the end is told", || told().lines().count() > 1);
    assert_eq!(told(), "statefile-lost\nstatefile-back\n", "each once");
    wait_until("the end is booked", || booked().iter().all(|alert| alert.closed_at.is_some()));
    teller.abort();
    alarms.end(&engine);
}
