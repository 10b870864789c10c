//! What the agent is configured to do.
pub mod hypervisor;
