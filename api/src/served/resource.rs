//! The things in a pool that have names of their own.
use std::sync::Arc;

/// What kind of thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The pool's settings; there is one of them, without a name.
    Settings,
    /// A storage.
    Storage,
    /// A network.
    Network,
    /// A host.
    Host,
    /// A VM.
    Vm,
    /// A rule between VMs.
    Group,
}

impl Kind {
    /// Every kind, in the order in which one may name the other.
    pub const ALL: [Self; 6] =
        [Self::Storage, Self::Network, Self::Host, Self::Vm, Self::Group, Self::Settings];

    /// The kind in words.
    pub fn word(self) -> &'static str {
        match self {
            Self::Settings => "settings",
            Self::Storage => "storage",
            Self::Network => "network",
            Self::Host => "host",
            Self::Vm => "VM",
            Self::Group => "group",
        }
    }

    /// The collection in documents, paths and keys.
    pub fn plural(self) -> &'static str {
        match self {
            Self::Settings => "settings",
            Self::Storage => "storages",
            Self::Network => "networks",
            Self::Host => "hosts",
            Self::Vm => "vms",
            Self::Group => "groups",
        }
    }
}

/// One thing in a pool.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Resource {
    /// What kind of thing.
    pub kind: Kind,
    /// Its name; empty for the settings.
    pub id: Arc<str>,
}

impl Resource {
    /// The thing of that kind and name.
    pub fn new(kind: Kind, id: impl Into<Arc<str>>) -> Self {
        Self { kind, id: id.into() }
    }

    /// The settings.
    pub fn settings() -> Self {
        Self::new(Kind::Settings, "")
    }
}
