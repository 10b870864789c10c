//! Pending VMs are placed before any failure is considered, where they leave the highest proven tolerance that was
//! found. The placement is part of the answer and of the plan: what is shown is what is executed.
use crate::bound::any_fit;
use crate::bound::held::Held;
use crate::bound::stuck::{Before, Buffers, Stuck};
use crate::plain::Plain;
use crate::problem::{Position, Problem, Rank};
use crate::search::packing::{Effort, Packed, pack_items};
use crate::search::work::Meter;
use crate::state::{PositionPolicy, State};
use crate::{partial, witness};
use lifeboat_model::certificate::Refutation;
use lifeboat_model::change::Change;
use lifeboat_model::plan::Unplaced;
use lifeboat_model::spec::RestartPriority;
use lifeboat_model::verdict::Witness;
use lifeboat_model::{HostIndex, Pool, VmIndex};

/// Where pending VMs go.
pub(crate) struct Pending {
    /// The placement, ascending by VM.
    pub(crate) placement: Vec<(VmIndex, HostIndex)>,
    /// VMs without a place.
    pub(crate) unplaced: Vec<Unplaced>,
    /// Where it is proven that they cannot all be placed: why.
    pub(crate) refutation: Option<Refutation>,
    /// The same in words.
    pub(crate) witness: Option<Witness>,
}

/// Places the pending VMs of a pool.
pub(crate) fn place(pool: &Pool, meter: &mut Meter<'_>) -> Pending {
    let none = Pending { placement: Vec::new(), unplaced: Vec::new(), refutation: None, witness: None };
    if !pool.vm_indices().any(|vm| pool.is_pending(vm)) {
        return none;
    }
    let problem = Problem::of_pending(pool);
    let items: Vec<Rank> = (0..problem.items.len() as Rank).collect();
    if items.is_empty() {
        return none;
    }
    let state = State::initial(&problem);
    let mut found: Vec<Vec<(Rank, Position)>> = Vec::new();
    for policy in [PositionPolicy::BestFit, PositionPolicy::FirstFit, PositionPolicy::WorstFit] {
        let mut trial = state.clone();
        if trial.place_all(&problem, &policy, &items).is_ok() {
            found.push(trial.placed);
        }
    }
    let mut refutation = None;
    if found.is_empty() {
        match pack_items(&problem, &state, &items, Effort::Thorough, meter) {
            Packed::Placed(placed) => found.push(placed),
            Packed::Refuted(why) => refutation = Some(why),
            Packed::Unknown => {}
        }
    }
    let mut placements: Vec<Vec<(VmIndex, HostIndex)>> =
        found.iter().map(|placed| named(&problem, placed)).collect();
    placements.dedup();
    let best = if placements.len() > 1 {
        placements.into_iter().enumerate().max_by_key(|(index, placement)| {
            (quick_tolerance(&pool.placed(placement)), core::cmp::Reverse(*index))
        })
    } else {
        placements.into_iter().enumerate().next()
    };
    if let Some((_, placement)) = best {
        return Pending { placement, ..none };
    }
    let witness = refutation.as_ref().map(|refutation| {
        let mut witness = witness::of_items(&problem, &state, &items, Vec::new(), refutation, meter);
        witness.vms = without_the_needless(pool, witness.vms, meter);
        witness
    });
    let partial = partial::best(&problem, &state, &items, meter);
    Pending {
        placement: named(&problem, &partial.placed),
        unplaced: partial::explain(&problem, &state, &partial),
        refutation,
        witness,
    }
}

/// Leaves out VMs that are named only because affinity binds them to others.
fn without_the_needless(pool: &Pool, mut vms: Vec<VmIndex>, meter: &mut Meter<'_>) -> Vec<VmIndex> {
    let mut index = 0;
    while vms.len() > 1 && index < vms.len() && vms.len() <= witness::MOST_ENUMERATED {
        let mut fewer = vms.clone();
        fewer.remove(index);
        if refuted_alone(pool, &fewer, meter) {
            vms = fewer;
        } else {
            index += 1;
        }
    }
    vms
}

/// Whether these pending VMs cannot all be placed even where no other is.
fn refuted_alone(pool: &Pool, vms: &[VmIndex], meter: &mut Meter<'_>) -> bool {
    let others: Vec<Change> = pool
        .vm_indices()
        .filter(|&vm| pool.is_pending(vm) && !vms.contains(&vm))
        .map(|vm| Change::Protect { vm, priority: RestartPriority::Unprotected })
        .collect();
    let Ok(alone) = pool.with_all(&others) else { return false };
    let problem = Problem::of_pending(&alone);
    let items: Vec<Rank> = (0..problem.items.len() as Rank).collect();
    let state = State::initial(&problem);
    matches!(pack_items(&problem, &state, &items, Effort::Thorough, meter), Packed::Refuted(_))
}

/// Placements by name, ascending by VM.
pub(crate) fn named(problem: &Problem<'_>, placed: &[(Rank, Position)]) -> Vec<(VmIndex, HostIndex)> {
    let mut named: Vec<(VmIndex, HostIndex)> = placed
        .iter()
        .flat_map(|&(rank, position)| {
            let host = problem.host[usize::from(position)];
            problem.vms_of(rank).into_iter().map(move |vm| (vm, host))
        })
        .collect();
    named.sort_unstable();
    named
}

/// How many failures the linear tests alone prove survivable at once, and by what margin they fail at the next.
fn quick_tolerance(pool: &Pool) -> usize {
    if let Some(plain) = Plain::new(pool) {
        let held = Held::new(&plain);
        return any_fit::survivable_at_once(&plain, &held, plain.wide().saturating_sub(1));
    }
    let problem = Problem::new(pool);
    let stuck = Stuck::new(&problem);
    let state = State::initial(&problem);
    let mut buffers = Buffers::default();
    (1..problem.failable.len())
        .take_while(|&n| stuck.holds(&problem, &state, &problem.failable, n, Before::Larger, &mut buffers))
        .count()
}
