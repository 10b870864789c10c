//! Contexts: which service is meant, under a name of one's own. They stand in `contexts.toml` in the user's
//! configuration folder, which nobody else can read. Tokens and keys stay in files of their own; only the way to
//! them is kept.
use super::address::{AddressError, ServerAddress};
use super::tls::TlsFiles;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// The longest name of a context.
const MOST_NAME: usize = 64;

/// All contexts, and which one is meant where none is named.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contexts {
    /// The one that is meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current: Option<String>,
    /// By name.
    #[serde(default, rename = "context", skip_serializing_if = "BTreeMap::is_empty")]
    pub all: BTreeMap<String, Context>,
}

/// One context.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Context {
    /// Servers that stand in for one another.
    pub servers: Vec<String>,
    /// The file with the token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_file: Option<PathBuf>,
    /// The file with the authorities that are believed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
    /// The file with the certificate to show.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate_file: Option<PathBuf>,
    /// The file with its key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_file: Option<PathBuf>,
    /// The pool that is meant where none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<String>,
}

/// Why contexts are of no use.
#[derive(Debug, thiserror::Error)]
pub enum ContextError {
    /// The file cannot be read.
    #[error("cannot read {}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file cannot be written.
    #[error("cannot write {}", .path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// There is something else in it.
    #[error("{} is not a file of contexts: {why}", .path.display())]
    Misspelt {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A context that there is not.
    #[error("there is no context {0:?}")]
    Unknown(String),
    /// A name that none can have.
    #[error("{0:?} cannot be the name of a context: letters, digits, `-`, `_` and `.`, at most {MOST_NAME}")]
    BadName(String),
    /// There is no place for the file.
    #[error("there is no place for contexts: neither XDG_CONFIG_HOME nor HOME is set")]
    NoHome,
}

impl ContextError {
    /// What to do about it.
    pub fn next_step(&self) -> Option<String> {
        let step = match self {
            Self::Unknown(_) => "`lifeboat context list` shows those that there are",
            Self::Misspelt { path, .. } => {
                return Some(format!("correct the file, or remove it and begin anew: rm {}", path.display()));
            }
            Self::NoHome => "name the service with --server URL",
            Self::Unreadable { .. } | Self::Unwritable { .. } | Self::BadName(_) => return None,
        };
        Some(step.to_owned())
    }
}

impl Contexts {
    /// Reads the file; one that is not there has no contexts.
    ///
    /// # Errors
    /// If it cannot be read, or is no file of contexts.
    pub fn load(path: &Path) -> Result<Self, ContextError> {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(source) => return Err(ContextError::Unreadable { path: path.to_owned(), source }),
        };
        toml::from_str(&text)
            .map_err(|error| ContextError::Misspelt { path: path.to_owned(), why: place(&text, &error) })
    }

    /// Writes the file, for nobody else to read, all of it or nothing.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), ContextError> {
        let text = toml::to_string(self)
            .map_err(|error| ContextError::Misspelt { path: path.to_owned(), why: error.to_string() })?;
        write_whole(path, &text).map_err(|source| ContextError::Unwritable { path: path.to_owned(), source })
    }

    /// The context of that name.
    ///
    /// # Errors
    /// If there is none.
    pub fn named(&self, name: &str) -> Result<&Context, ContextError> {
        self.all.get(name).ok_or_else(|| ContextError::Unknown(name.to_owned()))
    }

    /// Keeps a context under a name. The first one is the one that is meant from then on.
    ///
    /// # Errors
    /// If no context can have that name.
    pub fn set(&mut self, name: &str, context: Context) -> Result<(), ContextError> {
        let sound = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
        if name.is_empty() || name.len() > MOST_NAME || !name.chars().all(sound) {
            return Err(ContextError::BadName(name.to_owned()));
        }
        if self.all.is_empty() {
            self.current = Some(name.to_owned());
        }
        self.all.insert(name.to_owned(), context);
        Ok(())
    }

    /// Has the context of that name be meant from now on.
    ///
    /// # Errors
    /// If there is none.
    pub fn choose(&mut self, name: &str) -> Result<(), ContextError> {
        self.named(name)?;
        self.current = Some(name.to_owned());
        Ok(())
    }

    /// Forgets the context of that name.
    ///
    /// # Errors
    /// If there is none.
    pub fn remove(&mut self, name: &str) -> Result<(), ContextError> {
        self.named(name)?;
        self.all.remove(name);
        self.current.take_if(|current| current == name);
        Ok(())
    }
}

impl Context {
    /// Its servers.
    ///
    /// # Errors
    /// If one of them is no address.
    pub fn addresses(&self) -> Result<Vec<ServerAddress>, AddressError> {
        self.servers.iter().map(|server| server.parse()).collect()
    }

    /// Its certificates and keys.
    pub fn tls(&self) -> TlsFiles {
        TlsFiles {
            ca: self.ca_file.clone(),
            certificate: self.certificate_file.clone(),
            key: self.key_file.clone(),
        }
    }
}

/// What is wrong and where. The line itself is not told: somebody may have put a token there.
fn place(text: &str, error: &toml::de::Error) -> String {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    format!("line {}: {}", before.matches('\n').count() + 1, error.message())
}

/// Writes beside the file and then in its place, so that a crash leaves the old one or the new one.
fn write_whole(path: &Path, text: &str) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let beside = path.with_extension(format!("toml.{}", std::process::id()));
    let write = || {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&beside, path)
    };
    write().inspect_err(|_| {
        let _ = fs::remove_file(&beside);
    })
}

#[cfg(test)]
mod tests;
