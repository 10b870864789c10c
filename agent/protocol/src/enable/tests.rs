//! Preconditions as a table: one change to a pool in perfect order, and what is said of it.
use super::*;
use alloc::string::{String, ToString};

const HOSTS: usize = 3;

fn attached(millis: u64) -> Attachment {
    Attachment::Attached { latency: Duration::from_millis(millis), direct: true, reads_mark: true }
}

/// A pool of `hosts` hosts with two heartbeat networks and three storages: fast, slow, one host's own.
fn perfect(hosts: usize) -> (PoolFacts, Wish) {
    let link = |physical| Link { carrier: true, exchanged: HostSet::full(hosts), physical };
    let agent = AgentFacts {
        clock_rate_ppm: Some(-20),
        watchdog: Watchdog::Independent,
        networks: alloc::vec![link(0), link(1)],
        reaches_gateway: true,
        etcd: Some(Duration::from_millis(5)),
        storages: alloc::vec![attached(20), attached(5), attached(1)],
    };
    let shared = StorageFacts { shared: true, free_mib: 1024 };
    let facts = PoolFacts {
        hosts: alloc::vec![HostFacts { agent: Some(agent) }; hosts],
        storages: alloc::vec![shared, shared, StorageFacts { shared: false, ..shared }],
    };
    let settings = Settings { networks: 2, gateway: true, ..Settings::default() };
    (facts, Wish { settings, medium: WantedMedium::Statefile(None), failures_to_tolerate: 1 })
}

fn agent(facts: &mut PoolFacts, host: usize) -> &mut AgentFacts {
    facts.hosts[host].agent.as_mut().expect("the pool in order has all agents")
}

fn spelt<Reason: ToString>(findings: &[Finding<Reason>]) -> Vec<String> {
    let spell = |finding: &Finding<Reason>| match finding.host {
        Some(host) => alloc::format!("{}: {}", host.0, finding.reason.to_string()),
        None => finding.reason.to_string(),
    };
    findings.iter().map(spell).collect()
}

/// One row: what is changed, and every refusal and warning that it brings.
fn check(change: impl FnOnce(&mut PoolFacts, &mut Wish), refusals: &[&str], warnings: &[&str]) {
    let (mut facts, mut wish) = perfect(HOSTS);
    change(&mut facts, &mut wish);
    let found = assess(&facts, &wish);
    let refused = found.verdict.as_ref().err().map(|refusals| spelt(refusals)).unwrap_or_default();
    assert_eq!(
        (refused.as_slice(), spelt(&found.warnings).as_slice()),
        (
            refusals.iter().map(ToString::to_string).collect::<Vec<_>>().as_slice(),
            warnings.iter().map(ToString::to_string).collect::<Vec<_>>().as_slice(),
        )
    );
    assert_eq!(found.verdict.is_ok(), refusals.is_empty());
}

#[test]
fn a_pool_in_order_is_enabled_on_its_fastest_shared_storage() {
    let (facts, wish) = perfect(HOSTS);
    let found = assess(&facts, &wish);
    let chosen = ChosenMedium::Statefile(StorageIndex::new(1));
    assert_eq!(found.verdict, Ok(Enablement { timeout: Duration::from_secs(15), medium: chosen }));
    assert_eq!(found.warnings, []);
}

#[test]
fn settings_out_of_range_are_refused() {
    for (millis, fine) in [(0, false), (2_999, false), (3_000, true), (300_000, true), (300_001, false)] {
        let (mut facts, mut wish) = perfect(HOSTS);
        wish.settings.timeout = Duration::from_millis(millis);
        wish.medium = WantedMedium::Etcd;
        for host in 0..HOSTS {
            agent(&mut facts, host).etcd = Some(Duration::ZERO);
        }
        let refused = assess(&facts, &wish).verdict.err().unwrap_or_default();
        let expected = if fine { alloc::vec![] } else { alloc::vec![Finding::of_pool(Refusal::Timeout)] };
        assert_eq!(refused, expected, "{millis} ms");
    }
}

#[test]
fn the_brake_must_leave_room_for_the_failures_to_tolerate() {
    let refused = "the brake's share must be more than the host failures to tolerate divided by the hosts";
    check(|_, wish| wish.settings.brake_permille = Some(333), &[refused], &[]);
    check(|_, wish| wish.settings.brake_permille = Some(334), &[], &[]);
    check(
        |_, wish| {
            wish.settings.brake_permille = Some(500);
            wish.failures_to_tolerate = 2;
        },
        &[refused],
        &[],
    );
}

#[test]
fn every_host_needs_an_agent_a_watchdog_and_a_clock() {
    check(|facts, _| facts.hosts[1].agent = None, &["1: its agent cannot be reached"], &[]);
    check(
        |facts, _| agent(facts, 2).watchdog = Watchdog::Missing,
        &["2: it has no watchdog that can be armed"],
        &[],
    );
    check(
        |facts, _| agent(facts, 2).watchdog = Watchdog::Kernel,
        &[],
        &["2: its watchdog is its own kernel's, and does not fire if that hangs"],
    );
    for ppm in [-201, 201, i32::MIN] {
        check(
            |facts, _| agent(facts, 0).clock_rate_ppm = Some(ppm),
            &["0: its clock's rate is off by more than 200 ppm"],
            &[],
        );
    }
    check(|facts, _| agent(facts, 0).clock_rate_ppm = Some(-200), &[], &[]);
    check(|facts, _| agent(facts, 0).clock_rate_ppm = None, &[], &["0: its clock's rate was not measured"]);
}

#[test]
fn heartbeats_must_reach_every_pair_and_should_have_two_links() {
    check(
        |facts, _| agent(facts, 1).networks[0].carrier = false,
        &[],
        &["1: its heartbeats have a single physical link", "1: one of its heartbeat links has no carrier"],
    );
    check(
        |facts, _| agent(facts, 0).networks[1].physical = 0,
        &[],
        &["0: its heartbeats have a single physical link"],
    );
    check(|facts, _| _ = agent(facts, 0).networks[0].exchanged.remove(HostIndex::new(2)), &[], &[]);
    check(
        |facts, _| {
            agent(facts, 0).networks[0].exchanged.remove(HostIndex::new(2));
            agent(facts, 2).networks[1].exchanged.remove(HostIndex::new(0));
        },
        &["0: it does not exchange heartbeats with 2 on any network"],
        &[],
    );
    check(
        |facts, _| _ = agent(facts, 2).networks.pop(),
        &["2: its heartbeat networks are not those of the pool, of which there must be at least one"],
        &["2: its heartbeats have a single physical link"],
    );
    check(
        |facts, _| agent(facts, 2).reaches_gateway = false,
        &[],
        &["2: it does not reach the gateway: in a split it would count as without carrier"],
    );
}

#[test]
fn every_host_must_reach_etcd_in_time() {
    let etcd = |latency: Option<u64>| {
        move |facts: &mut PoolFacts, wish: &mut Wish| {
            wish.medium = WantedMedium::Etcd;
            agent(facts, 1).etcd = latency.map(Duration::from_millis);
        }
    };
    check(etcd(Some(250)), &[], &[]);
    check(etcd(None), &["1: it does not reach etcd"], &[]);
    check(etcd(Some(2_501)), &["1: etcd answers it too slowly for this timeout"], &[]);
    check(
        etcd(Some(251)),
        &[],
        &["1: the medium takes more than 250 ms: failover takes longer than promised by the excess"],
    );
}

#[test]
fn each_storage_is_told_what_keeps_it_from_carrying_the_heartbeat() {
    let (mut facts, mut wish) = perfect(HOSTS);
    facts.storages[0].free_mib = SPACE_MIB - 1;
    agent(&mut facts, 0).storages[0] = Attachment::Missing;
    agent(&mut facts, 1).storages[0] =
        Attachment::Attached { latency: Duration::from_secs(3), direct: false, reads_mark: false };
    wish.medium = WantedMedium::Statefile(Some(StorageIndex::new(0)));
    let found = assess(&facts, &wish);
    assert_eq!(found.verdict, Err(alloc::vec![Finding::of_pool(Refusal::StorageUnfit)]));
    let told: Vec<Vec<String>> = found.storages.iter().map(|storage| spelt(&storage.obstacles)).collect();
    let expected: [&[&str]; 3] = [
        &[
            "it has less than 260 MiB free",
            "0: it is not attached",
            "1: it cannot be read and written past the cache",
            "1: what another host wrote there cannot be read",
            "1: it is too slow for this timeout",
        ],
        &[],
        &["it is not shared"],
    ];
    assert_eq!(told, expected);
}

#[test]
fn where_no_storage_is_fit_that_is_the_refusal() {
    check(|facts, _| facts.storages.truncate(0), &["no storage can carry the heartbeat"], &[]);
    check(
        |_, wish| wish.medium = WantedMedium::Statefile(Some(StorageIndex::new(9))),
        &["the storage asked for cannot carry the heartbeat"],
        &[],
    );
}

#[test]
fn a_statefile_has_room_for_64_hosts_and_etcd_for_more() {
    for (hosts, medium, fine) in [
        (64, WantedMedium::Statefile(None), true),
        (65, WantedMedium::Statefile(None), false),
        (65, WantedMedium::Etcd, true),
    ] {
        let (facts, wish) = perfect(hosts);
        let verdict = assess(&facts, &Wish { medium, ..wish }).verdict;
        assert_eq!(verdict.is_ok(), fine, "{hosts} hosts");
    }
}

#[test]
fn small_pools_are_warned_of_what_they_cannot_have() {
    let (facts, wish) = perfect(1);
    assert_eq!(assess(&facts, &wish).warnings, [Finding::of_pool(Warning::OneHost)]);
    let (facts, mut wish) = perfect(2);
    wish.settings.storage_loss = StorageLoss::Majority;
    assert_eq!(assess(&facts, &wish).warnings, [Finding::of_pool(Warning::MajorityOfTwo)]);
    let (facts, wish) = perfect(0);
    let refusals = assess(&facts, &wish).verdict.expect_err("nothing to enable");
    assert!(refusals.contains(&Finding::of_pool(Refusal::NoHosts)));
}

#[test]
fn all_reasons_are_given_at_once() {
    check(
        |facts, wish| {
            facts.hosts[0].agent = None;
            agent(facts, 1).watchdog = Watchdog::Missing;
            agent(facts, 1).clock_rate_ppm = Some(900);
            facts.storages.truncate(0);
            wish.settings.brake_permille = Some(1);
        },
        &[
            "the brake's share must be more than the host failures to tolerate divided by the hosts",
            "0: its agent cannot be reached",
            "1: it has no watchdog that can be armed",
            "1: its clock's rate is off by more than 200 ppm",
            "no storage can carry the heartbeat",
        ],
        &[],
    );
}
