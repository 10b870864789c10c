//! The hook that libvirt runs on a host whenever something happens to a VM: before a VM starts it asks the service whether that
//! does the pool harm, and warns or denies; afterwards it tells what has happened.
//!
//! ```text
//!  libvirt ─► qemu DOMAIN OPERATION SUB EXTRA, XML on stdin
//!              │
//!              ▼ occasion.rs  what it is about: one of five occasions, or nothing
//!              ▼ domain.rs    name, memory, vCPUs from the XML
//!              ▼ attend.rs    what to ask and tell (pure; the service is a trait)
//!              ▼ service.rs   the calls over HTTP
//!  exit 0 or 1 ◄── within settings.time_limit_ms, whatever happens
//! ```
//!
//! libvirt waits for a hook and holds the VM's lock meanwhile: a hook that calls libvirt waits for itself for ever. This one
//! has no way to call it.
pub mod attend;
pub mod domain;
pub mod occasion;
pub mod service;
pub mod settings;
pub mod syslog;

pub use attend::{Decision, attend};
pub use domain::Domain;
pub use occasion::Occasion;
pub use settings::HookSettings;
