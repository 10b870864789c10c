//! The demo's pool: VMs of real sizes, in the order in which a public cloud started them (`sizes/README.md`), on hosts
//! that are nearly full. Names, hosts, placement, protection, orders and rules are made here from a seed.
//!
//! The hosts are as small as they can be while two failures more than the target are survived: a pool that three kills
//! bring to its limit teaches more than one that nothing troubles.
use flate2::read::GzDecoder;
use lifeboat_model::spec::{
    GroupSpec, HostSpec, RestartPriority, Rule, RuleMode, SettingsSpec, StorageSpec, VmSpec,
};
use lifeboat_model::{Pool, PoolSpec};
use lifeboat_planner::{Limits, assess};
use lifeboat_simulator::draw::{Concern, Draw};
use std::io::Read;

/// What the pool is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recipe {
    /// Hosts: 3 to 64, which is what a shared disk carries.
    pub hosts: u32,
    /// VMs: 1 to 8192.
    pub vms: u32,
    /// All chance follows from it.
    pub seed: u64,
}

impl Default for Recipe {
    /// 64 hosts, and every VM of the list once.
    fn default() -> Self {
        Self { hosts: 64, vms: 2048, seed: 1 }
    }
}

/// The pool's name where it is served.
pub const POOL: &str = "demo";
/// The heartbeat networks of its hosts.
pub const HEARTBEATS: [&str; 2] = ["hb0", "hb1"];

/// Memory in MiB and vCPUs of real VMs, one a line, packed.
const SIZES: &[u8] = include_bytes!("sizes/azure-2017.csv.gz");
const GIB: u64 = 1024;
/// Memory that a host's own system has.
const RESERVED: u64 = 8 * GIB;
/// Hosts are sold in steps of this.
const STEP: u64 = 16 * GIB;
const HOSTS_IN_A_RACK: u32 = 8;
/// Failures that are survived beyond the target.
const BEYOND_TARGET: u32 = 2;
/// Fuller than this, in thousandths, no pool is tried; emptier than that, none is made.
const FULLEST: u64 = 930;
const EMPTIEST: u64 = 300;
/// Work for one look at what a pool survives, about a microsecond each.
const WORK: u64 = 50_000;
/// A VM beyond this is one of the lab's: on hosts as small as these no other would have room for it.
const LARGEST_PROTECTED: u64 = 64 * GIB;

/// What a VM is for, which decides what becomes of it.
struct Role {
    name: &'static str,
    /// Of a hundred VMs.
    share: u64,
    priority: RestartPriority,
    order: u64,
    start_delay_s: u64,
}

const ROLES: [Role; 5] = [
    Role { name: "db", share: 12, priority: RestartPriority::Restart, order: 0, start_delay_s: 2 },
    Role { name: "app", share: 33, priority: RestartPriority::Restart, order: 1, start_delay_s: 1 },
    Role { name: "web", share: 33, priority: RestartPriority::Restart, order: 2, start_delay_s: 0 },
    Role { name: "batch", share: 10, priority: RestartPriority::BestEffort, order: 3, start_delay_s: 0 },
    Role { name: "lab", share: 12, priority: RestartPriority::Unprotected, order: 3, start_delay_s: 0 },
];
const LAB: usize = 4;

/// Rules: the first small VMs of a role are kept apart.
const APART: [(&str, &str, usize); 2] = [("db-quorum", "db", 5), ("front-doors", "web", 8)];
const SMALL: u64 = 2 * GIB;

impl Recipe {
    /// The pool.
    pub fn pool(&self) -> PoolSpec {
        let vms = self.vms();
        let groups = groups(&vms);
        let mut fullness = FULLEST;
        loop {
            let made = self.furnished(&vms, &groups, fullness);
            if let Some(spec) = made
                && (fullness <= EMPTIEST
                    || survives(&spec, self.target() + BEYOND_TARGET.min(self.hosts / 8)))
            {
                return spec;
            }
            fullness -= 5;
        }
    }

    /// The failures that the pool is to tolerate.
    fn target(&self) -> u32 {
        if self.hosts < 8 { 1 } else { 2 }
    }

    /// The VMs, on no host yet.
    fn vms(&self) -> Vec<VmSpec> {
        let sizes = sizes();
        let mut draw = Draw::new(self.seed, Concern::Scenario(0));
        let skipped =
            if self.seed == Self::default().seed { 0 } else { draw.between(0, sizes.len() as u64 - 1) };
        let mut numbers = [0_u32; ROLES.len()];
        let drawn = sizes.iter().cycle().skip(skipped as usize).take(self.vms as usize);
        drawn
            .map(|(memory_mib, vcpus)| {
                let role = if *memory_mib > LARGEST_PROTECTED { LAB } else { role(draw.between(0, 99)) };
                numbers[role] += 1;
                let Role { name, priority, order, start_delay_s, .. } = ROLES[role];
                VmSpec {
                    id: format!("{name}-{:04}", numbers[role]),
                    memory_mib: *memory_mib,
                    restart_priority: priority,
                    order,
                    start_delay_s,
                    storages: vec!["san1".to_owned()],
                    networks: vec!["lan".to_owned()],
                    resources: vec![("vcpus".to_owned(), *vcpus)],
                    ..VmSpec::default()
                }
            })
            .collect()
    }

    /// The pool with hosts that are full to so many thousandths; none if the VMs do not all get a place.
    fn furnished(&self, vms: &[VmSpec], groups: &[GroupSpec], fullness: u64) -> Option<PoolSpec> {
        let mut draw = Draw::new(self.seed, Concern::Scenario(1));
        // Two generations of hosts, and some of a half between them.
        let weights: Vec<u64> = (0..self.hosts).map(|_| [3, 4, 4, 5][draw.between(0, 3) as usize]).collect();
        let demand: u64 = vms.iter().map(|vm| vm.memory_mib).sum();
        let unit = demand * 1000 / fullness / weights.iter().sum::<u64>();
        let room: Vec<u64> = weights.iter().map(|weight| (unit * weight).next_multiple_of(STEP)).collect();
        let mut vms = vms.to_vec();
        place(&mut vms, groups, &room, &mut draw)?;
        Some(PoolSpec {
            id: POOL.to_owned(),
            settings: SettingsSpec {
                host_failures_to_tolerate: Some(u64::from(self.target())),
                timeout_s: Some(15),
                ..SettingsSpec::default()
            },
            storages: vec![StorageSpec { id: "san1".to_owned(), shared: true }],
            networks: vec!["lan".to_owned()],
            hosts: room.iter().zip(0..).map(|(room, number)| host(number, *room)).collect(),
            vms,
            groups: groups.to_vec(),
        })
    }
}

/// A host, counted from 0, with so much room for VMs.
fn host(number: u32, room: u64) -> HostSpec {
    HostSpec {
        id: host_id(number as usize),
        memory_mib: room + RESERVED,
        reserved_mib: RESERVED,
        storages: Some(vec!["san1".to_owned()]),
        networks: Some(vec!["lan".to_owned()]),
        fault_domain: Some(format!("rack-{}", number / HOSTS_IN_A_RACK + 1)),
        resources: vec![("vcpus".to_owned(), room / GIB)],
        ..HostSpec::default()
    }
}

fn host_id(position: usize) -> String {
    format!("h{:02}", position + 1)
}

/// The role of a number below a hundred.
fn role(number: u64) -> usize {
    let mut below = 0;
    let ends = ROLES.iter().map(|role| {
        below += role.share;
        below
    });
    ends.take_while(|end| *end <= number).count()
}

/// Rules between VMs: preferred, so that they never stand in the way of a restart.
fn groups(vms: &[VmSpec]) -> Vec<GroupSpec> {
    let group = |(id, role, members): (&str, &str, usize)| {
        let of_role = |vm: &&VmSpec| vm.memory_mib <= SMALL && vm.id.split('-').next() == Some(role);
        let vms: Vec<String> = vms.iter().filter(of_role).take(members).map(|vm| vm.id.clone()).collect();
        GroupSpec { id: id.to_owned(), rule: Rule::AntiAffinity, mode: RuleMode::Preferred, vms }
    };
    APART.into_iter().map(group).collect()
}

/// Puts each VM, in its turn, on the emptier of two hosts drawn from those that have room: some hosts stay fuller than
/// others, as in life. None if one finds no host.
fn place(vms: &mut [VmSpec], groups: &[GroupSpec], room: &[u64], draw: &mut Draw) -> Option<()> {
    let mut used = vec![0; room.len()];
    let mut taken: Vec<Vec<usize>> = vec![Vec::new(); groups.len()];
    for vm in vms {
        let group = groups.iter().position(|group| group.vms.contains(&vm.id));
        let apart = |host: usize| group.is_none_or(|group| !taken[group].contains(&host));
        let fits = |host: &usize| used[*host] + vm.memory_mib <= room[*host];
        let fitting: Vec<usize> = (0..room.len()).filter(fits).collect();
        let alone: Vec<usize> = fitting.iter().copied().filter(|host| apart(*host)).collect();
        let candidates = if alone.is_empty() { &fitting } else { &alone };
        let last = (candidates.len() as u64).checked_sub(1)?;
        let mut draw_one = || candidates[draw.between(0, last) as usize];
        let (one, other) = (draw_one(), draw_one());
        let emptier = used[one] * room[other] <= used[other] * room[one];
        let host = if emptier { one } else { other };
        used[host] += vm.memory_mib;
        vm.host = Some(host_id(host));
        if let Some(group) = group {
            taken[group].push(host);
        }
    }
    Some(())
}

/// Whether so many failures in turn are proven survivable.
fn survives(spec: &PoolSpec, failures: u32) -> bool {
    let limits = Limits { max_failures: Some(failures), work: Some(WORK), ..Limits::default() };
    let proven = Pool::new(spec).ok().and_then(|pool| assess(&pool, &limits).tolerance.sequential.proven);
    proven.is_some_and(|proven| proven >= failures)
}

/// The list: memory in MiB, vCPUs.
fn sizes() -> Vec<(u64, u64)> {
    let mut text = String::new();
    let read = GzDecoder::new(SIZES).read_to_string(&mut text);
    debug_assert!(read.is_ok(), "the list is part of the program, and a test reads it");
    let size = |line: &str| {
        let (memory, vcpus) = line.split_once(',')?;
        Some((memory.parse().ok()?, vcpus.parse().ok()?))
    };
    text.lines().skip(1).filter_map(size).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn built(recipe: Recipe) -> Pool {
        Pool::new(&recipe.pool()).expect("the recipe makes pools that are right")
    }

    #[test]
    fn the_list_has_every_vm_with_a_size_that_is_one() {
        let sizes = sizes();
        assert_eq!(sizes.len(), 2048);
        assert!(
            sizes
                .iter()
                .all(|(memory, vcpus)| (512..=128 * GIB).contains(memory) && (1..=64).contains(vcpus))
        );
    }

    #[test]
    fn the_usual_pool_survives_two_failures_more_than_its_target_and_some_failure_too_many_is_known() {
        let pool = built(Recipe::default());
        assert_eq!((pool.hosts().len(), pool.vms().len()), (64, 2048));
        let assessment = assess(&pool, &Limits { work: Some(WORK), ..Limits::default() });
        let sequential = &assessment.tolerance.sequential;
        assert_eq!((assessment.target, sequential.proven, sequential.refuted), (2, Some(4), Some(5)));
        assert!(assessment.unprotectable.is_empty() && assessment.over_full.is_empty());
    }

    #[test]
    fn its_vms_have_several_orders_delays_and_rules_and_the_rules_are_kept() {
        let spec = Recipe::default().pool();
        let protected = |vm: &&VmSpec| vm.restart_priority == RestartPriority::Restart;
        let orders: BTreeSet<u64> = spec.vms.iter().filter(protected).map(|vm| vm.order).collect();
        assert_eq!(orders, BTreeSet::from([0, 1, 2]));
        assert!(spec.vms.iter().any(|vm| vm.start_delay_s > 0));
        for group in &spec.groups {
            let host = |id: &String| spec.vms.iter().find(|vm| vm.id == *id).and_then(|vm| vm.host.clone());
            let hosts: BTreeSet<_> = group.vms.iter().map(host).collect();
            assert!(group.vms.len() >= 5 && hosts.len() == group.vms.len(), "{}", group.id);
        }
        let racks: BTreeSet<_> = spec.hosts.iter().map(|host| host.fault_domain.clone()).collect();
        assert_eq!(racks.len(), 8);
    }

    #[test]
    fn the_same_recipe_makes_the_same_pool_and_another_seed_another() {
        let recipe = Recipe { hosts: 8, vms: 100, seed: 5 };
        assert_eq!(recipe.pool(), recipe.pool());
        assert_ne!(recipe.pool(), Recipe { seed: 6, ..recipe }.pool());
    }

    #[test]
    fn the_least_and_the_most_that_can_be_asked_for_are_made() {
        for (hosts, vms) in [(3, 1), (3, 40), (16, 400), (64, 8192)] {
            let pool = built(Recipe { hosts, vms, seed: 3 });
            let assessment = assess(&pool, &Limits { work: Some(WORK), ..Limits::default() });
            assert!(assessment.over_full.is_empty(), "{hosts} × {vms}");
            assert!(!assessment.overcommitted, "{hosts} × {vms}");
        }
    }
}
