//! The recorder: sees from outside, every 25 ms and by one clock, which guests have a process on which host and whose consoles go on, and
//! holds that no guest ever executes on two hosts. It knows nothing of Lifeboat: what it sees is what the machine's kernel shows.
//!
//! Two processes of one guest on two hosts at one moment are a violation, but where a live migration was announced. Migration or not, a
//! console that goes on after another host has taken it over is one.
mod consoles;
mod guests;
mod record;

pub use record::{Event, Record, Run, Stall};

use crate::clock::{now, pause, wall};
use crate::command::line;
use consoles::Consoles;
use guests::Guests;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Between two looks.
const EVERY: Duration = Duration::from_millis(25);
/// A longer time between two looks is a stall of the machine, which is told.
const STALL: Duration = Duration::from_millis(200);

/// Watches a lab until it is dropped.
#[derive(Debug)]
pub struct Recorder {
    record: Arc<Mutex<Record>>,
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    began: Instant,
}

impl Recorder {
    /// Begins to watch the lab in this folder.
    pub fn watch(lab: &Path) -> Self {
        let began = now();
        let record = Arc::new(Mutex::new(Record::default()));
        let ended = Arc::new(AtomicBool::new(false));
        let (recorded, over, folder) = (Arc::clone(&record), Arc::clone(&ended), lab.to_path_buf());
        let thread = std::thread::spawn(move || look(&folder, began, &recorded, &over));
        let recorder = Self { record, ended, thread: Some(thread), began };
        recorder.note(&format!("the recorder begins, at {:.3} s since 1970", wall()));
        recorder
    }

    /// Seconds since the recorder began: the time of the record.
    pub fn time(&self) -> f64 {
        self.began.elapsed().as_secs_f64()
    }

    /// Writes down what a test does.
    pub fn note(&self, what: &str) {
        let at = self.time();
        self.record().note(at, what.into());
    }

    /// A test takes a host's power, or has it reset: that it goes off is its doing.
    pub fn switches_off(&self, host: &str) {
        let at = self.time();
        self.record().note(at, format!("{host} loses its power"));
        self.record().switched_off.push((at, host.into()));
    }

    /// A live migration of this guest begins: it may have two processes until [`Recorder::migrated`].
    pub fn migrates(&self, vm: &str) {
        self.note(&format!("{vm} may migrate"));
        self.record().migrating.insert(vm.into());
    }

    /// No migration of this guest is under way any more.
    pub fn migrated(&self, vm: &str) {
        self.record().migrating.remove(vm);
        self.note(&format!("{vm} may migrate no more"));
    }

    /// The record so far.
    pub fn record(&self) -> MutexGuard<'_, Record> {
        // What was recorded before a panic stands.
        self.record.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Waits until the record shows something; says whether it does in time.
    pub fn until(&self, within: Duration, mut shows: impl FnMut(&Record) -> bool) -> bool {
        crate::clock::until(within, || shows(&self.record()))
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn look(folder: &Path, began: Instant, record: &Mutex<Record>, over: &AtomicBool) {
    let thread = rustix::thread::gettid().as_raw_nonzero();
    // On a busy machine whoever waits for its turn sees nothing; where it is not allowed, stalls are told.
    let _ = line(&format!("chrt --fifo -p 40 {thread}"));
    let lab = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let mut guests = Guests::new(&lab);
    let mut consoles = Consoles::new(folder);
    let mut last = now();
    while !over.load(Ordering::Relaxed) {
        let this = now();
        let at = this.duration_since(began).as_secs_f64();
        let (seen, grown, power) = (guests.look(), consoles.look(), consoles.power());
        let mut record = record.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if this.duration_since(last) > STALL {
            record.stall(at, this.duration_since(last).as_secs_f64());
        }
        record.guests(at, &seen);
        record.power(at, &power);
        for (host, vm) in grown {
            record.console(at, &host, &vm);
        }
        drop(record);
        last = this;
        pause((this + EVERY).saturating_duration_since(now()));
    }
}
