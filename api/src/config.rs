//! The configuration file: TOML, every key with a default, a range and a sentence about it.
//!
//! Each key is declared once, in [`sections`]. From that declaration come the field, the reading of it, its faults, the
//! commented file that `lifeboat config example` prints, and the tables of docs/configuration.md: there is nothing that could
//! drift. Reading tells every fault at once, each with its line and column.
//!
//! ```text
//!  text ─► read.rs ─► sections.rs (values) ─► check.rs (what fits together) ─► Config
//! ```
pub mod check;
pub mod pages;
pub mod read;
pub mod secret;
pub mod sections;
pub mod setting;

pub use check::ConfigFault;
pub use secret::{SecretSource, Secrets};
pub use sections::{
    Alerts, Audit, Config, Coordinator, Limits, Listen, Log, LogFormat, LogLevel, Required, Solver,
    StoreSection, Telemetry, Tokens,
};

/// Where the package puts the file.
pub const USUAL_PATH: &str = "/etc/lifeboat/lifeboat.toml";
