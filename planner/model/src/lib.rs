//! The nouns of Lifeboat, shared by everything that plans, checks, serves or shows.
//!
//! A newcomer starts at [`Pool`]: hosts, VMs, rules and settings, built once from a [`PoolSpec`] by
//! [`Pool::new`], which either gives a pool that is right for ever or every defect of the description.
//! From there: [`agility`] says which hosts can run a VM and why the others cannot, [`verdict`] has the
//! words of an answer, [`plan`] what a restart is, and [`certificate`] the objects by which a stranger
//! re-establishes an answer.
//!
//! The crate is `no_std`: no clock, file, thread or randomly ordered map is in reach.
#![no_std]
extern crate alloc;

pub mod agility;
pub mod certificate;
pub mod change;
pub mod host_set;
pub mod ids;
pub mod limits;
pub mod plan;
pub mod pool;
pub mod spec;
pub mod verdict;

pub use change::{Change, ChangeError};
pub use host_set::HostSet;
pub use ids::{
    DomainIndex, GroupIndex, HostIndex, NetworkIndex, ProfileIndex, ResourceIndex, StorageIndex, VmIndex,
};
pub use pool::{Group, Host, Pool, Profile, Settings, Vm};
pub use spec::{Defect, PoolSpec};
