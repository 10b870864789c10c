//! Hosts on a medium, for tests: every interleaving of a few short ones, and long walks that draws lead. Each request is one
//! step that takes effect at once; between any two steps a process may crash and start anew, and a request may
//! fail, each time with or without effect, or in part. In a walk a reading may also show some blocks as they were when it
//! began, and others that are just being written. After each cycle two laws are held against what all hosts have been
//! shown: one configuration a number, and what is decided stays visible.
use super::{Answer, Medium, Request, Snapshot, Step};
use crate::configuration::Configuration;
use alloc::{collections::BTreeSet, rc::Rc, vec::Vec};

/// What a medium's requests go to.
pub(crate) trait Store: Clone {
    fn serve(&mut self, request: &Request) -> Answer;
    /// Lets a part of the request take effect; false if that is not possible.
    fn tear(&mut self, request: &Request) -> bool;
    /// What a reading shows that began when the medium was `before`, ends now, and meets `writes` under way. `draw` picks
    /// one of the possibilities.
    fn serve_late(&self, request: &Request, before: &Self, writes: &[&Request], draw: u64) -> Option<Answer>;
    /// What the medium may become by itself: a failed request takes effect late.
    fn by_itself(&self) -> Vec<Self>;
    /// Differs, as good as always, between stores that are not the same.
    fn fingerprint(&self) -> u64;
}

/// What is explored.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    /// How many cycles each host's processes begin together. A host with 0 does nothing.
    pub(crate) cycles: Vec<u32>,
    /// How many crashes and failed requests there are in all.
    pub(crate) faults: u32,
    /// Which hosts propose.
    pub(crate) proposers: Vec<bool>,
    /// Up to this number they propose.
    pub(crate) last_number: u64,
}

/// How the script makes what it needs.
pub(crate) trait Make {
    type Medium: Medium + Clone;
    fn medium(&self, host: u16) -> Self::Medium;
    fn status(&self, host: u16, process: u32) -> crate::Status;
    fn configuration(&self, number: u64, by: u16, mark: u32) -> Configuration;
}

/// What was seen on all paths together.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) states: usize,
    pub(crate) cycles: usize,
    /// Different configurations that were decided on one path or another, by number and mark.
    pub(crate) outcomes: BTreeSet<(u64, u32)>,
}

/// What broke a law.
pub(crate) type Broken = &'static str;

#[derive(Clone)]
struct World<M, S> {
    store: S,
    hosts: Vec<Rc<Actor<M>>>,
    faults: u32,
    laws: Laws,
}

/// What has been shown to anybody, and what everybody must see.
#[derive(Clone, Debug, Default)]
struct Laws {
    decided: Vec<Configuration>,
    visible: u64,
}

#[derive(Clone)]
struct Actor<M> {
    host: u16,
    process: u32,
    medium: M,
    request: Option<Request>,
    cycles_left: u32,
    witness: Witness,
    history: u64,
}

/// What one process has been shown.
#[derive(Clone, Copy, Debug, Default)]
struct Witness {
    shown: u64,
    /// What had to be visible when the present cycle began.
    owed: u64,
}

impl Laws {
    fn begins(&self, witness: &mut Witness) {
        witness.owed = self.visible;
    }

    /// A cycle is complete: what it showed before it is visible from now on.
    fn completes(&mut self, witness: &mut Witness, snapshot: &Snapshot, wanted: u64) -> Result<(), Broken> {
        self.visible = self.visible.max(witness.shown);
        if let Some(newest) = &snapshot.newest {
            if newest.number.0 <= witness.shown {
                return Err("a snapshot showed an older configuration than the one before");
            }
            witness.shown = newest.number.0;
            match self.decided.iter().find(|other| other.number == newest.number) {
                Some(other) if other != newest => {
                    return Err("two configurations of one number were decided");
                }
                Some(_) => {}
                None => self.decided.push(newest.clone()),
            }
        }
        if witness.shown < witness.owed {
            return Err("a decided configuration was visible and is not any more");
        }
        if snapshot.settled != (wanted > 0 && witness.shown >= wanted) {
            return Err("settled is not what the snapshot shows");
        }
        Ok(())
    }
}

/// Lets the hosts go where `draws` lead them, each draw one step of one host.
pub(crate) fn walk<K: Make, S: Store>(
    make: &K,
    store: S,
    script: &Script,
    draws: &[u64],
) -> Result<Tally, Broken> {
    let mut explorer = Explorer { make, script, seen: BTreeSet::new(), tally: Tally::default() };
    let mut world = explorer.start(store);
    let mut before: Vec<S> = world.hosts.iter().map(|_| world.store.clone()).collect();
    for &draw in draws {
        let mut by_itself = world.store.by_itself();
        if draw >> 60 == 0 && !by_itself.is_empty() {
            world.store = by_itself.swap_remove((draw >> 8) as usize % by_itself.len());
        }
        let host = draw as usize % world.hosts.len();
        let Some(request) = world.hosts[host].request.clone() else { continue };
        explorer.tally.states += 1;
        let chance = draw >> 8 & 0x3f;
        if chance < 2 * EFFECTS.len() as u64 && world.faults > 0 {
            world.faults -= 1;
            match EFFECTS[chance as usize / 2] {
                Effect::None => {}
                Effect::Whole => drop(world.store.serve(&request)),
                Effect::Part => drop(world.store.tear(&request)),
            }
            if chance % 2 == 0 {
                explorer.answer(&mut world, host, Answer::Failed)?;
            } else {
                explorer.restart(&mut world, host);
            }
        } else {
            let others = world.hosts.iter().filter(|other| usize::from(other.host) != host);
            let writes: Vec<&Request> = others.filter_map(|other| other.request.as_ref()).collect();
            let late = world.store.serve_late(&request, &before[host], &writes, draw >> 16);
            let answer = late.unwrap_or_else(|| world.store.serve(&request));
            explorer.answer(&mut world, host, answer)?;
        }
        before[host] = world.store.clone();
    }
    Ok(explorer.tally)
}

const EFFECTS: [Effect; 3] = [Effect::None, Effect::Whole, Effect::Part];

/// Explores all interleavings.
pub(crate) fn explore<K: Make, S: Store>(make: &K, store: S, script: &Script) -> Result<Tally, Broken> {
    let mut explorer = Explorer { make, script, seen: BTreeSet::new(), tally: Tally::default() };
    let world = explorer.start(store);
    explorer.visit(&world)?;
    Ok(explorer.tally)
}

/// What may go wrong with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Effect {
    None,
    Whole,
    Part,
}

struct Explorer<'a, K> {
    make: &'a K,
    script: &'a Script,
    seen: BTreeSet<u64>,
    tally: Tally,
}

impl<K: Make> Explorer<'_, K> {
    fn start<S: Store>(&self, store: S) -> World<K::Medium, S> {
        let mut hosts = Vec::new();
        let laws = Laws::default();
        for (host, &cycles_left) in (0..).zip(&self.script.cycles) {
            let (medium, witness) = (self.make.medium(host), Witness::default());
            let mut process =
                Actor { host, process: 1, medium, request: None, cycles_left, witness, history: 0 };
            self.begin(&mut process, &laws);
            hosts.push(Rc::new(process));
        }
        World { store, hosts, faults: self.script.faults, laws }
    }

    fn visit<S: Store>(&mut self, world: &World<K::Medium, S>) -> Result<(), Broken> {
        if !self.seen.insert(world.fingerprint()) {
            return Ok(());
        }
        self.tally.states += 1;
        for store in world.store.by_itself() {
            let World { hosts, faults, laws, .. } = world.clone();
            self.visit(&World { store, hosts, faults, laws })?;
        }
        for host in 0..world.hosts.len() {
            let Some(request) = world.hosts[host].request.clone() else { continue };
            let mut next = world.clone();
            let answer = next.store.serve(&request);
            self.answer(&mut next, host, answer)?;
            self.visit(&next)?;
            if world.faults == 0 {
                continue;
            }
            for effect in EFFECTS {
                let mut hit = world.clone();
                hit.faults -= 1;
                let changes = !matches!(request, Request::Read { .. });
                let possible = match effect {
                    Effect::None => true,
                    Effect::Whole if changes => {
                        hit.store.serve(&request);
                        true
                    }
                    Effect::Part if changes => hit.store.tear(&request),
                    Effect::Whole | Effect::Part => false,
                };
                if possible {
                    let mut failed = hit.clone();
                    self.answer(&mut failed, host, Answer::Failed)?;
                    self.visit(&failed)?;
                    self.restart(&mut hit, host);
                    self.visit(&hit)?;
                }
            }
        }
        Ok(())
    }

    fn answer<S: Store>(
        &mut self,
        world: &mut World<K::Medium, S>,
        host: usize,
        answer: Answer,
    ) -> Result<(), Broken> {
        let process = Rc::make_mut(&mut world.hosts[host]);
        let heard = if answer == Answer::Failed { 1 } else { world.store.fingerprint() };
        process.history = mix(process.history, heard);
        let wanted = self.wanted(process);
        process.request = None;
        match process.medium.answered(answer) {
            Step::Next(request) => process.request = Some(request),
            Step::Failed(_) => self.begin(process, &world.laws),
            Step::Done(snapshot) => {
                self.tally.cycles += 1;
                world.laws.completes(&mut process.witness, &snapshot, wanted)?;
                if let Some(newest) = snapshot.newest {
                    self.tally.outcomes.insert((newest.number.0, newest.key_epoch));
                }
                self.begin(process, &world.laws);
            }
        }
        Ok(())
    }

    /// The number that a process proposes in the cycle under way; 0 for none.
    fn wanted(&self, process: &Actor<K::Medium>) -> u64 {
        let next = process.witness.shown + 1;
        if self.script.proposers[usize::from(process.host)] && next <= self.script.last_number {
            next
        } else {
            0
        }
    }

    fn begin(&self, process: &mut Actor<K::Medium>, laws: &Laws) {
        if process.cycles_left == 0 {
            return;
        }
        let wanted = self.wanted(process);
        // Each cycle proposes something else: what is accepted must not change with it.
        let mark = u32::from(process.host) * 100_000 + process.process * 1000 + process.cycles_left % 1000;
        process.cycles_left -= 1;
        laws.begins(&mut process.witness);
        let own = self.make.status(process.host, process.process);
        let proposal = (wanted > 0).then(|| self.make.configuration(wanted, process.host, mark));
        process.request = Some(process.medium.begin(&own, proposal.as_ref()));
    }

    fn restart<S: Store>(&self, world: &mut World<K::Medium, S>, host: usize) {
        let process = Rc::make_mut(&mut world.hosts[host]);
        process.process += 1;
        process.medium = self.make.medium(process.host);
        process.witness = Witness::default();
        process.request = None;
        process.history = u64::from(process.process);
        self.begin(process, &world.laws);
    }
}

impl<M, S: Store> World<M, S> {
    /// A process is what it has been answered, so its history stands for it.
    fn fingerprint(&self) -> u64 {
        let mut sum = mix(self.store.fingerprint(), u64::from(self.faults));
        for process in &self.hosts {
            sum = mix(sum, process.history);
            sum = mix(sum, u64::from(process.cycles_left) << 32 | u64::from(process.process));
            sum = mix(sum, process.witness.owed);
        }
        for decided in &self.laws.decided {
            sum = mix(sum, decided.number.0 << 32 | u64::from(decided.key_epoch));
        }
        mix(sum, self.laws.visible)
    }
}

/// Mixes a number into a fingerprint.
pub(crate) fn mix(sum: u64, value: u64) -> u64 {
    let mut mixed = sum.wrapping_add(0x9e37_79b9_7f4a_7c15) ^ value.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ mixed >> 31
}
