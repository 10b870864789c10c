//! Two resources, both short: memory with vCPUs on every host, or with virtual GPUs on half of them.
use super::{Layout, failures, place, room};
use crate::draft::Draft;
use crate::draw::Draw;
use crate::recipe::{Family, Recipe};
use crate::room::{Wanted, give_room};
use crate::sizes::Sizes;
use lifeboat_model::PoolSpec;

pub(super) fn build(recipe: &Recipe, draw: &mut Draw) -> PoolSpec {
    let gpus = recipe.family == Family::TwodimVgpu;
    let hosts = recipe.hosts as usize;
    let mut draft = Draft::with_hosts((0..hosts).map(|_| draw.pick(&[2, 3, 4])));
    draft.second = Some(if gpus { "vgpu" } else { "vcpus" });
    // Which half has GPUs is drawn; how many a host has goes by its board, not by its memory.
    let mut order: Vec<usize> = (0..hosts).collect();
    draw.shuffle(&mut order);
    for (position, &host) in order.iter().enumerate() {
        let shape = &mut draft.hosts[host].shape;
        shape[1] = if gpus { u64::from(position < hosts.div_ceil(2)) } else { shape[0] };
    }
    let sizes = draw.pick(&[Sizes::FiveFlavours, Sizes::Arbitrary]);
    for _ in 0..recipe.vms {
        let memory = sizes.draw(draw);
        let second =
            if gpus { draw.weighted(&[(0, 84), (1, 8), (2, 4), (4, 4)]) } else { vcpus(memory, draw) };
        draft.add(memory).demand[1] = second;
    }
    draft.draw_priorities(draw, 850);
    draft.draw_reserve(draw);
    let layout = Layout::draw(draw);
    place(&mut draft, draw, layout);
    let failures = failures(recipe, draw);
    let room = room(recipe, draw, -50, 200);
    give_room(&mut draft, &Wanted { room, failures, thresholds: &[1], grain: [1, 1] });
    draft.finish(recipe)
}

/// One vCPU for 1, 2, 4 or 8 GiB, at least one.
fn vcpus(memory_mib: u64, draw: &mut Draw) -> u64 {
    (memory_mib / 1024 / draw.pick(&[1, 2, 4, 8])).max(1)
}
