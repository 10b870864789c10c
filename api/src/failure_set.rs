//! The hosts that somebody wants to see fail, by name.
use lifeboat_model::agility::host_state_word;
use lifeboat_model::{HostSet, Pool};

/// Why hosts cannot fail.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FailureSetError {
    /// The pool has no such host.
    #[error("the pool has no host {0:?}")]
    UnknownHost(String),
    /// The host is down already.
    #[error("host {host:?} cannot fail: it is {state}")]
    AlreadyDown {
        /// The host.
        host: String,
        /// Its state.
        state: &'static str,
    },
}

/// The hosts of these names, each of which may be several with commas between. A name with a comma in it is
/// taken whole where the pool has it.
///
/// # Errors
/// If the pool has no such host, or it is down already.
pub fn named(pool: &Pool, names: &[String]) -> Result<HostSet, FailureSetError> {
    let mut failed = HostSet::empty(pool.hosts().len());
    for name in names {
        let parts: Vec<&str> = if pool.find_host(name).is_some() {
            vec![name]
        } else {
            name.split(',').map(str::trim).collect()
        };
        for part in parts {
            let host = pool.find_host(part).ok_or_else(|| FailureSetError::UnknownHost(part.to_owned()))?;
            let state = pool.host(host).state;
            if !state.is_up() {
                return Err(FailureSetError::AlreadyDown {
                    host: part.to_owned(),
                    state: host_state_word(state),
                });
            }
            failed.insert(host);
        }
    }
    Ok(failed)
}
