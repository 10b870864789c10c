//! What carries the pool's records, as `--medium` names it, and making a statefile there.
use lifeboat_link::join::MediumPlace;
use lifeboat_protocol::medium::PoolId;
use lifeboat_protocol::medium::statefile::{self, REGION};
use lifeboat_store::StoreAddress;
use lifeboat_store::volume::{Blocks, Device, found};
use std::io;
use std::path::Path;

/// Why the medium cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum MediumFault {
    /// It is none.
    #[error("--medium {0:?} is none: write statefile:/dev/…[?offset=BYTES], or etcds://host:port,…")]
    None(String),
    /// The device.
    #[error("the statefile {place} cannot be used: {source}")]
    Device {
        /// Which.
        place: String,
        /// Why not.
        source: io::Error,
    },
    /// Something is there.
    #[error("{place} holds {what}: nothing was written; give another place, or say --overwrite")]
    Holds {
        /// Where.
        place: String,
        /// What.
        what: String,
    },
    /// It did not take what was written.
    #[error("{0} does not give back what was written to it: it cannot carry heartbeats")]
    Forgets(String),
}

/// The medium that a text names.
///
/// # Errors
/// If it names none.
pub fn parse(text: &str) -> Result<MediumPlace, MediumFault> {
    let none = || MediumFault::None(text.to_owned());
    if let Some(rest) = text.strip_prefix("statefile:") {
        let (path, offset) = match rest.split_once("?offset=") {
            Some((path, offset)) => (path, offset.parse().map_err(|_| none())?),
            None => (rest, 0),
        };
        let usable = path.starts_with('/') && u64::is_multiple_of(offset, statefile::BLOCK as u64);
        return usable.then(|| MediumPlace::Statefile { path: path.into(), offset }).ok_or_else(none);
    }
    match text.parse() {
        Ok(StoreAddress::Etcd { endpoints, tls, .. }) => Ok(MediumPlace::Etcd { endpoints, tls }),
        _ => Err(none()),
    }
}

/// Whether a statefile can be made there.
///
/// # Errors
/// If not.
pub fn check_statefile(path: &Path, offset: u64, overwrite: bool) -> Result<(), MediumFault> {
    let place = path.display().to_string();
    let fault = |source| MediumFault::Device { place: place.clone(), source };
    let device = Device::prepare(path, offset, REGION as u64).map_err(fault)?;
    match found(&device).map_err(fault)? {
        Some(what) if !overwrite => Err(MediumFault::Holds { place, what }),
        _ => Ok(()),
    }
}

/// Makes a statefile for a pool of one host; there is room for 64.
///
/// # Errors
/// If it cannot be written, or is not what was written.
pub fn make_statefile(path: &Path, offset: u64, pool: PoolId) -> Result<(), MediumFault> {
    let place = path.display().to_string();
    let fault = |source| MediumFault::Device { place: place.clone(), source };
    let device = Device::open(path, offset, REGION as u64).map_err(fault)?;
    let region = statefile::format(pool, 1).map_err(|no_room| fault(io::Error::other(no_room)))?;
    device.write(0, &region).and_then(|()| device.sync()).map_err(fault)?;
    let mut back = vec![0; REGION];
    device.read(0, &mut back).map_err(fault)?;
    if back[..] == region[..] { Ok(()) } else { Err(MediumFault::Forgets(place)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_medium_is_a_statefile_or_an_etcd() {
        let statefile = |offset| MediumPlace::Statefile { path: "/dev/x".into(), offset };
        assert_eq!(parse("statefile:/dev/x").expect("a medium"), statefile(0));
        assert_eq!(parse("statefile:/dev/x?offset=4096").expect("a medium"), statefile(4096));
        let etcd = MediumPlace::Etcd { endpoints: vec!["a:1".into(), "b:2".into()], tls: true };
        assert_eq!(parse("etcds://a:1,b:2").expect("a medium"), etcd);
        for wrong in ["", "statefile:x", "statefile:/dev/x?offset=1", "/dev/x", "volume:/dev/x", "etcd://"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_statefile_is_made_where_nothing_is_and_nowhere_else() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("lun");
        std::fs::write(&path, b"").expect("it is ours");
        check_statefile(&path, 4096, false).expect("it is empty");
        make_statefile(&path, 4096, PoolId([9; 16])).expect("it is written");
        let bytes = std::fs::read(&path).expect("it is ours");
        assert_eq!(bytes[4096..], *statefile::format(PoolId([9; 16]), 1).expect("room"));
        let again = check_statefile(&path, 4096, false);
        assert!(matches!(&again, Err(MediumFault::Holds { what, .. }) if what == "a statefile"), "{again:?}");
        check_statefile(&path, 4096, true).expect("it was wanted");
    }
}
