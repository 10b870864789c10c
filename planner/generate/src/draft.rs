//! A pool in the making: dense indices and plain amounts, no names yet. Families fill a [`Draft`], [`crate::room`]
//! gives its hosts their capacity, [`Draft::finish`] names everything.
use crate::draw::Draw;
use crate::recipe::Recipe;
use lifeboat_model::spec::{
    GroupSpec, Guarantee, HostSpec, HostState, PoolSpec, RestartPriority, Rule, RuleMode, SettingsSpec,
    VmSpec,
};
use lifeboat_model::{HostIndex, HostSet};

/// Memory, and at most one resource more.
pub(crate) type Amounts = [u64; 2];

/// Weights that tell hosts apart by memory. Shapes are at most 64: the quotient has bits to spare.
pub(crate) const MEMORY_ALONE: Amounts = [4096, 0];

#[derive(Default)]
pub(crate) struct Draft {
    pub(crate) hosts: Vec<DraftHost>,
    pub(crate) vms: Vec<DraftVm>,
    /// Sets of hosts that VMs are confined to.
    pub(crate) classes: Vec<HostSet>,
    pub(crate) groups: Vec<DraftGroup>,
    /// Name of the second resource.
    pub(crate) second: Option<&'static str>,
    pub(crate) settings: SettingsSpec,
}

#[derive(Clone, Copy, Default)]
pub(crate) struct DraftHost {
    /// Capacity relative to other hosts, by resource; 0: has none of it.
    pub(crate) shape: Amounts,
    /// Capacity by resource, before what is reserved; set by [`crate::room`] or by the family itself.
    pub(crate) capacity: Amounts,
    pub(crate) reserved_mib: u64,
    pub(crate) rack: Option<u32>,
}

#[derive(Clone, Copy)]
pub(crate) struct DraftVm {
    pub(crate) demand: Amounts,
    pub(crate) home: usize,
    pub(crate) priority: RestartPriority,
    pub(crate) order: u64,
    /// Position in [`Draft::classes`]; none: may run anywhere.
    pub(crate) class: Option<usize>,
}

pub(crate) struct DraftGroup {
    pub(crate) rule: Rule,
    pub(crate) mode: RuleMode,
    pub(crate) vms: Vec<usize>,
}

impl Draft {
    /// Hosts of these shapes, in memory alone.
    pub(crate) fn with_hosts(shapes: impl IntoIterator<Item = u64>) -> Self {
        let hosts = shapes.into_iter().map(|shape| DraftHost { shape: [shape, 0], ..DraftHost::default() });
        Self { hosts: hosts.collect(), ..Self::default() }
    }

    /// A protected VM of that size, not placed yet.
    pub(crate) fn add(&mut self, memory_mib: u64) -> &mut DraftVm {
        self.vms.push(DraftVm {
            demand: [memory_mib, 0],
            home: 0,
            priority: RestartPriority::Restart,
            order: 0,
            class: None,
        });
        self.vms.last_mut().expect("one was pushed")
    }

    /// Priorities in thousandths (the rest is half best-effort, half unprotected), and orders for some.
    pub(crate) fn draw_priorities(&mut self, draw: &mut Draw, protected: u64) {
        for vm in &mut self.vms {
            vm.priority = if draw.permille(protected) {
                RestartPriority::Restart
            } else {
                draw.pick(&[RestartPriority::BestEffort, RestartPriority::Unprotected])
            };
            vm.order = draw.weighted(&[(0, 5), (1, 2), (2, 2), (3, 1)]);
        }
    }

    /// The same reserve on every host.
    pub(crate) fn draw_reserve(&mut self, draw: &mut Draw) {
        let reserved_mib = draw.pick(&[2048, 4096, 8192]);
        self.hosts.iter_mut().for_each(|host| host.reserved_mib = reserved_mib);
    }

    /// Racks of so many neighbours.
    pub(crate) fn rack_up(&mut self, hosts_a_rack: usize) {
        for (position, host) in self.hosts.iter_mut().enumerate() {
            host.rack = Some((position / hosts_a_rack) as u32);
        }
    }

    /// What runs on each host.
    pub(crate) fn used(&self) -> Vec<Amounts> {
        let mut used = vec![[0; 2]; self.hosts.len()];
        for vm in &self.vms {
            used[vm.home][0] += vm.demand[0];
            used[vm.home][1] += vm.demand[1];
        }
        used
    }

    /// The least loaded host for its shape, among those that `allowed` lets through. Loads in the two
    /// resources are added up with those weights.
    pub(crate) fn least_loaded(
        &self,
        used: &[Amounts],
        weights: Amounts,
        allowed: impl Fn(usize) -> bool,
    ) -> Option<usize> {
        let load = |host: usize| {
            let shape = self.hosts[host].shape;
            used[host][0] * weights[0] / shape[0].max(1) + used[host][1] * weights[1] / shape[1].max(1)
        };
        (0..self.hosts.len()).filter(|&host| allowed(host)).min_by_key(|&host| (load(host), host))
    }

    /// Weights under which a host that is full in one resource counts as much as one full in the other. A
    /// resource that some hosts do not have is not weighed.
    pub(crate) fn even_weights(&self) -> Amounts {
        let all = |resource: usize| self.vms.iter().map(|vm| vm.demand[resource]).sum::<u64>();
        if self.hosts.iter().any(|host| host.shape[1] == 0) || all(1) == 0 {
            return MEMORY_ALONE;
        }
        [MEMORY_ALONE[0], MEMORY_ALONE[0] * all(0) / all(1)]
    }

    /// Whether a VM of that class may run on the host.
    pub(crate) fn allows(&self, class: Option<usize>, host: usize) -> bool {
        class.is_none_or(|class| self.classes[class].contains(HostIndex::new(host)))
    }

    /// The pool with names. Orders, rules and second resources appear only where there are any.
    pub(crate) fn finish(self, recipe: &Recipe) -> PoolSpec {
        let names = Names::new(self.hosts.len(), self.vms.len());
        let second = |amount: u64| match self.second {
            Some(name) => vec![(name.to_owned(), amount)],
            None => Vec::new(),
        };
        let hosts = self.hosts.iter().enumerate().map(|(position, host)| HostSpec {
            id: names.host(position),
            memory_mib: host.capacity[0],
            reserved_mib: host.reserved_mib,
            state: HostState::Live,
            fault_domain: host.rack.map(|rack| format!("rack-{rack}")),
            resources: second(host.capacity[1]),
            ..HostSpec::default()
        });
        let vms = self.vms.iter().enumerate().map(|(position, vm)| VmSpec {
            id: names.vm(position),
            memory_mib: vm.demand[0],
            host: Some(names.host(vm.home)),
            restart_priority: vm.priority,
            order: vm.order,
            allowed_hosts: vm
                .class
                .map(|class| self.classes[class].iter().map(|host| names.host(host.get())).collect()),
            resources: if vm.demand[1] > 0 { second(vm.demand[1]) } else { Vec::new() },
            ..VmSpec::default()
        });
        let groups = self.groups.iter().enumerate().map(|(position, group)| GroupSpec {
            id: format!("{}-{position}", rule_name(group.rule)),
            rule: group.rule,
            mode: group.mode,
            vms: group.vms.iter().map(|&vm| names.vm(vm)).collect(),
        });
        PoolSpec {
            id: recipe.pool_id(),
            settings: SettingsSpec {
                host_failures_to_tolerate: self.settings.host_failures_to_tolerate.or(Some(1)),
                guarantee: self.settings.guarantee.or(Some(Guarantee::Sequential)),
                ..self.settings.clone()
            },
            hosts: hosts.collect(),
            vms: vms.collect(),
            groups: groups.collect(),
            ..PoolSpec::default()
        }
    }
}

fn rule_name(rule: Rule) -> &'static str {
    match rule {
        Rule::AntiAffinity => "anti",
        Rule::Affinity => "affinity",
        Rule::Spread => "spread",
    }
}

/// Names of one width, so that they sort as they count.
struct Names {
    host_digits: usize,
    vm_digits: usize,
}

impl Names {
    fn new(hosts: usize, vms: usize) -> Self {
        let digits = |count: usize| count.saturating_sub(1).max(1).ilog10() as usize + 1;
        Self { host_digits: digits(hosts).max(2), vm_digits: digits(vms).max(4) }
    }
    fn host(&self, position: usize) -> String {
        format!("h{position:0width$}", width = self.host_digits)
    }
    fn vm(&self, position: usize) -> String {
        format!("vm{position:0width$}", width = self.vm_digits)
    }
}
