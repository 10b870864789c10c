//! Refutations and strategies, which nest, as flat lists: each entry is followed by all of its first part,
//! then all of its second, and so on. An entry knows how many parts it has.
use super::CertificateError;
use super::tree::{host_indices, hosts};
use lifeboat_model::certificate::{Refutation, Refuted, Strategy};
use lifeboat_model::{GroupIndex, HostIndex, VmIndex};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::vec::IntoIter;

/// How deep refutations and strategies may nest: far beyond what a planner writes (a level is a decision about
/// one VM, or one failure), and little enough for everything that walks them.
const MOST_LEVELS: usize = 256;

/// Why items cannot all be placed.
#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", rename_all_fields = "snake_case")]
#[schemars(rename = "RefutationStep")]
pub enum Step {
    /// More hosts than liveness lets fail.
    Liveness,
    /// No target survives, and there is an item.
    NoSurvivor,
    /// The items are worth more than the survivors can hold.
    Values {
        /// Surrogate weight by resource.
        surrogate: Vec<u64>,
        /// Pairs of an item's lowest VM and its value.
        values: Vec<(u32, u64)>,
    },
    /// Members of a separation that need more domains than there are.
    Separation {
        /// The group.
        group: u32,
        /// The members.
        members: Vec<u32>,
    },
    /// Trying everything places them not.
    Exhaustion {
        /// The items in the order in which they are tried.
        items: Vec<u32>,
        /// How many placements the search makes.
        nodes: u64,
    },
    /// Filling the hosts in this order by memory alone never places everything.
    Filling {
        /// Every alive target once.
        order: Vec<u16>,
    },
    /// The item must go somewhere. As many refutations follow as there are hosts.
    Cases {
        /// The item.
        item: u32,
        /// Each host that can take it.
        hosts: Vec<u16>,
    },
}

/// What the adversary does.
#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", rename_all_fields = "snake_case")]
#[schemars(rename = "AdversaryMove")]
pub enum Move {
    /// Lets these hosts fail at once, which cannot be survived.
    AtOnce {
        /// The hosts.
        failed: Vec<u16>,
        /// Why, in preorder.
        refutation: Vec<Step>,
    },
    /// Lets one host fail. An answer follows for every placement of its items.
    Fail {
        /// The host.
        host: u16,
        /// How many answers.
        answers: u32,
    },
}

/// A refutation in preorder.
pub(super) fn steps(refutation: &Refutation) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut left = vec![refutation];
    while let Some(refutation) = left.pop() {
        steps.push(match refutation {
            Refutation::Liveness => Step::Liveness,
            Refutation::NoSurvivor => Step::NoSurvivor,
            Refutation::Values { surrogate, values } => Step::Values {
                surrogate: surrogate.clone(),
                values: values.iter().map(|&(vm, value)| (vm.0, value)).collect(),
            },
            Refutation::Separation { group, members } => {
                Step::Separation { group: group.0, members: vms(members) }
            }
            Refutation::Exhaustion { items, nodes } => Step::Exhaustion { items: vms(items), nodes: *nodes },
            Refutation::Filling { order } => Step::Filling { order: hosts(order) },
            Refutation::Cases { item, cases } => {
                left.extend(cases.iter().rev().map(|(_, case)| case));
                Step::Cases { item: item.0, hosts: cases.iter().map(|(host, _)| host.0).collect() }
            }
        });
    }
    steps
}

/// A strategy in preorder.
pub(super) fn moves(strategy: &Strategy) -> Vec<Move> {
    let mut moves = Vec::new();
    let mut left = vec![strategy];
    while let Some(strategy) = left.pop() {
        moves.push(match strategy {
            Strategy::AtOnce(refuted) => {
                Move::AtOnce { failed: hosts(&refuted.failed), refutation: steps(&refuted.refutation) }
            }
            Strategy::Fail { host, answers } => {
                left.extend(answers.iter().rev());
                Move::Fail { host: host.0, answers: answers.len() as u32 }
            }
        });
    }
    moves
}

/// The refutation that a list is the preorder of.
pub(super) fn refutation(steps: Vec<Step>) -> Result<Refutation, CertificateError> {
    let mut steps = steps.into_iter();
    let refutation = next_refutation(&mut steps, MOST_LEVELS)?;
    if steps.len() == 0 { Ok(refutation) } else { Err(CertificateError::Uneven) }
}

/// The strategy that a list is the preorder of.
pub(super) fn strategy(moves: Vec<Move>) -> Result<Strategy, CertificateError> {
    let mut moves = moves.into_iter();
    let strategy = next_strategy(&mut moves, MOST_LEVELS)?;
    if moves.len() == 0 { Ok(strategy) } else { Err(CertificateError::Uneven) }
}

fn next_refutation(steps: &mut IntoIter<Step>, levels: usize) -> Result<Refutation, CertificateError> {
    let below = levels.checked_sub(1).ok_or(CertificateError::TooDeep(MOST_LEVELS))?;
    Ok(match steps.next().ok_or(CertificateError::Uneven)? {
        Step::Liveness => Refutation::Liveness,
        Step::NoSurvivor => Refutation::NoSurvivor,
        Step::Values { surrogate, values } => Refutation::Values {
            surrogate,
            values: values.into_iter().map(|(vm, value)| (VmIndex(vm), value)).collect(),
        },
        Step::Separation { group, members } => {
            Refutation::Separation { group: GroupIndex(group), members: vm_indices(members) }
        }
        Step::Exhaustion { items, nodes } => Refutation::Exhaustion { items: vm_indices(items), nodes },
        Step::Filling { order } => Refutation::Filling { order: host_indices(order) },
        Step::Cases { item, hosts } => Refutation::Cases {
            item: VmIndex(item),
            cases: hosts
                .into_iter()
                .map(|host| Ok((HostIndex(host), next_refutation(steps, below)?)))
                .collect::<Result<_, CertificateError>>()?,
        },
    })
}

fn next_strategy(moves: &mut IntoIter<Move>, levels: usize) -> Result<Strategy, CertificateError> {
    let below = levels.checked_sub(1).ok_or(CertificateError::TooDeep(MOST_LEVELS))?;
    Ok(match moves.next().ok_or(CertificateError::Uneven)? {
        Move::AtOnce { failed, refutation: steps } => {
            Strategy::AtOnce(Refuted { failed: host_indices(failed), refutation: refutation(steps)? })
        }
        // An announced number is not trusted for room: each answer has to be there.
        Move::Fail { host, answers } => Strategy::Fail {
            host: HostIndex(host),
            answers: (0..answers).map(|_| next_strategy(moves, below)).collect::<Result<_, _>>()?,
        },
    })
}

fn vms(vms: &[VmIndex]) -> Vec<u32> {
    vms.iter().map(|vm| vm.0).collect()
}

fn vm_indices(vms: Vec<u32>) -> Vec<VmIndex> {
    vms.into_iter().map(VmIndex).collect()
}
