//! The one door to the environment: what a user may set there once instead of with every command.
#![expect(clippy::disallowed_methods, reason = "this is the door to the environment")]
use std::env;
use std::path::PathBuf;

/// What the environment says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environment {
    /// `LIFEBOAT_TOKEN_FILE`: the file with the token.
    pub token_file: Option<PathBuf>,
    /// `LIFEBOAT_POOL`: the pool that is meant.
    pub pool: Option<String>,
    /// `LIFEBOAT_CONTEXT`: the context that is meant.
    pub context: Option<String>,
    /// Where contexts are kept: `lifeboat/contexts.toml` in `XDG_CONFIG_HOME`, or else in `~/.config`.
    pub contexts_file: Option<PathBuf>,
}

impl Environment {
    /// Reads it. What is set to nothing is not set.
    pub fn read() -> Self {
        let path = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let text = |name| env::var(name).ok().filter(|value| !value.is_empty());
        let folder = path("XDG_CONFIG_HOME")
            .filter(|folder| folder.is_absolute())
            .or_else(|| path("HOME").map(|home| home.join(".config")));
        Self {
            token_file: path("LIFEBOAT_TOKEN_FILE"),
            pool: text("LIFEBOAT_POOL"),
            context: text("LIFEBOAT_CONTEXT"),
            contexts_file: folder.map(|folder| folder.join("lifeboat").join("contexts.toml")),
        }
    }
}
