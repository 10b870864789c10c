//! The quick way, where an exact search costs too much: the host that is cut off from most others is dropped, among
//! equals the one of lowest rank, until the rest is fully connected.
use super::Graph;
use core::cmp::Reverse;
use lifeboat_model::HostSet;

/// A fully connected set of `hosts`.
pub(super) fn drop_worst(graph: &Graph, mut hosts: HostSet) -> HostSet {
    loop {
        let cut_off = |host| graph.cut_off(host, &hosts).len();
        let broken = hosts.iter().filter(|&host| cut_off(host) > 0);
        match broken.min_by_key(|&host| (Reverse(cut_off(host)), graph.rank(host))) {
            Some(worst) => hosts.remove(worst),
            None => return hosts,
        };
    }
}
