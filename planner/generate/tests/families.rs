//! What every recipe promises: a valid pool of the size asked for, nothing over-full, the same bytes for the
//! same seed, and verdicts that differ from seed to seed because pools lie around the boundary.
use lifeboat_generate::{Family, Recipe, RecipeError, generate};
use lifeboat_model::spec::{HostState, PoolSpec, RestartPriority, Rule, RuleMode};
use lifeboat_model::{HostIndex, Pool};
use std::collections::BTreeSet;

const SHAPES: [(u32, u32); 6] = [(2, 1), (4, 8), (5, 12), (8, 64), (13, 100), (64, 512)];

fn recipes(family: Family, seeds: core::ops::Range<u64>) -> impl Iterator<Item = Recipe> {
    SHAPES.into_iter().flat_map(move |(hosts, vms)| {
        let (hosts, vms) = (hosts.max(family.fewest_hosts()), vms.max(family.fewest_vms()));
        seeds.clone().map(move |seed| Recipe::new(family, hosts, vms, seed))
    })
}

fn pool(recipe: &Recipe) -> Pool {
    let spec = generate(recipe).expect("the recipe is in range");
    Pool::new(&spec).unwrap_or_else(|defects| panic!("{recipe:?}: {}", defects[0]))
}

#[test]
fn every_family_builds_a_valid_pool_of_the_size_asked_for_with_no_host_over_full() {
    for family in Family::ALL {
        for recipe in recipes(family, 0..30) {
            let pool = pool(&recipe);
            assert_eq!((pool.hosts().len(), pool.vms().len()), (recipe.hosts as usize, recipe.vms as usize));
            assert!(pool.free().iter().all(|&free| free >= 0), "{recipe:?} is over-full");
            let protected =
                pool.vms().iter().filter(|vm| vm.restart_priority == RestartPriority::Restart).count();
            assert!(protected > 0 || recipe.vms < 12, "{recipe:?} protects nothing");
        }
    }
}

#[test]
fn a_slack_or_a_fill_that_was_asked_for_overfills_nothing_either() {
    for family in Family::ALL {
        let hosts = 16.max(family.fewest_hosts());
        for seed in 0..10 {
            let recipe = Recipe::new(family, hosts, 128, seed);
            for recipe in [recipe.slack(-300), recipe.slack(0), recipe.slack(1000), recipe.failures(3)] {
                assert!(pool(&recipe).free().iter().all(|&free| free >= 0), "{recipe:?} is over-full");
            }
            for permille in [300, 800, 1000] {
                match generate(&recipe.fill(permille)) {
                    Ok(_) => assert!(pool(&recipe.fill(permille)).free().iter().all(|&free| free >= 0)),
                    Err(error) => assert_eq!(error, RecipeError::NoFill(family)),
                }
            }
        }
    }
}

#[test]
fn the_same_recipe_gives_the_same_pool_on_every_machine_and_for_ever() {
    let known = [
        (Family::Homog, 11_761_626_974_868_105_231),
        (Family::Hetero, 5_178_220_861_126_908_400),
        (Family::Heavytail, 10_292_453_805_684_657_758),
        (Family::Tight, 8_941_486_812_268_668_184),
        (Family::Binpack3, 8_358_476_420_154_563_287),
        (Family::Racklocal, 18_214_344_548_083_921_436),
        (Family::TwodimVcpus, 11_389_979_409_739_523_813),
        (Family::TwodimVgpu, 14_803_453_975_980_775_380),
        (Family::Advgreedy, 5_882_720_105_725_163_507),
        (Family::Advfrag, 17_611_680_901_358_705_628),
        (Family::Advseq, 14_517_888_709_798_504_982),
        (Family::Advunion, 9_290_691_252_906_333_804),
        (Family::Cloud, 15_228_460_109_525_474_286),
        (Family::Rules, 9_135_753_994_577_137_028),
        (Family::Mixed, 15_669_125_026_275_864_055),
    ];
    let found = known.map(|(family, _)| {
        let sum = [1, 2, 3, 0xDEAD_BEEF].map(|seed| digest(&Recipe::new(family, 16, 200, seed)));
        (family, sum.into_iter().fold(0, |all, one| fold(all, &one.to_le_bytes())))
    });
    assert_eq!(
        found, known,
        "pools changed: figures measured on them before cannot be compared with new ones"
    );
}

#[test]
fn other_seeds_and_other_families_give_other_pools() {
    let digests: BTreeSet<u64> = Family::ALL
        .into_iter()
        .flat_map(|family| (0..20).map(move |seed| digest(&Recipe::new(family, 16, 200, seed))))
        .collect();
    assert_eq!(digests.len(), Family::ALL.len() * 20);
}

#[test]
fn below_no_slack_the_target_cannot_survive_by_volume_and_from_there_on_it_can() {
    for family in [Family::Homog, Family::Hetero, Family::Tight, Family::Binpack3] {
        for seed in 0..20 {
            let recipe = Recipe::new(family, 64, 1024, seed).failures(3);
            assert!(survivable_by_volume(&pool(&recipe.slack(0))) >= 3, "{family} {seed}");
            let uneven = survivable_by_volume(&pool(&recipe.slack(-1000)));
            assert!(uneven <= survivable_by_volume(&pool(&recipe.slack(0))), "{family} {seed}");
        }
    }
    // Equal hosts, most of them evenly loaded: a tenth less than the least cannot do.
    let short = (0..20).filter(|&seed| {
        survivable_by_volume(&pool(&Recipe::new(Family::Binpack3, 64, 1024, seed).failures(3).slack(-100)))
            < 3
    });
    assert!(short.count() >= 10);
}

#[test]
fn seeds_land_on_both_sides_of_the_boundary() {
    for family in [Family::Homog, Family::Hetero, Family::Binpack3, Family::TwodimVcpus] {
        let reached: BTreeSet<u32> = (0..60)
            .map(|seed| survivable_by_volume(&pool(&Recipe::new(family, 12, 96, seed).failures(2))))
            .collect();
        assert!(reached.contains(&1) && reached.contains(&2), "{family}: {reached:?}");
    }
}

#[test]
fn required_rules_hold_as_the_vms_run_now() {
    for recipe in recipes(Family::Rules, 0..30) {
        let pool = pool(&recipe);
        for group in pool.groups().iter().filter(|group| group.mode == RuleMode::Required) {
            let homes: Vec<HostIndex> = group.vms.iter().filter_map(|&vm| pool.runs_on(vm)).collect();
            let domains = |host: &HostIndex| pool.host(*host).fault_domain;
            let hosts: BTreeSet<_> = homes.iter().collect();
            let racks: BTreeSet<_> = homes.iter().map(domains).collect();
            match group.rule {
                Rule::AntiAffinity => assert_eq!(hosts.len(), homes.len(), "{recipe:?} {}", group.id),
                Rule::Affinity => assert_eq!(hosts.len(), 1, "{recipe:?} {}", group.id),
                Rule::Spread => assert_eq!(racks.len(), homes.len(), "{recipe:?} {}", group.id),
            }
        }
    }
}

#[test]
fn a_vm_runs_only_where_it_may() {
    for family in Family::ALL {
        for recipe in recipes(family, 0..10) {
            let pool = pool(&recipe);
            for vm in pool.vm_indices() {
                if let (Some(home), Some(allowed)) =
                    (pool.runs_on(vm), &pool.profile(pool.vm(vm).profile).allowed_hosts)
                {
                    assert!(allowed.contains(home), "{recipe:?}: {}", pool.vm_id(vm));
                }
            }
        }
    }
}

#[test]
fn a_mixed_pool_has_a_bit_of_everything() {
    let pools: Vec<PoolSpec> =
        (0..40).map(|seed| generate(&Recipe::new(Family::Mixed, 24, 300, seed)).expect("in range")).collect();
    let some_vm = |what: &str, holds: fn(&lifeboat_model::spec::VmSpec) -> bool| {
        assert!(pools.iter().any(|pool| pool.vms.iter().any(holds)), "no VM {what}");
    };
    some_vm("is pending", |vm| vm.should_run && vm.host.is_none());
    some_vm("migrates", |vm| vm.migrating_to.is_some());
    some_vm("is best-effort", |vm| vm.restart_priority == RestartPriority::BestEffort);
    some_vm("needs a local disk", |vm| vm.storages.len() > 1);
    some_vm("has an overhead", |vm| vm.overhead_mib > 0);
    for state in [HostState::Dead, HostState::Disabled, HostState::Fenced, HostState::Maintenance] {
        assert!(
            pools.iter().any(|pool| pool.hosts.iter().any(|host| host.state == state)),
            "no host {state:?}"
        );
    }
}

#[test]
fn a_recipe_out_of_range_is_refused_with_the_range() {
    let error = generate(&Recipe::new(Family::Advseq, 3, 100, 1)).expect_err("too few hosts");
    assert_eq!(error.to_string(), "hosts 3 is out of range for advseq: 5 to 1024");
    let error = "homogen".parse::<Family>().expect_err("no such family");
    assert!(error.to_string().contains("homog, hetero"), "{error}");
}

/// The most failures that the volume of memory and the other resource lets survive.
fn survivable_by_volume(pool: &Pool) -> u32 {
    let width = pool.resources().len();
    let free = pool.free();
    let by_resource = (0..width).map(|resource| {
        let mut lost: Vec<i64> = free.iter().skip(resource).step_by(width).copied().collect();
        let all: i64 = lost.iter().sum();
        for vm in pool.vm_indices().filter(|&vm| pool.vm(vm).restart_priority == RestartPriority::Restart) {
            if let Some(host) = pool.runs_on(vm) {
                lost[host.get()] += pool.demand_of(vm)[resource] as i64;
            }
        }
        lost.sort_unstable_by(|a, b| b.cmp(a));
        let sums = lost.iter().scan(0, |sum, lost| {
            *sum += lost;
            Some(*sum)
        });
        sums.take_while(|&sum| sum <= all).count() as u32
    });
    by_resource.min().expect("memory is always there")
}

/// A number that stands for everything that the generator decides.
fn digest(recipe: &Recipe) -> u64 {
    let spec = generate(recipe).expect("the recipe is in range");
    let mut sum = fold(0, spec.id.as_bytes());
    for host in &spec.hosts {
        let line = format!(
            "{} {} {} {:?} {} {:?} {:?} {:?} {:?}",
            host.id,
            host.memory_mib,
            host.reserved_mib,
            host.state,
            host.cpu_level,
            host.storages,
            host.networks,
            host.fault_domain,
            host.resources
        );
        sum = fold(sum, line.as_bytes());
    }
    for vm in &spec.vms {
        let line = format!(
            "{} {} {} {:?} {:?} {:?} {} {} {} {:?} {:?} {:?} {:?} {} {:?}",
            vm.id,
            vm.memory_mib,
            vm.overhead_mib,
            vm.host,
            vm.power_state,
            vm.restart_priority,
            vm.order,
            vm.start_delay_s,
            vm.min_cpu_level,
            vm.storages,
            vm.networks,
            vm.allowed_hosts,
            vm.migrating_to,
            vm.should_run,
            vm.resources
        );
        sum = fold(sum, line.as_bytes());
    }
    for group in &spec.groups {
        sum = fold(sum, format!("{} {:?} {:?} {:?}", group.id, group.rule, group.mode, group.vms).as_bytes());
    }
    sum
}

/// FNV-1a: short, and the same everywhere.
fn fold(sum: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(sum ^ 0xCBF2_9CE4_8422_2325, |sum, &byte| {
        (sum ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3)
    })
}
