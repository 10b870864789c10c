//! Certificates: small objects from which an independent checker re-establishes a verdict. This module is the
//! format only; what each part claims, and the theorem behind it, is defined here and in ARCHITECTURE.md so
//! that a second implementation can check it. The planner writes them, `lifeboat-check` judges them, and the
//! two share nothing else.
//!
//! # The problem that certificates speak of
//!
//! After the pending VMs are placed as the certificate says, the **items** are the protected VMs that run on a
//! host that can fail and are not unprotectable (some host other than where they run *then* is in their eligible
//! set); items that a required affinity group binds and that run on the same host are one item (their demands
//! add up, their eligible sets intersect, which may leave none; overlapping groups merge).
//! An item's home is the host that it runs on. **Targets** are the live hosts. `f(r)` is the free vector of
//! target r (never clamped). Required anti-affinity and spread groups are **separations**: a map from host to
//! domain (the host itself, or its fault domain); every member that runs somewhere, item or not, has the
//! domain where it runs as its **colour**; an occupant of a domain excludes a member of another colour from
//! it. Members with the same colour break the rule already and are let be. The target end of a migration is
//! an occupant too, with the VM's own colour, and stays until its host fails.
//!
//! A **state** is where every item is, what is free, and which hosts are alive. Failing a set of hosts takes
//! them out; the items on them must be placed: each on an alive target of its eligible set, within what is
//! free in every resource of which it demands any (a demand of 0 fits even where free is negative), with no
//! excluding occupant. VMs that are not items die with their host. An item is named by its lowest VM. A host
//! **can take** an item in a state where the item could be placed there as the next and only one.
//!
//! # The pending VMs
//!
//! To be placed are the protected VMs that should run, run nowhere, and have an eligible set that is not empty.
//! Those of them that required affinity groups bind are one item; it may go where all of them are eligible and,
//! for each such group of which a member runs, to a host where one does; nowhere, if it has two members of one
//! separation. A pending member of a separation has a colour of its own. `pending` names every one of them
//! once, or none where the state is claimed to be broken.
//!
//! # Numbers
//!
//! Weights, multipliers, surrogates and values are at most 2^40, and l · v of one item is below 2^62; a tree has
//! at most 16 multipliers; sizes of a chain are at most 2^60; cases nest at most 256 deep. A checker refuses what
//! is beyond, and what takes more work than it is given.
use crate::{GroupIndex, HostIndex, VmIndex};
use alloc::vec::Vec;

/// Everything that stands behind one verdict.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Certificate {
    /// Where pending VMs are placed before any failure; all other claims speak of the state after that.
    pub pending: Vec<(VmIndex, HostIndex)>,
    /// Survivable at once.
    pub simultaneous_proven: Option<Proven>,
    /// Not survivable at once.
    pub simultaneous_refuted: Option<Refuted>,
    /// Survivable in any order and grouping.
    pub sequential_proven: Option<Proven>,
    /// Not survivable in some order by any policy. Where this is `None`, a simultaneous refutation serves: what
    /// is not survived at once is not survived in turn either.
    pub sequential_refuted: Option<SequentialRefuted>,
}

/// "Every failure set of at most `failures` hosts is survived." Not more than the hosts that can fail, nor than
/// [`crate::Pool::liveness_limit`]; and fewer than the hosts that can fail, if there is an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proven {
    /// How many failures.
    pub failures: u32,
    /// Why.
    pub proof: Proof,
}

/// Why every failure set is survived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    /// There is no item, or no failure: nothing needs a place.
    Nothing,
    /// A tree over the failure sets.
    Tree(Tree),
}

/// A proof tree. Its nodes stand in preorder; a node speaks of a state, of the candidates that may still fail
/// there, and of how many of them, k.
///
/// *Simultaneous* trees: the root has all hosts that can fail, in `order`, as candidates; the i-th child of a
/// [`Closure::Branch`] lets the i-th candidate fail and has the later ones as candidates, k − 1. A set is thus
/// met once, as its members come in `order`. A child's state may be reached by any placement: what is claimed
/// is that some packing exists.
///
/// *Sequential* trees: every alive host that can fail is a candidate at every node, and a child's state is
/// reached by `policy`, or by the explicit placement that the tree has for it. The policy that is proven, and
/// that restarts, is the tree itself: as long as the hosts that failed lead to a node, what stands there; below
/// a closure that is no branch, `policy`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tree {
    /// Every host that can fail, once.
    pub order: Vec<HostIndex>,
    /// The policy; for a simultaneous tree the rule of [`Placement::Incremental`] and [`Placement::Joint`].
    pub policy: Policy,
    /// Parameters of the stuck tests used by [`Closure::AnyFit`].
    pub tests: StuckTests,
    /// The nodes in preorder; the first is the root, whose placement is ignored.
    pub nodes: Vec<Node>,
    /// Explicit packings, in the order in which [`Placement::Explicit`] nodes use them: the host of every item
    /// that must be placed, by any VM of the item. In a simultaneous tree these are all items that run on a
    /// failed host at the root; in a sequential one those that are on the newly failed host.
    pub packings: Vec<Vec<(VmIndex, HostIndex)>>,
}

/// One node of a proof tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Node {
    /// How the state is reached from the parent's.
    pub placement: Placement,
    /// Why the claim holds there.
    pub closure: Closure,
}

/// How a child's state is reached when one more host fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// The policy places the items that are on the newly failed host, in the parent's state.
    Incremental,
    /// (Simultaneous trees only.) From the root's state with the whole prefix failed at once, the policy places
    /// all its items anew.
    Joint,
    /// As the next entry of [`Tree::packings`] says. In a simultaneous tree it places what `Joint` places; in a
    /// sequential tree what `Incremental` places: the policy looks ahead there, and the certificate is part of it.
    Explicit,
}

/// Why a node's claim holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closure {
    /// k = 0, or no candidate is left: the state was reached, which is all that is claimed.
    Done,
    /// The stuck tests hold: no any-fit rule can get stuck. See [`StuckTests`].
    AnyFit,
    /// (Simultaneous trees only.) The stuck tests hold *at the root's state* for every set made of the hosts that
    /// failed on the way here (the prefix) and at most k of this node's candidates: for each group that has an
    /// item on a host of prefix or candidates, for one of the multipliers, w(prefix) + the largest sum of w over
    /// at most k of the candidates is < G + min l·x. (Groups for which the root's own test holds for all
    /// `failures` hosts need no second look.) The placement of such a node is not carried out (an explicit one
    /// takes no packing): its state is not needed, and it may be a leaf (k = 0: only the prefix counts). Never the
    /// root, which has [`Closure::AnyFit`] for that.
    AnyFitAtRoot,
    /// The slot test holds; needs [`Policy::BestBlock`]. See [`Policy`].
    Slots,
    /// The two-sided stuck test for first fit in a fixed order holds; needs [`Policy::FirstFit`].
    ///
    /// **Theorem B.** Let memory alone decide at this node: every item on a candidate is eligible on every alive
    /// target and in no separation that binds, and no other resource can bind on an alive target (see
    /// [`StuckTests`]). f is the free memory *at this node*. Write r ≺ x for an alive target with f < x that comes,
    /// in the policy's order, before every alive target with f ≥ x (all with f < x do where the order ascends by
    /// f). Let x be the memory of an item on a candidate, and write v_S(y) for the memory
    /// of the items of size ≥ y that are on hosts of S at this node, D_S = v_S(0). If for each such x there is
    /// a y ≤ x, itself the size of an item on a candidate, such that for every set S of at most k candidates one
    /// of which has an item of size x, R being the alive targets not in S,
    /// (a) Σ_{R, f≥x} (f−x+1) > v_S(y) − x and
    /// (b) Σ_{R, f≥x} (f−x+1) + Σ_{R, r≺x} (f−y+2)⁺ > D_S − x
    /// (y the smallest size on a candidate needs no (b)), then no k failures, at once or in any order, with
    /// restarts in any order, get the policy stuck. *Proof.* Let S have failed when x is the first to be stuck.
    /// Items on R have never moved, and every r of R has less than x left, so it was given at least f−x+1 of the
    /// items of S; x itself was given nowhere. If nothing smaller than y sits on an r with f ≥ x, what was given
    /// there is of size ≥ y and at most v_S(y) − x, against (a). Else some s < y does; when it was placed there, it
    /// had been refused by every host of R before r in the order, so by those with r ≺ x, each of which had at most
    /// s − 1 ≤ y − 2 left then, and has no more now: each was given at least f−y+2, against (b). ∎ Both conditions
    /// are linear in S: (a) says that the largest sum over S of \[h alive target, f≥x\](f−x+1) + v_h(y) is less
    /// than the sum over all alive targets plus x, (b) likewise. (a) is the harder and (b) the easier the smaller
    /// y is, so the least y with (a) is the only one to try with (b).
    FixedOrder,
    /// A child for every candidate.
    Branch,
}

/// Which host an item gets. All policies place the items of a failed host in descending order of
/// `key = Σ weights[d] · demand[d]`, ties by the item's lowest VM index, each on a host that can take it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Policy {
    /// The first host in `order` that can take it.
    FirstFit {
        /// Key weight by resource.
        weights: Vec<u64>,
        /// Every target once.
        order: Vec<HostIndex>,
    },
    /// The host that can take it with the smallest `Σ weights[d] · free[d]`, ties by lowest index.
    BestFit {
        /// Key weight by resource.
        weights: Vec<u64>,
    },
    /// The host that can take it with the largest `Σ weights[d] · free[d]`, ties by lowest index.
    WorstFit {
        /// Key weight by resource.
        weights: Vec<u64>,
    },
    /// For memory and a chain of sizes d₁ | d₂ | … | d_k: an item is of class i if d_i is the least size of
    /// the chain that is at least its memory. A host's free memory f is read in the mixed radix of the chain;
    /// its smallest block for class i is the least j ≥ i with ⌊f/d_j⌋ > ⌊f/d_{j+1}⌋·(d_{j+1}/d_j), where
    /// ⌊f/d_{k+1}⌋ = 0. Of the hosts that can take it the item gets the one with the smallest block, ties by
    /// lowest index; a host without such a block comes after all that have one. Key: memory.
    ///
    /// **Theorem (slots).** Let memory alone decide, as in [`Closure::FixedOrder`]. Let N_j = Σ ⌊f/d_j⌋ over alive
    /// targets (f < 0 counts 0) and M_j(h) the sum of d_class/d_j over items on h of class ≥ j. If for every j the k
    /// largest of ⌊f_h/d_j⌋ (0 for what is no target) + M_j(h) over the candidates sum to at most N_j, no k
    /// failures, at once or in any order, with restarts one by one in any order, get this policy stuck. *Proof.* Placing an item of class i on the smallest block changes N to at least
    /// F_i(N), where F_i lowers N_j by d_i/d_j for j ≤ i and sets N_j to min(N_j, ⌊N_{j−1}·d_{j−1}/d_j⌋) for
    /// j > i, in ascending j: if the smallest block is m, then between i and m no block is free, so
    /// N_{j−1}d_{j−1} = N_j d_j there and each loses one; above m, N_m has a block to spare. F_i is monotone,
    /// and keeps "N_j ≥ demand of class ≥ j in d_j" true for what is left to place, since that demand is a
    /// multiple of d_j. A host that fails later takes its items with it: seen from the survivors, an item
    /// placed among more hosts took the smallest block of all, so also the smallest of theirs. ∎
    BestBlock {
        /// d₁ | d₂ | … | d_k, ascending; d_k at least the largest item.
        chain: Vec<u64>,
    },
}

/// Parameters of the stuck tests.
///
/// **Lemma (stuck).** Let an any-fit rule place items in descending key and get stuck on item x with eligible
/// set E and key(x) ≥ lo. Every alive host r of E refuses x: by a separation, or because in some resource d
/// `placed_d(r) ≥ t_d := f_d(r) − x_d + 1`. In the latter case, for any multipliers l, `l·placed(r)` is at
/// least `held(r) := min over d that can bind of ⌈t_d⁺ · min_v (l·v / v_d)⌉`, v over all items with v_d > 0 and
/// key(v) ≥ lo whose eligible set meets E, since r is in E (none: d cannot refuse). What was placed before x is at most the items of the failed hosts with
/// key ≥ lo whose eligible set meets E, less x. So being stuck needs
/// `Σ_{r ∈ E alive, not refusing by separation} held(r) ≤ l·(those items) − l·x`.
///
/// **Test.** Items are grouped by (eligible set, separations, bucket of key [lo, hi)); x_d is taken largest and
/// l·x smallest over the group's items on candidates (held with the largest x_d; a resource with f_d < x_d gives
/// held 0; where no resource can refuse, held is 1 + l·(all items), more than can have been placed). With
/// `w(h) = held(h)·[h ∈ E] + l·(items on h with key ≥ lo whose eligible set meets E)` over candidates,
/// `G = Σ_{alive targets of E} held` less, for each separation of the group with m occupants on alive hosts (an
/// item counts once, the end of a migration as one more), the m − 1 largest domain sums of held, the test is: the largest sum of w over at most k candidates of which one has
/// an item of the group is < G + min l·x. It must hold for each group that has an item on a candidate, for
/// one of the `multipliers`. It never holds where E is empty: nothing is refused there, and x is not placed.
///
/// When more failures may follow (sequential trees with k ≥ 2), what was placed before is not only larger
/// items: lo is then 0 in `held` and `w` (the group keeps its bucket), and candidates' items are all that could
/// ever be moved. The test then covers every order, timing and grouping of k failures (PERF: Theorem A).
///
/// Resource d ≠ memory **cannot bind** on r where φ_d(f_memory(r)) ≤ f_d(r); φ_d(m) is the most of d that any
/// items of the pool whose memory sums to at most max(m, 0) can demand, by fractional knapsack over all items
/// (whole items in descending d per memory, items without memory first, then ⌊rest · v_d / v_memory⌋ of the
/// next). For if memory does not refuse x, then x and what was placed before fit the memory together, so their
/// demand in d is at most φ_d. Memory cannot bind where all items together fit it. A resource of which x demands nothing does not refuse it either.
///
/// `rounded`: for multipliers that weigh memory alone, held(r) of memory is raised to the least total ≥ t that
/// the memory sizes of the items (key ≥ lo) can form, each any number of times (where no total that large can
/// be formed within a table of 2^17 units of the sizes' greatest common divisor, the plain t stands).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StuckTests {
    /// Multiplier vectors l, by resource. One may do for one group and another for the next.
    pub multipliers: Vec<Vec<u64>>,
    /// Bucket boundaries of key, ascending; the last bucket is open above, keys below the first are bucket 0.
    pub buckets: Vec<u64>,
    /// Whether held memory is raised to what sizes can form.
    pub rounded: bool,
}

/// "Some failure set of `failed.len()` hosts is not survived." With an empty set: pending VMs cannot be placed; the
/// items are then the pending ones, and the certificate makes no other claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refuted {
    /// The failure set, ascending.
    pub failed: Vec<HostIndex>,
    /// Why its items cannot all be placed.
    pub refutation: Refutation,
}

/// Why items cannot all be placed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refutation {
    /// More hosts than liveness lets fail, counting those that failed before.
    Liveness,
    /// No target survives, and there is an item.
    NoSurvivor,
    /// **Dual bound.** Give each item i a value u_i ≥ 0 (one not named: 0). A host r can hold at most
    /// K(r) = the largest value of a set of named items, each of which r can take now, and whose demand in
    /// `surrogate` (Σ s_d · demand_d) is at most Σ s_d · max(f_d(r), 0) (where f_d is negative, items that demand
    /// nothing of d may still be placed), each item at most once. If Σ u > Σ_{alive targets} K(r), not all
    /// items fit. A checker takes an upper bound of K: exactly, by the list of totals (Σ s, Σ u) none of which
    /// another beats, while the list has at most 2^15 entries and 2^23 were made; beyond, the fractional knapsack
    /// rounded down. Items alike in both are as many as they are.
    ///
    /// Volume is u = size; counting is u = 1 (or ⌊s/x⌋) on items of size ≥ x; Hall's condition is u = 1 on items
    /// confined to few hosts; dual feasible functions and column-generation duals are other choices of u.
    Values {
        /// Surrogate weight by resource, not all 0.
        surrogate: Vec<u64>,
        /// The value of an item, by its lowest VM.
        values: Vec<(VmIndex, u64)>,
    },
    /// **Pigeonhole.** These members of a separation have pairwise different colours and need pairwise different
    /// domains, and there are fewer domains with a host that can take any of them now than members.
    Separation {
        /// The group.
        group: GroupIndex,
        /// The members, items of the failed hosts, by their lowest VM.
        members: Vec<VmIndex>,
    },
    /// **Exhaustion.** Placing these items in this order, each in turn on every host that can take it, never
    /// places them all. At most `nodes` placements of one item on one host are made, where two sorts need not be:
    /// while no item left is in a separation, on a host with the same free vector as a lower one that can take the
    /// item too, both in the eligible sets of the same items left; and below the host of the item before, if that
    /// demands the same, has the same eligible set, and both are in no separation. (The least placement, host by
    /// host, is of neither sort: a swap of the hosts, or of the items, would make it less.)
    Exhaustion {
        /// The items, by their lowest VM.
        items: Vec<VmIndex>,
        /// How many placements the search makes.
        nodes: u64,
    },
    /// **Filling.** Leave all but memory out of account: if the items do not fit even then, they do not fit. Let the
    /// waste be what the alive targets have free in all (negative counts 0) less what the items need; every packing
    /// leaves exactly that much unused. Filling the alive targets in `order`, each with every set of the items that
    /// are left which leaves at most the rest of the waste unused, never places all items.
    Filling {
        /// Every alive target once.
        order: Vec<HostIndex>,
    },
    /// **Cases.** The item must go somewhere: one refutation for each host that can take it, in ascending order.
    Cases {
        /// The item, by its lowest VM.
        item: VmIndex,
        /// A refutation for each host that can take it now.
        cases: Vec<(HostIndex, Refutation)>,
    },
}

/// "Some order of `failures` failures is not survived by any policy": an adversary's strategy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SequentialRefuted {
    /// How many failures.
    pub failures: u32,
    /// The adversary's move in the initial state.
    pub strategy: Strategy,
}

/// What the adversary does in a state with k failures left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// Lets these hosts (1 to k alive ones that can fail) fail at once, which cannot be survived from here.
    AtOnce(Refuted),
    /// Lets a host fail, and has an answer to every placement of its items. The placements are met in the
    /// canonical order: items by lowest VM ascending, each on every host that can take it, ascending.
    Fail {
        /// The host.
        host: HostIndex,
        /// What it does after each placement.
        answers: Vec<Strategy>,
    },
}
