//! Why high availability is refused, or should be better. The texts name no host: names are the edge's.
use lifeboat_model::HostIndex;

/// A reason, and the host that it is about, if it is about one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finding<Reason> {
    /// The host.
    pub host: Option<HostIndex>,
    /// The reason.
    pub reason: Reason,
}

impl<Reason> Finding<Reason> {
    pub(super) fn of_pool(reason: Reason) -> Self {
        Self { host: None, reason }
    }

    pub(super) fn of_host(host: HostIndex, reason: Reason) -> Self {
        Self { host: Some(host), reason }
    }
}

/// Why high availability cannot be enabled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// T is out of range.
    #[error("the timeout must be 3 to 300 s")]
    Timeout,
    /// The pool is empty.
    #[error("the pool has no host")]
    NoHosts,
    /// More hosts than a statefile has room for.
    #[error("a statefile has room for 64 hosts; larger pools need etcd")]
    TooManyHosts,
    /// The brake would hold failures that the pool is to tolerate.
    #[error("the brake's share must be more than the host failures to tolerate divided by the hosts")]
    BrakeBelowTarget,
    /// The agent does not answer.
    #[error("its agent cannot be reached")]
    NoAgent,
    /// Nothing would reset the host.
    #[error("it has no watchdog that can be armed")]
    NoWatchdog,
    /// The clock is worse than the safety margin allows.
    #[error("its clock's rate is off by more than 200 ppm")]
    ClockRate,
    /// No heartbeat network is set, or the agent knows another number of them.
    #[error("its heartbeat networks are not those of the pool, of which there must be at least one")]
    Networks,
    /// It would be cut off as soon as the pool is armed.
    #[error("it does not exchange heartbeats with {} on any network", .with.0)]
    NotConnected {
        /// The other host, by index.
        with: HostIndex,
    },
    /// etcd does not answer the host.
    #[error("it does not reach etcd")]
    NoEtcd,
    /// etcd answers too slowly for T.
    #[error("etcd answers it too slowly for this timeout")]
    EtcdTooSlow,
    /// The storage that was asked for is not there, or cannot carry the heartbeat.
    #[error("the storage asked for cannot carry the heartbeat")]
    StorageUnfit,
    /// No storage can carry the heartbeat.
    #[error("no storage can carry the heartbeat")]
    NoStorage,
}

/// What should be better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Warning {
    /// There is nowhere to restart anything.
    #[error("the pool has one host: VMs are restarted only where they crashed")]
    OneHost,
    /// Two hosts have no majority but both.
    #[error("of two hosts only both are a strict majority: the loss of one stops the other")]
    MajorityOfTwo,
    /// Beyond what the promised times allow for.
    #[error("the medium takes more than 250 ms: failover takes longer than promised by the excess")]
    SlowMedium,
    /// One heartbeat network, or several over one link.
    #[error("its heartbeats have a single physical link")]
    NotRedundant,
    /// A link is down.
    #[error("one of its heartbeat links has no carrier")]
    LinkDown,
    /// The watchdog depends on what it watches.
    #[error("its watchdog is its own kernel's, and does not fire if that hangs")]
    KernelWatchdog,
    /// The clock was not measured.
    #[error("its clock's rate was not measured")]
    ClockRateUnknown,
    /// It would count as without carrier.
    #[error("it does not reach the gateway: in a split it would count as without carrier")]
    NoGateway,
}

/// Why a storage cannot carry the heartbeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StorageObstacle {
    /// It is declared as one host's own.
    #[error("it is not shared")]
    NotShared,
    /// It is full.
    #[error("it has less than 260 MiB free")]
    NoSpace,
    /// It is not there on every host.
    #[error("it is not attached")]
    NotAttached,
    /// Reads could come from a cache.
    #[error("it cannot be read and written past the cache")]
    NotDirect,
    /// What another host wrote is not what this one reads.
    #[error("what another host wrote there cannot be read")]
    NotTheSame,
    /// Too slow for T.
    #[error("it is too slow for this timeout")]
    TooSlow,
}
