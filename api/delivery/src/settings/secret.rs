//! Secrets: read once at start from files or systemd credentials, never from the configuration itself, never printed.
use super::Faults;
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// The longest secret, in bytes.
const LONGEST: u64 = 4096;
/// Permissions that nobody may have on a secret's file: anything for others, writing for the group.
const TOO_OPEN: u32 = 0o027;

/// Where a secret is: `{ file = "/path" }`, or `{ credential = "name" }`, which systemd gives to the unit by `LoadCredential=`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SecretSource {
    /// A file with one line, which not everybody may read.
    File(PathBuf),
    /// A credential of the systemd unit, by its name.
    Credential(String),
}

impl<'de> Deserialize<'de> for SecretSource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SourceVisitor)
    }
}

/// Reads where a secret is; by hand, because an error of a derived reader would print a secret that stands there instead.
struct SourceVisitor;

impl<'de> Visitor<'de> for SourceVisitor {
    type Value = SecretSource;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{ file = \"/path\" } or { credential = \"name\" }")
    }

    fn visit_str<E: serde::de::Error>(self, _: &str) -> Result<SecretSource, E> {
        Err(E::custom(
            "a secret never stands in this file: give { file = \"/path\" } or { credential = \"name\" }",
        ))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<SecretSource, A::Error> {
        let expected = "{ file = \"/path\" } or { credential = \"name\" }";
        let source = match map.next_key::<String>()?.as_deref() {
            Some("file") => SecretSource::File(map.next_value()?),
            Some("credential") => SecretSource::Credential(map.next_value()?),
            _ => return Err(A::Error::custom(format!("must be {expected}"))),
        };
        match map.next_key::<String>()? {
            None => Ok(source),
            Some(_) => Err(A::Error::custom(format!("must have one key: {expected}"))),
        }
    }
}

impl SecretSource {
    pub(crate) fn check(&self, key: &str, faults: &mut Faults) {
        match self {
            Self::File(path) => faults.absolute(key, path),
            Self::Credential(name) => {
                if name.is_empty() || name.starts_with('.') || name.contains('/') {
                    faults.add(key, format!("{name:?} is no name of a systemd credential"));
                }
            }
        }
    }

    /// Reads the secret; a fault is told under `key`. `credentials` is where systemd put the unit's credentials.
    pub(crate) fn read(&self, key: &str, credentials: Option<&Path>, faults: &mut Faults) -> Option<Secret> {
        let secret = match (self, credentials) {
            (Self::File(path), _) => read(path),
            (Self::Credential(name), Some(folder)) => read(&folder.join(name))
                .map_err(|fault| format!("{fault}; is LoadCredential={name}:... in the unit?")),
            (Self::Credential(_), None) => {
                Err("there are no systemd credentials: $CREDENTIALS_DIRECTORY is not set".to_owned())
            }
        };
        secret.map_err(|fault| faults.add(key, fault)).ok()
    }
}

/// Something that must not be seen.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(String);

impl Secret {
    /// One that stands in the configuration, and is none in truth.
    pub(crate) fn open(text: String) -> Self {
        Self(text)
    }

    /// What must not be seen.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

fn read(path: &Path) -> Result<Secret, String> {
    let say = |error: std::io::Error| format!("{}: {error}", path.display());
    let file = std::fs::File::open(path).map_err(say)?;
    let facts = file.metadata().map_err(say)?;
    if !facts.is_file() {
        return Err(format!("{} is no file", path.display()));
    }
    if facts.permissions().mode() & TOO_OPEN != 0 {
        return Err(format!("{0} is open to others: chmod g-w,o= {0}", path.display()));
    }
    let mut text = String::new();
    file.take(LONGEST + 1).read_to_string(&mut text).map_err(say)?;
    if text.len() as u64 > LONGEST {
        return Err(format!("{} is longer than {LONGEST} bytes", path.display()));
    }
    let text = text.strip_suffix('\n').unwrap_or(&text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    if text.is_empty() || text.chars().any(char::is_control) {
        return Err(format!("{} must hold one line that is not empty", path.display()));
    }
    Ok(Secret(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::{Faults, Secret, SecretSource};
    use std::os::unix::fs::PermissionsExt;

    fn read(text: &str, mode: u32) -> Result<String, String> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("secret");
        std::fs::write(&path, text).expect("written");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("set");
        let mut faults = Faults::of("c");
        let secret = SecretSource::File(path).read("password", None, &mut faults);
        assert!(!format!("{secret:?}").contains("sesame"), "a secret is never printed");
        secret.map(|secret| secret.reveal().to_owned()).ok_or_else(|| faults.all[0].message.clone())
    }

    #[test]
    fn a_secret_is_one_line_of_a_file_that_not_everybody_may_read() {
        assert_eq!(read("open sesame\n", 0o640).as_deref(), Ok("open sesame"));
        for mode in [0o644, 0o620, 0o601] {
            assert!(read("open sesame", mode).is_err_and(|fault| fault.contains("chmod g-w,o=")));
        }
        assert!(read("\n", 0o600).is_err_and(|fault| fault.contains("not empty")));
        assert!(read("open\nsesame\n", 0o600).is_err());
        assert!(read(&"x".repeat(5000), 0o600).is_err_and(|fault| fault.contains("longer")));
    }

    #[test]
    fn a_credential_is_read_from_where_systemd_put_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("smtp");
        std::fs::write(&path, "sesame").expect("written");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o400)).expect("set");
        let source = SecretSource::Credential("smtp".to_owned());
        let mut faults = Faults::of("c");
        let secret = source.read("password", Some(folder.path()), &mut faults);
        assert_eq!(secret.as_ref().map(Secret::reveal), Some("sesame"));
        assert!(source.read("password", None, &mut faults).is_none());
        assert!(faults.all[0].message.contains("$CREDENTIALS_DIRECTORY"), "{:?}", faults.all);
    }
}
