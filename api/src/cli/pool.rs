//! The pool that a verb speaks of.
use super::session::{PoolServiceArguments, Session};
use super::trouble::Trouble;
use crate::client::Call;
use crate::{dto, source};
use lifeboat_model::{HostIndex, NetworkIndex, Pool, StorageIndex, VmIndex};
use std::path::{Path, PathBuf};

/// Which pool, for verbs that plan on it.
#[derive(Debug, clap::Args)]
pub struct PoolArguments {
    /// The pool document, plain or gzip-compressed; `-` reads standard input. Or a served pool: --pool
    #[arg(value_name = "POOL", required_unless_present_any = ["pool", "context", "servers"],
        conflicts_with_all = ["pool", "context", "servers"])]
    pub file: Option<PathBuf>,
    /// Plan although hosts run more than they have
    #[arg(long)]
    pub allow_over_full: bool,
    #[command(flatten)]
    served: PoolServiceArguments,
}

impl PoolArguments {
    /// Reads the pool. Over-full hosts are a fault of a file unless allowed; of a served pool they are a condition
    /// that it reports.
    ///
    /// # Errors
    /// If it cannot be read, with everything that is wrong with it.
    pub fn load(&self) -> Result<Pool, Trouble> {
        let Some(file) = &self.file else {
            return load_served(&self.served.open()?);
        };
        let pool = load(file)?;
        let faults = if self.allow_over_full { Vec::new() } else { dto::pool::over_full(&pool) };
        if faults.is_empty() { Ok(pool) } else { Err(Trouble::Document { path: shown(file), faults }) }
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

/// Reads a served pool, as the service exports it.
///
/// # Errors
/// If the service cannot be asked or refuses, or exports what is no pool.
pub fn load_served(session: &Session) -> Result<Pool, Trouble> {
    let route = session.route("")?;
    let reply = session.client().ask(&Call::get(&*route))?;
    dto::pool::read(reply.body()).map_err(|faults| Trouble::Document { path: route, faults })
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
