//! Required affinity: members that run on the same host are restarted together, so they are one item. Overlapping
//! groups merge. Members on different hosts break the rule already and are let be.
use lifeboat_model::spec::{Rule, RuleMode};
use lifeboat_model::{HostIndex, Pool, VmIndex};
use std::collections::BTreeMap;

/// Items of more than one VM.
#[derive(Clone, Debug, Default)]
pub(crate) struct Clusters {
    /// By each VM of such an item: all its VMs, ascending.
    vms: BTreeMap<VmIndex, Vec<VmIndex>>,
}

impl Clusters {
    /// Binds the `protected` VMs (with their hosts) by the pool's required affinity groups.
    pub(crate) fn new(pool: &Pool, protected: &[(VmIndex, HostIndex)]) -> Self {
        Self::bind(pool, &protected.iter().map(|&(vm, home)| (vm, Some(home))).collect())
    }

    /// Binds pending VMs: those of one group go together, wherever that is.
    pub(crate) fn of_pending(pool: &Pool, pending: &[VmIndex]) -> Self {
        Self::bind(pool, &pending.iter().map(|&vm| (vm, None)).collect())
    }

    fn bind(pool: &Pool, home: &BTreeMap<VmIndex, Option<HostIndex>>) -> Self {
        let groups = pool
            .groups()
            .iter()
            .filter(|group| group.rule == Rule::Affinity && group.mode == RuleMode::Required);
        let mut root: BTreeMap<VmIndex, VmIndex> = BTreeMap::new();
        for group in groups {
            let mut first_on: BTreeMap<Option<HostIndex>, VmIndex> = BTreeMap::new();
            for &vm in &group.vms {
                let Some(&host) = home.get(&vm) else { continue };
                let first = *first_on.entry(host).or_insert(vm);
                let (a, b) = (find(&root, first), find(&root, vm));
                if a != b {
                    root.insert(a.max(b), a.min(b));
                }
            }
        }
        let mut by_root: BTreeMap<VmIndex, Vec<VmIndex>> = BTreeMap::new();
        for &vm in home.keys() {
            by_root.entry(find(&root, vm)).or_default().push(vm);
        }
        let vms = by_root
            .into_values()
            .filter(|vms| vms.len() > 1)
            .flat_map(|vms| vms.clone().into_iter().map(move |vm| (vm, vms.clone())))
            .collect();
        Self { vms }
    }

    /// All VMs of the item that `vm` is of, ascending.
    pub(crate) fn vms_of(&self, vm: VmIndex) -> Vec<VmIndex> {
        self.vms.get(&vm).cloned().unwrap_or_else(|| vec![vm])
    }
}

fn find(root: &BTreeMap<VmIndex, VmIndex>, mut vm: VmIndex) -> VmIndex {
    while let Some(&above) = root.get(&vm) {
        vm = above;
    }
    vm
}
