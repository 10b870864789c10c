//! Pools as tight as a proof lets them be: room is taken away, a unit at a time, as long as the certificate is
//! accepted. What is left has no slack that could hide an inequality that is wrong by one.
use crate::draw::Draw;
use crate::truth::Truth;
use lifeboat_check::{Limits, verify};
use lifeboat_model::certificate::{
    Certificate, Closure, Node, Placement, Policy, Proof, Proven, StuckTests, Tree,
};
use lifeboat_model::spec::{GroupSpec, HostSpec, RestartPriority, Rule, RuleMode, VmSpec};
use lifeboat_model::{HostIndex, Pool, PoolSpec};

/// A closure, its policy, and whether failures come in turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Sort {
    pub(crate) closure: &'static str,
    pub(crate) in_turn: bool,
}

/// Makes a roomy pool that the closure proves, takes away what room it can, and asks the truth. Nothing where
/// even the roomy pool is not proven.
///
/// # Panics
/// If a false claim is accepted.
pub(crate) fn case(draw: &mut Draw<'_>) -> Option<Sort> {
    let host_count = draw.from(3, 6);
    let failures = draw.from(1, (host_count - 2).min(3)) as u32;
    let closure = draw.pick(&[Closure::AnyFit, Closure::Slots, Closure::FixedOrder, Closure::FixedOrder]);
    let in_turn = closure == Closure::FixedOrder || draw.once_in(2);
    let gpus = closure == Closure::AnyFit && draw.once_in(3);
    let mut spec = roomy(draw, host_count, gpus);
    if closure == Closure::AnyFit && draw.once_in(3) {
        odd(draw, &mut spec);
    }
    let shape = Shape::draw(draw, closure, failures, in_turn, gpus);
    let accepted = |spec: &PoolSpec| {
        let pool = Pool::new(spec).expect("the generator describes pools without defects");
        let certificate = shape.certificate(&pool);
        verify(&pool, &certificate, &Limits::default()).is_ok().then_some((pool, certificate))
    };
    accepted(&spec)?;
    let mut patience = 3 * host_count;
    while patience > 0 {
        let mut less = spec.clone();
        let host = &mut less.hosts[draw.below(host_count)];
        let amount = if gpus && draw.once_in(2) { &mut host.resources[0].1 } else { &mut host.memory_mib };
        *amount = amount.saturating_sub(if draw.once_in(3) { 3 } else { 1 });
        if less != spec && accepted(&less).is_some() {
            spec = less;
        } else {
            patience -= 1;
        }
    }
    let (pool, certificate) = accepted(&spec)?;
    let truth = Truth::after(&pool, &[]);
    let holds = if in_turn {
        let Some(Proven { proof: Proof::Tree(tree), .. }) = &certificate.sequential_proven else {
            return None;
        };
        truth.policy_survives(&tree.policy, failures as usize)
    } else {
        truth.most_at_once() >= failures as usize
    };
    assert!(holds || truth.is_tired(), "{certificate:?} of {spec:?}");
    let closure = match closure {
        Closure::AnyFit => "any fit",
        Closure::Slots => "slots",
        _ => "fixed order",
    };
    Some(Sort { closure, in_turn })
}

/// Plenty of room for everything everywhere.
fn roomy(draw: &mut Draw<'_>, host_count: usize, gpus: bool) -> PoolSpec {
    let sizes: &[u64] =
        draw.pick(&[&[1, 2, 3, 4, 5, 6, 7, 8, 9][..], &[1, 2, 4, 8], &[2, 5, 9], &[3, 4], &[1, 7]]);
    let vms: Vec<VmSpec> = (0..draw.from(3, 9))
        .map(|position| VmSpec {
            id: format!("v{position}"),
            memory_mib: draw.pick(sizes),
            host: Some(format!("h{}", draw.below(host_count))),
            restart_priority: RestartPriority::Restart,
            resources: if gpus { vec![("gpu".into(), draw.from(0, 3) as u64)] } else { Vec::new() },
            ..VmSpec::default()
        })
        .collect();
    let all: u64 = vms.iter().map(|vm| vm.memory_mib).sum();
    let hosts = (0..host_count)
        .map(|position| HostSpec {
            id: format!("h{position}"),
            memory_mib: all + draw.from(0, 12) as u64,
            resources: if gpus { vec![("gpu".into(), 30)] } else { Vec::new() },
            ..HostSpec::default()
        })
        .collect();
    PoolSpec { id: "tight".into(), hosts, vms, ..PoolSpec::default() }
}

/// Restricted VMs and a rule.
fn odd(draw: &mut Draw<'_>, spec: &mut PoolSpec) {
    let all: Vec<String> = spec.hosts.iter().map(|host| host.id.clone()).collect();
    let one = draw.below(spec.vms.len());
    let mut allowed = draw.shuffled(&all);
    allowed.truncate(draw.from(2, all.len()));
    spec.vms[one].allowed_hosts = Some(allowed);
    let names: Vec<String> = spec.vms.iter().map(|vm| vm.id.clone()).collect();
    let mut vms = draw.shuffled(&names);
    vms.truncate(2);
    let rule = draw.pick(&[Rule::AntiAffinity, Rule::Affinity]);
    spec.groups.push(GroupSpec { id: "g".into(), rule, mode: RuleMode::Required, vms });
}

/// The certificate, but for what depends on the pool.
struct Shape {
    closure: Closure,
    failures: u32,
    in_turn: bool,
    chain: Vec<u64>,
    tests: StuckTests,
}

impl Shape {
    fn draw(draw: &mut Draw<'_>, closure: Closure, failures: u32, in_turn: bool, gpus: bool) -> Self {
        let multipliers = match (gpus, draw.below(3)) {
            (false, _) => vec![vec![1]],
            (true, 0) => vec![vec![1, 0], vec![0, 1]],
            (true, 1) => vec![vec![1, 1], vec![1, 3]],
            (true, _) => vec![vec![2, 1], vec![1, 0]],
        };
        let buckets = if draw.once_in(3) { vec![3, 5] } else { (1..=9).collect() };
        Self {
            closure,
            failures,
            in_turn,
            chain: draw.pick(&[vec![1, 2, 4, 8, 16], vec![1, 3, 9], vec![2, 10], vec![5, 10], vec![9]]),
            tests: StuckTests { multipliers, buckets, rounded: draw.once_in(2) },
        }
    }

    fn certificate(&self, pool: &Pool) -> Certificate {
        let width = pool.resources().len();
        let mut weights = vec![0; width];
        weights[0] = 1;
        let mut order: Vec<HostIndex> = pool.target_hosts().iter().collect();
        let free = pool.free();
        order.sort_by_key(|host| free[host.get() * width]);
        let policy = match self.closure {
            Closure::Slots => Policy::BestBlock { chain: self.chain.clone() },
            _ => Policy::FirstFit { weights, order },
        };
        let tree = Tree {
            order: pool.failable_hosts().iter().collect(),
            policy,
            tests: self.tests.clone(),
            nodes: vec![Node { placement: Placement::Incremental, closure: self.closure }],
            packings: Vec::new(),
        };
        let proven = Some(Proven { failures: self.failures, proof: Proof::Tree(tree) });
        if self.in_turn {
            Certificate { sequential_proven: proven, ..Certificate::default() }
        } else {
            Certificate { simultaneous_proven: proven, ..Certificate::default() }
        }
    }
}
