//! Between the certificate of the model and its document.
use super::preorder::{moves, refutation, steps, strategy};
use super::tree::{host_indices, hosts, index_pairs, pairs};
use super::{
    CertificateDocument, CertificateError, CertificateFormat, ProvenDocument, RefutedDocument,
    SequentialDocument, SequentialRefutedDocument, SimultaneousDocument,
};
use lifeboat_model::certificate::{Certificate, Proof, Proven, Refuted, SequentialRefuted};

impl CertificateDocument {
    /// The document of a certificate about the pool of that name.
    pub fn new(pool: &str, certificate: &Certificate) -> Self {
        Self {
            format: CertificateFormat::V1,
            pool: pool.to_owned(),
            pending: pairs(&certificate.pending),
            simultaneous: SimultaneousDocument {
                proven: certificate.simultaneous_proven.as_ref().map(Into::into),
                refuted: certificate.simultaneous_refuted.as_ref().map(Into::into),
            },
            sequential: SequentialDocument {
                proven: certificate.sequential_proven.as_ref().map(Into::into),
                refuted: certificate.sequential_refuted.as_ref().map(Into::into),
            },
        }
    }
}

impl TryFrom<CertificateDocument> for Certificate {
    type Error = CertificateError;
    fn try_from(document: CertificateDocument) -> Result<Self, CertificateError> {
        Ok(Self {
            pending: index_pairs(document.pending),
            simultaneous_proven: document.simultaneous.proven.map(TryInto::try_into).transpose()?,
            simultaneous_refuted: document.simultaneous.refuted.map(TryInto::try_into).transpose()?,
            sequential_proven: document.sequential.proven.map(TryInto::try_into).transpose()?,
            sequential_refuted: document.sequential.refuted.map(TryInto::try_into).transpose()?,
        })
    }
}

impl From<&Proven> for ProvenDocument {
    fn from(proven: &Proven) -> Self {
        let tree = match &proven.proof {
            Proof::Nothing => None,
            Proof::Tree(tree) => Some(tree.into()),
        };
        Self { failures: proven.failures, tree }
    }
}

impl TryFrom<ProvenDocument> for Proven {
    type Error = CertificateError;
    fn try_from(document: ProvenDocument) -> Result<Self, CertificateError> {
        let proof = match document.tree {
            None => Proof::Nothing,
            Some(tree) => Proof::Tree(tree.try_into()?),
        };
        Ok(Self { failures: document.failures, proof })
    }
}

impl From<&Refuted> for RefutedDocument {
    fn from(refuted: &Refuted) -> Self {
        Self { failed: hosts(&refuted.failed), refutation: steps(&refuted.refutation) }
    }
}

impl TryFrom<RefutedDocument> for Refuted {
    type Error = CertificateError;
    fn try_from(document: RefutedDocument) -> Result<Self, CertificateError> {
        Ok(Self { failed: host_indices(document.failed), refutation: refutation(document.refutation)? })
    }
}

impl From<&SequentialRefuted> for SequentialRefutedDocument {
    fn from(refuted: &SequentialRefuted) -> Self {
        Self { failures: refuted.failures, strategy: moves(&refuted.strategy) }
    }
}

impl TryFrom<SequentialRefutedDocument> for SequentialRefuted {
    type Error = CertificateError;
    fn try_from(document: SequentialRefutedDocument) -> Result<Self, CertificateError> {
        Ok(Self { failures: document.failures, strategy: strategy(document.strategy)? })
    }
}
