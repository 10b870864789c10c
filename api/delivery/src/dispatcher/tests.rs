//! The dispatcher's threads under load: many senders, a channel that fails and panics, restarts in between.
use super::{Dispatcher, OnLost};
use crate::limits::{Filter, Limits, Retry};
use crate::outbox::Saved;
use crate::{Alert, Channel, Failure, Message, Outbox, Receipt, Severity, Subject};
use std::collections::BTreeMap;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

fn alert(sender: u64, number: u64) -> Alert {
    Alert {
        id: format!("{sender}-{number}"),
        at: "2026-11-22T03:14:07Z".parse().expect("a date"),
        since: None,
        pool: "p".to_owned(),
        kind: "k".to_owned(),
        ends: None,
        severity: Severity::Info,
        subject: Subject::Pool,
        recovered: false,
        summary: String::new(),
        detail: String::new(),
        next_step: String::new(),
        data: serde_json::Value::Null,
    }
}

/// A channel that fails now and then, sometimes by a panic, and keeps what gets through.
struct Moody {
    got: Arc<Mutex<Vec<String>>>,
    tell: Mutex<Sender<usize>>,
    attempts: Mutex<u64>,
}

impl Channel for Moody {
    fn name(&self) -> &'static str {
        "moody"
    }

    fn target(&self) -> String {
        "a list".to_owned()
    }

    fn deliver(&self, message: &Message) -> Result<Receipt, Failure> {
        let attempt = {
            let mut attempts = self.attempts.lock().expect("whole");
            *attempts += 1;
            *attempts
        };
        assert!(attempt % 31 != 0, "a defect");
        if attempt % 7 == 0 {
            return Err(Failure::passing("a mood"));
        }
        let Message::Alert { alert } = message else { panic!("{message:?}") };
        let mut got = self.got.lock().expect("whole");
        got.push(alert.id.clone());
        let _ = self.tell.lock().expect("whole").send(got.len());
        Ok(Receipt(String::new()))
    }
}

#[test]
fn nothing_is_lost_or_reordered_with_many_senders_failures_panics_and_restarts() {
    const SENDERS: u64 = 4;
    const EACH: u64 = 100;
    let got = Arc::new(Mutex::new(Vec::new()));
    let (tell, told) = channel();
    let limits = Limits {
        filter: Filter::default(),
        storm: None,
        retry: Retry { attempts: 100, first: Duration::from_millis(1), longest: Duration::from_millis(2) },
        queue: 10_000,
    };
    let on_lost: OnLost = Arc::new(|_, lost| panic!("{lost:?} is lost"));
    let start = |saved: Saved, seed: u64| {
        let moody =
            Moody { got: Arc::clone(&got), tell: Mutex::new(tell.clone()), attempts: Mutex::new(seed) };
        let outbox = Outbox::new(limits.clone(), seed);
        Dispatcher::start_with(vec![(Arc::new(moody), "list", outbox, saved)], &on_lost)
    };
    let mut saved = Saved::default();
    for life in 0..5 {
        let dispatcher = start(saved, life);
        std::thread::scope(|scope| {
            for sender in 0..SENDERS {
                let dispatcher = &dispatcher;
                scope.spawn(move || {
                    for number in life * EACH..(life + 1) * EACH {
                        dispatcher.send(&alert(sender, number));
                    }
                });
            }
        });
        let mut left: BTreeMap<String, Saved> = dispatcher.stop(Duration::from_secs(20));
        saved = left.remove("moody").expect("the channel");
    }
    let last = start(saved, 5);
    let all = usize::try_from(SENDERS * EACH * 5).expect("small");
    while told.recv_timeout(Duration::from_secs(20)).expect("all get through") < all {}
    assert!(last.stop(Duration::from_secs(20))["moody"].messages.is_empty());
    let got = got.lock().expect("whole");
    assert_eq!(got.len(), all, "what was waited for at each end was told once");
    for sender in 0..SENDERS {
        let prefix = format!("{sender}-");
        let numbers = got.iter().filter_map(|id| id.strip_prefix(&prefix)).map(str::parse);
        let numbers: Vec<u64> = numbers.collect::<Result<_, _>>().expect("numbers");
        assert!(numbers.iter().copied().eq(0..EACH * 5), "those of one sender keep their order: {numbers:?}");
    }
}
