//! The thread that gives the watchdog its commands. A driver can let one wait for seconds, while the BMC behind it begins anew; the lease
//! goes on meanwhile. What is wanted lies in a mailbox: only the newest deadline counts, and it is read, like the clock, right before the
//! command. What came of it comes back as news.
use super::{Posture, Watchdog, WatchdogError};
use crate::clock;
use crate::liveness::raise_priority;
use lifeboat_protocol::Instant;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A command that takes longer than this is worth telling.
const SLOW: Duration = Duration::from_secs(1);
/// What failed and is due at once is tried again after this long.
const REST: Duration = Duration::from_millis(100);
/// Waiting is no finer than this.
const FINEST: Duration = Duration::from_millis(1);

/// What came of telling the watchdog something. That it was fed as usual is told by nobody.
#[derive(Debug)]
pub enum Told {
    /// It was fed, for the first time or again after that had failed; or it could not be.
    Fed(Result<(), WatchdogError>),
    /// It was told to stop.
    Stopped(Result<(), WatchdogError>),
}

/// The mailbox of a watchdog's thread. Nothing here waits for the watchdog.
#[derive(Debug)]
pub struct Tender {
    shared: Arc<Shared>,
    name: String,
}

#[derive(Debug)]
struct Shared {
    mail: Mutex<Mail>,
    wakes: Condvar,
}

#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a wish of its own that can be there with all others"
)]
struct Mail {
    /// A deadline that the watchdog has not been given yet.
    deadline: Option<Instant>,
    /// The one that it was last given.
    given: Option<Instant>,
    stop: bool,
    runs_out: bool,
    over: bool,
    /// Nothing is due until there is mail.
    rests: bool,
    posture: Posture,
    /// Since when a command is under way.
    works_since: Option<Instant>,
}

/// What the thread is to do next.
enum Errand {
    Feed(Instant),
    Tick,
    Stop,
    RunOut,
    End,
}

impl Tender {
    /// Starts the thread, which tells what came of things.
    ///
    /// # Errors
    /// If there can be no more threads.
    pub fn start(watchdog: Box<dyn Watchdog>, tell: impl Fn(Told) + Send + 'static) -> io::Result<Self> {
        let mail = Mail {
            deadline: None,
            given: None,
            stop: false,
            runs_out: false,
            over: false,
            rests: true,
            posture: watchdog.posture(),
            works_since: None,
        };
        let shared = Arc::new(Shared { mail: Mutex::new(mail), wakes: Condvar::new() });
        let (name, its) = (watchdog.name().to_owned(), Arc::clone(&shared));
        crate::thread::spawn("watchdog", move || its.tend(watchdog, tell))?;
        Ok(Self { shared, name })
    }

    /// Resets the host at `deadline`, unless it is fed again before. A deadline of which nothing has come yet is forgotten for a newer one.
    pub fn feed(&self, deadline: Instant) {
        let mut mail = self.shared.mail();
        if mail.posture == Posture::Absent {
            return;
        }
        mail.deadline = Some(deadline);
        if mail.is_urgent() {
            self.shared.wakes.notify_one();
        }
    }

    /// Switches it off; answered by [`Told::Stopped`].
    pub fn stop(&self) {
        self.change(|mail| (mail.stop, mail.deadline) = (true, None));
    }

    /// Lets it run out: it takes no more food.
    pub fn let_run_out(&self) {
        self.change(|mail| (mail.runs_out, mail.deadline) = (true, None));
    }

    /// Whether it resets the host if it is not fed.
    pub fn is_armed(&self) -> bool {
        matches!(self.shared.mail().posture, Posture::Armed { .. })
    }

    /// Whether VMs may be started as far as the watchdog goes: it is armed, or somebody wanted none.
    pub fn is_ready(&self) -> bool {
        matches!(self.shared.mail().posture, Posture::Armed { .. } | Posture::Absent)
    }

    /// How it stands, in words.
    pub fn state(&self, now: Instant) -> String {
        let (posture, works_since) = {
            let mail = self.shared.mail();
            (mail.posture, mail.works_since)
        };
        let said = match posture {
            Posture::Armed { resets: Some(resets) } => {
                format!("armed, resets the host in {} ms", resets.since(now).as_millis())
            }
            Posture::Armed { resets: None } => "armed by an earlier process".into(),
            Posture::FedOnly => "not armed; it cannot be switched off, and is fed".into(),
            Posture::Off => "not armed".into(),
            Posture::Absent => return "NONE: a VM can run twice when this host hangs".into(),
        };
        let slow = works_since.map(|since| now.since(since)).filter(|took| *took > SLOW);
        let slow =
            slow.map_or(String::new(), |took| format!("; IT HAS NOT ANSWERED FOR {} ms", took.as_millis()));
        format!("{said} ({}){slow}", self.name)
    }

    fn change(&self, change: impl FnOnce(&mut Mail)) {
        change(&mut self.shared.mail());
        self.shared.wakes.notify_one();
    }
}

impl Drop for Tender {
    fn drop(&mut self) {
        self.change(|mail| mail.over = true);
    }
}

impl Mail {
    /// Whether a deadline is not to wait until the watchdog is due anyway.
    fn is_urgent(&self) -> bool {
        let nearer = self.deadline.zip(self.given).is_some_and(|(deadline, given)| deadline < given);
        self.rests || nearer || !matches!(self.posture, Posture::Armed { .. })
    }
}

impl Shared {
    /// Every change of the mail is whole.
    fn mail(&self) -> MutexGuard<'_, Mail> {
        self.mail.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tend(&self, mut watchdog: Box<dyn Watchdog>, tell: impl Fn(Told)) {
        raise_priority();
        let mut failed = false;
        let mut not_before = Instant::default();
        loop {
            let was_armed = watchdog.is_armed();
            let outcome = match self.next(watchdog.due().map(|due| due.max(not_before))) {
                Errand::Feed(deadline) => watchdog.feed(clock::now(), deadline),
                Errand::Tick => watchdog.tick(clock::now()),
                Errand::Stop => {
                    let stopped = watchdog.stop();
                    self.note(watchdog.posture());
                    tell(Told::Stopped(stopped));
                    continue;
                }
                Errand::RunOut => {
                    watchdog.let_run_out();
                    continue;
                }
                Errand::End => return,
            };
            self.note(watchdog.posture());
            let fails = outcome.is_err();
            not_before = clock::now() + if fails { REST } else { FINEST };
            if fails || failed || was_armed != watchdog.is_armed() {
                tell(Told::Fed(outcome));
            }
            failed = fails;
        }
    }

    fn note(&self, posture: Posture) {
        let mut mail = self.mail();
        (mail.posture, mail.works_since) = (posture, None);
    }

    /// Waits for the next errand.
    fn next(&self, due: Option<Instant>) -> Errand {
        let mut mail = self.mail();
        mail.works_since = None;
        loop {
            let now = clock::now();
            if mail.over {
                return Errand::End;
            }
            if std::mem::take(&mut mail.runs_out) {
                return Errand::RunOut;
            }
            if std::mem::take(&mut mail.stop) {
                (mail.given, mail.works_since) = (None, Some(now));
                return Errand::Stop;
            }
            mail.rests = due.is_none();
            let is_due = due.is_some_and(|due| due <= now);
            if let Some(deadline) = mail.deadline.filter(|_| is_due || mail.is_urgent()) {
                (mail.deadline, mail.given, mail.works_since) = (None, Some(deadline), Some(now));
                return Errand::Feed(deadline);
            }
            if is_due {
                mail.works_since = Some(now);
                return Errand::Tick;
            }
            mail = match due {
                Some(due) => {
                    let waited = self.wakes.wait_timeout(mail, due.since(now));
                    waited.map_or_else(|poisoned| poisoned.into_inner().0, |(mail, _)| mail)
                }
                None => self.wakes.wait(mail).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }
}

#[cfg(test)]
mod tests;
