//! Where a store is, and opening it.
use crate::etcd::EtcdStore;
use crate::redb::RedbStore;
use crate::volume::{DEFAULT_LENGTH, Tenure, VolumeStore};
use crate::{Store, StoreError, Versioned};
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

/// Where a store is: a file, `volume:/dev/x[?offset=BYTES][&length=BYTES]`, or `etcd://host:port[,host:port...][/prefix]`, with `etcds://` for
/// TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreAddress {
    /// An embedded store, in this file.
    File(PathBuf),
    /// A metadata volume: a region of a device or file that the pool's hosts share.
    Volume {
        /// The device or file.
        path: PathBuf,
        /// Where the region begins.
        offset: u64,
        /// How long it is.
        length: u64,
    },
    /// An etcd.
    Etcd {
        /// Its members, as `host:port`; at least one.
        endpoints: Vec<String>,
        /// Whether they speak TLS.
        tls: bool,
        /// What all our keys there begin with; ends with `/`.
        prefix: String,
    },
}

impl StoreAddress {
    /// Whether everything that is sent there stays on this machine. A name does not say so, whatever it begins with.
    pub fn is_loopback(&self) -> bool {
        let Self::Etcd { endpoints, .. } = self else { return true };
        endpoints.iter().all(|endpoint| {
            let address = endpoint.parse::<SocketAddr>();
            address.is_ok_and(|address| address.ip().to_canonical().is_loopback())
        })
    }
}

/// What opening a store needs to know beside where it is. Secrets are read from files, never given themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// How long an answer may take, all attempts counted, before the store counts as out of reach.
    pub timeout: Duration,
    /// How long a leader lives without renewing; etcd makes at least 2 s of it. An embedded store needs none.
    pub lease: Duration,
    /// The certificates that the store's must go back to, as PEM; none: those that the system trusts are not used, and
    /// those of Mozilla are.
    pub ca_file: Option<PathBuf>,
    /// Our certificate, as PEM, with its chain.
    pub certificate_file: Option<PathBuf>,
    /// The key of our certificate, as PEM.
    pub key_file: Option<PathBuf>,
    /// Our user.
    pub user: Option<String>,
    /// A file with our user's password; a line's end at its end does not count.
    pub password_file: Option<PathBuf>,
    /// With what right a metadata volume is opened; without, only one is in which no term has begun yet, as for a restore.
    pub tenure: Option<Tenure>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(5),
            lease: Duration::from_secs(5),
            ca_file: None,
            certificate_file: None,
            key_file: None,
            user: None,
            password_file: None,
            tenure: None,
        }
    }
}

/// Opens the store at this address. An embedded one is created where there is none.
///
/// # Errors
/// Why it cannot be used: see [`StoreError`].
pub fn open(address: &StoreAddress, options: &Options) -> Result<Box<dyn Store>, StoreError> {
    Ok(Box::new(Versioned::new(open_bare(address, options)?)?))
}

/// Opens what keeps the records, whatever their schema.
pub(crate) fn open_bare(address: &StoreAddress, options: &Options) -> Result<Box<dyn Store>, StoreError> {
    match address {
        StoreAddress::File(file) => Ok(Box::new(RedbStore::open(file)?)),
        StoreAddress::Volume { path, offset, length } => Ok(Box::new(match options.tenure {
            Some(tenure) => VolumeStore::open(path, *offset, *length, tenure)?,
            None => VolumeStore::open_before_terms(path, *offset, *length)?,
        })),
        StoreAddress::Etcd { endpoints, tls, prefix } => {
            Ok(Box::new(EtcdStore::new(endpoints, *tls, prefix, options)?))
        }
    }
}

/// What our keys in etcd begin with, where the address does not say.
const PREFIX: &str = "/lifeboat/";

impl FromStr for StoreAddress {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<Self, StoreError> {
        let bad = || StoreError::BadAddress(text.to_owned());
        if let Some(rest) = text.strip_prefix(VOLUME) {
            return volume(rest).ok_or_else(bad);
        }
        let (tls, rest) = match text.split_once("://") {
            None if text.is_empty() => return Err(bad()),
            None => return Ok(Self::File(PathBuf::from(text))),
            Some(("etcd", rest)) => (false, rest),
            Some(("etcds", rest)) => (true, rest),
            Some(_) => return Err(bad()),
        };
        let (members, prefix) =
            rest.split_once('/').map_or((rest, None), |(members, prefix)| (members, Some(prefix)));
        let endpoints: Vec<String> = members.split(',').map(str::to_owned).collect();
        if !endpoints.iter().all(|endpoint| is_endpoint(endpoint)) {
            return Err(bad());
        }
        let prefix = match prefix.map(|prefix| prefix.trim_matches('/')) {
            None | Some("") => PREFIX.to_owned(),
            Some(prefix) => format!("/{prefix}/"),
        };
        Ok(Self::Etcd { endpoints, tls, prefix })
    }
}

/// What the address of a metadata volume begins with.
const VOLUME: &str = "volume:";

fn volume(text: &str) -> Option<StoreAddress> {
    let (path, settings) =
        text.split_once('?').map_or((text, None), |(path, settings)| (path, Some(settings)));
    let (mut offset, mut length) = (0, DEFAULT_LENGTH);
    for setting in settings.into_iter().flat_map(|settings| settings.split('&')) {
        match setting.split_once('=')? {
            ("offset", value) => offset = value.parse().ok()?,
            ("length", value) => length = value.parse().ok()?,
            _ => return None,
        }
    }
    (!path.is_empty()).then(|| StoreAddress::Volume { path: path.into(), offset, length })
}

fn is_endpoint(text: &str) -> bool {
    let Some((host, port)) = text.rsplit_once(':') else { return false };
    let named = |host: &str| host.chars().all(|c| c.is_ascii_alphanumeric() || ".-_".contains(c));
    let six = |host: &str| {
        let inner = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        inner.is_some_and(|address| address.parse::<std::net::Ipv6Addr>().is_ok())
    };
    !host.is_empty() && (named(host) || six(host)) && port.parse::<u16>().is_ok_and(|port| port > 0)
}

impl fmt::Display for StoreAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(file) => write!(f, "{}", file.display()),
            Self::Volume { path, offset, length } => {
                let path = path.display();
                match (*offset, *length) {
                    (0, DEFAULT_LENGTH) => write!(f, "{VOLUME}{path}"),
                    (offset, length) => write!(f, "{VOLUME}{path}?offset={offset}&length={length}"),
                }
            }
            Self::Etcd { endpoints, tls, prefix } => {
                let scheme = if *tls { "etcds" } else { "etcd" };
                write!(f, "{scheme}://{}{prefix}", endpoints.join(","))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> StoreAddress {
        text.parse().expect(text)
    }

    #[test]
    fn what_names_no_scheme_is_a_file() {
        assert_eq!(
            parsed("/var/lib/lifeboat/store.redb"),
            StoreAddress::File("/var/lib/lifeboat/store.redb".into())
        );
        assert_eq!(parsed("store.redb").to_string(), "store.redb");
    }

    #[test]
    fn etcd_has_members_and_a_prefix() {
        let etcd = |members: &[&str], tls, prefix: &str| StoreAddress::Etcd {
            endpoints: members.iter().map(|&member| member.to_owned()).collect(),
            tls,
            prefix: prefix.to_owned(),
        };
        assert_eq!(parsed("etcd://a:2379,b:2379"), etcd(&["a:2379", "b:2379"], false, "/lifeboat/"));
        assert_eq!(parsed("etcds://[::1]:2379/ha/lb/"), etcd(&["[::1]:2379"], true, "/ha/lb/"));
        assert_eq!(parsed("etcds://[::1]:2379/ha/lb/").to_string(), "etcds://[::1]:2379/ha/lb/");
    }

    #[test]
    fn a_metadata_volume_has_a_place_on_a_device() {
        let volume = |offset, length| StoreAddress::Volume { path: "/dev/x".into(), offset, length };
        assert_eq!(parsed("volume:/dev/x"), volume(0, DEFAULT_LENGTH));
        assert_eq!(parsed("volume:/dev/x?offset=4194304"), volume(4 << 20, DEFAULT_LENGTH));
        assert_eq!(parsed("volume:/dev/x?length=67108864&offset=4096"), volume(4096, 64 << 20));
        for address in [volume(0, DEFAULT_LENGTH), volume(4096, 64 << 20)] {
            assert_eq!(parsed(&address.to_string()), address);
        }
    }

    #[test]
    fn loopback_is_an_address_and_no_name() {
        for (text, is_loopback) in [
            ("etcd://127.0.0.1:1,127.9.9.9:1,[::1]:1,[::ffff:127.0.0.1]:1", true),
            ("etcd://127.0.0.1:1,10.0.0.1:1", false),
            ("etcd://127.evil.example:1", false),
            ("etcd://localhost:1", false),
            ("etcd://[2001:db8::1]:1", false),
        ] {
            assert_eq!(parsed(text).is_loopback(), is_loopback, "{text}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let wrong = [
            "",
            "volume:",
            "volume:/x?",
            "volume:/x?size=1",
            "volume:/x?offset=-1",
            "etcd://",
            "etcd://a",
            "etcd://a:0",
            "etcd://a:1,",
            "etcd://user@a:1",
            "http://a:1",
        ];
        for text in wrong {
            assert!(matches!(text.parse::<StoreAddress>(), Err(StoreError::BadAddress(_))), "{text:?}");
        }
    }
}
