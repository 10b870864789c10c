//! What an operator can set about restarts. Every wait and every number of tries has a limit here, with its default.
use alloc::collections::BTreeMap;
use core::time::Duration;
use lifeboat_model::VmIndex;

/// When a started VM counts as ready, so that the next order may begin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Gate {
    /// As soon as its vCPUs execute.
    #[default]
    Started,
    /// When its guest agent answers.
    GuestAgent,
    /// When it accepts a TCP connection on this port.
    Tcp {
        /// The port.
        port: u16,
    },
    /// When it answers HTTP GET / on this port with a status below 400.
    Http {
        /// The port.
        port: u16,
    },
}

/// The settings of the restarts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// VMs whose gate is another than [`Gate::Started`].
    pub gates: BTreeMap<VmIndex, Gate>,
    /// How long a VM that does not pass its gate holds later orders back; counted from its start command.
    pub gate_timeout: Duration,
    /// Starts under way at once on one host: more only make each other slower.
    pub starts_per_host: usize,
    /// Starts under way at once in the pool: what shared storage stands.
    pub starts_in_pool: usize,
    /// Migrations under way at once from or to one host.
    pub migrations_per_host: usize,
    /// The first wait after a VM could not be started anywhere; it doubles from one time to the next.
    pub first_backoff: Duration,
    /// The longest such wait.
    pub longest_backoff: Duration,
    /// Starts that a best-effort VM is given before it is left down.
    pub best_effort_attempts: u32,
    /// Whether best-effort VMs may cost the pool its proven target.
    pub best_effort_may_cost_target: bool,
    /// Whether a protected VM that was shut down from inside is started again.
    pub restart_after_shutdown_inside: bool,
    /// A VM that ran this long has left its crash loop: its next crash is a first one.
    pub steady_after: Duration,
    /// How long a live host may leave it unknown whether VMs run there before it is told to people.
    pub unknown_alert_after: Duration,
    /// How long a live host may leave it unknown whether VMs run there before it is fenced; none: never.
    pub fence_unknown_after: Option<Duration>,
    /// How long the far end of a migration whose source died may take to say what became of the VM before it is
    /// told to stop it there, so that it can be started.
    pub migration_settles_within: Duration,
    /// At the beginning of a term no restart is planned before every live host has spoken, or this long: a plan that
    /// knows only the first host to answer would pile everything onto it.
    pub gather_within: Duration,
    /// How long to wait before writing again what the store refused.
    pub store_again_after: Duration,
    /// Alerts about tolerance wait this long for the pool to come to rest.
    pub assess_after: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            gates: BTreeMap::new(),
            gate_timeout: Duration::from_mins(2),
            starts_per_host: 8,
            starts_in_pool: 128,
            migrations_per_host: 2,
            first_backoff: Duration::from_secs(1),
            longest_backoff: Duration::from_mins(1),
            best_effort_attempts: 1,
            best_effort_may_cost_target: false,
            restart_after_shutdown_inside: true,
            steady_after: Duration::from_mins(5),
            unknown_alert_after: Duration::from_secs(30),
            fence_unknown_after: None,
            migration_settles_within: Duration::from_secs(10),
            gather_within: Duration::from_secs(1),
            store_again_after: Duration::from_secs(1),
            assess_after: Duration::from_millis(500),
        }
    }
}

impl Settings {
    /// The wait after the `times`-th failure in a row, counted from 0: doubling, with a cap.
    pub(crate) fn backoff(&self, times: u32) -> Duration {
        let doubled = self.first_backoff.saturating_mul(1 << times.min(20));
        doubled.min(self.longest_backoff)
    }

    /// The gate of a VM.
    pub fn gate(&self, vm: VmIndex) -> Gate {
        self.gates.get(&vm).copied().unwrap_or_default()
    }
}
