//! A packing was planted: what is free on the small hosts is, VM by VM, what the source hosts run. When all
//! sources die, everything fits, but only in (nearly) that one way, which greedy restarting misses.
use super::room;
use crate::draft::{Draft, DraftHost};
use crate::draw::Draw;
use crate::recipe::{Recipe, Room};
use lifeboat_model::PoolSpec;
use lifeboat_model::spec::RestartPriority;

pub(super) fn build(recipe: &Recipe, draw: &mut Draw) -> PoolSpec {
    let hosts = recipe.hosts as usize;
    let sources = recipe.failures.map_or_else(|| draw.between(1, 3) as usize, |n| n as usize);
    let sources = sources.min(hosts / 2);
    let mut roles: Vec<usize> = (0..hosts).collect();
    draw.shuffle(&mut roles);
    let (from, to) = roles.split_at(sources);
    let slack = match room(recipe, draw, 0, 0) {
        Room::Slack(permille) => permille,
        _ => 0,
    };

    let mut draft = Draft {
        hosts: vec![DraftHost { reserved_mib: 1024, ..DraftHost::default() }; hosts],
        ..Draft::default()
    };
    let unit = draw.pick(&[256, 512, 1024]);
    let mut free = vec![0; hosts];
    // Two to four planted VMs a small host, while three quarters of the VMs last; the rest is small fry.
    let mut planted = recipe.vms as usize * 3 / 4;
    let mut dealt = 0;
    for &host in to {
        let here = (draw.between(2, 4) as usize).min(planted);
        planted -= here;
        for _ in 0..here {
            let size = unit * draw.between(8, 60);
            free[host] += size;
            // The first round reaches every source; after it, any.
            let source = if dealt < sources { dealt } else { draw.below(sources) };
            draft.add(size).home = from[source];
            dealt += 1;
        }
    }
    let all_planted: u64 = free.iter().sum();
    for &host in to {
        free[host] = free[host] * (1000 + i64::from(slack)) as u64 / 1000;
    }
    for &host in from {
        free[host] = all_planted;
    }
    for _ in draft.vms.len()..recipe.vms as usize {
        let home = draw.pick(to);
        let small = draft.add(unit * draw.between(1, 6));
        small.home = home;
        small.priority = draw.weighted(&[(RestartPriority::Restart, 1), (RestartPriority::BestEffort, 1)]);
    }
    let used = draft.used();
    for (host, (used, free)) in draft.hosts.iter_mut().zip(used.iter().zip(&free)) {
        host.capacity[0] = host.reserved_mib + used[0] + free;
    }
    draft.finish(recipe)
}
