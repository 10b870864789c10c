//! What can be asked of pools, and how.
use crate::cli::change::{DangerousArguments, OrdinaryArguments};
use crate::cli::listing::ListArguments;
use crate::cli::session::PoolServiceArguments;
use crate::cli::vms::Priority;
use clap::{Subcommand, ValueEnum};
use std::path::PathBuf;

const EXAMPLES: &str = "Examples:
  What there is, and what it survives:
    lifeboat pool list
    lifeboat pool tolerance --watch
  Take a pool document in, and out again:
    lifeboat pool import prod-a.json.gz
    lifeboat pool export prod-a.json.gz --pool prod-a
  Let the pool survive any 2 failures; refused if it cannot:
    lifeboat pool set-hftt 2
  Protect it, once everything is in place:
    lifeboat pool preconditions
    lifeboat pool enable-ha";

/// Pools: list, show, import, export, settings, what they survive, HA on and off
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, subcommand_required = true, arg_required_else_help = true)]
pub(in crate::cli) struct Arguments {
    #[command(subcommand)]
    pub(super) verb: Verb,
    #[command(flatten)]
    pub(super) service: PoolServiceArguments,
    /// Print JSON
    #[arg(long, global = true)]
    pub(super) json: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// List the pools, and what they survive
    #[command(after_help = "Example:\n  lifeboat pool list --watch")]
    List {
        #[command(flatten)]
        how_much: ListArguments,
        /// Show it again whenever it has changed, until ctrl-C
        #[arg(long)]
        watch: bool,
    },
    /// Show a pool in counts: hosts, VMs, what it survives, how fresh that is
    #[command(after_help = "Example:\n  lifeboat pool show --pool prod-a --watch")]
    Show {
        /// Show it again whenever something happens, until ctrl-C
        #[arg(long)]
        watch: bool,
    },
    /// Show what a pool survives, and why not more
    #[command(after_help = "Examples:\n  lifeboat pool tolerance\n  lifeboat pool tolerance --watch")]
    Tolerance {
        /// Show it again whenever something happens, until ctrl-C
        #[arg(long)]
        watch: bool,
    },
    /// Write the pool document
    #[command(
        after_help = "Examples:\n  lifeboat pool export - | jq .hosts\n  lifeboat pool export prod-a.json.gz"
    )]
    Export {
        /// The file, gzip-compressed if it ends in .gz; `-` is standard output
        #[arg(value_name = "FILE", default_value = "-")]
        file: PathBuf,
    },
    /// Make a pool of a document; over one that is there only with --yes
    #[command(
        after_help = "Examples:\n  lifeboat pool import prod-a.json\n  lifeboat pool import prod-a.json --pool copy\n  lifeboat pool import prod-a.json --yes"
    )]
    Import {
        /// The pool document, plain or gzip-compressed; `-` reads standard input
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Put it in the place of the pool that is there
        #[arg(long)]
        yes: bool,
    },
    /// Forget a pool and everything in it
    #[command(after_help = "Examples:\n  lifeboat pool delete lab\n  lifeboat pool delete lab --yes")]
    Delete {
        /// The pool
        #[arg(value_name = "POOL")]
        name: String,
        /// Do it; without this nothing changes
        #[arg(long)]
        yes: bool,
    },
    /// Show the settings
    #[command(after_help = "Example:\n  lifeboat pool settings --json")]
    Settings {
        /// Show it again whenever something happens, until ctrl-C
        #[arg(long)]
        watch: bool,
    },
    /// Set the host failures to tolerate; refused above what the pool survives
    #[command(
        name = "set-hftt",
        after_help = "Examples:\n  lifeboat pool set-hftt 2\n  lifeboat pool set-hftt 0 --yes\n  lifeboat pool set-hftt 9 --force --reason 'hosts arrive today'"
    )]
    SetHftt {
        /// The failures
        #[arg(value_name = "N")]
        hftt: u32,
        #[command(flatten)]
        how: DangerousArguments,
    },
    /// Change settings
    #[command(
        after_help = "Examples:\n  lifeboat pool set guarantee=simultaneous\n  lifeboat pool set timeout_s=30 brake=0.5\n  lifeboat pool set brake=null"
    )]
    Set {
        /// Settings as in the pool document; values as in JSON, text needs no quotes, null removes
        #[arg(value_name = "KEY=VALUE", required = true)]
        fields: Vec<String>,
        #[command(flatten)]
        how: OrdinaryArguments,
    },
    /// Show or set how restarts go: how many at once, how often, what is fenced
    #[command(
        name = "restart-settings",
        after_help = "Examples:\n  lifeboat pool restart-settings\n  lifeboat pool restart-settings starts_per_host=4\n  \
                      lifeboat pool restart-settings fence_unknown_after_s=120 starts_in_pool=null"
    )]
    RestartSettings {
        /// Settings as they are shown; values as in JSON, null makes one as usual again
        #[arg(value_name = "KEY=VALUE")]
        fields: Vec<String>,
    },
    /// Compute how many failures the pool would survive, as it is or with other restart priorities
    #[command(
        name = "compute-max",
        after_help = "Examples:\n  lifeboat pool compute-max\n  lifeboat pool compute-max --with db1=restart --with lab7=none"
    )]
    ComputeMax {
        /// As if that VM had this restart priority: restart, best-effort or none
        #[arg(long, value_name = "VM=PRIORITY", value_parser = with)]
        with: Vec<(String, Priority)>,
    },
    /// Show what enabling HA needs, and which storages can carry the heartbeat
    #[command(after_help = "Example:\n  lifeboat pool preconditions")]
    Preconditions {
        /// Show it again whenever something happens, until ctrl-C
        #[arg(long)]
        watch: bool,
    },
    /// Enable HA: hosts fence themselves, VMs restart
    #[command(
        name = "enable-ha",
        after_help = "Examples:\n  lifeboat pool enable-ha --dry-run\n  lifeboat pool enable-ha --storage san1 --timeout-s 30"
    )]
    EnableHa {
        /// The storage that carries the heartbeat [default: the best one]
        #[arg(long, value_name = "STORAGE")]
        storage: Option<String>,
        /// The timeout T for this enablement [default: the pool's]
        #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(3..=300))]
        timeout_s: Option<u32>,
        #[command(flatten)]
        how: OrdinaryArguments,
    },
    /// Disable HA: nothing is fenced or restarted any more
    #[command(
        name = "disable-ha",
        after_help = "Examples:\n  lifeboat pool disable-ha\n  lifeboat pool disable-ha --yes"
    )]
    DisableHa {
        #[command(flatten)]
        how: DangerousArguments,
    },
    /// Disable HA although hosts or the medium are out of reach
    #[command(
        name = "emergency-disable",
        after_help = "A host that does not hear of it goes on guarding its VMs, and fences itself if it is cut off.\n\n\
                      Example:\n  lifeboat pool emergency-disable --yes --reason 'the array is gone'"
    )]
    EmergencyDisable {
        /// Do it; without this nothing changes
        #[arg(long, requires = "reason")]
        yes: bool,
        /// Why; it is recorded
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
    },
    /// Hand the coordinator over to another host
    #[command(
        name = "hand-over",
        after_help = "Examples:\n  lifeboat pool hand-over\n  lifeboat pool hand-over --yes"
    )]
    HandOver {
        /// Do it; without this nothing changes
        #[arg(long)]
        yes: bool,
    },
    /// Begin the coordinator anew where it is
    #[command(
        name = "reset-coordinator",
        after_help = "Examples:\n  lifeboat pool reset-coordinator\n  lifeboat pool reset-coordinator --yes"
    )]
    ResetCoordinator {
        /// Do it; without this nothing changes
        #[arg(long)]
        yes: bool,
    },
    /// Release the mass-failure brake: VMs of hosts that are safe to replace restart
    #[command(
        name = "release-brake",
        after_help = "Examples:\n  lifeboat pool release-brake\n  lifeboat pool release-brake --yes"
    )]
    ReleaseBrake {
        /// Do it; without this nothing changes
        #[arg(long)]
        yes: bool,
    },
    /// Have the agents make and use a new heartbeat key
    #[command(name = "rotate-key", after_help = "Example:\n  lifeboat pool rotate-key --yes")]
    RotateKey {
        /// Do it; without this nothing changes
        #[arg(long)]
        yes: bool,
    },
    /// Have another certificate authority take the place of the pool's
    #[command(
        name = "rotate-authority",
        after_help = "Examples:\n  lifeboat pool rotate-authority\n  lifeboat pool rotate-authority --yes"
    )]
    RotateAuthority {
        /// Do it; without this nothing changes
        #[arg(long)]
        yes: bool,
    },
    /// Boot hosts anew, group by group, with their VMs running on elsewhere: the plan, and with --yes its execution
    #[command(
        name = "rolling-reboot",
        after_help = "Examples:\n  lifeboat pool rolling-reboot\n  lifeboat pool rolling-reboot --yes --watch\n  \
                      lifeboat pool rolling-reboot --status --watch\n  lifeboat pool rolling-reboot --cancel"
    )]
    RollingReboot(RollingReboot),
    /// Set what becomes of changes that make matters worse
    #[command(
        after_help = "Examples:\n  lifeboat pool admission warn --yes\n  lifeboat pool admission enforce"
    )]
    Admission {
        /// enforce: they are refused; warn: they are made, with a warning
        policy: Policy,
        /// Let them be made indeed; without this `warn` changes nothing
        #[arg(long)]
        yes: bool,
    },
}

/// How hosts are booted anew.
#[expect(clippy::struct_excessive_bools, reason = "switches of a command line, each by itself")]
#[derive(Debug, clap::Args)]
pub(super) struct RollingReboot {
    /// Only show the plan, as without --yes
    #[arg(long, conflicts_with = "yes")]
    pub(super) dry_run: bool,
    /// Do it; without this nothing changes
    #[arg(long)]
    pub(super) yes: bool,
    /// Only these hosts [default: all that take VMs]
    #[arg(long, value_name = "HOST,...", value_delimiter = ',', requires = "yes")]
    pub(super) hosts: Vec<String>,
    /// The most hosts that are down at once [default: as many as can be]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) at_once: Option<u32>,
    /// Stop VMs that can go nowhere for as long as their host is down
    #[arg(long, requires = "yes")]
    pub(super) stop_vms: bool,
    /// How long a host may take to come back [default: 1800]
    #[arg(long, value_name = "SECONDS", requires = "yes", value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub(super) returns_within: Option<u32>,
    /// Show how far it is
    #[arg(long, conflicts_with_all = ["yes", "cancel", "dry_run"])]
    pub(super) status: bool,
    /// No other host goes; hosts that are down come back
    #[arg(long, conflicts_with_all = ["yes", "dry_run"])]
    pub(super) cancel: bool,
    /// With --yes or --status: follow it to its end
    #[arg(long)]
    pub(super) watch: bool,
}

/// What becomes of changes that make matters worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Policy {
    /// They are refused, unless forced
    Enforce,
    /// They are made, with a warning
    Warn,
}

/// `VM=PRIORITY`; names may have `=` in them.
fn with(text: &str) -> Result<(String, Priority), String> {
    let (vm, priority) = text.rsplit_once('=').ok_or("must be VM=PRIORITY")?;
    Ok((vm.to_owned(), Priority::from_str(priority, false)?))
}
