//! The thread that conducts: it alone drives the coordinator. What the agent's health check asks is whether it comes on: one that hangs
//! does not.
use super::ask::{Ask, AskError};
use super::authority::{Authorities, Said};
use super::choices::Choice;
use super::keeper::Keeper;
use super::link;
use super::machine::{Deed, Learned, Machine};
use super::picture::Picture;
use super::planner::TimedPlanner;
use super::rosters::Rosters;
use super::term::{Opened, Opening};
use crate::clock::Stopwatch;
use crate::engine::Engine;
use crate::rolling;
use crate::service::Service;
use arc_swap::ArcSwapOption;
use lifeboat_coordinator::{Instant, Refusal, Ticket};
use lifeboat_link::frame::{Hello, OperatorWish};
use lifeboat_link::join::PoolKey;
use lifeboat_link::{FromService, OrderNote, Roster, ToService};
use lifeboat_model::{HostIndex, Pool};
use lifeboat_protocol::{Configuration, Standing};
use lifeboat_store::Candidate;
use std::collections::BTreeMap;
use std::io;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;
use tokio::sync::oneshot;

/// How long the thread rests when nothing is due.
const LONGEST_REST: Duration = Duration::from_secs(1);
/// How long an answer of the coordinator may take: a write of the store and the way there.
const ANSWERED_WITHIN: Duration = Duration::from_secs(10);
/// Frames that may wait while the store is being opened; a pool of the largest size says less.
const MOST_WAITING: usize = 100_000;

/// Something happened.
#[derive(Debug)]
pub enum Event {
    /// The agent says something.
    Frame(ToService),
    /// The store of the term is open.
    Opened(Box<Opened>),
    /// A write is durable, or will never be.
    Stored {
        /// The write.
        ticket: Ticket,
        /// Whether it is.
        durable: bool,
    },
    /// The pool's document has become this, durably.
    Document(Arc<Pool>),
    /// Who belongs to the pool has become this, durably.
    Enrol(Roster),
    /// A host is to be told something.
    Note(HostIndex, Box<OrderNote>),
    /// An operator has chosen something, durably.
    Chosen(Choice),
    /// Somebody asks for something.
    Ask(Ask, oneshot::Sender<Result<(), Refusal>>),
    /// An operator wants something of the agents.
    Wish(OperatorWish),
}

/// The way to the thread. Copies are one.
#[derive(Clone, Debug)]
pub struct Events(Sender<Event>);

impl Events {
    /// Tells the thread; says whether there is one.
    pub fn tell(&self, event: Event) -> bool {
        self.0.send(event).is_ok()
    }
}

/// A way to a thread that is played.
#[cfg(test)]
pub(super) fn events() -> (Events, Receiver<Event>) {
    let (sender, events) = mpsc::channel();
    (Events(sender), events)
}

/// A conductor whose thread is played by nobody: who asks it for something is told that its term is over.
#[cfg(test)]
pub(crate) fn played(first: Roster) -> Conductor {
    let (events, _) = events();
    Conductor {
        pool: first.pool.as_str().into(),
        me: 0,
        rosters: Rosters::new(first, events.clone()),
        events,
        agreed: Arc::default(),
        picture: Arc::default(),
        authorities: None,
        keys: Arc::default(),
    }
}

/// The coordinator of this process's term, for those who want something of it.
#[derive(Clone, Debug)]
pub struct Conductor {
    events: Events,
    pool: Arc<str>,
    me: usize,
    rosters: Rosters,
    agreed: Arc<ArcSwapOption<Configuration>>,
    picture: Arc<ArcSwapOption<Picture>>,
    authorities: Option<Authorities>,
    keys: Arc<ArcSwapOption<Vec<PoolKey>>>,
}

impl Conductor {
    /// The pool that it conducts.
    pub fn pool(&self) -> &str {
        &self.pool
    }

    /// The host where the term is held, by its place in the roster.
    pub fn me(&self) -> usize {
        self.me
    }

    /// Who belongs to the pool.
    pub fn roster(&self) -> Roster {
        self.rosters.newest()
    }

    /// The way to change it.
    pub fn rosters(&self) -> &Rosters {
        &self.rosters
    }

    /// What the agents have agreed of a host; none: nothing is known yet.
    pub fn standing(&self, host: HostIndex) -> Option<Standing> {
        self.agreed.load().as_ref().map(|agreed| agreed.standing(host))
    }

    /// The pool's authority, and what newcomers are told; none: the first host left nothing.
    pub fn authorities(&self) -> Option<&Authorities> {
        self.authorities.as_ref()
    }

    /// The heartbeat keys, the one in use first.
    pub fn keys(&self) -> Vec<PoolKey> {
        let told = self.keys.load_full().map(|keys| keys.to_vec());
        told.or_else(|| Some(self.authorities.as_ref()?.kept().founding.keys.clone())).unwrap_or_default()
    }

    /// How hosts and VMs are, with all that was answered so far.
    pub fn picture(&self) -> Option<Arc<Picture>> {
        self.picture.load_full()
    }

    /// Asks for something; answered when it is durable.
    ///
    /// # Errors
    /// Why it is not done.
    pub async fn ask(&self, what: Ask) -> Result<(), AskError> {
        let (answer, answered) = oneshot::channel();
        if !self.events.tell(Event::Ask(what, answer)) {
            return Err(AskError::Over);
        }
        match tokio::time::timeout(ANSWERED_WITHIN, answered).await {
            Ok(Ok(answer)) => Ok(answer?),
            Ok(Err(_)) => Err(AskError::Over),
            Err(_) => Err(AskError::Slow),
        }
    }

    /// Tells the agents what an operator wants.
    ///
    /// # Errors
    /// If the term is over.
    pub fn wish(&self, wish: OperatorWish) -> Result<(), AskError> {
        if self.events.tell(Event::Wish(wish)) { Ok(()) } else { Err(AskError::Over) }
    }

    /// Tells the thread of something that has become durable.
    pub fn tell(&self, event: Event) -> bool {
        self.events.tell(event)
    }
}

/// Starts the threads: from now on the agent is listened to.
///
/// # Errors
/// If there can be no further thread.
pub fn start(stream: UnixStream, service: Service, opening: Opening) -> io::Result<()> {
    let (sender, events) = mpsc::channel();
    let sender = Events(sender);
    let (voice, pulse) = (link::Voice::of(stream.try_clone()?), link::Pulse::default());
    link::listen(stream, sender.clone(), voice.clone(), pulse.clone())?;
    service.follow_agent();
    let shell = Shell {
        voice,
        pulse,
        events,
        sender,
        service,
        opening: Some(opening),
        clock: Stopwatch::start(),
        hello: None,
        office: Office::Follows,
        asked: BTreeMap::new(),
        next_ask: 0,
        keys: Arc::default(),
        agreed: Arc::default(),
    };
    thread::Builder::new().name("conductor".to_owned()).spawn(move || shell.run())?;
    Ok(())
}

struct Shell {
    voice: link::Voice,
    pulse: link::Pulse,
    events: Receiver<Event>,
    sender: Events,
    service: Service,
    opening: Option<Opening>,
    clock: Stopwatch,
    hello: Option<Hello>,
    office: Office,
    asked: BTreeMap<u64, oneshot::Sender<Result<(), Refusal>>>,
    next_ask: u64,
    keys: Arc<ArcSwapOption<Vec<PoolKey>>>,
    agreed: Arc<ArcSwapOption<Configuration>>,
}

enum Office {
    /// Another host leads, or none.
    Follows,
    /// The store of the term is being opened.
    Opens(Vec<ToService>),
    /// It conducts.
    Leads(Box<Leads>),
}

struct Leads {
    machine: Machine<TimedPlanner>,
    engine: Engine,
    keeper: Keeper,
    pictures: Arc<ArcSwapOption<Picture>>,
    /// What hosts have said of their certificates.
    said: Said,
    /// Answers that go out once the pool's document is told how things are now.
    replies: Vec<(u64, Result<(), Refusal>)>,
}

impl Shell {
    fn run(mut self) {
        loop {
            let event = match self.events.recv_timeout(self.rest_for()) {
                Ok(event) => Some(event),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => link::end("nobody can tell the conductor anything"),
            };
            match event {
                Some(event) => self.take(event),
                None => self.elapse(),
            }
            self.pulse.beat();
            while let Ok(event) = self.events.try_recv() {
                self.take(event);
                self.pulse.beat();
            }
            self.settle();
            self.pulse.beat();
        }
    }

    fn now(&self) -> Instant {
        Instant::from_micros(self.clock.elapsed_us())
    }

    fn rest_for(&self) -> Duration {
        let Office::Leads(leads) = &self.office else { return LONGEST_REST };
        if leads.machine.is_owed(self.now()) {
            return Duration::ZERO;
        }
        let due = leads.machine.deadline().map_or(LONGEST_REST, |deadline| deadline.since(self.now()));
        due.min(LONGEST_REST)
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::Frame(frame) => self.frame(frame),
            Event::Opened(opened) => self.lead(*opened),
            Event::Wish(wish) if matches!(self.office, Office::Opens(_)) => {
                self.voice.tell(&FromService::Operator(wish));
            }
            other => self.take_as_leader(other),
        }
    }

    fn frame(&mut self, frame: ToService) {
        match frame {
            ToService::Probe => self.voice.tell(&FromService::Answered),
            ToService::Hello(hello) => self.greeted(*hello),
            ToService::Leader { host } => self.point_to(host),
            ToService::Keys(keys) => self.keys.store(Some(Arc::new(keys))),
            ToService::Begin { epoch } => {
                let (Some(hello), Some(opening)) = (self.hello.clone(), self.opening.take()) else {
                    link::end("a term begins before anybody has said in what pool, or a second time")
                };
                self.office = Office::Opens(Vec::new());
                if let Err(error) = opening.begin(epoch, hello, self.sender.clone()) {
                    link::end(&format!("the term cannot begin: {error}"));
                }
            }
            frame => match &mut self.office {
                Office::Follows => {}
                Office::Opens(waiting) if waiting.len() < MOST_WAITING => waiting.push(frame),
                Office::Opens(_) => link::end("the store was not opened in time"),
                Office::Leads(leads) => {
                    if let ToService::Agreed(agreed) = &frame {
                        self.agreed.store(Some(Arc::new(Configuration::clone(agreed))));
                    }
                    let now = Instant::from_micros(self.clock.elapsed_us());
                    leads.machine.frame(now, frame);
                    self.carry_out();
                }
            },
        }
    }

    fn greeted(&mut self, hello: Hello) {
        if let Err(fault) = hello.roster.check() {
            link::end(&format!("the agent's roster is no roster: {fault}"));
        }
        if hello.me >= hello.roster.hosts.len() {
            link::end("the agent's own host is not in its roster");
        }
        self.hello = Some(hello);
    }

    /// Requests are sent to whoever leads.
    fn point_to(&self, host: Option<HostIndex>) {
        let Some(hello) = &self.hello else { return };
        let leader = host.filter(|host| host.get() != hello.me);
        let member = leader.and_then(|host| hello.roster.hosts.get(host.get()));
        self.service.set_leader(
            member.map(|member| Candidate { name: member.id.clone(), address: member.api.clone() }),
        );
    }

    fn lead(&mut self, opened: Opened) {
        let Office::Opens(waiting) = std::mem::replace(&mut self.office, Office::Follows) else { return };
        let Opened { begin, engine, pool, keeper, authorities } = opened;
        let (me, first) = (begin.me, begin.roster.clone());
        let machine = match Machine::begin(self.now(), begin, TimedPlanner) {
            Ok(machine) => machine,
            Err(defects) => {
                let first = defects.first().map(ToString::to_string).unwrap_or_default();
                link::end(&format!("the pool's document makes none for the coordinator: {first}"));
            }
        };
        let pictures: Arc<ArcSwapOption<Picture>> = Arc::default();
        let said = Said::default();
        let conductor = Conductor {
            events: self.sender.clone(),
            pool: pool.id().into(),
            me: me.get(),
            rosters: Rosters::new(first, self.sender.clone()),
            agreed: Arc::clone(&self.agreed),
            picture: Arc::clone(&pictures),
            authorities: authorities.map(|kept| Authorities::new(kept, said.clone())),
            keys: Arc::clone(&self.keys),
        };
        let leads = Leads { machine, engine: engine.clone(), keeper, pictures, said, replies: Vec::new() };
        leads.keeper.begin(Arc::clone(&pool), engine.clone(), conductor.clone());
        rolling::drive::begin(leads.keeper.runtime(), self.service.clone(), pool, conductor.clone());
        self.office = Office::Leads(Box::new(leads));
        self.carry_out();
        for frame in waiting {
            self.frame(frame);
        }
        self.service.set_leader(None);
        // First: whoever found the pools without it would change a document that nobody carries out.
        self.service.set_conductor(Some(conductor));
        self.service.set_engine(Some(engine));
    }

    fn take_as_leader(&mut self, event: Event) {
        let now = self.now();
        let Office::Leads(leads) = &mut self.office else { return };
        let machine = &mut leads.machine;
        let followed = match event {
            Event::Frame(_) | Event::Opened(_) => Ok(()),
            Event::Stored { ticket, durable } => {
                machine.stored(now, ticket, durable);
                Ok(())
            }
            Event::Document(pool) => machine.document(now, pool),
            Event::Enrol(roster) => machine.enrol(now, roster),
            Event::Note(host, note) => {
                machine.note(host, &note);
                Ok(())
            }
            Event::Chosen(choice) => {
                machine.chosen(now, choice);
                Ok(())
            }
            Event::Wish(wish) => {
                machine.wish(wish);
                Ok(())
            }
            Event::Ask(what, answer) => {
                self.next_ask += 1;
                self.asked.insert(self.next_ask, answer);
                machine.ask(now, self.next_ask, &what);
                Ok(())
            }
        };
        if let Err(defects) = followed {
            let first = defects.first().map(ToString::to_string).unwrap_or_default();
            tracing::error!(first, "the coordinator cannot follow the pool's document and keeps its own");
        }
        self.carry_out();
    }

    fn elapse(&mut self) {
        let now = self.now();
        if let Office::Leads(leads) = &mut self.office
            && leads.machine.deadline().is_some_and(|deadline| now >= deadline)
        {
            leads.machine.elapsed(now);
            self.carry_out();
        }
    }

    /// Nothing waits to be taken in: the pool's document is told how things are, then those who asked; then comes what may take its
    /// time.
    fn settle(&mut self) {
        let now = self.now();
        let Office::Leads(leads) = &mut self.office else { return };
        if let Some(picture) = leads.machine.news_of_picture() {
            leads.pictures.store(Some(Arc::clone(&picture)));
            leads.keeper.picture(picture);
        }
        for (ask, answer) in std::mem::take(&mut leads.replies) {
            if let Some(asker) = self.asked.remove(&ask) {
                // Whoever does not wait any more need not be told.
                let _ = asker.send(answer);
            }
        }
        if leads.machine.rest(now) {
            self.carry_out();
        }
    }

    fn carry_out(&mut self) {
        let Office::Leads(leads) = &mut self.office else { return };
        while let Some(deed) = leads.machine.next_deed() {
            match deed {
                Deed::Send(frame) => self.voice.tell(&frame),
                Deed::Store { ticket, batch } => {
                    let events = self.sender.clone();
                    leads.engine.writer().write_then(batch, move |durable| {
                        events.tell(Event::Stored { ticket, durable });
                    });
                }
                Deed::Reply { ask, answer } => leads.replies.push((ask, answer)),
                Deed::Learn(Learned::Found(found)) => leads.keeper.find(*found),
                Deed::Learn(Learned::Certificate { host, csr_pem }) => {
                    leads.keeper.certificate(host, csr_pem);
                }
                Deed::Learn(Learned::Credentials { host, credentials }) => {
                    leads.said.note(host.get(), credentials);
                }
                Deed::Learn(learned) => leads.keeper.learn(learned),
            }
        }
    }
}
