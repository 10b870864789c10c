//! The proven policy, carried out. A sequential proof is a tree, and the policy that it proves is the tree itself:
//! as long as the hosts that failed lead to a node, the placement that stands there; below a closure that is no
//! branch, the policy's rule.
use crate::problem::{Position, Problem, Rank};
use crate::state::{PositionPolicy, State};
use lifeboat_model::HostIndex;
use lifeboat_model::certificate::{Closure, Placement, Policy, Tree};

/// Lets hosts fail one after the other, in the order given; what ends up where, if the policy never gets stuck.
pub(crate) fn replay(
    problem: &Problem<'_>,
    root: &State,
    positions: &[Position],
    tree: Option<&Tree>,
    in_turn: bool,
) -> Option<Vec<(Rank, Position)>> {
    let policy = tree.map_or(PositionPolicy::FirstFit, |tree| position_policy(&tree.policy));
    let mut cursor = tree.filter(|_| in_turn).map(Cursor::new);
    let mut state = root.clone();
    let mut orphans = Vec::new();
    for &position in positions {
        orphans.clear();
        state.fail(problem, position, &mut orphans);
        let host = problem.host[usize::from(position)];
        let explicit = cursor.as_mut().and_then(|cursor| cursor.descend(host));
        match explicit {
            Some(packing) => place_explicitly(problem, &mut state, packing, &orphans)?,
            None => state.place_all(problem, &policy, &orphans).ok()?,
        }
    }
    Some(state.placed)
}

/// A policy of a certificate over positions.
fn position_policy(policy: &Policy) -> PositionPolicy {
    match policy {
        Policy::BestBlock { chain } => {
            PositionPolicy::BestBlock(chain.iter().map(|&slot| slot as i64).collect())
        }
        Policy::BestFit { .. } => PositionPolicy::BestFit,
        Policy::WorstFit { .. } => PositionPolicy::WorstFit,
        Policy::FirstFit { .. } => PositionPolicy::FirstFit,
    }
}

fn place_explicitly(
    problem: &Problem<'_>,
    state: &mut State,
    packing: &[(lifeboat_model::VmIndex, HostIndex)],
    orphans: &[Rank],
) -> Option<()> {
    for &rank in orphans {
        let vm = problem.items[rank as usize].vm;
        let host = packing.iter().find(|&&(named, _)| named == vm)?.1;
        let position = usize::from(problem.position_of(host)?);
        if !state.can_take(problem, rank, position) {
            return None;
        }
        state.put(problem, rank, position);
    }
    Some(())
}

/// A place in a sequential tree.
struct Cursor<'t> {
    tree: &'t Tree,
    /// The node that the failures so far led to; none below a closure that is no branch.
    node: Option<usize>,
    /// The first packing of that node's children.
    packing: usize,
    failed: Vec<HostIndex>,
}

impl<'t> Cursor<'t> {
    fn new(tree: &'t Tree) -> Self {
        Self { tree, node: Some(0), packing: 0, failed: Vec::new() }
    }

    /// Goes on to the child for `host`; its explicit placement, if it has one.
    fn descend(&mut self, host: HostIndex) -> Option<&'t [(lifeboat_model::VmIndex, HostIndex)]> {
        let node = self.node?;
        if self.tree.nodes.get(node)?.closure != Closure::Branch {
            self.node = None;
            return None;
        }
        let (mut child, mut packing) = (node + 1, self.packing);
        for &candidate in &self.tree.order {
            if self.failed.contains(&candidate) {
                continue;
            }
            if candidate == host {
                self.failed.push(host);
                self.node = Some(child);
                let explicit = self.tree.nodes.get(child)?.placement == Placement::Explicit;
                self.packing = packing + usize::from(explicit);
                return if explicit { self.tree.packings.get(packing).map(Vec::as_slice) } else { None };
            }
            let children = self.tree.order.len() - self.failed.len() - 1;
            (child, packing) = self.skip(child, packing, children);
        }
        self.node = None;
        None
    }

    /// The node and packing after the subtree at `node`, each branch of which has one child fewer than the one
    /// above it; its own has `children`.
    fn skip(&self, node: usize, mut packing: usize, children: usize) -> (usize, usize) {
        let Some(here) = self.tree.nodes.get(node) else { return (node, packing) };
        packing += usize::from(here.placement == Placement::Explicit);
        let mut next = node + 1;
        if here.closure == Closure::Branch {
            for _ in 0..children {
                (next, packing) = self.skip(next, packing, children.saturating_sub(1));
            }
        }
        (next, packing)
    }
}
