//! Whom the client believes and what it shows: certificates and a key, from files in PEM.
use rustls::crypto::ring;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use ureq::tls::{Certificate, ClientCert, PemItem, PrivateKey, RootCerts, TlsConfig, parse_pem};

/// The files; none of them: the system's certificates are believed, and none is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsFiles {
    /// Authorities that are believed, and no others.
    pub ca: Option<PathBuf>,
    /// The certificate to show, with its chain.
    pub certificate: Option<PathBuf>,
    /// The key of that certificate; none: it stands in the same file.
    pub key: Option<PathBuf>,
}

/// Why a file is of no use.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// It cannot be read.
    #[error("cannot read {}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It is no PEM.
    #[error("{} is not a file of PEM certificates or keys", .0.display())]
    NoPem(PathBuf),
    /// There is no certificate in it.
    #[error("{} has no certificate", .0.display())]
    NoCertificate(PathBuf),
    /// There is no key in it.
    #[error("{} has no private key", .0.display())]
    NoKey(PathBuf),
}

impl TlsFiles {
    /// Reads the files.
    ///
    /// # Errors
    /// If one of them is of no use.
    pub(super) fn read(&self) -> Result<TlsConfig, TlsError> {
        let roots = match &self.ca {
            Some(path) => certificates(path)?,
            None => system(),
        };
        let shown = match &self.certificate {
            Some(path) => {
                let chain = certificates(path)?;
                Some(ClientCert::new_with_certs(&chain, key(self.key.as_deref().unwrap_or(path))?))
            }
            None => None,
        };
        Ok(TlsConfig::builder()
            .unversioned_rustls_crypto_provider(Arc::new(ring::default_provider()))
            .root_certs(RootCerts::Specific(Arc::new(roots)))
            .client_cert(shown)
            .build())
    }
}

/// What the system believes. A certificate there that cannot be read is passed over: another may do.
fn system() -> Vec<Certificate<'static>> {
    let found = rustls_native_certs::load_native_certs();
    found.certs.iter().map(|certificate| Certificate::from_der(certificate).to_owned()).collect()
}

fn certificates(path: &Path) -> Result<Vec<Certificate<'static>>, TlsError> {
    let mut found = Vec::new();
    for item in items(path)? {
        if let PemItem::Certificate(certificate) = item {
            found.push(certificate);
        }
    }
    if found.is_empty() { Err(TlsError::NoCertificate(path.to_owned())) } else { Ok(found) }
}

fn key(path: &Path) -> Result<PrivateKey<'static>, TlsError> {
    let key = items(path)?.into_iter().find_map(|item| match item {
        PemItem::PrivateKey(key) => Some(key),
        _ => None,
    });
    key.ok_or_else(|| TlsError::NoKey(path.to_owned()))
}

fn items(path: &Path) -> Result<Vec<PemItem<'static>>, TlsError> {
    let text = fs::read(path).map_err(|source| TlsError::Unreadable { path: path.to_owned(), source })?;
    parse_pem(&text).collect::<Result<_, _>>().map_err(|_| TlsError::NoPem(path.to_owned()))
}
