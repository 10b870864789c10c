//! What the configuration file says about a command.
use super::Exec;
use crate::settings::{DigestSettings, Faults, OnlySettings, RetrySettings};
use serde::{Deserialize, Serialize};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A channel with `kind = "command"`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommandSettings {
    /// The channel's name.
    pub name: String,
    /// What it is run for. Default: everything.
    #[serde(default)]
    pub only: OnlySettings,
    /// When alerts are gathered. Default: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<DigestSettings>,
    /// How it tries again. Default: 3 attempts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<RetrySettings>,
    /// The program by its absolute path, and its arguments. No shell reads them.
    pub run: Vec<String>,
    /// Seconds until it is asked to end. 1 to 3600, default 60.
    #[serde(default = "sixty")]
    pub timeout_s: u64,
    /// Seconds from then until it is killed. 0 to 60, default 5.
    #[serde(default = "five")]
    pub grace_s: u64,
}

fn sixty() -> u64 {
    60
}

fn five() -> u64 {
    5
}

impl CommandSettings {
    pub(crate) fn check(&self, faults: &mut Faults) {
        match self.run.first() {
            None => faults.add("run", "must name a program"),
            Some(program) => faults.absolute("run", Path::new(program)),
        }
        if self.run.len() > 100 || self.run.iter().any(|word| word.len() > 4096 || word.contains('\0')) {
            faults.add("run", "may have 100 words of 4096 bytes without NUL");
        }
        faults.range("timeout_s", self.timeout_s, 1, 3600);
        faults.range("grace_s", self.grace_s, 0, 60);
    }

    pub(crate) fn open(&self, faults: &mut Faults) -> Option<Exec> {
        let (program, arguments) = self.run.split_first()?;
        let program = PathBuf::from(program);
        match std::fs::metadata(&program) {
            Err(error) => faults.add("run", format!("{}: {error}", program.display())),
            Ok(facts) if !facts.is_file() => faults.add("run", format!("{} is no file", program.display())),
            Ok(facts) => {
                let mode = facts.permissions().mode();
                if mode & 0o111 == 0 {
                    faults.add("run", format!("{0} is not executable: chmod +x {0}", program.display()));
                }
                if mode & 0o002 != 0 {
                    faults.add("run", format!("everybody may change {0}: chmod o-w {0}", program.display()));
                }
            }
        }
        Some(Exec {
            name: self.name.clone(),
            program,
            arguments: arguments.to_vec(),
            timeout: Duration::from_secs(self.timeout_s),
            grace: Duration::from_secs(self.grace_s),
        })
    }
}
