//! How a pool lies in the store: one record for each thing in it, so that an event writes what it changes and no more.
//!
//! ```text
//!   pools/<pool>/head           revision, number of the next log entry
//!   pools/<pool>/settings       {"revision", "position", "is": Settings}
//!   pools/<pool>/<kind>/<id>    {"revision", "position", "is": Host | Vm | …}
//!   log/<pool>/<number>         one entry of the event log
//! ```
//! A record's `is` is the same document as on the wire.
use super::resource::{Kind, Resource};
use super::state::{Mark, Served};
use crate::dto::name::Name;
use crate::dto::pool::{
    GroupDocument, HostDocument, NetworkDocument, SettingsDocument, StorageDocument, VmDocument,
};
use lifeboat_model::spec::{GroupSpec, HostSpec, SettingsSpec, StorageSpec, VmSpec};
use lifeboat_model::{Pool, PoolSpec};
use lifeboat_store::{Batch, Key, Record};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Everything of all pools.
pub const POOLS: &str = "pools";
/// The event logs of all pools.
pub const LOG: &str = "log";

/// The record that says how far a pool is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Its revision.
    pub revision: u64,
    /// The number of the next entry of its log.
    pub next_entry: u64,
}

/// What a record says.
#[derive(Debug, Serialize, Deserialize)]
struct Kept<T> {
    revision: u64,
    position: u64,
    is: T,
}

/// Why what is kept makes no pool: the store was written by somebody else, or by a defect of ours.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// A record that cannot be read.
    #[error("record {key:?} cannot be read: {reason}")]
    Unreadable {
        /// Its key.
        key: Key,
        /// Why.
        reason: String,
    },
    /// The records make no pool.
    #[error("what is kept of pool {pool:?} makes no pool: {reason}")]
    Unsound {
        /// The pool.
        pool: String,
        /// Why.
        reason: String,
    },
}

/// The key of a thing in a pool.
pub fn key(pool: &str, resource: &Resource) -> Key {
    match resource.kind {
        Kind::Settings => Key::of(&[POOLS, pool, resource.kind.plural()]),
        kind => Key::of(&[POOLS, pool, kind.plural(), &resource.id]),
    }
}

/// The key of a pool's head.
pub fn head_key(pool: &str) -> Key {
    Key::of(&[POOLS, pool, "head"])
}

/// The key under which all of a pool lies.
pub fn pool_key(pool: &str) -> Key {
    Key::of(&[POOLS, pool])
}

/// The key of an entry of a pool's log.
pub fn entry_key(pool: &str, number: u64) -> Key {
    Key::numbered(&[LOG, pool], number)
}

/// Writes what `resources` are now.
pub fn put(batch: &mut Batch, served: &Served, resources: &[Resource]) {
    let id = served.pool().id();
    for resource in resources {
        if let Some(value) = value(served, resource) {
            batch.put(key(id, resource), value);
        }
    }
}

/// Writes a pool's head.
pub fn put_head(batch: &mut Batch, pool: &str, head: Head) {
    batch.put(head_key(pool), json(&head));
}

fn value(served: &Served, resource: &Resource) -> Option<Vec<u8>> {
    let mark = served.mark_of(resource)?;
    let pool = served.pool();
    Some(match resource.kind {
        Kind::Settings => kept(mark, SettingsDocument::from(&pool.describe_settings())),
        Kind::Storage => {
            let storage = pool.storages().iter().find(|storage| *storage.id == *resource.id)?;
            kept(mark, StorageDocument { id: storage.id.as_str().into(), shared: storage.shared })
        }
        Kind::Network => kept(mark, NetworkDocument { id: Name::from(&*resource.id) }),
        Kind::Host => kept(mark, HostDocument::from(&pool.describe_host(served.find_host(&resource.id)?))),
        Kind::Vm => kept(mark, VmDocument::from(&pool.describe_vm(served.find_vm(&resource.id)?))),
        Kind::Group => {
            let position = pool.groups().iter().position(|group| *group.id == *resource.id)?;
            kept(mark, GroupDocument::from(&pool.describe_group(position)))
        }
    })
}

fn kept<T: Serialize>(mark: Mark, is: T) -> Vec<u8> {
    json(&Kept { revision: mark.revision, position: mark.position, is })
}

fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("documents are maps with text keys and finite numbers")
}

/// Reads a pool from its records, in any order.
///
/// # Errors
/// Where they cannot be read, or make no pool.
pub fn read(pool: &str, records: &[Record]) -> Result<(Served, Head), RecordError> {
    let mut reader = Reader::default();
    for record in records {
        reader.take(record)?;
    }
    let Reader { head, settings, storages, networks, hosts, vms, groups, marks } = reader;
    let spec = PoolSpec {
        id: pool.to_owned(),
        settings: settings.unwrap_or_default(),
        storages: ordered(storages),
        networks: ordered(networks),
        hosts: ordered(hosts),
        vms: ordered(vms),
        groups: ordered(groups),
    };
    let built = Pool::new(&spec).map_err(|defects| RecordError::Unsound {
        pool: pool.to_owned(),
        reason: defects.first().map(ToString::to_string).unwrap_or_default(),
    })?;
    let head = head.unwrap_or_default();
    Ok((Served::kept(built, head.revision, marks), head))
}

#[derive(Default)]
struct Reader {
    head: Option<Head>,
    settings: Option<SettingsSpec>,
    storages: Vec<(u64, StorageSpec)>,
    networks: Vec<(u64, String)>,
    hosts: Vec<(u64, HostSpec)>,
    vms: Vec<(u64, VmSpec)>,
    groups: Vec<(u64, GroupSpec)>,
    marks: BTreeMap<Resource, Mark>,
}

impl Reader {
    fn take(&mut self, record: &Record) -> Result<(), RecordError> {
        let names: Vec<&str> = record.key.names().collect();
        let unreadable = |error: serde_json::Error| RecordError::Unreadable {
            key: record.key.clone(),
            reason: error.to_string(),
        };
        match names.as_slice() {
            [_, _, "head"] => self.head = Some(serde_json::from_slice(&record.value).map_err(unreadable)?),
            [_, _, "settings"] => {
                let kept: Kept<SettingsDocument<'_>> =
                    serde_json::from_slice(&record.value).map_err(unreadable)?;
                self.settings = Some(kept.is.into());
                self.marks
                    .insert(Resource::settings(), Mark { revision: kept.revision, position: kept.position });
            }
            [_, _, "storages", id] => {
                let kept: Kept<StorageDocument<'_>> =
                    serde_json::from_slice(&record.value).map_err(unreadable)?;
                let is = StorageSpec { id: kept.is.id.into_owned(), shared: kept.is.shared };
                self.storages.push((kept.position, is));
                self.remember(Kind::Storage, id, kept.revision, kept.position);
            }
            [_, _, "networks", id] => {
                let kept: Kept<NetworkDocument<'_>> =
                    serde_json::from_slice(&record.value).map_err(unreadable)?;
                self.networks.push((kept.position, kept.is.id.into_owned()));
                self.remember(Kind::Network, id, kept.revision, kept.position);
            }
            [_, _, "hosts", id] => {
                let kept: Kept<HostDocument<'_>> =
                    serde_json::from_slice(&record.value).map_err(unreadable)?;
                self.hosts.push((kept.position, kept.is.into()));
                self.remember(Kind::Host, id, kept.revision, kept.position);
            }
            [_, _, "vms", id] => {
                let kept: Kept<VmDocument<'_>> = serde_json::from_slice(&record.value).map_err(unreadable)?;
                self.vms.push((kept.position, kept.is.into()));
                self.remember(Kind::Vm, id, kept.revision, kept.position);
            }
            [_, _, "groups", id] => {
                let kept: Kept<GroupDocument<'_>> =
                    serde_json::from_slice(&record.value).map_err(unreadable)?;
                self.groups.push((kept.position, kept.is.into()));
                self.remember(Kind::Group, id, kept.revision, kept.position);
            }
            // What else lies there is read by whom it belongs to.
            _ => {}
        }
        Ok(())
    }

    fn remember(&mut self, kind: Kind, id: &str, revision: u64, position: u64) {
        self.marks.insert(Resource::new(kind, id), Mark { revision, position });
    }
}

fn ordered<T>(mut all: Vec<(u64, T)>) -> Vec<T> {
    all.sort_by_key(|(position, _)| *position);
    all.into_iter().map(|(_, one)| one).collect()
}
