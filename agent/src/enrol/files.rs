//! The files of a member: all of them, or none.
use super::{EtcdArguments, HostArguments};
use crate::identity::{FileError, KeyError, KeyFile, files};
use lifeboat_link::Roster;
use lifeboat_link::join::{MediumPlace, PoolKey};
use lifeboat_protocol::message::NewKey;
use std::path::{Path, PathBuf};
use toml::{Table, Value};

/// Why a host did not become a member.
#[derive(Debug, thiserror::Error)]
pub enum EnrolFault {
    /// It is one.
    #[error("{} is there already: this host belongs to a pool; `lifeboat-agent leave` first, or remove it", .0.display())]
    IsMember(PathBuf),
    /// A file.
    #[error(transparent)]
    File(#[from] FileError),
    /// Keys that are none.
    #[error("the pool's heartbeat keys cannot be used: {0}")]
    Keys(String),
    /// A configuration that cannot be spelt.
    #[error("the configuration cannot be written: {0}")]
    Spelling(#[from] toml::ser::Error),
    /// Arguments that make no configuration.
    #[error("{0}")]
    Arguments(String),
}

/// All that a member has.
#[derive(Debug)]
pub struct Membership<'a> {
    /// What the host was told about itself.
    pub host: &'a HostArguments,
    /// How an etcd is spoken to.
    pub etcd: &'a EtcdArguments,
    /// What carries the pool's records.
    pub medium: &'a MediumPlace,
    /// Where the pool's database is.
    pub metadata: &'a str,
    /// Who belongs to the pool.
    pub roster: &'a Roster,
    /// The heartbeat keys, the one in use first.
    pub keys: &'a [PoolKey],
    /// The host's certificate and those up to its authority.
    pub chain_pem: &'a str,
    /// Its key.
    pub key_pem: &'a str,
    /// Who is believed.
    pub authorities_pem: &'a str,
}

/// Where everything is.
#[derive(Debug)]
pub struct Places {
    agent: PathBuf,
    service: PathBuf,
    tls: PathBuf,
    state: PathBuf,
}

impl Places {
    /// For an agent whose configuration is this file.
    pub fn of(agent_toml: &Path, state_directory: &Path) -> Self {
        let folder = agent_toml.parent().unwrap_or(Path::new("/"));
        Self {
            agent: agent_toml.to_owned(),
            service: folder.join("lifeboat.toml"),
            tls: folder.join("tls"),
            state: state_directory.to_owned(),
        }
    }

    /// The service's configuration.
    pub fn service(&self) -> &Path {
        &self.service
    }

    fn all(&self) -> [PathBuf; 7] {
        let tls = |name| self.tls.join(name);
        [
            self.state.join("keys.json"),
            self.state.join("roster.json"),
            tls("host.key"),
            tls("host.pem"),
            tls("authorities.pem"),
            self.service.clone(),
            // The last one: an agent starts when it is there.
            self.agent.clone(),
        ]
    }

    /// Whether this host is no member yet.
    ///
    /// # Errors
    /// If it is.
    pub fn check_free(&self) -> Result<(), EnrolFault> {
        match self.all().into_iter().find(|path| path.symlink_metadata().is_ok()) {
            Some(there) => Err(EnrolFault::IsMember(there)),
            None => Ok(()),
        }
    }

    /// Whether this host's files can be written: asked before anything is that others see.
    ///
    /// # Errors
    /// If not. What was made to find out is taken away again.
    pub fn check_writable(&self) -> Result<(), EnrolFault> {
        for directory in self.directories() {
            files::make_private_directory(directory)?;
            let probe = directory.join("probe");
            files::write(&probe, b"")?;
            files::remove(&probe)?;
        }
        Ok(())
    }

    fn directories(&self) -> [&Path; 3] {
        [&self.state, self.agent.parent().unwrap_or(Path::new("/")), &self.tls]
    }
}

impl Membership<'_> {
    /// Writes everything; if that fails nothing of it is left.
    ///
    /// # Errors
    /// What failed.
    pub fn write(&self, places: &Places) -> Result<(), EnrolFault> {
        places.check_free()?;
        let written = self.write_all(places);
        if written.is_err() {
            for path in places.all() {
                // What cannot be removed is named by the next attempt.
                let _ = files::remove(&path);
            }
        }
        written
    }

    fn write_all(&self, places: &Places) -> Result<(), EnrolFault> {
        let agent = self.agent_toml(places)?;
        let service = self.service_toml(places)?;
        let keys = key_file(self.keys)?;
        for directory in places.directories() {
            files::make_private_directory(directory)?;
        }
        keys.write(&places.state)?;
        files::write_json(&places.state.join("roster.json"), self.roster)?;
        files::write(&places.tls.join("host.key"), self.key_pem.as_bytes())?;
        files::write(&places.tls.join("host.pem"), self.chain_pem.as_bytes())?;
        files::write(&places.tls.join("authorities.pem"), self.authorities_pem.as_bytes())?;
        files::write(&places.service, service.as_bytes())?;
        files::write(&places.agent, agent.as_bytes())?;
        Ok(())
    }

    fn agent_toml(&self, places: &Places) -> Result<String, EnrolFault> {
        let host = self.host;
        let mut top = Table::new();
        top.insert(
            "host".into(),
            Value::Table(table([
                ("name", host.host.as_str().into()),
                ("state_directory", text(&host.state_directory)),
                ("run_directory", text(&host.run_directory)),
            ])),
        );
        let networks = host.networks.iter().map(|network| {
            Value::Table(table([
                ("name", network.name.as_str().into()),
                ("interface", network.interface.as_str().into()),
                ("listen", network.listen.to_string().into()),
            ]))
        });
        top.insert("network".into(), Value::Array(networks.collect()));
        top.insert("medium".into(), Value::Table(self.medium_table()));
        top.insert("watchdog".into(), Value::Table(host.watchdog_table().map_err(EnrolFault::Arguments)?));
        top.insert("hypervisor".into(), Value::Table(table([("kind", host.hypervisor.as_str().into())])));
        let command =
            [&host.service, "serve", "--config", &places.service.display().to_string(), "--under-agent"];
        let command = command.into_iter().map(Value::from).collect();
        let mut service = table([("command", Value::Array(command))]);
        if let Ok(lifeboat_store::StoreAddress::Volume { path, .. }) = self.metadata.parse() {
            service.insert("volume".into(), text(&path));
        }
        top.insert("service".into(), Value::Table(service));
        let spelt = toml::to_string(&top)?;
        Ok(format!(
            "# The agent of {} in pool {}: see docs/agent.md for all that can stand here.\n{spelt}",
            host.host, host.pool
        ))
    }

    fn medium_table(&self) -> Table {
        let (endpoints, tls) = match self.medium {
            MediumPlace::Statefile { path, offset } => {
                return table([
                    ("kind", "statefile".into()),
                    ("path", text(path)),
                    ("offset", Value::Integer((*offset).cast_signed())),
                ]);
            }
            MediumPlace::Etcd { endpoints, tls } => (endpoints, *tls),
        };
        let endpoints = endpoints.iter().map(|endpoint| endpoint.as_str().into()).collect();
        let mut medium = table([
            ("kind", "etcd".into()),
            ("endpoints", Value::Array(endpoints)),
            ("tls", Value::Boolean(tls)),
        ]);
        for (key, path) in [
            ("ca_file", &self.etcd.etcd_ca_file),
            ("certificate_file", &self.etcd.etcd_certificate_file),
            ("key_file", &self.etcd.etcd_key_file),
            ("password_file", &self.etcd.etcd_password_file),
        ] {
            medium.extend(path.as_deref().map(|path| (key.to_owned(), text(path))));
        }
        medium.extend(self.etcd.etcd_user.as_deref().map(|user| ("user".to_owned(), user.into())));
        medium
    }

    fn service_toml(&self, places: &Places) -> Result<String, EnrolFault> {
        let host = self.host;
        let secret = |path: &Path| Value::Table(table([("file", text(path))]));
        let mut top = Table::new();
        top.insert(
            "listen".into(),
            Value::Table(table([
                ("addresses", Value::Array(vec![host.listens().to_string().into()])),
                ("certificate_file", text(&places.tls.join("host.pem"))),
                ("key", secret(&places.tls.join("host.key"))),
                ("client_ca_file", text(&places.tls.join("authorities.pem"))),
            ])),
        );
        let mut store = table([("address", self.metadata.into())]);
        if self.metadata.starts_with("etcd") {
            store.extend(
                self.etcd.etcd_ca_file.as_deref().map(|path| ("etcd_ca_file".to_owned(), text(path))),
            );
            let shown = self.etcd.etcd_certificate_file.as_deref();
            store.extend(shown.map(|path| ("etcd_certificate_file".to_owned(), text(path))));
            store
                .extend(self.etcd.etcd_key_file.as_deref().map(|path| ("etcd_key".to_owned(), secret(path))));
            store.extend(self.etcd.etcd_user.as_deref().map(|user| ("etcd_user".to_owned(), user.into())));
            store.extend(
                self.etcd
                    .etcd_password_file
                    .as_deref()
                    .map(|path| ("etcd_password".to_owned(), secret(path))),
            );
            if self.metadata.starts_with("etcd://") {
                store.insert("etcd_plain".into(), true.into());
            }
        }
        top.insert("store".into(), Value::Table(store));
        top.insert(
            "coordinator".into(),
            Value::Table(table([("name", host.host.as_str().into()), ("address", host.api.as_str().into())])),
        );
        let spelt = toml::to_string(&top)?;
        Ok(format!(
            "# The service of {} in pool {}: `lifeboat config example` shows all that can stand here.\n{spelt}",
            host.host, host.pool
        ))
    }
}

fn table<const N: usize>(entries: [(&str, Value); N]) -> Table {
    entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

fn text(path: &Path) -> Value {
    Value::String(path.display().to_string())
}

fn key_file(keys: &[PoolKey]) -> Result<KeyFile, EnrolFault> {
    let bytes =
        |key: &PoolKey| key.bytes().ok_or_else(|| EnrolFault::Keys(format!("key {} is none", key.epoch)));
    let Some((first, more)) = keys.split_first() else {
        return Err(EnrolFault::Keys("there is none".into()));
    };
    let mut file = KeyFile::new(first.epoch, bytes(first)?);
    for key in more {
        file.add(&NewKey { key_epoch: key.epoch, key: bytes(key)? });
    }
    file.keyring().map_err(|fault: KeyError| EnrolFault::Keys(fault.to_string()))?;
    Ok(file)
}

#[cfg(test)]
mod tests;
