//! What the configuration file says about a webhook.
use super::Webhook;
use crate::settings::{DigestSettings, Faults, OnlySettings, RetrySettings, Secret, SecretSource};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use ureq::http::Uri;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};

/// A channel with `kind = "webhook"`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookSettings {
    /// The channel's name.
    pub name: String,
    /// What it tells. Default: everything.
    #[serde(default)]
    pub only: OnlySettings,
    /// When alerts are gathered. Default: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<DigestSettings>,
    /// How it tries again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<RetrySettings>,
    /// Where to POST. `https://`, or `http://` on this machine. `url` or `secret_url` is needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Where the URL is, when the URL itself is a secret (as with chat systems): `{ file = "/path" }` or
    /// `{ credential = "name" }`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_url: Option<SecretSource>,
    /// The secrets that sign. Usually one; two while a secret is replaced. None: nothing is signed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<SecretSource>,
    /// The value of the header `Authorization`, like `Bearer 3f2…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization: Option<SecretSource>,
    /// PEM file with the certificates to trust, instead of those that the system trusts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
    /// HTTP proxy to go through, like `http://proxy:3128`. Default: none; the environment is not asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy: Option<String>,
    /// Lets `http://` go to other machines. Default false: what is sent names hosts and VMs.
    #[serde(default)]
    pub allow_plain: bool,
    /// Seconds for the whole call. 1 to 120, default 10.
    #[serde(default = "ten")]
    pub timeout_s: u64,
    /// A link for the member `link`; `{pool}`, `{id}` and `{kind}` are filled in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
}

fn ten() -> u64 {
    10
}

impl WebhookSettings {
    pub(crate) fn check(&self, faults: &mut Faults) {
        if self.url.is_some() == self.secret_url.is_some() {
            faults.add("url", "one of url and secret_url is needed");
        }
        if let Some(url) = &self.url
            && let Err(fault) = self.origin(url)
        {
            faults.add("url", fault);
        }
        faults.range("timeout_s", self.timeout_s, 1, 120);
        if self.secrets.len() > 4 {
            faults.add("secrets", "4 are the most");
        }
        let one = [("secret_url", &self.secret_url), ("authorization", &self.authorization)];
        let one = one.into_iter().filter_map(|(key, source)| Some((key, source.as_ref()?)));
        for (key, source) in one.chain(self.secrets.iter().map(|source| ("secrets", source))) {
            source.check(key, faults);
        }
        if let Some(ca_file) = &self.ca_file {
            faults.absolute("ca_file", ca_file);
        }
        if let Some(Err(error)) = self.proxy.as_deref().map(ureq::Proxy::new) {
            faults.add("proxy", error.to_string());
        }
    }

    pub(crate) fn open(&self, credentials: Option<&Path>, faults: &mut Faults) -> Option<Webhook> {
        let mut read = |key: &str, source: &SecretSource| source.read(key, credentials, faults);
        let secret_url = self.secret_url.as_ref().and_then(|source| read("secret_url", source));
        let authorization = self.authorization.as_ref().and_then(|source| read("authorization", source));
        let secrets = self.secrets.iter().filter_map(|source| read("secrets", source)).collect();
        let key = if self.url.is_some() { "url" } else { "secret_url" };
        let url = self.url.clone().map(Secret::open).or(secret_url)?;
        let origin = self.origin(url.reveal()).map_err(|fault| faults.add(key, fault)).ok()?;
        let roots = self.roots().map_err(|fault| faults.add("ca_file", fault)).ok()?;
        let tls = TlsConfig::builder().root_certs(RootCerts::new_with_certs(&roots)).build();
        let proxy = self.proxy.as_deref().and_then(|proxy| ureq::Proxy::new(proxy).ok());
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_idle_connections(0)
            .timeout_global(Some(Duration::from_secs(self.timeout_s)))
            .proxy(proxy)
            .tls_config(tls)
            .user_agent(concat!("lifeboat/", env!("CARGO_PKG_VERSION")))
            .build()
            .new_agent();
        Some(Webhook {
            name: self.name.clone(),
            url,
            origin,
            secrets,
            authorization,
            link: self.link.clone(),
            agent,
        })
    }

    /// Scheme and host of a URL that may be called.
    fn origin(&self, url: &str) -> Result<String, String> {
        let uri: Uri = url.parse().map_err(|error| format!("is no URL: {error}"))?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err("must begin with https://".to_owned());
        };
        if authority.as_str().contains('@') {
            return Err("has a password in it: use authorization".to_owned());
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        let here = host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback());
        match scheme {
            "https" => {}
            "http" if here || self.allow_plain => {}
            "http" => return Err("is not encrypted: use https://, or set allow_plain = true".to_owned()),
            other => return Err(format!("begins with {other}://: must be https://")),
        }
        Ok(format!("{scheme}://{authority}"))
    }

    fn roots(&self) -> Result<Vec<Certificate<'static>>, String> {
        let Some(path) = &self.ca_file else {
            let system = rustls_native_certs::load_native_certs().certs;
            return Ok(system.iter().map(|der| Certificate::from_der(der).to_owned()).collect());
        };
        let pem = std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
        let mut roots = Vec::new();
        for item in parse_pem(&pem) {
            match item {
                Ok(PemItem::Certificate(certificate)) => roots.push(certificate),
                Ok(_) => {}
                Err(error) => return Err(format!("{}: {error}", path.display())),
            }
        }
        if roots.is_empty() { Err(format!("{} holds no certificate", path.display())) } else { Ok(roots) }
    }
}
