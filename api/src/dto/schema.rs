//! The published JSON Schemas, made of the very structs that documents are read into and written from.
use super::admission::AdmissionAnswer;
use super::agility::{AgilityAnswer, VmAgility};
use super::bench::BenchAnswer;
use super::capacity::CapacityAnswer;
use super::certificate::CertificateDocument;
use super::explanation::ExplainAnswer;
use super::pool::PoolDocument;
use super::repair::RepairAnswer;
use super::restart::RestartPlanAnswer;
use super::verdict::PlanAnswer;
use schemars::{Schema, schema_for};

/// Of what there is a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    /// The pool document
    Pool,
    /// The certificate
    Certificate,
    /// The answer of `plan --json`
    Plan,
    /// The answer of `plan --fail … --json`
    Restarts,
    /// The answer of `diagnose --json`
    Agility,
    /// The answer of `diagnose POOL VM --json`
    VmAgility,
    /// The answer of `check --json`
    Check,
    /// The answer of `explain --json`
    Explain,
    /// The answer of `repair --json`
    Repair,
    /// The answer of `capacity --json`
    Capacity,
    /// The answer of `bench --json`
    Bench,
}

/// The schema of `kind`.
pub fn of(kind: Kind) -> Schema {
    match kind {
        Kind::Pool => schema_for!(PoolDocument<'static>),
        Kind::Certificate => schema_for!(CertificateDocument),
        Kind::Plan => schema_for!(PlanAnswer<'static>),
        Kind::Restarts => schema_for!(RestartPlanAnswer<'static>),
        Kind::Agility => schema_for!(AgilityAnswer<'static>),
        Kind::VmAgility => schema_for!(VmAgility<'static>),
        Kind::Check => schema_for!(AdmissionAnswer<'static>),
        Kind::Explain => schema_for!(ExplainAnswer<'static>),
        Kind::Repair => schema_for!(RepairAnswer<'static>),
        Kind::Capacity => schema_for!(CapacityAnswer<'static>),
        Kind::Bench => schema_for!(BenchAnswer<'static>),
    }
}
