//! Secrets: never in the configuration itself, which is read by more people and programs than should know them, but in a
//! file of their own, or handed over by systemd (`LoadCredential=`, `SetCredentialEncrypted=`).
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Bytes of a secret: room for a chain of keys, none for a mistake.
const MOST_BYTES: u64 = 64 << 10;
/// Permissions that nobody may have on a secret's file: anything for others, writing for the group.
const TOO_OPEN: u32 = 0o027;

/// Where a secret comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource {
    /// A file that nobody but its owner and group can read.
    File(PathBuf),
    /// A credential of the systemd unit, by its name.
    Credential(String),
}

/// Why a secret cannot be fetched.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// Its file cannot be read.
    #[error("cannot read {}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Others could have read it.
    #[error("{} has mode {mode:03o}, and a secret must not be open to others: chmod 600 {}", .path.display(), .path.display())]
    TooOpen {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// It is no ordinary file, is empty, too long, or no text.
    #[error("{} is no file with 1 to {MOST_BYTES} bytes of text", .0.display())]
    NoSecret(PathBuf),
    /// The unit was given no credentials.
    #[error(
        "there is no credential {0:?}: add LoadCredential={0}:/path to the unit (`systemctl edit lifeboat`), or name a file instead"
    )]
    NoCredentials(String),
}

/// Where secrets are fetched from.
#[derive(Clone, Debug, Default)]
pub struct Secrets {
    /// The folder with the unit's credentials (`$CREDENTIALS_DIRECTORY`); none: systemd gave none.
    pub credentials: Option<PathBuf>,
}

/// A secret, fetched. Printing it says nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The bytes, a line feed at the end left away.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
    /// The text, a line feed at the end left away.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

impl Secrets {
    /// Fetches a secret.
    ///
    /// # Errors
    /// If it cannot be read, or others could have read it.
    pub fn fetch(&self, source: &SecretSource) -> Result<Secret, SecretError> {
        let path = source.path(self).ok_or_else(|| match source {
            SecretSource::Credential(name) => SecretError::NoCredentials(name.clone()),
            SecretSource::File(path) => SecretError::NoSecret(path.clone()),
        })?;
        // What was opened is what is judged: between a look and a read the file could be another.
        let unreadable = |source| SecretError::Unreadable { path: path.clone(), source };
        let file = File::open(&path).map_err(unreadable)?;
        let facts = file.metadata().map_err(unreadable)?;
        let mode = facts.permissions().mode() & 0o777;
        if !facts.is_file() {
            return Err(SecretError::NoSecret(path));
        }
        if mode & TOO_OPEN != 0 {
            return Err(SecretError::TooOpen { path, mode });
        }
        let mut bytes = Vec::new();
        file.take(MOST_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
        let text = String::from_utf8(bytes).ok().filter(|text| text.len() as u64 <= MOST_BYTES);
        let text = text.map(|text| text.trim_end_matches(['\n', '\r']).to_owned());
        text.filter(|text| !text.is_empty()).map(Secret).ok_or(SecretError::NoSecret(path))
    }
}

impl SecretSource {
    /// The file that the secret is in; none for a credential where systemd gave none.
    pub fn path(&self, secrets: &Secrets) -> Option<PathBuf> {
        match self {
            Self::File(path) => Some(path.clone()),
            Self::Credential(name) => secrets.credentials.as_ref().map(|folder| folder.join(name)),
        }
    }

    /// Whether a name of a credential is one: a name of a file, and nothing that leads elsewhere.
    pub fn is_credential_name(name: &str) -> bool {
        (1..=255).contains(&name.len())
            && !name.contains('/')
            && !name.chars().any(char::is_control)
            && ![".", ".."].contains(&name)
    }
}

/// Writes a secret to a new file that only its owner can read.
///
/// # Errors
/// If there is one already, or it cannot be written.
pub fn write_new(path: &Path, secret: &str) -> io::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    writeln!(file, "{secret}")?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file_with(mode: u32, bytes: &[u8]) -> (tempfile::TempDir, SecretSource) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("key");
        fs::write(&path, bytes).expect("a file");
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("permissions");
        (folder, SecretSource::File(path))
    }

    #[test]
    fn a_secret_that_others_could_read_or_its_group_could_write_is_refused() {
        for (mode, taken) in [(0o600, true), (0o400, true), (0o640, true), (0o644, false), (0o660, false)] {
            let (_folder, source) = file_with(mode, b"s3cret\n");
            match Secrets::default().fetch(&source) {
                Ok(secret) => assert!(taken && secret.as_str() == "s3cret", "{mode:o}"),
                Err(error) => {
                    assert!(!taken && error.to_string().contains("chmod 600"), "{mode:o}: {error}");
                }
            }
        }
    }

    #[test]
    fn what_is_no_secret_is_refused() {
        for bytes in [b"".as_slice(), b"\n", b"\xff", &vec![b'x'; 65_537]] {
            let (_folder, source) = file_with(0o600, bytes);
            assert!(matches!(Secrets::default().fetch(&source), Err(SecretError::NoSecret(_))));
        }
        let folder = SecretSource::File("/".into());
        assert!(Secrets::default().fetch(&folder).is_err());
    }

    #[test]
    fn a_credential_comes_from_the_folder_of_the_unit() {
        let (folder, _) = file_with(0o400, b"k");
        let source = SecretSource::Credential("key".into());
        let secrets = Secrets { credentials: Some(folder.path().to_owned()) };
        assert_eq!(secrets.fetch(&source).expect("it is there").as_bytes(), b"k");
        let error = Secrets::default().fetch(&source).expect_err("systemd gave none");
        assert!(error.to_string().contains("LoadCredential=key:"), "{error}");
        for name in ["..", "a/b", "", "a\n"] {
            assert!(!SecretSource::is_credential_name(name), "{name:?}");
        }
    }

    #[test]
    fn a_new_secret_is_its_owners_and_never_overwrites() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("token");
        write_new(&path, "lb_x").expect("written");
        let source = SecretSource::File(path.clone());
        assert_eq!(Secrets::default().fetch(&source).expect("readable").as_str(), "lb_x");
        assert!(write_new(&path, "other").is_err());
    }
}
