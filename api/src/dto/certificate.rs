//! Certificates as JSON, `lifeboat.certificate/v1`. Hosts, VMs and groups are numbers: their positions in the
//! pool document. What can be long is flat: the nodes of a proof tree are one string, a character a node
//! ([`tree`]); nested refutations and strategies are lists in preorder ([`preorder`]), so that reading one
//! needs no stack of its own. What each part claims is defined at [`lifeboat_model::certificate`].
mod convert;
mod preorder;
#[cfg(test)]
mod tests;
mod tree;

pub use preorder::{Move, Step};
pub use tree::{PolicyDocument, TestsDocument, TreeDocument};

use lifeboat_model::certificate::Certificate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::io::{self, Write};

/// Why a document is no certificate of use.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// Not JSON, or not of this shape.
    #[error("it is not a certificate")]
    Unreadable(#[from] serde_json::Error),
    /// It speaks of another pool.
    #[error("it is about pool {0:?}")]
    OtherPool(String),
    /// A tree has a character that stands for no node.
    #[error("{0:?} stands for no node of a proof tree")]
    UnknownNode(char),
    /// A list in preorder ends too early, or too late.
    #[error("a refutation or strategy is cut short, or has something left over")]
    Uneven,
    /// Nested more deeply than any planner writes.
    #[error("a refutation or strategy is nested more than {0} deep")]
    TooDeep(usize),
}

/// What stands behind one verdict.
#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CertificateDocument {
    /// Which kind of document this is.
    pub format: CertificateFormat,
    /// The name of the pool that it is about.
    pub pool: String,
    /// Where pending VMs are placed before any failure: pairs of VM and host.
    pub pending: Vec<(u32, u16)>,
    /// What is claimed of failures at once.
    pub simultaneous: SimultaneousDocument,
    /// What is claimed of failures in any order and grouping.
    pub sequential: SequentialDocument,
}

/// The format that this product reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum CertificateFormat {
    /// The first version.
    #[serde(rename = "lifeboat.certificate/v1")]
    V1,
}

/// What is claimed of failures at once.
#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SimultaneousDocument {
    /// Survivable.
    pub proven: Option<ProvenDocument>,
    /// Not survivable.
    pub refuted: Option<RefutedDocument>,
}

/// What is claimed of failures in any order and grouping.
#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SequentialDocument {
    /// Survivable.
    pub proven: Option<ProvenDocument>,
    /// Not survivable by any policy.
    pub refuted: Option<SequentialRefutedDocument>,
}

/// "Every failure set of at most so many hosts is survived."
#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProvenDocument {
    /// How many failures.
    pub failures: u32,
    /// Why; null: nothing needs a place.
    pub tree: Option<TreeDocument>,
}

/// "Some failure set is not survived."
#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RefutedDocument {
    /// The failure set; empty: the pending VMs cannot be placed.
    pub failed: Vec<u16>,
    /// Why its items cannot all be placed, in preorder.
    pub refutation: Vec<Step>,
}

/// "Some order of so many failures is survived by no policy."
#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SequentialRefutedDocument {
    /// How many failures.
    pub failures: u32,
    /// The adversary's strategy, in preorder.
    pub strategy: Vec<Move>,
}

/// Reads a certificate about the pool of that name.
///
/// # Errors
/// If it is none, or about another pool.
pub fn read(document: &[u8], pool: &str) -> Result<Certificate, CertificateError> {
    let document: CertificateDocument = serde_json::from_slice(document)?;
    if document.pool != pool {
        return Err(CertificateError::OtherPool(document.pool));
    }
    document.try_into()
}

/// Writes a certificate about the pool of that name.
///
/// # Errors
/// Those of the writer.
pub fn write(pool: &str, certificate: &Certificate, writer: impl Write) -> io::Result<()> {
    serde_json::to_writer(writer, &CertificateDocument::new(pool, certificate)).map_err(Into::into)
}
