//! Carries out what concerns VMs.
pub mod kept;
