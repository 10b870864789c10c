//! Where the service keeps what it has acknowledged.
//!
//! A store is an ordered map from keys to records. It knows nothing of pools: what a record means is its writer's
//! business. It promises three things, each held by the conformance suite that runs on every kind of store:
//!
//! * **Durable.** When [`Store::commit`] has returned, the batch survives `kill -9`, a loss of power and a torn write.
//! * **Whole.** A batch takes effect altogether or not at all.
//! * **Fenced.** A batch is written in a [`Term`]. Once a later term has begun, no batch of an earlier one takes
//!   effect, whatever was delayed on its way.
//!
//! ```text
//!   service ─► Box<dyn Store> ─┬─ redb: one file, one process
//!                              ├─ volume: a region of a device that all hosts share, the coordinator's of each term in turn
//!                              └─ etcd: several coordinators, one of which leads
//! ```
//!
//! Around both stands [`Versioned`], which [`open`] puts there: limits, schema, migration.
pub mod address;
pub mod backup;
mod clock;
pub mod error;
pub mod etcd;
pub mod key;
pub mod limits;
pub mod migrate;
mod own;
pub mod record;
pub mod redb;
pub mod store;
pub mod versioned;
pub mod volume;

pub use address::{Options, StoreAddress, open};
pub use backup::{Restored, restore};
pub use error::StoreError;
pub use key::Key;
pub use migrate::Migration;
pub use record::{Batch, Record, Write};
pub use store::{Candidate, Leadership, Store, Term};
pub use versioned::Versioned;
pub use volume::{Tenure, VolumeStore};
