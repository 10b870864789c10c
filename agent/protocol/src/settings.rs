//! What the operator sets for liveness, and every span that follows from the timeout T. The safety argument at
//! the head of [`crate::lease`] speaks of these spans by their names.
use core::time::Duration;

/// Who lives when the medium is out of reach.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StorageLoss {
    /// Whoever still has the medium may go on; without it a host needs every member of the liveset.
    #[default]
    Medium,
    /// A strict majority of the liveset lives; a minority fences itself even if it has the medium.
    Majority,
}

/// When a host that keeps failing is no longer counted on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quarantine {
    /// This many failures put a host in quarantine.
    pub failures: u8,
    /// A host's count of failures falls by one each time this long passes without one.
    pub decay: Duration,
}

impl Default for Quarantine {
    fn default() -> Self {
        Self { failures: 3, decay: Duration::from_hours(1) }
    }
}

/// The settings of a pool or of one enablement of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The pool's timeout T: 3 to 300 s.
    pub timeout: Duration,
    /// Who lives when the medium is out of reach.
    pub storage_loss: StorageLoss,
    /// Share of the liveset, in thousandths, beyond which failures within a short window are not acted on.
    pub brake_permille: Option<u32>,
    /// When a flapping host is quarantined.
    pub quarantine: Quarantine,
    /// Whether a host that reaches no gateway counts as without carrier.
    pub gateway: bool,
    /// How many heartbeat networks there are.
    pub networks: u8,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(15),
            storage_loss: StorageLoss::Medium,
            brake_permille: None,
            quarantine: Quarantine::default(),
            gateway: false,
            networks: 1,
        }
    }
}

/// How far a clock's rate may be off, in parts per million of true time.
pub const CLOCK_RATE_PPM: u32 = 200;

/// How long whoever leads waits for its coordinator's process to answer before it begins it anew.
pub fn coordinator_patience(timeout: Duration) -> Duration {
    (timeout / 3).clamp(Duration::from_secs(2), Duration::from_secs(5))
}

impl Settings {
    /// How often a heartbeat goes to each peer on each network.
    pub fn heartbeat_interval(&self) -> Duration {
        (self.timeout / 20).clamp(Duration::from_millis(150), Duration::from_secs(1))
    }

    /// How often a cycle (publish, then read) begins on the medium.
    pub fn medium_interval(&self) -> Duration {
        (self.timeout / 30).clamp(Duration::from_millis(100), Duration::from_millis(500))
    }

    /// Silence on the network after which a host that the medium shows alive is cut off: early enough that
    /// the decision (four requests to the medium), its reading and the losers' fencing end within T + margin, with a
    /// medium that takes 250 ms a request.
    pub fn network_silence_of(&self, timeout: Duration) -> Duration {
        timeout.saturating_sub(Duration::from_millis(1_500))
    }

    /// How much longer than T the watchdog may take after the renewal that fed it: timers with whole seconds,
    /// and the agent's own fencing first.
    pub fn watchdog_slack(&self) -> Duration {
        Duration::from_millis(500)
    }

    /// Margin = 1 s + 400 ppm of T: watchdog slack, the time that killing takes, and two clocks that
    /// drift apart. The sum is in [`crate::lease`].
    pub fn margin_of(&self, timeout: Duration) -> Duration {
        Duration::from_secs(1) + timeout * (2 * CLOCK_RATE_PPM) / 1_000_000
    }
}
