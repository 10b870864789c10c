//! The simultaneous notion: the most hosts that can fail at once. Linear tests first, for every set at once; where
//! they leave a gap, the adversary's worst sets; then branch and bound, one n after the other.
use crate::Limits;
use crate::bound::any_fit;
use crate::bound::held::Held;
use crate::bound::stuck::{Before, Buffers, Stuck};
use crate::bound::volume;
use crate::limits::Progress;
use crate::plain::Plain;
use crate::problem::{Position, Problem};
use crate::search::branch::{self, Known, Level};
use crate::search::packing::{Effort, Packed, pack};
use crate::search::work::Meter;
use crate::search::worst;
use crate::state::State;
use crate::witness;
use lifeboat_model::certificate::{Closure, Node, Placement, Policy, Proof, Refutation, StuckTests, Tree};
use lifeboat_model::verdict::{Notion, StoppedBy, Witness};
use lifeboat_model::{HostIndex, Pool};

/// What is known of the notion.
pub(crate) struct Found {
    /// The most failures proven.
    pub(crate) proven: usize,
    /// Why.
    pub(crate) proof: Proof,
    /// The fewest failures refuted: the set, why, and the witness.
    pub(crate) refuted: Option<Disproof>,
    /// What stopped the search short.
    pub(crate) stopped_by: Option<StoppedBy>,
}

/// A refuted failure set.
pub(crate) struct Disproof {
    /// Ascending.
    pub(crate) failed: Vec<HostIndex>,
    /// Why its items cannot be placed.
    pub(crate) refutation: Refutation,
    /// In words.
    pub(crate) witness: Witness,
}

/// Settles a plain pool by linear tests alone.
pub(crate) fn of_plain(pool: &Pool, plain: &Plain, most: usize) -> (Found, Held) {
    let held = Held::new(plain);
    let hosts = plain.wide();
    let examined = most.min(hosts - 1);
    let proven = any_fit::survivable_at_once(plain, &held, examined);
    let refuted = volume::smallest_refuted(plain, &held, examined).map(|overfull| {
        let (witness, refutation) = witness::of_plain(pool, plain, &held, &overfull);
        Disproof { failed: witness.failed_hosts.clone(), refutation, witness }
    });
    let tree = any_fit_tree(pool, plain, held.rounded);
    let proof = if proven == 0 { Proof::Nothing } else { Proof::Tree(tree) };
    (Found { proven, proof, refuted, stopped_by: None }, held)
}

/// The one-node tree of a plain pool: any-fit decreasing survives every set.
pub(crate) fn any_fit_tree(pool: &Pool, plain: &Plain, rounded: bool) -> Tree {
    let mut memory = vec![0; pool.resources().len()];
    memory[0] = 1;
    let tests = StuckTests {
        multipliers: vec![memory.clone()],
        buckets: plain.levels.iter().map(|level| level.lo as u64).collect(),
        rounded,
    };
    Tree {
        order: plain.hosts.clone(),
        policy: Policy::FirstFit { weights: memory, order: ascending_targets(plain) },
        tests,
        nodes: vec![Node { placement: Placement::Incremental, closure: Closure::AnyFit }],
        packings: Vec::new(),
    }
}

/// Targets of a plain pool in ascending order of free memory.
pub(crate) fn ascending_targets(plain: &Plain) -> Vec<HostIndex> {
    let width = plain.free.len() / plain.wide();
    let mut order: Vec<usize> = (0..plain.wide()).filter(|&column| plain.target[column]).collect();
    order.sort_by_key(|&column| (plain.free[column * width], column));
    order.into_iter().map(|column| plain.hosts[column]).collect()
}

/// Settles a general problem as far as the limits allow, starting from what linear tests know of it.
pub(crate) fn settle(
    problem: &Problem<'_>,
    stuck: &Stuck,
    known: Option<Found>,
    most: usize,
    effort: Effort,
    limits: &Limits<'_>,
    meter: &mut Meter<'_>,
) -> Found {
    let hosts = problem.failable.len();
    let examined = most.min(hosts - 1);
    let mut found =
        known.unwrap_or(Found { proven: 0, proof: Proof::Nothing, refuted: None, stopped_by: None });
    let root = State::initial(problem);
    raise_by_root_tests(problem, stuck, &root, examined, &mut found, meter);
    if upper(&found, examined) > found.proven {
        refute_worst(problem, upper(&found, examined), &mut found, meter);
    }
    let mut packings = Known::new();
    found.stopped_by = None;
    while found.proven < upper(&found, examined) {
        let n = found.proven + 1;
        report(limits, Notion::Simultaneous, n, &found, meter);
        match branch::settle(problem, stuck, n, &packings, limits, meter) {
            Level::Proven(tree) => {
                found.proven = n;
                found.proof = Proof::Tree(tree);
            }
            Level::Refuted(set, refutation) => {
                found.refuted = Some(disproof(problem, &set, refutation, meter));
            }
            Level::Open(_) if effort != Effort::Deep => {
                found.stopped_by = Some(meter.stopped().unwrap_or(StoppedBy::Work));
                break;
            }
            Level::Open(sets) => match decide(problem, &sets, &mut packings, meter) {
                Decided::Refuted(set, refutation) => {
                    found.refuted = Some(disproof(problem, &set, refutation, meter));
                }
                Decided::Packed => {}
                Decided::Open => {
                    found.stopped_by = Some(meter.stopped().unwrap_or(StoppedBy::Work));
                    break;
                }
            },
        }
    }
    found
}

/// What became of undecided sets.
enum Decided {
    Refuted(Vec<Position>, Refutation),
    /// All of them are packed: the level is worth another try.
    Packed,
    Open,
}

/// Tries harder on sets that the level's search left undecided.
fn decide(
    problem: &Problem<'_>,
    sets: &[Vec<Position>],
    packings: &mut Known,
    meter: &mut Meter<'_>,
) -> Decided {
    let mut open = sets.is_empty();
    for set in sets {
        if meter.stopped().is_some() {
            return Decided::Open;
        }
        match pack(problem, &State::initial(problem), set, Effort::Deep, meter) {
            Packed::Placed(placed) => {
                packings.insert(set.clone(), placed);
            }
            Packed::Refuted(refutation) => return Decided::Refuted(set.clone(), refutation),
            Packed::Unknown => open = true,
        }
    }
    if open { Decided::Open } else { Decided::Packed }
}

/// The largest n that is not yet refuted.
fn upper(found: &Found, examined: usize) -> usize {
    found.refuted.as_ref().map_or(examined, |disproof| (disproof.failed.len() - 1).min(examined))
}

fn raise_by_root_tests(
    problem: &Problem<'_>,
    stuck: &Stuck,
    root: &State,
    examined: usize,
    found: &mut Found,
    meter: &mut Meter<'_>,
) {
    let mut buffers = Buffers::default();
    let before = found.proven;
    while found.proven < upper(found, examined) {
        meter.spend(branch::test_cost(problem, stuck));
        if !stuck.holds(problem, root, &problem.failable, found.proven + 1, Before::Larger, &mut buffers) {
            break;
        }
        found.proven += 1;
    }
    if found.proven > before {
        found.proof = Proof::Tree(Tree {
            order: problem.failable.iter().map(|&p| problem.host[usize::from(p)]).collect(),
            policy: problem.first_fit(),
            tests: stuck.spell(),
            nodes: vec![Node { placement: Placement::Incremental, closure: Closure::AnyFit }],
            packings: Vec::new(),
        });
    }
}

/// Takes in the smallest set that a linear bound refutes.
fn refute_worst(problem: &Problem<'_>, most: usize, found: &mut Found, meter: &mut Meter<'_>) {
    let Some(set) = worst::smallest(problem, most, meter) else { return };
    if let Packed::Refuted(refutation) =
        pack(problem, &State::initial(problem), &set, Effort::Thorough, meter)
    {
        found.refuted = Some(disproof(problem, &set, refutation, meter));
    }
}

/// A refuted set with its witness.
pub(crate) fn disproof(
    problem: &Problem<'_>,
    set: &[Position],
    refutation: Refutation,
    meter: &mut Meter<'_>,
) -> Disproof {
    let witness = witness::of_set(problem, set, &refutation, meter);
    Disproof { failed: witness.failed_hosts.clone(), refutation, witness }
}

/// Tells the caller how far the search is.
pub(crate) fn report(limits: &Limits<'_>, notion: Notion, n: usize, found: &Found, meter: &Meter<'_>) {
    if let Some(progress) = limits.progress {
        progress(Progress {
            notion,
            failures: n as u32,
            proven: Some(found.proven as u32),
            refuted: found.refuted.as_ref().map(|disproof| disproof.failed.len() as u32),
            work: meter.used(),
        });
    }
}
