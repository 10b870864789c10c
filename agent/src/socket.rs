//! Where operators reach the agent: a socket of the host, root's own, on which each line is a JSON object. `{"ask":"status"}` is answered by
//! `{"ok":{…}}`, what cannot be done by `{"error":"…"}`.
pub mod client;
pub mod server;
mod standing;

use serde::{Deserialize, Serialize};

/// What can be asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Ask {
    /// How things stand.
    Status,
    /// Nobody fences and nothing restarts for so long.
    Disarm {
        /// In seconds.
        lasts_s: u64,
    },
    /// The disarmed time ends.
    Arm,
    /// This host leaves the liveset.
    Leave,
    /// Another host leads.
    HandOver,
    /// The mass-failure brake is released.
    ReleaseBrake,
    /// A new heartbeat key.
    RotateKey,
    /// An operator's word that a host is off.
    ConfirmDead {
        /// The host's name.
        host: String,
        /// Against signs of life.
        #[serde(default)]
        forced: bool,
    },
    /// This host is taken out of the protocol; the flag that says so is written already.
    EmergencyDisable,
}
