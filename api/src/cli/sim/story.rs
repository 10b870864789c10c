//! The trace told host by host, as the drawing needs it: in which state each host was from when to when, how many VMs
//! it ran, where the coordinator was.
use super::answer::seconds;
use lifeboat_model::HostIndex;
use lifeboat_simulator::Outcome;
use lifeboat_simulator::happening::HaltCause;
use lifeboat_simulator::trace::Line;
use std::collections::BTreeSet;

/// A host's state in the drawing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shade {
    /// Up, without a lease.
    Up,
    /// A member in good standing.
    Leased,
    /// Fencing itself.
    Fencing,
    /// Down, and booting.
    Booting,
    /// Without power.
    Off,
}

/// A state that lasted from then to then.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Band<T> {
    pub(super) from: f64,
    pub(super) to: f64,
    pub(super) what: T,
}

/// One host's part.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) shades: Vec<Band<Shade>>,
    pub(super) vms: Vec<Band<usize>>,
    pub(super) coordinator: Vec<Band<u64>>,
    /// When it was told to start VMs.
    pub(super) starts: Vec<f64>,
    /// When it was certain that none of its VMs runs.
    pub(super) fenced: Vec<f64>,
}

/// Each host's part, from the moment when the pool had formed to the end.
pub(super) fn tell(outcome: &Outcome) -> Vec<Part> {
    outcome.hosts.iter().map(|host| part(outcome, host.host)).collect()
}

fn part(outcome: &Outcome, me: HostIndex) -> Part {
    let end = seconds(outcome, outcome.ended);
    let mut shades = Bands::new(Shade::Booting);
    let mut vms =
        Bands::new(outcome.pool.vm_indices().filter(|vm| outcome.pool.runs_on(*vm) == Some(me)).count());
    let mut coordinator = Bands::new(None);
    let (mut starts, mut fenced) = (Vec::new(), Vec::new());
    let mut guests: BTreeSet<u32> =
        outcome.pool.vm_indices().filter(|vm| outcome.pool.runs_on(*vm) == Some(me)).map(|vm| vm.0).collect();
    let mut power_lost = false;
    for entry in outcome.trace.entries() {
        let at = seconds(outcome, entry.at);
        match entry.line {
            Line::PowerOn { host } if host == me => shades.turn(at, Shade::Booting),
            Line::HostUp { host } if host == me => {
                power_lost = false;
                shades.turn(at, Shade::Up);
            }
            Line::LeaseGained { host } if host == me => shades.turn(at, Shade::Leased),
            Line::LeaseLost { host, .. } if host == me => shades.turn(at, Shade::Fencing),
            Line::HostDown { host, cause } if host == me => {
                use lifeboat_simulator::happening::DownCause;
                power_lost = matches!(cause, DownCause::PowerLoss | DownCause::CleanOff);
                shades.turn(at, if power_lost { Shade::Off } else { Shade::Booting });
            }
            Line::Fenced { host, .. } if host == me => fenced.push(at),
            Line::StartCommand { host, .. } if host == me && at >= 0.0 => starts.push(at),
            Line::VmExecutes { vm, host } if host == me => {
                guests.insert(vm.0);
            }
            Line::VmStopped { vm, host, cause } if host == me => {
                guests.remove(&vm.0);
                debug_assert!(
                    !matches!(cause, HaltCause::Ordered) || !power_lost,
                    "no order reaches a host without power"
                );
            }
            Line::HandOver { vm, from, to } => {
                if from == me {
                    guests.remove(&vm.0);
                } else if to == me {
                    guests.insert(vm.0);
                }
            }
            Line::Coordinator { host, epoch } if host == me => coordinator.turn(at, Some(epoch.0)),
            Line::CoordinatorEnded { host, .. } if host == me => coordinator.turn(at, None),
            _ => {}
        }
        vms.turn(at, guests.len());
    }
    let terms = coordinator.close(end).into_iter();
    Part {
        shades: shades.close(end),
        vms: vms.close(end),
        coordinator: terms
            .filter_map(|band| Some(Band { from: band.from, to: band.to, what: band.what? }))
            .collect(),
        starts,
        fenced,
    }
}

/// Bands being made.
struct Bands<T> {
    done: Vec<Band<T>>,
    since: f64,
    now: T,
}

impl<T: Copy + PartialEq> Bands<T> {
    fn new(first: T) -> Self {
        Self { done: Vec::new(), since: 0.0, now: first }
    }

    fn turn(&mut self, at: f64, what: T) {
        if what == self.now {
            return;
        }
        // What was over before the times of the scenario began is not shown.
        if at > self.since {
            self.done.push(Band { from: self.since, to: at, what: self.now });
            self.since = at;
        }
        self.now = what;
    }

    fn close(mut self, end: f64) -> Vec<Band<T>> {
        if end > self.since {
            self.done.push(Band { from: self.since, to: end, what: self.now });
        }
        self.done
    }
}
