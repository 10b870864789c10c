//! The families, one idea a file: [`volume`] for those that differ in sizes alone, [`racklocal`] and
//! [`twodim`] for more dimensions, [`planted`], [`holes`] and [`cores`] for the adversarial ones, [`cloud`],
//! [`rules`] and [`mixed`] for pools as they are met.
mod cloud;
mod cores;
mod holes;
mod mixed;
mod planted;
mod racklocal;
mod rules;
mod twodim;
mod volume;

use crate::draft::{Draft, DraftVm};
use crate::draw::Draw;
use crate::recipe::{Family, Recipe, Room};
use lifeboat_model::PoolSpec;

/// The pool of a recipe that was checked.
pub(crate) fn build(recipe: &Recipe, draw: &mut Draw) -> PoolSpec {
    match recipe.family {
        Family::Homog | Family::Hetero | Family::Heavytail | Family::Tight | Family::Binpack3 => {
            volume::build(recipe, draw)
        }
        Family::Racklocal => racklocal::build(recipe, draw),
        Family::TwodimVcpus | Family::TwodimVgpu => twodim::build(recipe, draw),
        Family::Advgreedy => planted::build(recipe, draw),
        Family::Advfrag => holes::build(recipe, draw),
        Family::Advseq | Family::Advunion => cores::build(recipe, draw),
        Family::Cloud => cloud::build(recipe, draw),
        Family::Rules => rules::build(recipe, draw).finish(recipe),
        Family::Mixed => mixed::build(recipe, draw),
    }
}

/// The number of failures to hug the boundary of, where the recipe names none: more with more hosts.
fn failures(recipe: &Recipe, draw: &mut Draw) -> usize {
    let drawn = match recipe.hosts {
        0..=4 => 1,
        5..=12 => draw.between(1, 2),
        13..=24 => draw.between(2, 4),
        25..=48 => draw.between(2, 3),
        49..=128 => draw.between(2, 5),
        129..=512 => draw.between(3, 8),
        _ => draw.between(4, 16),
    };
    (recipe.failures.map_or(drawn, u64::from) as usize).min(recipe.hosts as usize - 1)
}

/// The room that the recipe asks for, or a slack drawn from that range.
fn room(recipe: &Recipe, draw: &mut Draw, low: i32, high: i32) -> Room {
    let drawn = draw.between(0, low.abs_diff(high).into()) as i32 + low;
    match recipe.room {
        Room::Drawn => Room::Slack(drawn),
        room => room,
    }
}

/// The fill that the recipe asks for, or one drawn from that range, in thousandths.
fn fill(recipe: &Recipe, draw: &mut Draw, low: u64, high: u64) -> Room {
    let drawn = draw.between(low, high) as u32;
    match recipe.room {
        Room::Drawn => Room::Fill(drawn),
        room => room,
    }
}

/// How VMs came to be where they run.
#[derive(Clone, Copy)]
enum Layout {
    /// Largest first to the least loaded host: as even as can be.
    Balanced,
    /// As they come, to the least loaded host.
    AsTheyCame,
    /// As they come, to the least loaded of three hosts at random: uneven, as grown pools are.
    Grown,
}

impl Layout {
    fn draw(draw: &mut Draw) -> Self {
        draw.weighted(&[(Self::Balanced, 4), (Self::AsTheyCame, 1), (Self::Grown, 1)])
    }
}

/// Gives every VM its home, inside its class.
fn place(draft: &mut Draft, draw: &mut Draw, layout: Layout) {
    let mut order: Vec<usize> = (0..draft.vms.len()).collect();
    draw.shuffle(&mut order);
    if matches!(layout, Layout::Balanced) {
        order.sort_by_key(|&vm| core::cmp::Reverse(draft.vms[vm].demand));
    }
    let weights = draft.even_weights();
    let mut used = vec![[0; 2]; draft.hosts.len()];
    for vm in order {
        let DraftVm { class, demand, .. } = draft.vms[vm];
        let allowed =
            |host: usize| draft.allows(class, host) && (demand[1] == 0 || draft.hosts[host].shape[1] > 0);
        let some = match layout {
            Layout::Grown => {
                let three = [0; 3].map(|_| draw.below(draft.hosts.len()));
                draft.least_loaded(&used, weights, |host| three.contains(&host) && allowed(host))
            }
            Layout::Balanced | Layout::AsTheyCame => None,
        };
        let home = some.or_else(|| draft.least_loaded(&used, weights, allowed));
        let home = home.expect("every class has hosts, and every resource is on some host");
        used[home][0] += demand[0];
        used[home][1] += demand[1];
        draft.vms[vm].home = home;
    }
}
