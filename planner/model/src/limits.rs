//! The bounds on what a pool may hold. Each exists so that arithmetic cannot overflow and memory is known
//! in advance: the largest sum in the planner is at most `MAX_VMS × MAX_AMOUNT × MAX_MULTIPLIER` < 2^127.

/// Hosts in one pool.
pub const MAX_HOSTS: usize = 1024;
/// VMs in one pool.
pub const MAX_VMS: usize = 100_000;
/// Rules (groups) in one pool.
pub const MAX_GROUPS: usize = 10_000;
/// Shared and local storages in one pool.
pub const MAX_STORAGES: usize = 4096;
/// Networks in one pool.
pub const MAX_NETWORKS: usize = 4096;
/// Countable resources, memory included.
pub const MAX_RESOURCES: usize = 64;
/// The largest amount of any resource of one host or VM: 2^40 (for memory in MiB: 1 EiB). A sum over a
/// whole pool stays below 2^57, so it fits an `i64`.
pub const MAX_AMOUNT: u64 = 1 << 40;
/// Largest restart order.
pub const MAX_ORDER: u64 = 1_000_000;
/// Longest start delay in seconds: a day.
pub const MAX_START_DELAY_S: u64 = 86_400;
/// Largest CPU level.
pub const MAX_CPU_LEVEL: u64 = 65_535;
/// Characters in an id.
pub const MAX_ID_CHARS: usize = 255;
/// The pool's timeout T in seconds, lowest.
pub const MIN_TIMEOUT_S: u64 = 3;
/// The pool's timeout T in seconds, highest.
pub const MAX_TIMEOUT_S: u64 = 300;
