//! Plenty of memory in all, but the big VM fits nowhere, or in one hole only; or there are two big ones for
//! the hole; or the hole is not for it. Counting memory says yes, looking for room says no.
use super::room;
use crate::draft::{Draft, DraftHost};
use crate::draw::Draw;
use crate::recipe::{Recipe, Room};
use lifeboat_model::{HostIndex, HostSet, PoolSpec};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Holes {
    None,
    One,
    OneButNotForIt,
    OneForTwo,
}

pub(super) fn build(recipe: &Recipe, draw: &mut Draw) -> PoolSpec {
    let hosts = recipe.hosts as usize;
    let holes = draw.pick(&[Holes::None, Holes::One, Holes::OneButNotForIt, Holes::OneForTwo]);
    let hole_permille = match room(recipe, draw, 0, 300) {
        Room::Slack(permille) => (1000 + i64::from(permille)) as u64,
        _ => 1000,
    };
    let big = draw.pick(&[128, 192, 256, 384]) * 1024;
    let home = draw.below(hosts);
    let hole = (home + 1 + draw.below(hosts - 1)) % hosts;

    let mut draft = Draft { hosts: vec![DraftHost::default(); hosts], ..Draft::default() };
    draft.draw_reserve(draw);
    let bigs = if holes == Holes::OneForTwo { 2 } else { 1 };
    for _ in bigs..recipe.vms {
        draft.add(draw.pick(&[2, 4, 8, 16]) * 1024).home = draw.below(hosts);
    }
    if holes == Holes::OneButNotForIt {
        draft.classes.push(HostSet::of(hosts, (0..hosts).filter(|&host| host != hole).map(HostIndex::new)));
    }
    for _ in 0..bigs {
        let class = if holes == Holes::OneButNotForIt { Some(0) } else { None };
        let vm = draft.add(big);
        (vm.home, vm.class) = (home, class);
    }
    let used = draft.used();
    for (position, (host, used)) in draft.hosts.iter_mut().zip(&used).enumerate() {
        let free = if position == hole && holes != Holes::None {
            big * hole_permille / 1000
        } else {
            // Never room for the big one.
            big * draw.between(550, 970) / 1000
        };
        host.capacity[0] = host.reserved_mib + used[0] + free;
    }
    draft.finish(recipe)
}
