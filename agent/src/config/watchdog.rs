//! `[watchdog]`: what resets the host when the agent no longer can.
use super::Faults;
use serde::Deserialize;
use std::path::PathBuf;

/// The section.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum WatchdogSection {
    /// The kernel's watchdog.
    Device {
        /// Its device.
        #[serde(default = "usual_device")]
        path: PathBuf,
    },
    /// A process that kills the host when it is told nothing in time.
    Supervisor {
        /// Its socket.
        path: PathBuf,
    },
    /// None: a host that hangs goes on running its VMs, and the pool is wrong about that.
    None {
        /// Says that this is meant.
        #[serde(default)]
        allow_none: bool,
    },
}

impl Default for WatchdogSection {
    fn default() -> Self {
        Self::Device { path: usual_device() }
    }
}

impl WatchdogSection {
    pub(super) fn check(&self, faults: &mut Faults) {
        match self {
            Self::Device { path } | Self::Supervisor { path } if !path.is_absolute() => {
                faults.add("watchdog", "path is one that begins with /");
            }
            Self::None { allow_none: false } => faults.add(
                "watchdog",
                "without a watchdog a VM can run twice when this host hangs; whoever wants that says allow_none = true",
            ),
            _ => {}
        }
    }
}

fn usual_device() -> PathBuf {
    "/dev/watchdog".into()
}
