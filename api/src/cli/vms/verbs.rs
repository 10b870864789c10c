//! What can be asked of VMs, and how.
use crate::cli::change::{DangerousArguments, OrdinaryArguments};
use crate::cli::listing::ListArguments;
use crate::cli::session::PoolServiceArguments;
use clap::{Subcommand, ValueEnum};
use std::path::PathBuf;

const EXAMPLES: &str = "Examples:
  The VMs on a host; those that are protected:
    lifeboat vm list --host h07
    lifeboat vm list --priority restart --all
  Start a VM where it does least harm; refused with a warning if the pool would lose its target:
    lifeboat vm start db1
  Why can it not run elsewhere:
    lifeboat vm diagnose db1
  Stop a protected VM for good:
    lifeboat vm stop db1 --lift-protection";

/// VMs of a pool: list, show, start, stop, migrate, protect, diagnose
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

/// What becomes of a VM when its host dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Priority {
    /// It is restarted, and the pool's target counts it
    Restart,
    /// It is restarted where there is room after that
    BestEffort,
    /// Nothing
    None,
}

impl Priority {
    /// As documents spell it.
    pub(in crate::cli) fn word(self) -> &'static str {
        match self {
            Self::Restart => "restart",
            Self::BestEffort => "best-effort",
            Self::None => "",
        }
    }
}

#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// List the VMs
    #[command(
        after_help = "Examples:\n  lifeboat vm list --host h07\n  lifeboat vm list --priority restart --watch"
    )]
    List {
        #[command(flatten)]
        how_much: ListArguments,
        /// Only those on this host
        #[arg(long, value_name = "HOST")]
        host: Option<String>,
        /// Only those in this state: running, paused, suspended or halted
        #[arg(long, value_name = "STATE")]
        state: Option<String>,
        /// Only those of this restart priority
        #[arg(long, value_name = "PRIORITY")]
        priority: Option<Priority>,
        /// Show it again whenever something happens, until ctrl-C
        #[arg(long)]
        watch: bool,
    },
    /// Show a VM
    #[command(after_help = "Example:\n  lifeboat vm show db1")]
    Show {
        /// The VM
        vm: String,
        /// Show it again whenever something happens, until ctrl-C
        #[arg(long)]
        watch: bool,
    },
    /// Make a VM known, described as in a pool document
    #[command(
        after_help = "Example:\n  echo '{\"id\": \"db9\", \"memory_mib\": 65536}' | lifeboat vm create -"
    )]
    Create {
        /// The description; `-` reads standard input
        #[arg(value_name = "VM.json")]
        file: PathBuf,
        #[command(flatten)]
        how: OrdinaryArguments,
    },
    /// Forget a VM
    #[command(after_help = "Example:\n  lifeboat vm remove db9 --yes")]
    Remove {
        /// The VM
        vm: String,
        #[command(flatten)]
        how: DangerousArguments,
    },
    /// Start a VM, if the pool keeps its target
    #[command(after_help = "Examples:
  lifeboat vm start db1
  lifeboat vm start db1 --on h07
  lifeboat vm start db1 --dry-run
  lifeboat vm start db1 --force --reason 'payroll runs tonight'")]
    Start {
        /// The VM
        vm: String,
        /// On this host [default: where it does least harm]
        #[arg(long, value_name = "HOST")]
        on: Option<String>,
        #[command(flatten)]
        how: OrdinaryArguments,
    },
    /// Resume a suspended VM, if the pool keeps its target
    #[command(after_help = "Example:\n  lifeboat vm resume db1")]
    Resume {
        /// The VM
        vm: String,
        /// On this host [default: where it does least harm]
        #[arg(long, value_name = "HOST")]
        on: Option<String>,
        #[command(flatten)]
        how: OrdinaryArguments,
    },
    /// Stop a VM
    #[command(
        after_help = "Examples:\n  lifeboat vm stop build3\n  lifeboat vm stop db1 --lift-protection --yes"
    )]
    Stop {
        /// The VM
        vm: String,
        /// Lift its protection in the same step: a protected VM would be restarted
        #[arg(long)]
        lift_protection: bool,
        /// Lift it indeed; without this that is only judged, and nothing changes
        #[arg(long, requires = "lift_protection", conflicts_with = "dry_run")]
        yes: bool,
        #[command(flatten)]
        how: OrdinaryArguments,
    },
    /// Suspend a VM
    #[command(after_help = "Example:\n  lifeboat vm suspend lab7")]
    Suspend {
        /// The VM
        vm: String,
        #[command(flatten)]
        how: OrdinaryArguments,
    },
    /// Migrate a running VM to another host
    #[command(after_help = "Examples:\n  lifeboat vm migrate db1 h07\n  lifeboat vm migrate db1 --abort")]
    Migrate {
        /// The VM
        vm: String,
        /// To this host
        #[arg(value_name = "HOST", required_unless_present_any = ["end", "abort"])]
        to: Option<String>,
        /// The migration has arrived
        #[arg(long, conflicts_with = "abort")]
        end: bool,
        /// The migration is given up
        #[arg(long)]
        abort: bool,
        #[command(flatten)]
        how: OrdinaryArguments,
    },
    /// Set what becomes of a VM when its host dies
    #[command(after_help = "Examples:\n  lifeboat vm protect db1 restart\n  lifeboat vm protect lab7 none")]
    Protect {
        /// The VM
        vm: String,
        /// restart, best-effort or none
        priority: Priority,
        #[command(flatten)]
        how: OrdinaryArguments,
    },
    /// Set when a VM restarts: order 0 first
    #[command(after_help = "Example:\n  lifeboat vm order db1 0")]
    Order {
        /// The VM
        vm: String,
        /// The order
        order: u32,
        #[command(flatten)]
        how: OrdinaryArguments,
    },
    /// Set how long to wait after a VM before the next order begins
    #[command(after_help = "Example:\n  lifeboat vm delay db1 30")]
    Delay {
        /// The VM
        vm: String,
        /// Seconds
        seconds: u32,
        #[command(flatten)]
        how: OrdinaryArguments,
    },
    /// Change fields of a VM
    #[command(after_help = "Examples:
  lifeboat vm set db1 memory_mib=131072
  lifeboat vm set db1 resources/vcpus=16 allowed_hosts='[\"h01\",\"h02\"]'")]
    Set {
        /// The VM
        vm: String,
        /// Fields as in the pool document; values as in JSON, text needs no quotes, null removes
        #[arg(value_name = "FIELD=VALUE", required = true)]
        fields: Vec<String>,
        #[command(flatten)]
        how: OrdinaryArguments,
    },
    /// Show or set when a VM that has been started counts as ready: the next order begins then
    #[command(
        after_help = "Examples:\n  lifeboat vm readiness db1\n  lifeboat vm readiness db1 tcp:5432\n  \
                            lifeboat vm readiness web1 http:80\n  lifeboat vm readiness app1 guest-agent"
    )]
    Readiness {
        /// The VM
        vm: String,
        /// started, guest-agent, tcp:PORT or http:PORT
        #[arg(value_name = "WHEN")]
        when: Option<super::readiness::When>,
    },
    /// Set what is done when a VM's guest answers no more; hosts with agents watch it
    #[command(
        after_help = "Examples:\n  lifeboat vm monitor db1\n  lifeboat vm monitor db1 --silent-for 30 --resets 1\n  \
                            lifeboat vm monitor db1 --off"
    )]
    Monitor {
        /// The VM
        vm: String,
        #[command(flatten)]
        how: super::monitor::Monitoring,
    },
    /// Show for every host whether a VM can run there, else why not
    #[command(after_help = "Example:\n  lifeboat vm diagnose lab7")]
    Diagnose {
        /// The VM
        vm: String,
    },
}
