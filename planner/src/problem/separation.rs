//! Required anti-affinity and spread: members of different colours never share a domain. A member's colour is the
//! domain where it runs now, so members that share a domain already may go on sharing one.
use super::Position;
use lifeboat_model::spec::{Rule, RuleMode};
use lifeboat_model::{GroupIndex, Pool, VmIndex};
use std::collections::BTreeMap;

/// A separation that has an item among its members.
#[derive(Clone, Debug)]
pub(crate) struct Separation {
    /// The group.
    pub(crate) group: GroupIndex,
    /// Domain by position.
    pub(crate) domain: Vec<u16>,
    /// Who occupies what before any failure: members that run, and ends of migrations.
    pub(crate) occupants: Vec<Occupant>,
    /// How many members and ends of migrations there are in all.
    pub(crate) members: usize,
}

/// Something of a colour in a domain, as long as its host is alive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Occupant {
    /// The host, as a position.
    pub(crate) position: Position,
    /// The domain of that host.
    pub(crate) domain: u16,
    /// The member's colour.
    pub(crate) colour: u16,
}

/// An item's membership.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Member {
    /// Index of the separation.
    pub(crate) separation: u32,
    /// The item's colour in it.
    pub(crate) colour: u16,
}

/// Colours above any domain.
const FIRST_PENDING_COLOUR: u16 = 2048;

/// Lowers the required separations; `item_of` tells which item a VM is of. Gives the memberships by item.
pub(crate) fn lower(
    pool: &Pool,
    position_of: &[Position],
    item_of: &BTreeMap<VmIndex, usize>,
) -> (Vec<Separation>, BTreeMap<usize, Vec<Member>>) {
    let mut separations = Vec::new();
    let mut memberships: BTreeMap<usize, Vec<Member>> = BTreeMap::new();
    for (index, group) in pool.groups().iter().enumerate() {
        let by_host = group.rule == Rule::AntiAffinity;
        if group.mode != RuleMode::Required || group.rule == Rule::Affinity || group.vms.len() < 2 {
            continue;
        }
        if !group.vms.iter().any(|vm| item_of.contains_key(vm)) {
            continue;
        }
        let domain_of = |host: lifeboat_model::HostIndex| {
            if by_host { host.0 } else { pool.host(host).fault_domain.0 }
        };
        let mut domain = vec![0; position_of.iter().filter(|&&p| p != Position::MAX).count()];
        for host in pool.host_indices().filter(|host| position_of[host.get()] != Position::MAX) {
            domain[usize::from(position_of[host.get()])] = domain_of(host);
        }
        let mut occupants = Vec::new();
        let mut members = 0;
        for &vm in &group.vms {
            let home = pool.runs_on(vm);
            let item = item_of.get(&vm);
            if home.is_none() && item.is_none() {
                continue;
            }
            // A pending member shares its colour with nobody.
            let colour = home.map_or(FIRST_PENDING_COLOUR + members as u16, domain_of);
            members += 1 + usize::from(home.is_some() && pool.migration_end(vm).is_some());
            for end in [home, pool.migration_end(vm)].into_iter().flatten() {
                let position = position_of[end.get()];
                if position != Position::MAX {
                    occupants.push(Occupant { position, domain: domain_of(end), colour });
                }
            }
            if let Some(&item) = item {
                let member = Member { separation: separations.len() as u32, colour };
                let list = memberships.entry(item).or_default();
                if !list.contains(&member) {
                    list.push(member);
                }
            }
        }
        separations.push(Separation { group: GroupIndex::new(index), domain, occupants, members });
    }
    (separations, memberships)
}
