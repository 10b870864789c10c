//! One resource, every VM may run anywhere: the families that differ in the sizes of hosts and VMs only.
//! With them the quantifier "for every set of n hosts" can be decided by linear tests, more or less easily.
use super::{Layout, failures, place, room};
use crate::draft::Draft;
use crate::draw::Draw;
use crate::recipe::{Family, Recipe, Room};
use crate::room::{Wanted, give_room};
use crate::sizes::Sizes;
use lifeboat_model::PoolSpec;

/// Host sizes met in one pool, relative to each other.
const HOST_SHAPES: [u64; 7] = [2, 3, 4, 6, 8, 12, 16];

pub(super) fn build(recipe: &Recipe, draw: &mut Draw) -> PoolSpec {
    let Traits { sizes, equal_hosts, protected, slack } = Traits::draw(recipe.family, draw);
    let hosts = recipe.hosts as usize;
    let mut draft =
        Draft::with_hosts((0..hosts).map(|_| if equal_hosts { 4 } else { draw.pick(&HOST_SHAPES) }));
    for _ in 0..recipe.vms {
        draft.add(sizes.draw(draw));
    }
    draft.draw_priorities(draw, protected);
    draft.draw_reserve(draw);
    let layout = Layout::draw(draw);
    place(&mut draft, draw, layout);
    let failures = match recipe.family {
        Family::Binpack3 => recipe.failures.map_or_else(|| filling_three(recipe), |n| n as usize),
        _ => failures(recipe, draw),
    };
    // Half of the pools have room by volume alone, which for big VMs is not enough; half by whole slots too.
    let by_slots = recipe.family != Family::Binpack3 && draw.permille(500);
    let thresholds = if by_slots { sizes.thresholds() } else { &[1] };
    let room: Room = room(recipe, draw, slack.0, slack.1);
    give_room(&mut draft, &Wanted { room, failures, thresholds, grain: [1, 1] });
    draft.finish(recipe)
}

struct Traits {
    sizes: Sizes,
    equal_hosts: bool,
    /// In thousandths.
    protected: u64,
    /// Slack to draw from, in thousandths of free.
    slack: (i32, i32),
}

impl Traits {
    fn draw(family: Family, draw: &mut Draw) -> Self {
        let around = (-100, 200);
        match family {
            Family::Hetero => Self {
                sizes: draw.pick(&[Sizes::TwelveFlavours, Sizes::Arbitrary]),
                equal_hosts: false,
                protected: 800,
                slack: around,
            },
            Family::Heavytail => Self {
                sizes: draw.pick(&[Sizes::HeavyFlavours, Sizes::HeavyFlavours, Sizes::HeavyArbitrary]),
                equal_hosts: draw.permille(700),
                protected: 800,
                slack: around,
            },
            Family::Tight => Self {
                sizes: draw.pick(&[Sizes::TwelveFlavours, Sizes::Arbitrary]),
                equal_hosts: draw.permille(500),
                protected: 1000,
                slack: (0, 50),
            },
            Family::Binpack3 => Self {
                sizes: draw.pick(&[Sizes::FineSteps, Sizes::Even]),
                equal_hosts: true,
                protected: 1000,
                slack: (-10, 30),
            },
            _ => Self {
                sizes: draw.weighted(&[(Sizes::FiveFlavours, 3), (Sizes::TwelveFlavours, 1)]),
                equal_hosts: true,
                protected: 800,
                slack: around,
            },
        }
    }
}

/// The number of failures with which about two and a half VMs fill what is free on a host: n hosts lose n V/H
/// of them, which go to H − n.
fn filling_three(recipe: &Recipe) -> usize {
    let (hosts, vms) = (u64::from(recipe.hosts), u64::from(recipe.vms));
    let filling = (5 * hosts * hosts) / (2 * vms + 5 * hosts);
    (filling as usize).clamp(1, (recipe.hosts as usize / 2).max(1))
}
