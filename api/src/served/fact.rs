//! What has happened to a pool, as control planes and agents tell it. A fact is not refused because it makes matters worse:
//! it has happened. It is only not understood where it speaks of what the pool does not have. Facts may be told twice, and
//! a fact that contradicts what was known before wins.
use super::{Served, ServedError, Step, Telling};
use lifeboat_model::Pool;
use lifeboat_model::spec::{HostSpec, HostState, VmSpec};
use std::sync::Arc;

/// Something that has happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Fact {
    /// A VM was made, or is described anew: where it runs is as the description says.
    VmDescribed(Box<VmSpec>),
    /// A VM runs on a host: it was started, resumed, or seen there.
    VmRuns {
        /// The VM.
        vm: String,
        /// The host.
        host: String,
    },
    /// A VM was shut down and shall stay so.
    VmStopped {
        /// The VM.
        vm: String,
    },
    /// A VM was written to disk and shall stay so.
    VmSuspended {
        /// The VM.
        vm: String,
    },
    /// A VM stopped and should run: protected ones are pending until they do.
    VmCrashed {
        /// The VM.
        vm: String,
    },
    /// A VM is no more.
    VmRemoved {
        /// The VM.
        vm: String,
    },
    /// A live migration began.
    MigrationBegun {
        /// The VM.
        vm: String,
        /// Where to.
        host: String,
    },
    /// A live migration was given up.
    MigrationAborted {
        /// The VM.
        vm: String,
    },
    /// A VM has so much memory now.
    VmMemory {
        /// The VM.
        vm: String,
        /// In MiB.
        memory_mib: u64,
    },
    /// A VM has these countable resources now.
    VmResources {
        /// The VM.
        vm: String,
        /// All of them.
        resources: Vec<(String, u64)>,
    },
    /// A host joined, or is described anew.
    HostDescribed(Box<HostSpec>),
    /// A host is up: where it was dead or fenced, it is live now.
    HostUp {
        /// The host.
        host: String,
    },
    /// A host is in this state now.
    HostState {
        /// The host.
        host: String,
        /// The state.
        state: HostState,
    },
    /// A host has left the pool for good; what ran there should run elsewhere.
    HostRemoved {
        /// The host.
        host: String,
    },
    /// A host has so much memory now.
    HostMemory {
        /// The host.
        host: String,
        /// In MiB.
        memory_mib: u64,
    },
    /// A storage was attached to a host or unplugged from it.
    Storage {
        /// The host.
        host: String,
        /// The storage.
        storage: String,
        /// Whether it is attached now.
        plugged: bool,
    },
    /// A network was plugged into a host or unplugged from it.
    Network {
        /// The host.
        host: String,
        /// The network.
        network: String,
        /// Whether it is plugged now.
        plugged: bool,
    },
}

/// The pool after a fact; none if it was known already.
///
/// # Errors
/// Where the fact makes no sense for this pool.
pub fn after(served: &Served, fact: &Fact) -> Result<Option<(Pool, Step)>, ServedError> {
    let mut telling = Telling::of(Arc::clone(served.pool()), Arc::clone(served.vm_names()));
    telling.tell(fact)?;
    Ok(telling.end())
}
