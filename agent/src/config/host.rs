//! `[host]`: who this host is, and where the agent keeps what it must not forget.
use super::Faults;
use serde::Deserialize;
use std::path::PathBuf;

/// The section.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostSection {
    /// The host's name in the roster and in the pool document.
    pub name: String,
    /// What survives a boot: boot number, keys, roster.
    #[serde(default = "usual_state_directory")]
    pub state_directory: PathBuf,
    /// What a boot ends: the socket, pid files.
    #[serde(default = "usual_run_directory")]
    pub run_directory: PathBuf,
    /// Where the host's certificate is, `host.pem`, with its key and the pool's authorities. Where nothing is said: `tls` beside the
    /// configuration.
    #[serde(default)]
    pub tls_directory: Option<PathBuf>,
    /// What differs at every boot.
    #[serde(default = "usual_boot_id_file")]
    pub boot_id_file: PathBuf,
    /// What boots the host anew, in good order, once it was emptied and has left.
    #[serde(default = "usual_reboot")]
    pub reboot: Vec<String>,
}

impl HostSection {
    /// Where operators reach the agent.
    pub fn socket(&self) -> PathBuf {
        self.run_directory.join("agent.sock")
    }

    /// What can be understood of a section; what cannot is as usual.
    pub(super) fn least(table: Option<&toml::Table>) -> Self {
        let word = |key: &str| table.and_then(|table| table.get(key)).and_then(toml::Value::as_str);
        let path = |key, usual: fn() -> PathBuf| word(key).map_or_else(usual, PathBuf::from);
        Self {
            tls_directory: None,
            name: word("name").unwrap_or_default().to_owned(),
            state_directory: path("state_directory", usual_state_directory),
            run_directory: path("run_directory", usual_run_directory),
            boot_id_file: path("boot_id_file", usual_boot_id_file),
            reboot: usual_reboot(),
        }
    }

    pub(super) fn check(&self, faults: &mut Faults) {
        if self.name.is_empty() || self.name.chars().count() > 255 || self.name.chars().any(char::is_control)
        {
            faults.add("host", "name is 1 to 255 printable characters, as in the pool document");
        }
        if self.reboot.first().is_none_or(String::is_empty) {
            faults.add("host", "reboot is a program and its arguments, such as [\"systemctl\", \"reboot\"]");
        }
        for (key, path) in [
            ("state_directory", &self.state_directory),
            ("run_directory", &self.run_directory),
            ("boot_id_file", &self.boot_id_file),
        ]
        .into_iter()
        .chain(self.tls_directory.iter().map(|path| ("tls_directory", path)))
        {
            if !path.is_absolute() {
                faults.add("host", format!("{key} is a path that begins with /"));
            }
        }
    }
}

fn usual_state_directory() -> PathBuf {
    "/var/lib/lifeboat/agent".into()
}

fn usual_run_directory() -> PathBuf {
    "/run/lifeboat".into()
}

fn usual_reboot() -> Vec<String> {
    vec!["systemctl".into(), "reboot".into()]
}

fn usual_boot_id_file() -> PathBuf {
    "/proc/sys/kernel/random/boot_id".into()
}
