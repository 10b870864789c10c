//! TLS: certificate, key and the authorities for clients' certificates from files, loaded anew when they change or when the
//! service is told to (SIGHUP), so that a renewed certificate needs no restart. A file that cannot be used then leaves all
//! as it was, and is logged.
use crate::config::secret::{SecretError, SecretSource, Secrets};
use axum_server::tls_rustls::RustlsConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoClientAuth, VerifierBuilderError, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

/// How often the files are looked at.
pub const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Where everything for TLS is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate chain, PEM, the service's own first.
    pub certificate: PathBuf,
    /// Its private key, PEM.
    pub key: SecretSource,
    /// Authorities whose client certificates are believed, PEM; none: clients are asked for none.
    pub client_ca: Option<PathBuf>,
    /// Certificates of clients that are believed no more, PEM.
    pub client_crl: Option<PathBuf>,
    /// Whether a client without a certificate is turned away in the handshake.
    pub require_client_certificate: bool,
}

/// Why TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("cannot read {}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The key cannot be fetched.
    #[error("cannot fetch the private key")]
    Key(#[from] SecretError),
    /// What is in a file is not what belongs there.
    #[error("{} holds no {expected} in PEM", .path.display())]
    NotPem {
        /// The file.
        path: PathBuf,
        /// What belongs there.
        expected: &'static str,
    },
    /// The certificate or key cannot be used, or they do not belong together.
    #[error("certificate and key cannot be used")]
    Rustls(#[from] rustls::Error),
    /// The authorities cannot be used.
    #[error("the authorities for clients' certificates cannot be used")]
    Verifier(#[from] VerifierBuilderError),
}

/// TLS that can be loaded anew while connections come in.
#[derive(Debug)]
pub struct Tls {
    files: TlsFiles,
    secrets: Secrets,
    config: RustlsConfig,
    seen: Mutex<Vec<Option<SystemTime>>>,
}

impl Tls {
    /// Loads the files.
    ///
    /// # Errors
    /// If one cannot be used.
    pub fn load(files: TlsFiles, secrets: Secrets) -> Result<Self, TlsError> {
        let seen = Mutex::new(files.stamps(&secrets));
        let config = RustlsConfig::from_config(Arc::new(files.server(&secrets)?));
        Ok(Self { files, secrets, config, seen })
    }

    /// What the door takes.
    pub fn config(&self) -> RustlsConfig {
        self.config.clone()
    }

    /// Loads the files anew. Connections that are open stay as they are.
    ///
    /// # Errors
    /// If a file cannot be used; all stays as it was then.
    pub fn reload(&self) -> Result<(), TlsError> {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = self.files.stamps(&self.secrets);
        self.config.reload_from_config(Arc::new(self.files.server(&self.secrets)?));
        Ok(())
    }

    /// Loads the files anew if one of them has changed; true if they were.
    ///
    /// # Errors
    /// If a file cannot be used; it is not tried again until one changes.
    pub fn reload_if_changed(&self) -> Result<bool, TlsError> {
        let changed = {
            let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            *seen != self.files.stamps(&self.secrets)
        };
        if changed { self.reload().map(|()| true) } else { Ok(false) }
    }
}

/// Looks after the files for ever: whenever `told` says so, and every [`LOOK_EVERY`].
pub async fn keep_fresh(tls: Arc<Tls>, mut told: tokio::sync::mpsc::Receiver<()>) {
    let mut ticks = tokio::time::interval(LOOK_EVERY);
    loop {
        let reloaded = tokio::select! {
            _ = ticks.tick() => tls.reload_if_changed(),
            asked = told.recv() => match asked {
                Some(()) => tls.reload().map(|()| true),
                None => return,
            },
        };
        match reloaded {
            Ok(true) => tracing::info!("TLS certificate and key loaded anew"),
            Ok(false) => (),
            Err(error) => {
                tracing::error!(error = %chain(&error), "TLS files cannot be used; those loaded before still hold");
            }
        }
    }
}

impl TlsFiles {
    fn server(&self, secrets: &Secrets) -> Result<ServerConfig, TlsError> {
        let chain = certificates(&self.certificate)?;
        let key = secrets.fetch(&self.key)?;
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(|_| TlsError::NotPem {
            path: self.key.path(secrets).unwrap_or_default(),
            expected: "private key",
        })?;
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
            .with_client_cert_verifier(self.verifier()?)
            .with_single_cert(chain, key)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(config)
    }

    fn verifier(&self) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
        let Some(path) = &self.client_ca else { return Ok(Arc::new(NoClientAuth)) };
        let mut roots = RootCertStore::empty();
        for certificate in certificates(path)? {
            roots.add(certificate)?;
        }
        let provider = Arc::new(ring::default_provider());
        let mut verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
        if let Some(path) = &self.client_crl {
            let text = read(path)?;
            let lists: Result<Vec<_>, _> = CertificateRevocationListDer::pem_slice_iter(&text).collect();
            let not_pem = || TlsError::NotPem { path: path.clone(), expected: "revocation list" };
            let lists = lists.ok().filter(|lists| !lists.is_empty()).ok_or_else(not_pem)?;
            verifier = verifier.with_crls(lists).allow_unknown_revocation_status();
        }
        if !self.require_client_certificate {
            verifier = verifier.allow_unauthenticated();
        }
        Ok(verifier.build()?)
    }

    /// When each file was last changed.
    fn stamps(&self, secrets: &Secrets) -> Vec<Option<SystemTime>> {
        let key = self.key.path(secrets);
        [Some(&self.certificate), key.as_ref(), self.client_ca.as_ref(), self.client_crl.as_ref()]
            .into_iter()
            .flatten()
            .map(|path| fs::metadata(path).and_then(|file| file.modified()).ok())
            .collect()
    }
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    fs::read(path).map_err(|source| TlsError::Unreadable { path: path.to_owned(), source })
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let text = read(path)?;
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    let not_pem = || TlsError::NotPem { path: path.to_owned(), expected: "certificate" };
    read.ok().filter(|chain| !chain.is_empty()).ok_or_else(not_pem)
}

/// An error and its causes in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
