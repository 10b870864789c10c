//! Small pools with a property that greedy thinking misses, found by exhaustive search, made bigger by hosts
//! that neither need nor have room: what holds for the core holds for the pool.
use crate::draft::{Draft, DraftHost};
use crate::draw::Draw;
use crate::recipe::{Family, Recipe};
use lifeboat_model::PoolSpec;
use lifeboat_model::spec::RestartPriority;

/// Free memory by host, and the protected VMs that run on each.
type Core = (&'static [u64], &'static [&'static [u64]]);

/// Every two hosts may die at once; but after some first failure, however it is answered, some second one
/// cannot be.
const NOT_IN_TURN: [Core; 8] = [
    (&[6, 4, 5, 1, 5], &[&[5, 2], &[], &[], &[3, 3], &[]]),
    (&[8, 10, 8, 5], &[&[7, 2], &[], &[4], &[6, 3]]),
    (&[7, 6, 11, 4], &[&[1, 5], &[5, 3], &[2, 1], &[7]]),
    (&[0, 9, 1, 7, 5], &[&[5, 5], &[], &[6], &[4], &[2]]),
    (&[5, 1, 8, 0, 7], &[&[2], &[7], &[3], &[5, 4], &[]]),
    (&[6, 4, 9, 4, 6], &[&[3], &[], &[], &[4, 4], &[5, 3, 3]]),
    (&[8, 5, 0, 2, 10], &[&[4], &[3], &[5, 6], &[3, 7], &[1]]),
    (&[11, 9, 4, 6, 4], &[&[2], &[], &[4, 5, 7], &[], &[6, 4]]),
];

/// Biggest VM to emptiest host answers every two failures in turn, in either order, but not every two at
/// once; a packing exists.
const NOT_TOGETHER: [Core; 8] = [
    (&[5, 7, 1, 9], &[&[], &[], &[5, 3], &[3]]),
    (&[0, 6, 4, 3], &[&[3, 2], &[2], &[], &[]]),
    (&[9, 3, 10, 10, 6], &[&[], &[3], &[5], &[2], &[5, 6]]),
    (&[7, 11, 9, 7, 9], &[&[], &[3, 5], &[3, 4], &[], &[5, 7]]),
    (&[7, 8, 6, 2, 10], &[&[5, 4], &[], &[4, 5], &[4, 4, 3], &[]]),
    (&[8, 11, 10, 0, 7], &[&[7, 6], &[4], &[], &[4, 6], &[2, 3]]),
    (&[9, 8, 8, 8, 10], &[&[3], &[5, 1, 6], &[], &[4, 7], &[3]]),
    (&[6, 8, 3, 9, 10], &[&[4, 6], &[], &[7], &[3, 1], &[5]]),
];

pub(super) fn build(recipe: &Recipe, draw: &mut Draw) -> PoolSpec {
    let hosts = recipe.hosts as usize;
    let cores = if recipe.family == Family::Advseq { NOT_IN_TURN } else { NOT_TOGETHER };
    let fitting: Vec<Core> = cores
        .into_iter()
        .filter(|(free, on)| {
            free.len() <= hosts && on.iter().map(|vms| vms.len()).sum::<usize>() <= recipe.vms as usize
        })
        .collect();
    let (free, on) = draw.pick(&fitting);
    let unit = draw.between(512, 32 * 1024);
    let mut places: Vec<usize> = (0..hosts).collect();
    draw.shuffle(&mut places);

    let mut draft = Draft {
        hosts: vec![DraftHost { reserved_mib: 1024, ..DraftHost::default() }; hosts],
        ..Draft::default()
    };
    for (sizes, &host) in on.iter().zip(&places) {
        for &size in *sizes {
            draft.add(size * unit).home = host;
        }
    }
    // The others hold memory and are never restarted, so they change nothing.
    for position in draft.vms.len()..recipe.vms as usize {
        let vm = draft.add(draw.between(1, 16) * 1024);
        vm.home = places[position % hosts];
        vm.priority = draw.pick(&[RestartPriority::BestEffort, RestartPriority::Unprotected]);
    }
    let used = draft.used();
    for (position, &host) in places.iter().enumerate() {
        let free = free.get(position).map_or(0, |free| free * unit);
        draft.hosts[host].capacity[0] = 1024 + used[host][0] + free;
    }
    draft.finish(recipe)
}
