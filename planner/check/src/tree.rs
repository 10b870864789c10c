//! Proof trees: walked in preorder, one state that is changed and restored.
use crate::binding::Binding;
use crate::budget::Budget;
use crate::policy::Rule;
use crate::problem::Problem;
use crate::state::State;
use crate::stuck::StuckTest;
use crate::{Why, fixed_order, slots};
use alloc::vec::Vec;
use lifeboat_model::certificate::{Closure, Node, Placement, Tree};

/// Which notion of tolerance a tree is about.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Notion {
    Simultaneous,
    Sequential,
}

/// Whether the tree proves that every set of at most `failures` hosts is survived.
pub(crate) fn holds(
    problem: &Problem,
    tree: &Tree,
    notion: Notion,
    failures: u32,
    budget: &mut Budget,
) -> Result<(), Why> {
    let order = hosts_once(problem, tree)?;
    let rule = Rule::new(problem, &tree.policy, budget)?;
    let stuck = StuckTest::new(problem, &rule, &tree.tests, budget)?;
    let mut walk = Walk {
        problem,
        tree,
        notion,
        order,
        rule,
        stuck,
        binding: Binding::new(problem, budget)?,
        state: State::new(problem),
        root: State::new(problem),
        failures,
        failed: Vec::new(),
        next_node: 0,
        next_packing: 0,
    };
    walk.node(failures, 0, budget)?;
    if walk.next_node < tree.nodes.len() {
        return Err(Why::LeftOver("nodes"));
    }
    if walk.next_packing < tree.packings.len() {
        return Err(Why::LeftOver("packings"));
    }
    Ok(())
}

struct Walk<'p> {
    problem: &'p Problem,
    tree: &'p Tree,
    notion: Notion,
    order: Vec<usize>,
    rule: Rule,
    stuck: StuckTest<'p>,
    binding: Binding,
    state: State<'p>,
    /// The state before any failure.
    root: State<'p>,
    /// How many failures the root speaks of.
    failures: u32,
    /// The hosts that failed on the way here.
    failed: Vec<usize>,
    next_node: usize,
    next_packing: usize,
}

/// What closures look at: a state, who may still fail there, and how many of them.
#[derive(Clone, Copy)]
pub(crate) struct Claimed<'a, 'p> {
    pub(crate) state: &'a State<'p>,
    pub(crate) rule: &'a Rule,
    pub(crate) binding: &'a Binding,
    pub(crate) candidates: &'a [usize],
    /// At least 1, but for a leaf that is judged at the root.
    pub(crate) failures: usize,
    /// Whether restarts come between the failures.
    pub(crate) in_turn: bool,
    pub(crate) node: usize,
}

impl Walk<'_> {
    /// Judges the next node, whose state is reached: `failures` more hosts may fail, in a simultaneous tree
    /// those from position `first` of the order on.
    fn node(&mut self, failures: u32, first: usize, budget: &mut Budget) -> Result<(), Why> {
        budget.spend(self.order.len())?;
        let position = self.next_node;
        let node = *self.tree.nodes.get(position).ok_or(Why::NodesMissing)?;
        self.next_node += 1;
        let first = if self.notion == Notion::Simultaneous { first } else { 0 };
        if node.closure == Closure::Branch {
            if failures == 0 {
                return Err(Why::FailuresLeft { node: position, left: 0 });
            }
            for next in first..self.order.len() {
                let host = self.order[next];
                if self.state.is_alive(host) {
                    self.child(host, failures - 1, next + 1, budget)?;
                }
            }
            return Ok(());
        }
        let candidates: Vec<usize> =
            self.order[first..].iter().copied().filter(|&host| self.state.is_alive(host)).collect();
        if failures == 0 || candidates.is_empty() {
            return Ok(());
        }
        let claimed = Claimed {
            state: &self.state,
            rule: &self.rule,
            binding: &self.binding,
            candidates: &candidates,
            failures: failures as usize,
            in_turn: self.notion == Notion::Sequential,
            node: position,
        };
        match node.closure {
            Closure::Done | Closure::Branch | Closure::AnyFitAtRoot => {
                Err(Why::FailuresLeft { node: position, left: failures })
            }
            Closure::AnyFit => self.stuck.holds(&claimed, budget),
            Closure::Slots => slots::holds(&claimed, budget),
            Closure::FixedOrder => fixed_order::holds(&claimed, budget),
        }
    }

    /// Lets a host fail, reaches the state as the next node says, judges the node, and restores the state.
    fn child(&mut self, host: usize, failures: u32, first: usize, budget: &mut Budget) -> Result<(), Why> {
        let position = self.next_node;
        let Node { placement, closure } = *self.tree.nodes.get(position).ok_or(Why::NodesMissing)?;
        self.state.fail(host);
        self.failed.push(host);
        if closure == Closure::AnyFitAtRoot {
            self.next_node += 1;
            self.at_root(failures, first, position, budget)?;
        } else if placement == Placement::Incremental {
            let before = self.state.moves();
            let mut ranks = Vec::new();
            self.rule.ranks_on(&self.state, host, &mut ranks);
            self.restart(ranks, position, budget)?;
            self.node(failures, first, budget)?;
            self.state.undo_to(before);
        } else if self.notion == Notion::Sequential {
            if placement == Placement::Joint {
                return Err(Why::NotByPolicy(position));
            }
            let before = self.state.moves();
            let mut ranks = Vec::new();
            self.rule.ranks_on(&self.state, host, &mut ranks);
            self.pack(position, ranks.len(), budget)?;
            self.node(failures, first, budget)?;
            self.state.undo_to(before);
        } else {
            let parent = self.state.undo_all();
            budget.spend(2 * parent.len())?;
            if placement == Placement::Joint {
                let mut ranks = Vec::new();
                for &host in &self.failed {
                    self.rule.ranks_at_home(host, &mut ranks);
                }
                self.restart(ranks, position, budget)?;
            } else {
                let needed = self.failed.iter().map(|&host| self.problem.at_home[host].len()).sum();
                self.pack(position, needed, budget)?;
            }
            self.node(failures, first, budget)?;
            self.state.undo_to(0);
            self.state.redo(&parent);
        }
        self.failed.pop();
        self.state.revive(host);
        Ok(())
    }

    /// Judges a node by the stuck tests of the root: its own state is not needed.
    fn at_root(&mut self, failures: u32, first: usize, node: usize, budget: &mut Budget) -> Result<(), Why> {
        if self.notion == Notion::Sequential {
            return Err(Why::NotByPolicy(node));
        }
        budget.spend(self.order.len())?;
        let root = Claimed {
            state: &self.root,
            rule: &self.rule,
            binding: &self.binding,
            candidates: &self.order,
            failures: self.failures as usize,
            in_turn: false,
            node: 0,
        };
        // In a simultaneous tree the hosts from `first` on are alive.
        let here = Claimed { candidates: &self.order[first..], failures: failures as usize, node, ..root };
        self.stuck.holds_at_root(&root, &self.failed, &here, budget)
    }

    /// The policy places these items.
    fn restart(&mut self, mut ranks: Vec<u32>, node: usize, budget: &mut Budget) -> Result<(), Why> {
        budget.spend(2 * ranks.len())?;
        ranks.sort_unstable();
        match self.rule.place_all(&mut self.state, &ranks, budget)? {
            None => Ok(()),
            Some(item) => Err(Why::Stuck { node, vm: self.problem.items[item].vm }),
        }
    }

    /// Places the `needed` items that wait for a place as the next packing says.
    fn pack(&mut self, node: usize, needed: usize, budget: &mut Budget) -> Result<(), Why> {
        let wrong = |fault| Why::Packing { node, fault };
        let packing = self.tree.packings.get(self.next_packing).ok_or(wrong("none is left"))?;
        self.next_packing += 1;
        if packing.len() != needed {
            return Err(wrong("it does not place every item that waits for a place once"));
        }
        for &(vm, host) in packing {
            budget.spend(16)?;
            let item = self.item_of(vm).ok_or(wrong("a VM is of no item"))?;
            // An item that was placed already is on an alive host.
            if self.state.host_of(item).is_none_or(|host| self.state.is_alive(host)) {
                return Err(wrong("an item does not wait for a place"));
            }
            if host.get() >= self.problem.hosts {
                return Err(wrong("a host is not of this pool"));
            }
            if self.state.obstacle(item, host.get(), budget)?.is_some() {
                return Err(wrong("a host cannot take its item"));
            }
            self.state.place(item, host.get());
        }
        Ok(())
    }

    fn item_of(&self, vm: lifeboat_model::VmIndex) -> Option<usize> {
        self.problem.item_of.get(vm.get()).copied().flatten().map(|item| item as usize)
    }
}

fn hosts_once(problem: &Problem, tree: &Tree) -> Result<Vec<usize>, Why> {
    let mut left = problem.failable.clone();
    for &host in &tree.order {
        if host.get() >= problem.hosts || !left.remove(host) {
            return Err(Why::TreeOrder);
        }
    }
    if !left.is_empty() {
        return Err(Why::TreeOrder);
    }
    Ok(tree.order.iter().map(|host| host.get()).collect())
}
