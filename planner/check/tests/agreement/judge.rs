//! One case: a tiny pool, some certificates made up for it, and the verdict that nothing false was accepted.
use crate::draw::Draw;
use crate::truth::Truth;
use crate::{forge, pools};
use lifeboat_check::{Accepted, Claim, Limits, verify};
use lifeboat_model::certificate::{Certificate, Closure, Proof, Refutation, Strategy, Tree};
use lifeboat_model::{HostIndex, Pool, VmIndex};
use std::collections::BTreeMap;

/// What was accepted, by sort of certificate, and how many certificates there were.
#[derive(Default, Debug)]
pub(crate) struct Tally {
    pub(crate) certificates: usize,
    /// Claims that were not judged, for want of time.
    pub(crate) tired: usize,
    pub(crate) accepted: BTreeMap<&'static str, usize>,
}

/// Makes a pool and certificates for it.
///
/// # Panics
/// If a false claim is accepted.
pub(crate) fn case(draw: &mut Draw<'_>, tally: &mut Tally) {
    let pool = pools::pool(draw);
    let pending = Truth::pending(&pool);
    let waiting: Vec<usize> = (0..pending.bundles.len()).collect();
    let placeable = pending.can_place(&pending.start(), &waiting);
    let placement = some_placement(draw, &pool, &pending, &waiting);
    let correct = is_placement(&pending, &waiting, &placement);
    if pending.is_tired() {
        tally.tired += 1;
        return;
    }
    if !waiting.is_empty() && (!placeable || draw.once_in(4)) {
        let forged = forge::broken(draw, &pending);
        if let Ok(accepted) = verify(&pool, &forged, &LIMITS) {
            assert!(!placeable, "{accepted:?} of {forged:?} of {pool:?}");
            count(tally, &forged);
        }
    }
    let truth = Truth::after(&pool, &placement);
    for _ in 0..draw.from(1, 6) {
        let forged = forge::certificate(draw, &truth, &placement);
        tally.certificates += 1;
        if let Ok(accepted) = verify(&pool, &forged, &LIMITS) {
            let about_pending = accepted.claims.is_empty() && placement.is_empty();
            assert!(correct || about_pending, "pending accepted: {forged:?} of {pool:?}");
            tally.tired += usize::from(!agree(&truth, &forged, &accepted));
            count(tally, &forged);
        }
    }
}

/// Enough for any tiny pool; a forged search stops early.
const LIMITS: Limits = Limits { work: 20_000_000 };

/// Every accepted claim is true; false where that takes too long to find out.
fn agree(truth: &Truth<'_>, certificate: &Certificate, accepted: &Accepted) -> bool {
    let show = || format!("{accepted:?} of {certificate:?} of {:?}", truth.pool);
    for claim in &accepted.claims {
        let holds = match *claim {
            Claim::Broken => false,
            Claim::Pending => true,
            Claim::SimultaneousProven(failures) => truth.most_at_once() >= failures as usize,
            Claim::SimultaneousRefuted(failures) => {
                let refuted = certificate.simultaneous_refuted.as_ref().expect("what was accepted is there");
                let failed: Vec<usize> = refuted.failed.iter().map(|host| host.get()).collect();
                failed.len() == failures as usize && !truth.survives_set(&failed)
            }
            Claim::SequentialProven(failures) => {
                let proven = certificate.sequential_proven.as_ref().expect("what was accepted is there");
                match &proven.proof {
                    Proof::Nothing => failures == 0 || truth.bundles.is_empty(),
                    Proof::Tree(tree) => truth.tree_survives(tree, failures as usize),
                }
            }
            Claim::SequentialRefuted(failures) => !truth.some_policy_survives(failures as usize),
        };
        assert!(holds || truth.is_tired(), "{claim:?}: {}", show());
    }
    !truth.is_tired()
}

/// A placement of the pending VMs, now and then a wrong one.
fn some_placement(
    draw: &mut Draw<'_>,
    pool: &Pool,
    pending: &Truth<'_>,
    waiting: &[usize],
) -> Vec<(VmIndex, HostIndex)> {
    let mut placement = Vec::new();
    let mut patience = draw.below(4);
    let spoilt = draw.once_in(10);
    let mut add = |at: &dyn Fn(usize) -> usize| {
        placement = waiting
            .iter()
            .flat_map(|&bundle| {
                let host = HostIndex::new(at(bundle));
                pending.bundles[bundle].vms.iter().map(move |&vm| (vm, host))
            })
            .collect();
    };
    if spoilt {
        let any = draw.below(pool.hosts().len());
        add(&|bundle| (any + bundle) % pool.hosts().len());
    } else {
        pending.placements(&pending.start(), waiting, &mut |placed| {
            add(&|bundle| placed.at[bundle].expect("a placed bundle is somewhere"));
            patience = patience.saturating_sub(1);
            patience > 0
        });
    }
    placement
}

fn is_placement(pending: &Truth<'_>, waiting: &[usize], placement: &[(VmIndex, HostIndex)]) -> bool {
    let mut found = false;
    pending.placements(&pending.start(), waiting, &mut |placed| {
        let given = |vm: &VmIndex| placement.iter().find(|(of, _)| of == vm).map(|(_, host)| host.get());
        found = waiting
            .iter()
            .all(|&bundle| pending.bundles[bundle].vms.iter().all(|vm| given(vm) == placed.at[bundle]));
        !found
    });
    found && placement.len() == waiting.iter().map(|&bundle| pending.bundles[bundle].vms.len()).sum::<usize>()
}

fn count(tally: &mut Tally, certificate: &Certificate) {
    let mut add = |sort| *tally.accepted.entry(sort).or_default() += 1;
    if let Some(Proof::Tree(tree)) = certificate.simultaneous_proven.as_ref().map(|proven| &proven.proof) {
        closures(tree, AT_ONCE, &mut add);
        if !tree.packings.is_empty() {
            add("at once: packing");
        }
    }
    let several = certificate.sequential_proven.as_ref().filter(|proven| proven.failures > 1);
    if let Some(Proof::Tree(tree)) = several.map(|proven| &proven.proof) {
        closures(tree, IN_TURN, &mut add);
        if !tree.packings.is_empty() {
            add("in turn: packing");
        }
    }
    if let Some(refuted) = &certificate.simultaneous_refuted {
        add(sort(&refuted.refutation));
        if refuted.failed.is_empty() {
            add("broken");
        }
    }
    if let Some(refuted) = &certificate.sequential_refuted {
        add(match refuted.strategy {
            Strategy::AtOnce(_) => "strategy: at once",
            Strategy::Fail { .. } => "strategy: answers",
        });
    }
}

const AT_ONCE: [&str; 5] =
    ["at once: any fit", "at once: at root", "at once: slots", "at once: fixed order", "at once: branch"];
const IN_TURN: [&str; 5] =
    ["in turn: any fit", "never", "in turn: slots", "in turn: fixed order", "in turn: branch"];

fn closures(tree: &Tree, names: [&'static str; 5], add: &mut dyn FnMut(&'static str)) {
    let all = [Closure::AnyFit, Closure::AnyFitAtRoot, Closure::Slots, Closure::FixedOrder, Closure::Branch];
    for (closure, name) in all.into_iter().zip(names) {
        if tree.nodes.iter().any(|node| node.closure == closure) {
            add(name);
        }
    }
}

fn sort(refutation: &Refutation) -> &'static str {
    match refutation {
        Refutation::Liveness => "liveness",
        Refutation::NoSurvivor => "no survivor",
        Refutation::Values { .. } => "values",
        Refutation::Separation { .. } => "separation",
        Refutation::Exhaustion { .. } => "exhaustion",
        Refutation::Filling { .. } => "filling",
        Refutation::Cases { .. } => "cases",
    }
}
