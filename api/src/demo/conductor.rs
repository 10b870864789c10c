//! The thread in which the pool lives: it maps the wall clock to the pool's time, moves the [`Driver`] on, tells the
//! service what has happened, and puts how everything stands where others can look at it.
use super::driver::Driver;
use super::scene::{Scene, Service};
use super::story::{Item, Verdict};
use crate::clock::Stopwatch;
use crate::dto::served::event::Told as Event;
use std::io;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender, TrySendError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use tokio::sync::oneshot;

/// The service, as far as the pool is concerned: it is told what happens, and says what it makes of it.
pub trait Sink: Send {
    /// Tells events, in their order.
    fn tell(&mut self, events: Vec<Event>);

    /// The verdict that is published now, if it speaks of all that was told.
    fn verdict(&self) -> Option<Verdict>;
}

/// How often the pool is moved on.
const TICK: Duration = Duration::from_millis(40);
/// How far at once, in the pool's time. A machine that falls behind further than this is late, and is not hurried.
const MOST_AT_ONCE: Duration = Duration::from_secs(2);
/// Lines that may wait for the pool.
const MOST_WAITING: usize = 64;
/// How long an answer is waited for.
pub const ANSWERED_WITHIN: Duration = Duration::from_secs(5);

/// The way to the pool: anybody may say something to it and look at it.
#[derive(Clone, Debug)]
pub struct Conductor {
    lines: SyncSender<Told>,
    board: Arc<Mutex<Board>>,
}

/// A line that somebody says, and the way back for the answer.
#[derive(Debug)]
struct Told {
    line: String,
    answer: oneshot::Sender<Answer>,
}

/// What was answered: words for people, or why not, in words too.
pub type Answer = Result<String, String>;

/// How everything stands.
#[derive(Debug)]
struct Board {
    scene: Arc<Scene>,
    over: bool,
}

/// Why nothing was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unheard {
    /// Too much is being said at once.
    #[error("too much is being said at once: say it again in a moment")]
    Busy,
    /// The pool is no more.
    #[error("the demo is over")]
    Over,
}

impl Conductor {
    /// Starts the thread. `begin` makes the pool there, since it cannot be moved between threads; the thread ends when somebody
    /// has said `quit`, or every conductor is gone.
    ///
    /// # Errors
    /// If there can be no further thread, or the pool does not form; in words.
    pub fn start<B>(begin: B, sink: Box<dyn Sink>, service: Service) -> io::Result<(Self, JoinHandle<()>)>
    where
        B: FnOnce() -> Result<Driver, String> + Send + 'static,
    {
        let (lines, told) = mpsc::sync_channel(MOST_WAITING);
        let (ready, begun) = mpsc::sync_channel(1);
        let thread = thread::Builder::new().name("pool".to_owned()).spawn(move || match begin() {
            Ok(driver) => {
                let scene = Arc::new(driver.scene(None, &service));
                let board = Arc::new(Mutex::new(Board { scene, over: false }));
                if ready.send(Ok(Arc::clone(&board))).is_ok() {
                    Conducted { driver, sink, service, board }.conduct(&told);
                }
            }
            Err(reason) => drop(ready.send(Err(reason))),
        })?;
        let gone = || io::Error::other("the pool's thread ended before the pool had formed");
        let board = begun.recv().map_err(|_| gone())?.map_err(io::Error::other)?;
        Ok((Self { lines, board }, thread))
    }

    /// Says something; the answer comes by itself.
    ///
    /// # Errors
    /// If nobody will hear it.
    pub fn say(&self, line: &str) -> Result<oneshot::Receiver<Answer>, Unheard> {
        let (answer, heard) = oneshot::channel();
        let told = Told { line: line.to_owned(), answer };
        self.lines.try_send(told).map(|()| heard).map_err(|error| match error {
            TrySendError::Full(_) => Unheard::Busy,
            TrySendError::Disconnected(_) => Unheard::Over,
        })
    }

    /// How everything stands.
    pub fn scene(&self) -> Arc<Scene> {
        Arc::clone(&self.look().scene)
    }

    /// Whether the pool is no more.
    pub fn is_over(&self) -> bool {
        self.look().over
    }

    fn look(&self) -> std::sync::MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sentences of a scene that come after the one of this number.
pub fn after(scene: &Scene, number: u64) -> impl Iterator<Item = &Item> {
    scene.items.iter().filter(move |item| item.number > number)
}

struct Conducted {
    driver: Driver,
    sink: Box<dyn Sink>,
    service: Service,
    board: Arc<Mutex<Board>>,
}

impl Conducted {
    fn conduct(mut self, told: &Receiver<Told>) {
        let _over = Over(Arc::clone(&self.board));
        let mut time = Time { since: Stopwatch::start(), from: Duration::ZERO, speed: self.service.speed };
        while !self.driver.is_over() {
            let heard = told.recv_timeout(TICK);
            let (until, late) = time.reached(self.driver.now());
            self.service.late = late;
            let facts = self.driver.advance(until);
            self.sink.tell(facts);
            match heard {
                Ok(Told { line, answer }) => {
                    let said = self.driver.say(&line).map_err(|error| error.to_string());
                    // Whoever asked may have gone away.
                    drop(answer.send(said));
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            let verdict = self.sink.verdict();
            if let Some(verdict) = &verdict {
                self.driver.hears(verdict);
            }
            let shown = verdict.or_else(|| self.look().scene.verdict.clone());
            let scene = Arc::new(self.driver.scene(shown, &self.service));
            self.look().scene = scene;
        }
    }

    fn look(&self) -> std::sync::MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Says that the pool is no more, however its thread ends.
struct Over(Arc<Mutex<Board>>);

impl Drop for Over {
    fn drop(&mut self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).over = true;
    }
}

/// The pool's time by the wall clock's.
struct Time {
    since: Stopwatch,
    from: Duration,
    speed: f64,
}

impl Time {
    /// How far the pool's time has come, where it is `now`; and whether that is less than it should be.
    fn reached(&mut self, now: Duration) -> (Duration, bool) {
        let due = self.from + self.since.elapsed().mul_f64(self.speed);
        let most = now + MOST_AT_ONCE.max(TICK.mul_f64(2.0 * self.speed));
        if due <= most {
            return (due, false);
        }
        *self = Self { since: Stopwatch::start(), from: most, speed: self.speed };
        (most, true)
    }
}
