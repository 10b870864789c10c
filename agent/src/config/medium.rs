//! `[medium]`: what carries the pool's shared records.
use super::Faults;
use serde::Deserialize;
use std::path::PathBuf;

/// The section.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum MediumSection {
    /// A region of a shared volume.
    Statefile {
        /// The block device, or a file.
        path: PathBuf,
        /// Where the region begins, in bytes.
        #[serde(default)]
        offset: u64,
    },
    /// An etcd.
    Etcd {
        /// Its members, each `host:port`.
        endpoints: Vec<String>,
        /// Whether it is spoken to by TLS.
        #[serde(default)]
        tls: bool,
        /// The authority that its certificates are by; none: those that the system trusts.
        #[serde(default)]
        ca_file: Option<PathBuf>,
        /// What this host shows.
        #[serde(default)]
        certificate_file: Option<PathBuf>,
        /// The key to that.
        #[serde(default)]
        key_file: Option<PathBuf>,
        /// The user.
        #[serde(default)]
        user: Option<String>,
        /// A file with the password and nothing else.
        #[serde(default)]
        password_file: Option<PathBuf>,
    },
}

/// What the offset of the region must be a multiple of.
const ALIGNMENT: u64 = 4096;

impl MediumSection {
    /// The kind, as the protocol has it.
    pub fn kind(&self) -> lifeboat_model::spec::Medium {
        match self {
            Self::Statefile { .. } => lifeboat_model::spec::Medium::Statefile,
            Self::Etcd { .. } => lifeboat_model::spec::Medium::Etcd,
        }
    }

    /// For how many hosts it has room.
    pub fn most_hosts(&self) -> usize {
        match self {
            Self::Statefile { .. } => lifeboat_protocol::medium::statefile::MAX_HOSTS,
            Self::Etcd { .. } => lifeboat_link::roster::MOST_HOSTS,
        }
    }

    pub(super) fn check(&self, faults: &mut Faults) {
        match self {
            Self::Statefile { path, offset } => {
                if !path.is_absolute() {
                    faults.add("medium", "path is one that begins with /");
                }
                if !offset.is_multiple_of(ALIGNMENT) {
                    faults
                        .add("medium", format!("offset is a multiple of {ALIGNMENT}, which {offset} is not"));
                }
            }
            Self::Etcd { endpoints, tls, ca_file, certificate_file, key_file, user, password_file } => {
                if endpoints.is_empty() {
                    faults.add("medium", "endpoints names at least one member of the etcd");
                }
                if endpoints.iter().any(|endpoint| endpoint.contains("://") || !endpoint.contains(':')) {
                    faults.add(
                        "medium",
                        "an endpoint is host:port, without http://; tls = true says how it is spoken to",
                    );
                }
                if certificate_file.is_some() != key_file.is_some() {
                    faults.add("medium", "certificate_file and key_file go together");
                }
                if !tls && (ca_file.is_some() || certificate_file.is_some()) {
                    faults.add("medium", "files for TLS are given, and tls is not true");
                }
                if user.is_some() != password_file.is_some() {
                    faults.add("medium", "user and password_file go together");
                }
            }
        }
    }
}
