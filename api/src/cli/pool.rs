//! The pool that a verb speaks of.
use super::trouble::Trouble;
use crate::{dto, source};
use lifeboat_model::{HostIndex, NetworkIndex, Pool, StorageIndex, VmIndex};
use std::path::{Path, PathBuf};

/// Which pool, for verbs that plan on it.
#[derive(Debug, clap::Args)]
pub struct PoolArguments {
    /// The pool document, plain or gzip-compressed; `-` reads standard input
    #[arg(value_name = "POOL")]
    pub pool: PathBuf,
    /// Plan although hosts run more than they have
    #[arg(long)]
    pub allow_over_full: bool,
}

impl PoolArguments {
    /// Reads the pool. Over-full hosts are a fault unless allowed.
    ///
    /// # Errors
    /// If it cannot be read, with everything that is wrong with it.
    pub fn load(&self) -> Result<Pool, Trouble> {
        let pool = load(&self.pool)?;
        let faults = if self.allow_over_full { Vec::new() } else { dto::pool::over_full(&pool) };
        if faults.is_empty() { Ok(pool) } else { Err(Trouble::Document { path: shown(&self.pool), faults }) }
    }
}

/// Reads a pool, over-full or not.
///
/// # Errors
/// If it cannot be read, with everything that is wrong with it.
pub fn load(path: &Path) -> Result<Pool, Trouble> {
    let document = source::read(path, source::MOST_FILE_BYTES)?;
    dto::pool::read(&document).map_err(|faults| Trouble::Document { path: shown(path), faults })
}

/// The VM of that name.
///
/// # Errors
/// If the pool has none.
pub fn find_vm(pool: &Pool, name: &str) -> Result<VmIndex, Trouble> {
    pool.find_vm(name).ok_or_else(|| Trouble::UnknownName { kind: "VM", name: name.to_owned() })
}

/// The host of that name.
///
/// # Errors
/// If the pool has none.
pub fn find_host(pool: &Pool, name: &str) -> Result<HostIndex, Trouble> {
    pool.find_host(name).ok_or_else(|| Trouble::UnknownName { kind: "host", name: name.to_owned() })
}

/// The storage of that name.
///
/// # Errors
/// If the pool has none.
pub fn find_storage(pool: &Pool, name: &str) -> Result<StorageIndex, Trouble> {
    let position = pool.storages().iter().position(|storage| storage.id == name);
    let unknown = || Trouble::UnknownName { kind: "storage", name: name.to_owned() };
    position.map(StorageIndex::new).ok_or_else(unknown)
}

/// The network of that name.
///
/// # Errors
/// If the pool has none.
pub fn find_network(pool: &Pool, name: &str) -> Result<NetworkIndex, Trouble> {
    let position = pool.networks().iter().position(|network| network == name);
    let unknown = || Trouble::UnknownName { kind: "network", name: name.to_owned() };
    position.map(NetworkIndex::new).ok_or_else(unknown)
}

fn shown(path: &Path) -> String {
    if path == Path::new("-") { "standard input".to_owned() } else { path.display().to_string() }
}
