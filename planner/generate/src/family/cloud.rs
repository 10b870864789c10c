//! The VM sizes that public clouds sell: general purpose with 4 GiB a vCPU, compute with 2, memory with 8, and
//! burstable ones of half a GiB up. Half of all VMs are small, a few are huge, and memory runs out before
//! vCPUs do, as operators of such pools see it.
use super::{Layout, failures, fill, place};
use crate::draft::Draft;
use crate::draw::Draw;
use crate::recipe::Recipe;
use crate::room::{Wanted, give_room};
use lifeboat_model::PoolSpec;

/// vCPUs, MiB, how many in a thousand VMs are of it.
pub(super) type Size = (u64, u64, u32);

const GIB: u64 = 1024;

const SIZES: [Size; 29] = [
    // Burstable: more than a third of what people start.
    (2, GIB / 2, 30),
    (2, GIB, 70),
    (2, 2 * GIB, 95),
    (2, 4 * GIB, 100),
    (2, 8 * GIB, 45),
    (4, 16 * GIB, 20),
    // General purpose.
    (1, 4 * GIB, 60),
    (2, 8 * GIB, 130),
    (4, 16 * GIB, 90),
    (8, 32 * GIB, 45),
    (16, 64 * GIB, 18),
    (32, 128 * GIB, 5),
    (48, 192 * GIB, 2),
    (64, 256 * GIB, 1),
    // Compute.
    (1, 2 * GIB, 25),
    (2, 4 * GIB, 50),
    (4, 8 * GIB, 35),
    (8, 16 * GIB, 25),
    (16, 32 * GIB, 10),
    (32, 64 * GIB, 4),
    (64, 128 * GIB, 1),
    // Memory.
    (1, 8 * GIB, 15),
    (2, 16 * GIB, 45),
    (4, 32 * GIB, 35),
    (8, 64 * GIB, 20),
    (16, 128 * GIB, 10),
    (32, 256 * GIB, 3),
    (48, 384 * GIB, 1),
    (64, 512 * GIB, 1),
];

pub(super) fn build(recipe: &Recipe, draw: &mut Draw) -> PoolSpec {
    let hosts = recipe.hosts as usize;
    // Two or three generations of servers side by side.
    let generations = draw.pick(&[&[4][..], &[3, 4], &[2, 3, 4]]);
    let mut draft = Draft::with_hosts((0..hosts).map(|_| draw.pick(generations)));
    draft.hosts.iter_mut().for_each(|host| host.shape[1] = host.shape[0]);
    draft.second = Some("vcpus");
    draft.rack_up((hosts / 8).max(2));
    let sizes: Vec<((u64, u64), u32)> = SIZES
        .into_iter()
        .filter(|&(_, memory, _)| memory <= largest(recipe))
        .map(|(vcpus, memory, weight)| ((vcpus, memory), weight))
        .collect();
    for _ in 0..recipe.vms {
        let (vcpus, memory) = draw.weighted(&sizes);
        draft.add(memory).demand[1] = vcpus;
    }
    draft.draw_priorities(draw, 770);
    draft.hosts.iter_mut().for_each(|host| host.reserved_mib = 8 * GIB);
    place(&mut draft, draw, Layout::AsTheyCame);
    let failures = failures(recipe, draw);
    draft.settings.host_failures_to_tolerate = Some(draw.between(1, 3).min(failures as u64));
    let room = fill(recipe, draw, 600, 930);
    // A third of the pools sells more vCPUs than it can run, so that vCPUs are as short as memory; the others
    // have half as many again.
    let spare = if draw.permille(333) { 1000 } else { 1500 };
    give_room(&mut draft, &Wanted { room, failures, thresholds: &[1], grain: [16 * GIB, 8] });
    for host in &mut draft.hosts {
        host.capacity[1] = (host.capacity[1] * spare / 1000).div_ceil(8) * 8;
    }
    draft.finish(recipe)
}

/// No size that would not leave its host room for half as much again of the usual load: a mean VM has 13 GiB.
fn largest(recipe: &Recipe) -> u64 {
    let usual = u64::from(recipe.vms) * 13 * GIB / u64::from(recipe.hosts);
    (usual / 2).max(8 * GIB)
}
