//! The closed vocabularies of the pool document, each with its spelling in one place and its meaning in the
//! model.
use lifeboat_model::spec;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A closed set of words: how the document spells the variants of one of the model's enums.
pub(in crate::dto) trait Word: Copy + 'static {
    /// Every word with its spelling.
    const WORDS: &'static [(&'static str, Self)];
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident => $model:ty { $($(#[$variant_doc:meta])* $variant:ident = $spelling:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
        pub enum $name { $($(#[$variant_doc])* #[serde(rename = $spelling)] $variant,)* }
        impl Word for $name {
            const WORDS: &'static [(&'static str, Self)] = &[$(($spelling, Self::$variant),)*];
        }
        impl From<$name> for $model {
            fn from(word: $name) -> Self { match word { $($name::$variant => Self::$variant,)* } }
        }
        impl From<$model> for $name {
            fn from(value: $model) -> Self { match value { $(<$model>::$variant => Self::$variant,)* } }
        }
    };
}

macro_rules! defaults {
    ($($name:ident => $model:ty),* $(,)?) => {
        $(impl Default for $name {
            fn default() -> Self { <$model>::default().into() }
        })*
    };
}

defaults!(
    HostStateWord => spec::HostState,
    RestartPriorityWord => spec::RestartPriority,
    RuleModeWord => spec::RuleMode,
);

/// The format that this product reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum DocumentFormat {
    /// The first version.
    #[serde(rename = "lifeboat.pool/v1")]
    PoolV1,
}

impl Word for DocumentFormat {
    const WORDS: &'static [(&'static str, Self)] = &[("lifeboat.pool/v1", Self::PoolV1)];
}

words! {
    /// Which notion of tolerance the target is held against.
    GuaranteeWord => spec::Guarantee {
        /// Any n in any order and any grouping, restarts in between.
        Sequential = "sequential",
        /// Any n at once.
        Simultaneous = "simultaneous",
    }
}

words! {
    /// What carries the pool's shared records.
    MediumWord => spec::Medium {
        /// The heartbeat region of a shared volume.
        Statefile = "statefile",
        /// An etcd cluster.
        Etcd = "etcd",
    }
}

words! {
    /// Who lives when the medium is out of reach.
    StorageLossWord => spec::StorageLoss {
        /// Whoever still has the medium may go on.
        Medium = "medium",
        /// Only a strict majority of the hosts.
        Majority = "majority",
    }
}

words! {
    /// State of a host.
    HostStateWord => spec::HostState {
        /// Alive, and takes VMs.
        Live = "live",
        /// Alive, takes no new VMs.
        Disabled = "disabled",
        /// Being or been emptied.
        Maintenance = "maintenance",
        /// Known to have failed.
        Dead = "dead",
        /// Made certain that it runs no VM.
        Fenced = "fenced",
    }
}

words! {
    /// Whether a VM executes, and what it holds.
    PowerStateWord => spec::PowerState {
        /// Executes; holds its resources.
        Running = "running",
        /// Stands still in memory; holds its resources.
        Paused = "paused",
        /// Written to disk; holds nothing.
        Suspended = "suspended",
        /// Off; holds nothing.
        Halted = "halted",
    }
}

words! {
    /// What becomes of a VM when its host dies.
    RestartPriorityWord => spec::RestartPriority {
        /// Protected: in the proof, and restarted first.
        Restart = "restart",
        /// Restarted when every placeable protected VM is up.
        BestEffort = "best-effort",
        /// Not restarted.
        Unprotected = "",
    }
}

words! {
    /// What a rule asks of its members.
    RuleWord => spec::Rule {
        /// No two on one host.
        AntiAffinity = "anti-affinity",
        /// Restarted with a running member, on its host, and with each other.
        Affinity = "affinity",
        /// No two in one fault domain.
        Spread = "spread",
    }
}

words! {
    /// Whether a rule binds.
    RuleModeWord => spec::RuleMode {
        /// Binds the proof and the plan.
        Required = "required",
        /// Never changes a verdict; what breaks it is named.
        Preferred = "preferred",
    }
}
