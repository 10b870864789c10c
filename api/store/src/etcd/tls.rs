//! What a call needs beside its words: certificates, a user, and time.
use super::wire::Credentials;
use crate::{Options, StoreError};
use std::fs;
use std::path::Path;
use std::time::Duration;
use ureq::Agent;
use ureq::tls::{Certificate, ClientCert, PemItem, PrivateKey, RootCerts, TlsConfig, parse_pem};

/// The part of a call's time within which a member must have taken the connection.
const CONNECT: Duration = Duration::from_secs(1);

/// What makes the calls.
pub(super) fn agent(tls: bool, options: &Options) -> Result<Agent, StoreError> {
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .https_only(tls)
        // Members are near; what stands in the environment is meant for the world outside.
        .proxy(None)
        .max_redirects(0)
        .timeout_connect(Some(CONNECT.min(options.timeout)))
        .user_agent(concat!("lifeboat/", env!("CARGO_PKG_VERSION")));
    let config = if tls { config.tls_config(certificates(options)?) } else { config };
    Ok(config.build().new_agent())
}

/// Our user and its password, if we have one.
pub(super) fn credentials(options: &Options) -> Result<Option<Credentials>, StoreError> {
    let Some(name) = options.user.clone() else { return Ok(None) };
    let password = match &options.password_file {
        None => String::new(),
        Some(file) => {
            let text = String::from_utf8(read(file)?).map_err(|_| unusable(file, "it is no text"))?;
            text.trim_end_matches(['\r', '\n']).to_owned()
        }
    };
    Ok(Some(Credentials { name, password }))
}

fn certificates(options: &Options) -> Result<TlsConfig, StoreError> {
    let mut config = TlsConfig::builder();
    if let Some(file) = &options.ca_file {
        config = config.root_certs(RootCerts::new_with_certs(&chain(file)?));
    }
    if let (Some(certificate), Some(key)) = (&options.certificate_file, &options.key_file) {
        let private =
            PrivateKey::from_pem(&read(key)?).map_err(|_| unusable(key, "it has no private key"))?;
        config = config.client_cert(Some(ClientCert::new_with_certs(&chain(certificate)?, private)));
    }
    Ok(config.build())
}

fn chain(file: &Path) -> Result<Vec<Certificate<'static>>, StoreError> {
    let pem = read(file)?;
    let certificates: Vec<_> = parse_pem(&pem)
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        })
        .collect();
    if certificates.is_empty() { Err(unusable(file, "it has no certificate")) } else { Ok(certificates) }
}

fn read(file: &Path) -> Result<Vec<u8>, StoreError> {
    fs::read(file).map_err(|source| StoreError::CannotOpen { what: file.display().to_string(), source })
}

fn unusable(file: &Path, why: &str) -> StoreError {
    let source = std::io::Error::new(std::io::ErrorKind::InvalidData, why);
    StoreError::CannotOpen { what: file.display().to_string(), source }
}
