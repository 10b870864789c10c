//! Splits the hosts into groups that can be decided apart: two hosts are in one group if a chain of broken pairs
//! leads from one to the other. Hosts of different groups are all connected, so that the best set of the whole is
//! the union of the groups' best sets, by whatever criteria add up. A host that hears everybody is a group of its own.
use super::Graph;
use alloc::vec::Vec;
use lifeboat_model::HostSet;

/// The groups, the one with the lowest host first.
pub(super) fn components(graph: &Graph) -> Vec<HostSet> {
    let mut rest = graph.all.clone();
    let mut groups = Vec::new();
    while let Some(first) = rest.first() {
        let mut group = HostSet::of(rest.pool_size(), [first]);
        let mut fresh = group.clone();
        rest.remove(first);
        while let Some(host) = fresh.first() {
            fresh.remove(host);
            let reached = graph.cut_off(host, &rest);
            rest.subtract(&reached);
            group.union_with(&reached);
            fresh.union_with(&reached);
        }
        groups.push(group);
    }
    groups
}
