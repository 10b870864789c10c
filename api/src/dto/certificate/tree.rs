//! Proof trees. A node is one character, which says how its state is reached and why the claim holds there:
//!
//! | | done | any-fit | any-fit at the root | slots | fixed order | branch |
//! | --- | --- | --- | --- | --- | --- | --- |
//! | incremental | `d` | `a` | `r` | `s` | `f` | `b` |
//! | joint | `D` | `A` | `R` | `S` | `F` | `B` |
//! | explicit | `0` | `1` | `2` | `3` | `4` | `5` |
use super::CertificateError;
use lifeboat_model::certificate::{Closure, Node, Placement, Policy, StuckTests, Tree};
use lifeboat_model::{HostIndex, VmIndex};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A tree over the failure sets.
#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Tree")]
pub struct TreeDocument {
    /// Every host that can fail, once.
    pub order: Vec<u16>,
    /// Which host an item gets.
    pub policy: PolicyDocument,
    /// Parameters of the stuck tests.
    pub tests: TestsDocument,
    /// The nodes in preorder, a character each.
    pub nodes: String,
    /// Explicit packings: pairs of VM and host.
    pub packings: Vec<Vec<(u32, u16)>>,
}

/// Which host an item gets.
#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", rename_all_fields = "snake_case")]
#[schemars(rename = "Policy")]
pub enum PolicyDocument {
    /// The first host in order that can take it.
    FirstFit {
        /// Key weight by resource.
        weights: Vec<u64>,
        /// Every target once.
        order: Vec<u16>,
    },
    /// The host that can take it with the least weighted room.
    BestFit {
        /// Key weight by resource.
        weights: Vec<u64>,
    },
    /// The host that can take it with the most weighted room.
    WorstFit {
        /// Key weight by resource.
        weights: Vec<u64>,
    },
    /// The host with the smallest free block of a chain of sizes.
    BestBlock {
        /// The sizes, ascending, each dividing the next.
        chain: Vec<u64>,
    },
}

/// Parameters of the stuck tests.
#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "StuckTests")]
pub struct TestsDocument {
    /// Multiplier vectors by resource.
    pub multipliers: Vec<Vec<u64>>,
    /// Bucket boundaries, ascending.
    pub buckets: Vec<u64>,
    /// Whether held memory is raised to what sizes can form.
    pub rounded: bool,
}

const PLACEMENTS: [Placement; 3] = [Placement::Incremental, Placement::Joint, Placement::Explicit];
const CLOSURES: [Closure; 6] = [
    Closure::Done,
    Closure::AnyFit,
    Closure::AnyFitAtRoot,
    Closure::Slots,
    Closure::FixedOrder,
    Closure::Branch,
];
const LETTERS: [[u8; 6]; 3] = [*b"darsfb", *b"DARSFB", *b"012345"];

/// The character of a node.
fn letter(node: Node) -> char {
    let row = match node.placement {
        Placement::Incremental => 0,
        Placement::Joint => 1,
        Placement::Explicit => 2,
    };
    let column = match node.closure {
        Closure::Done => 0,
        Closure::AnyFit => 1,
        Closure::AnyFitAtRoot => 2,
        Closure::Slots => 3,
        Closure::FixedOrder => 4,
        Closure::Branch => 5,
    };
    char::from(LETTERS[row][column])
}

/// The node of a character.
fn node(letter: char) -> Result<Node, CertificateError> {
    for (placement, letters) in PLACEMENTS.into_iter().zip(LETTERS) {
        if let Some(column) = letters.iter().position(|&known| char::from(known) == letter) {
            return Ok(Node { placement, closure: CLOSURES[column] });
        }
    }
    Err(CertificateError::UnknownNode(letter))
}

impl From<&Tree> for TreeDocument {
    fn from(tree: &Tree) -> Self {
        Self {
            order: hosts(&tree.order),
            policy: (&tree.policy).into(),
            tests: TestsDocument {
                multipliers: tree.tests.multipliers.clone(),
                buckets: tree.tests.buckets.clone(),
                rounded: tree.tests.rounded,
            },
            nodes: tree.nodes.iter().map(|&node| letter(node)).collect(),
            packings: tree.packings.iter().map(|packing| pairs(packing)).collect(),
        }
    }
}

impl TryFrom<TreeDocument> for Tree {
    type Error = CertificateError;
    fn try_from(document: TreeDocument) -> Result<Self, CertificateError> {
        Ok(Self {
            order: host_indices(document.order),
            policy: document.policy.into(),
            tests: StuckTests {
                multipliers: document.tests.multipliers,
                buckets: document.tests.buckets,
                rounded: document.tests.rounded,
            },
            nodes: document.nodes.chars().map(node).collect::<Result<_, _>>()?,
            packings: document.packings.into_iter().map(index_pairs).collect(),
        })
    }
}

impl From<&Policy> for PolicyDocument {
    fn from(policy: &Policy) -> Self {
        match policy {
            Policy::FirstFit { weights, order } => {
                Self::FirstFit { weights: weights.clone(), order: hosts(order) }
            }
            Policy::BestFit { weights } => Self::BestFit { weights: weights.clone() },
            Policy::WorstFit { weights } => Self::WorstFit { weights: weights.clone() },
            Policy::BestBlock { chain } => Self::BestBlock { chain: chain.clone() },
        }
    }
}

impl From<PolicyDocument> for Policy {
    fn from(document: PolicyDocument) -> Self {
        match document {
            PolicyDocument::FirstFit { weights, order } => {
                Self::FirstFit { weights, order: host_indices(order) }
            }
            PolicyDocument::BestFit { weights } => Self::BestFit { weights },
            PolicyDocument::WorstFit { weights } => Self::WorstFit { weights },
            PolicyDocument::BestBlock { chain } => Self::BestBlock { chain },
        }
    }
}

pub(super) fn hosts(hosts: &[HostIndex]) -> Vec<u16> {
    hosts.iter().map(|host| host.0).collect()
}

pub(super) fn host_indices(hosts: Vec<u16>) -> Vec<HostIndex> {
    hosts.into_iter().map(HostIndex).collect()
}

pub(super) fn pairs(pairs: &[(VmIndex, HostIndex)]) -> Vec<(u32, u16)> {
    pairs.iter().map(|(vm, host)| (vm.0, host.0)).collect()
}

pub(super) fn index_pairs(pairs: Vec<(u32, u16)>) -> Vec<(VmIndex, HostIndex)> {
    pairs.into_iter().map(|(vm, host)| (VmIndex(vm), HostIndex(host))).collect()
}
