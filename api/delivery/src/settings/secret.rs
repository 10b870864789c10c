//! Secrets: read once at start from files or systemd credentials, never from the configuration itself, never printed.
use super::Faults;
use std::fmt;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// The longest secret, in bytes.
const LONGEST: u64 = 4096;

/// Something that must not be seen.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(String);

impl Secret {
    /// Reads the secrets of `files` and of the systemd credentials with these names. Faults are told under the keys `key_file` and
    /// `key_credential`.
    pub(crate) fn read_all(
        key: &str,
        files: &[PathBuf],
        names: &[String],
        credentials: Option<&Path>,
        faults: &mut Faults,
    ) -> Vec<Self> {
        let mut secrets = Vec::new();
        for file in files {
            match read(file) {
                Ok(secret) => secrets.push(secret),
                Err(fault) => faults.add(&format!("{key}_file"), fault),
            }
        }
        for name in names {
            let key = format!("{key}_credential");
            let Some(folder) = credentials else {
                faults.add(&key, "there are no systemd credentials: $CREDENTIALS_DIRECTORY is not set");
                continue;
            };
            match read(&folder.join(name)) {
                Ok(secret) => secrets.push(secret),
                Err(fault) => faults.add(&key, format!("{fault}; is LoadCredential={name}:... in the unit?")),
            }
        }
        secrets
    }

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

/// A credential's name is a file name.
pub(crate) fn check_names(key: &str, names: &[String], faults: &mut Faults) {
    for name in names {
        if name.is_empty() || name.starts_with('.') || name.contains('/') {
            faults.add(key, format!("{name:?} is no name of a systemd credential"));
        }
    }
}

fn read(path: &Path) -> Result<Secret, String> {
    let say = |error: std::io::Error| format!("{}: {error}", path.display());
    let file = std::fs::File::open(path).map_err(say)?;
    let facts = file.metadata().map_err(say)?;
    if !facts.is_file() {
        return Err(format!("{} is no file", path.display()));
    }
    if facts.permissions().mode() & 0o007 != 0 {
        return Err(format!("everybody may read {0}: chmod o= {0}", path.display()));
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
    use super::{Faults, Secret};
    use std::os::unix::fs::PermissionsExt;

    fn read(text: &str, mode: u32) -> Result<String, String> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("secret");
        std::fs::write(&path, text).expect("written");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("set");
        let mut faults = Faults::of("c");
        let secrets = Secret::read_all("password", &[path], &[], None, &mut faults);
        assert!(!format!("{secrets:?}").contains("sesame"), "a secret is never printed");
        match secrets.first() {
            Some(secret) => Ok(secret.reveal().to_owned()),
            None => Err(faults.all[0].message.clone()),
        }
    }

    #[test]
    fn a_secret_is_one_line_of_a_file_that_not_everybody_may_read() {
        assert_eq!(read("open sesame\n", 0o600).as_deref(), Ok("open sesame"));
        assert!(read("open sesame", 0o644).is_err_and(|fault| fault.contains("chmod o=")));
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
        let names = ["smtp".to_owned()];
        let mut faults = Faults::of("c");
        let secrets = Secret::read_all("password", &[], &names, Some(folder.path()), &mut faults);
        assert_eq!(secrets.first().map(Secret::reveal), Some("sesame"));
        assert!(Secret::read_all("password", &[], &names, None, &mut faults).is_empty());
        assert!(faults.all[0].message.contains("$CREDENTIALS_DIRECTORY"), "{:?}", faults.all);
    }
}
