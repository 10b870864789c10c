//! VMs that can run in their own racks only, less the hosts that miss a storage: a hundred and more distinct
//! eligible sets that overlap, nested and crosswise.
use super::{Layout, failures, place, room};
use crate::draft::Draft;
use crate::draw::Draw;
use crate::recipe::Recipe;
use crate::room::{Wanted, give_room};
use crate::sizes::Sizes;
use lifeboat_model::{HostIndex, HostSet, PoolSpec};
use std::collections::BTreeMap;

pub(super) fn build(recipe: &Recipe, draw: &mut Draw) -> PoolSpec {
    let hosts = recipe.hosts as usize;
    let failures = failures(recipe, draw);
    let mut draft = Draft::with_hosts((0..hosts).map(|_| draw.pick(&[2, 3, 4])));
    let rack = rack_size(hosts, failures);
    draft.rack_up(rack);
    let sizes = draw.pick(&[Sizes::FiveFlavours, Sizes::Arbitrary]);
    let storages = storages(hosts, draw);
    let mut known: BTreeMap<Vec<u64>, usize> = BTreeMap::new();
    for _ in 0..recipe.vms {
        let set = eligible(hosts, rack, failures, &storages, draw);
        let class = *known.entry(set.words().to_vec()).or_insert_with(|| {
            draft.classes.push(set);
            draft.classes.len() - 1
        });
        draft.add(sizes.draw(draw)).class = Some(class);
    }
    draft.draw_priorities(draw, 850);
    draft.draw_reserve(draw);
    place(&mut draft, draw, Layout::AsTheyCame);
    let room = room(recipe, draw, -50, 200);
    give_room(&mut draft, &Wanted { room, failures, thresholds: &[1], grain: [1, 1] });
    draft.finish(recipe)
}

/// An eighth of the pool, and more than the failures that shall be survivable.
fn rack_size(hosts: usize, failures: usize) -> usize {
    (hosts / 8).clamp(2, 32).max(failures + 2).min(hosts)
}

/// What each of eight storages is attached to: all hosts but every twelfth or so.
fn storages(hosts: usize, draw: &mut Draw) -> Vec<HostSet> {
    (0..8)
        .map(|_| HostSet::of(hosts, (0..hosts).map(HostIndex::new).filter(|_| !draw.permille(80))))
        .collect()
}

/// One, two or four racks side by side, for two VMs in five less the hosts that miss its storage.
fn eligible(hosts: usize, rack: usize, failures: usize, storages: &[HostSet], draw: &mut Draw) -> HostSet {
    let racks = hosts.div_ceil(rack);
    let span = draw.weighted(&[(1, 9), (2, 7), (4, 4)]).min(racks);
    let first = if draw.permille(100) { draw.below(racks) } else { draw.below(racks.div_ceil(span)) * span };
    let members = (0..span * rack).map(|step| HostIndex::new((first * rack + step) % hosts));
    let whole = HostSet::of(hosts, members);
    if draw.permille(600) {
        return whole;
    }
    let mut attached = whole.clone();
    attached.intersect_with(&storages[draw.below(storages.len())]);
    if attached.len() > failures { attached } else { whole }
}
