//! Short ways to write small pools and certificates.
use lifeboat_check::{Accepted, Claim, Limits, Refusal, Why, verify};
use lifeboat_model::certificate::{
    Certificate, Closure, Node, Placement, Policy, Proof, Proven, Refutation, Refuted, StuckTests, Tree,
};
use lifeboat_model::spec::{GroupSpec, HostSpec, RestartPriority, Rule, RuleMode, VmSpec};
use lifeboat_model::{HostIndex, Pool, PoolSpec, VmIndex};

pub(crate) fn h(position: usize) -> HostIndex {
    HostIndex::new(position)
}

pub(crate) fn v(position: usize) -> VmIndex {
    VmIndex::new(position)
}

pub(crate) fn hs(positions: &[usize]) -> Vec<HostIndex> {
    positions.iter().map(|&position| h(position)).collect()
}

/// Hosts h0, h1, … with so much memory free, and protected VMs of these sizes, numbered through.
pub(crate) fn spec(hosts: &[(u64, &[u64])]) -> PoolSpec {
    let mut spec = PoolSpec { id: "by-hand".into(), ..PoolSpec::default() };
    for (position, (free, sizes)) in hosts.iter().enumerate() {
        let id = format!("h{position}");
        for &memory_mib in *sizes {
            spec.vms.push(VmSpec {
                id: format!("v{}", spec.vms.len()),
                memory_mib,
                host: Some(id.clone()),
                restart_priority: RestartPriority::Restart,
                ..VmSpec::default()
            });
        }
        let memory_mib = free + sizes.iter().sum::<u64>();
        spec.hosts.push(HostSpec { id, memory_mib, ..HostSpec::default() });
    }
    spec
}

pub(crate) fn group(spec: &mut PoolSpec, rule: Rule, vms: &[usize]) {
    spec.groups.push(GroupSpec {
        id: format!("g{}", spec.groups.len()),
        rule,
        mode: RuleMode::Required,
        vms: vms.iter().map(|vm| format!("v{vm}")).collect(),
    });
}

pub(crate) fn built(spec: &PoolSpec) -> Pool {
    Pool::new(spec).expect("a pool without defects")
}

pub(crate) fn pool(hosts: &[(u64, &[u64])]) -> Pool {
    built(&spec(hosts))
}

/// First fit in the order of what is free.
pub(crate) fn ascending(pool: &Pool) -> Policy {
    let width = pool.resources().len();
    let free = pool.free();
    let mut order: Vec<HostIndex> = pool.target_hosts().iter().collect();
    order.sort_by_key(|host| free[host.get() * width]);
    Policy::FirstFit { weights: memory(pool), order }
}

/// 1 for memory, 0 for the rest.
pub(crate) fn memory(pool: &Pool) -> Vec<u64> {
    (0..pool.resources().len()).map(|resource| u64::from(resource == 0)).collect()
}

/// A tree that ends at once.
pub(crate) fn tree(pool: &Pool, policy: Policy, closure: Closure) -> Tree {
    Tree {
        order: pool.failable_hosts().iter().collect(),
        policy,
        tests: StuckTests { multipliers: vec![memory(pool)], buckets: Vec::new(), rounded: false },
        nodes: vec![Node { placement: Placement::Incremental, closure }],
        packings: Vec::new(),
    }
}

/// A tree that branches to the end, every node placed the same way.
pub(crate) fn full_tree(
    pool: &Pool,
    policy: Policy,
    failures: u32,
    placement: Placement,
    in_turn: bool,
) -> Tree {
    let mut full = tree(pool, policy, Closure::Branch);
    full.nodes.clear();
    let hosts = full.order.len();
    branch(&mut full.nodes, failures, hosts, placement, in_turn);
    full
}

fn branch(nodes: &mut Vec<Node>, failures: u32, left: usize, placement: Placement, in_turn: bool) {
    if failures == 0 {
        nodes.push(Node { placement, closure: Closure::Done });
        return;
    }
    nodes.push(Node { placement, closure: Closure::Branch });
    for child in 0..left {
        let left = if in_turn { left - 1 } else { left - 1 - child };
        branch(nodes, failures - 1, left, placement, in_turn);
    }
}

pub(crate) fn at_once(failures: u32, tree: Tree) -> Certificate {
    let proven = Some(Proven { failures, proof: Proof::Tree(tree) });
    Certificate { simultaneous_proven: proven, ..Certificate::default() }
}

pub(crate) fn in_turn(failures: u32, tree: Tree) -> Certificate {
    let proven = Some(Proven { failures, proof: Proof::Tree(tree) });
    Certificate { sequential_proven: proven, ..Certificate::default() }
}

pub(crate) fn refuted(failed: &[usize], refutation: Refutation) -> Certificate {
    let refuted = Some(Refuted { failed: hs(failed), refutation });
    Certificate { simultaneous_refuted: refuted, ..Certificate::default() }
}

/// Memory as value and as surrogate, of the named VMs.
pub(crate) fn volume(pool: &Pool, vms: &[usize]) -> Refutation {
    let values = vms.iter().map(|&vm| (v(vm), pool.demand_of(v(vm))[0])).collect();
    Refutation::Values { surrogate: memory(pool), values }
}

pub(crate) fn judge(pool: &Pool, certificate: &Certificate) -> Result<Accepted, Refusal> {
    verify(pool, certificate, &Limits::default())
}

/// What is accepted.
#[track_caller]
pub(crate) fn accepted(pool: &Pool, certificate: &Certificate) -> Vec<Claim> {
    match judge(pool, certificate) {
        Ok(accepted) => accepted.claims,
        Err(refusal) => panic!("{refusal}"),
    }
}

/// Why it is refused.
#[track_caller]
pub(crate) fn refusal(pool: &Pool, certificate: &Certificate) -> Why {
    match judge(pool, certificate) {
        Ok(accepted) => panic!("accepted: {accepted:?}"),
        Err(refusal) => {
            assert!(refusal.to_string().contains("refused"), "{refusal}");
            refusal.why
        }
    }
}
