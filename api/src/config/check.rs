//! What must fit together in a configuration that is right key by key, and how faults are told.
use super::read::Places;
use super::sections::{Config, Required};
use crate::guard::sentry::GuardSettings;
use crate::guard::tls::TlsFiles;
use crate::service::ServiceSettings;
use lifeboat_store::StoreAddress;
use std::collections::BTreeSet;
use std::fmt;
use std::num::NonZeroUsize;
use std::thread;
use std::time::Duration;

/// One thing that is wrong with a configuration file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigFault {
    /// Line and column, from 1; none where it concerns the whole file.
    pub at: Option<(usize, usize)>,
    /// The key, with its section; empty where it is no key.
    pub key: String,
    /// What is wrong, and what belongs there.
    pub message: String,
}

impl fmt::Display for ConfigFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((line, column)) = self.at {
            write!(f, "{line}:{column}: ")?;
        }
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.message)
    }
}

/// What does not fit together.
pub(super) fn together(config: &Config, places: &Places<'_>) -> Vec<ConfigFault> {
    let mut faults = Vec::new();
    let mut fault = |key: &str, message: String| {
        faults.push(ConfigFault { at: places.of(key), key: key.to_owned(), message });
    };
    let listen = &config.listen;
    if let Some(address) = listen.addresses.iter().find(|address| !address.ip().to_canonical().is_loopback())
        && listen.certificate_file.is_none()
        && listen.key.is_none()
    {
        let why = format!(
            "{address} can be reached by others, and the service speaks to them only by TLS: set certificate_file = \"/path/cert.pem\" \
             and key = {{ file = \"/path/key.pem\" }} in [listen], or listen on 127.0.0.1 or [::1]"
        );
        fault("listen.addresses", why);
    }
    match (&listen.certificate_file, &listen.key) {
        (Some(_), None) => {
            fault(
                "listen.certificate_file",
                "needs its private key: set key = { file = \"/path/key.pem\" } in [listen]".into(),
            );
        }
        (None, Some(_)) => {
            fault(
                "listen.key",
                "needs its certificate: set certificate_file = \"/path/cert.pem\" in [listen]".into(),
            );
        }
        (None, None) if listen.client_ca_file.is_some() => {
            fault(
                "listen.client_ca_file",
                "clients show certificates only by TLS: set certificate_file and key in [listen]".into(),
            );
        }
        _ => (),
    }
    if listen.client_ca_file.is_none() {
        if listen.require_client_certificate {
            fault(
                "listen.require_client_certificate",
                "set client_ca_file in [listen] to the authority of those certificates".into(),
            );
        }
        if listen.client_crl_file.is_some() {
            fault(
                "listen.client_crl_file",
                "set client_ca_file in [listen] to the authority that revokes".into(),
            );
        }
    }
    let mut seen = BTreeSet::new();
    if let Some(twice) =
        listen.addresses.iter().find(|address| !seen.insert(**address) && address.port() != 0)
    {
        fault("listen.addresses", format!("{twice} stands there twice"));
    }
    store(config, &mut fault);
    let limits = &config.limits;
    if limits.search_s > limits.longest_search_s {
        fault("limits.search_s", "must be no more than longest_search_s".into());
    }
    if limits.request_s < limits.longest_search_s + limits.body_s {
        let least = limits.longest_search_s + limits.body_s;
        fault(
            "limits.request_s",
            format!("must be at least longest_search_s + body_s, {least}, or such searches never end"),
        );
    }
    if let Some(endpoint) = &config.telemetry.otlp_endpoint
        && !is_url(endpoint)
    {
        fault(
            "telemetry.otlp_endpoint",
            format!("{endpoint:?} is no URL, such as \"http://127.0.0.1:4318\""),
        );
    }
    if let Some(address) = &config.coordinator.address
        && !is_url(address)
    {
        fault(
            "coordinator.address",
            format!("{address:?} is no URL, such as \"https://coordinator-1.example:7878\""),
        );
    }
    faults
}

fn store(config: &Config, fault: &mut dyn FnMut(&str, String)) {
    let store = &config.store;
    let secured = [
        ("store.etcd_password", store.etcd_password.is_some()),
        ("store.etcd_ca_file", store.etcd_ca_file.is_some()),
        ("store.etcd_certificate_file", store.etcd_certificate_file.is_some()),
        ("store.etcd_key", store.etcd_key.is_some()),
    ];
    let address = match store.address.parse() {
        Ok(StoreAddress::File(path) | StoreAddress::Volume { path, .. }) if !path.is_absolute() => None,
        parsed => parsed.ok(),
    };
    let Some(address) = address else {
        fault(
            "store.address",
            "must be an absolute path, volume:/dev/..., or etcds://host:port,host:port,...".into(),
        );
        return;
    };
    match &address {
        StoreAddress::File(_) | StoreAddress::Volume { .. } => {
            let more =
                [("store.etcd_plain", store.etcd_plain), ("store.etcd_user", store.etcd_user.is_some())];
            for (key, _) in more.into_iter().chain(secured).filter(|(_, is_set)| *is_set) {
                fault(key, "means nothing for a store in a file".into());
            }
            return;
        }
        StoreAddress::Etcd { tls: true, .. } => {
            if store.etcd_plain {
                fault("store.etcd_plain", "the address begins with etcds://, which is TLS: leave it out".into());
            }
        }
        StoreAddress::Etcd { .. } if !address.is_loopback() => fault(
            "store.address",
            "beyond loopback etcd is spoken to only by TLS: begin with etcds:// (an etcd on this machine is given by \
             its address, 127.0.0.1 or [::1])"
                .into(),
        ),
        StoreAddress::Etcd { .. } if !store.etcd_plain => fault(
            "store.address",
            "etcd:// is without TLS: begin with etcds://, or set etcd_plain = true in [store]".into(),
        ),
        StoreAddress::Etcd { .. } => {
            for (key, _) in secured.into_iter().filter(|(_, is_set)| *is_set) {
                fault(key, "means nothing without TLS: let store.address begin with etcds://".into());
            }
        }
    }
    for (one, has_one, other, has_other) in [
        ("etcd_user", store.etcd_user.is_some(), "etcd_password", store.etcd_password.is_some()),
        (
            "etcd_certificate_file",
            store.etcd_certificate_file.is_some(),
            "etcd_key",
            store.etcd_key.is_some(),
        ),
    ] {
        if has_one != has_other {
            let (given, missing) = if has_one { (one, other) } else { (other, one) };
            fault(&format!("store.{given}"), format!("set {missing} in [store] as well"));
        }
    }
}

fn is_url(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    rest.is_some_and(|rest| !rest.is_empty() && !rest.contains(char::is_whitespace))
}

/// Faults in the order of the file.
pub(super) fn in_order(mut faults: Vec<ConfigFault>) -> Vec<ConfigFault> {
    faults.sort_by_key(|fault| fault.at);
    faults
}

impl Config {
    /// What does not fit together, in a configuration that was changed since it was read.
    pub fn faults(&self) -> Vec<ConfigFault> {
        together(self, &Places::default())
    }

    /// Whether nobody but this machine can reach the service.
    pub fn is_local(&self) -> bool {
        self.listen.addresses.iter().all(|address| address.ip().to_canonical().is_loopback())
    }

    /// What the service takes on.
    pub fn service_settings(&self) -> ServiceSettings {
        let limits = &self.limits;
        let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        ServiceSettings {
            workers: if limits.computations == 0 { cores } else { limits.computations as usize },
            waiting: limits.waiting as usize,
            uploads: limits.bodies as usize,
            most_packed: (limits.body_mib as usize) << 20,
            most_unpacked: u64::from(limits.unpacked_mib) << 20,
            head_time: Duration::from_secs(limits.head_s),
            upload_time: Duration::from_secs(limits.body_s),
            usual_time: Duration::from_secs(limits.search_s),
            most_time: Duration::from_secs(limits.longest_search_s),
        }
    }

    /// What the guard allows.
    pub fn guard_settings(&self) -> GuardSettings {
        let limits = &self.limits;
        GuardSettings {
            trust_loopback: self.is_local() && self.tokens.required == Required::BeyondLoopback,
            principal_per_s: limits.requests_per_s,
            principal_burst: limits.requests_burst,
            address_per_s: limits.address_requests_per_s,
            address_burst: limits.address_requests_burst,
            request_time: Duration::from_secs(limits.request_s),
            streams: limits.streams as usize,
            streams_each: limits.streams_per_principal as usize,
        }
    }

    /// Where everything for TLS is; none: the service speaks plain HTTP, on loopback.
    pub fn tls_files(&self) -> Option<TlsFiles> {
        let listen = &self.listen;
        Some(TlsFiles {
            certificate: listen.certificate_file.clone()?,
            key: listen.key.clone()?,
            client_ca: listen.client_ca_file.clone(),
            client_crl: listen.client_crl_file.clone(),
            require_client_certificate: listen.require_client_certificate,
        })
    }
}

#[cfg(test)]
mod tests;
