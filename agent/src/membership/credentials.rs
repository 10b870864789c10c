//! This host's certificate, and whom it believes. The next certificate is asked for when two thirds of the life of this one are over, and when
//! another authority signs; the key stays, so that there is one file to replace, and at no moment a key and a certificate that do not belong
//! together. Who is believed stands in the roster.
use crate::clock;
use crate::config::HostSection;
use crate::context::Context;
use crate::identity::{FileError, files};
use crate::wiring::Standing;
use lifeboat_link::Roster;
use lifeboat_link::certificate::{CertificateError, Held, Request, fingerprints, spelt};
use lifeboat_link::note::{self, NoteError, ReportNote};
use lifeboat_protocol::order::Report;
use lifeboat_protocol::status::Phase;
use lifeboat_protocol::{Epoch, Input, Instant};
use serde_json::json;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// How long an answer may take before it is asked again.
const AGAIN: Duration = Duration::from_secs(20);
const CHAIN: &str = "host.pem";
const KEY: &str = "host.key";
const AUTHORITIES: &str = "authorities.pem";

/// Why a certificate cannot be used or kept.
#[derive(Debug, thiserror::Error)]
pub enum CredentialFault {
    /// A file cannot be read.
    #[error("cannot read {}: {fault}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        fault: io::Error,
    },
    /// Nobody says where the files are.
    #[error("[host] tls_directory is not set")]
    Nowhere,
    /// A file cannot be written.
    #[error(transparent)]
    File(#[from] FileError),
    /// It is none.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// It is about another key.
    #[error("the certificate is about another key than this host's")]
    OtherKey,
    /// It cannot be asked for.
    #[error(transparent)]
    Note(#[from] NoteError),
}

/// What is in the files.
#[derive(Clone, PartialEq, Eq)]
pub struct Files {
    /// The host's certificate and its authority's.
    pub chain_pem: String,
    /// The host's key.
    pub key_pem: String,
    /// Who is believed.
    pub authorities_pem: String,
}

/// Reads the files.
///
/// # Errors
/// If one cannot be read.
pub fn read(host: &HostSection) -> Result<Files, CredentialFault> {
    let folder = host.tls_directory.as_deref().ok_or(CredentialFault::Nowhere)?;
    Ok(Files {
        chain_pem: text(&folder.join(CHAIN))?,
        key_pem: text(&folder.join(KEY))?,
        authorities_pem: text(&folder.join(AUTHORITIES))?,
    })
}

fn text(path: &Path) -> Result<String, CredentialFault> {
    fs::read_to_string(path).map_err(|fault| CredentialFault::Read { path: path.to_owned(), fault })
}

/// Keeps the next certificate, durably; says in how many seconds it ends.
///
/// # Errors
/// If it is none, or not of this host's key, or cannot be written. The one before it stands then.
pub fn keep(folder: &Path, chain_pem: &str) -> Result<u64, CredentialFault> {
    let held = Held::read(chain_pem)?;
    if !held.is_of(&text(&folder.join(KEY))?) {
        return Err(CredentialFault::OtherKey);
    }
    files::write(&folder.join(CHAIN), chain_pem.as_bytes())?;
    Ok(held.ends_at.duration_since(clock::wall()).unwrap_or_default().as_secs())
}

/// What was asked and told of them.
#[derive(Debug, Default)]
pub(super) struct Credentials {
    asked_at: Option<Instant>,
    /// The term in which this was last told, and what.
    told: Option<(Epoch, ReportNote)>,
    /// The term of the last look: in its first moments a host's first words are about its VMs.
    term: Epoch,
    fails: bool,
}

impl Credentials {
    /// Looks whether something is to be done.
    pub(super) fn look(&mut self, context: &Context, standing: &Standing) {
        let looked = self.tend(context, standing);
        let failed = looked.is_err();
        if let Err(fault) = looked
            && !self.fails
        {
            tracing::warn!(%fault, "this host's certificate cannot be looked after");
        }
        self.fails = failed;
    }

    fn tend(&mut self, context: &Context, standing: &Standing) -> Result<(), CredentialFault> {
        let Some(folder) = context.config.host.tls_directory.as_deref() else { return Ok(()) };
        let roster = context.roster.now();
        believe(folder, &roster)?;
        let files = read(&context.config.host)?;
        let held = Held::read(&files.chain_pem)?;
        let wall = clock::wall();
        let wanted = is_wanted(&held, &roster, wall);
        let term = standing.adopted.as_ref().map(|known| known.epoch).unwrap_or_default();
        let settled = std::mem::replace(&mut self.term, term) == term;
        if standing.phase != Phase::Member || !settled {
            return Ok(());
        }
        let note = ReportNote::Credentials {
            signed_by: spelt(&held.authority),
            believes: fingerprints(&files.authorities_pem).iter().map(spelt).collect(),
        };
        let current = Some((term, note));
        if self.told != current
            && let Some((_, note)) = &current
        {
            let left = held.ends_at.duration_since(wall).unwrap_or_default();
            let signed_by: String = spelt(&held.authority).chars().take(16).collect();
            let board = json!({ "ends_in_s": left.as_secs(), "signed_by": signed_by });
            context.board.post("certificate", &board);
            tell(context, note)?;
            self.told = current;
        }
        let now = clock::now();
        if wanted && self.asked_at.is_none_or(|at| now.since(at) >= AGAIN) {
            self.asked_at = Some(now);
            tracing::info!("this host asks for its next certificate");
            let csr_pem = Request::of(&files.key_pem)?.csr_pem()?;
            tell(context, &ReportNote::CertificateRequest { csr_pem })?;
        }
        if !wanted {
            self.asked_at = None;
        }
        Ok(())
    }
}

/// Whether the next certificate is to be asked for.
fn is_wanted(held: &Held, roster: &Roster, now: SystemTime) -> bool {
    let signs = roster.authorities.first().and_then(|pem| fingerprints(pem).first().copied());
    held.is_due(now) || signs.is_some_and(|signs| signs != held.authority)
}

/// Believes those whom the roster names, and nobody else.
fn believe(folder: &Path, roster: &Roster) -> Result<(), CredentialFault> {
    let path = folder.join(AUTHORITIES);
    let wanted = roster.authorities_pem();
    if fingerprints(&wanted).is_empty() || fingerprints(&wanted) == fingerprints(&text(&path)?) {
        return Ok(());
    }
    tracing::info!(
        authorities = roster.authorities.len(),
        "this host believes other authorities from now on"
    );
    Ok(files::write(&path, wanted.as_bytes())?)
}

fn tell(context: &Context, what: &ReportNote) -> Result<(), CredentialFault> {
    let bytes = note::pack(what)?;
    context.inbox.input(Input::Report(Report::Note { bytes }));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::roster;
    use lifeboat_link::certificate::{Authority, HOST_LIVES};

    struct Host {
        folder: tempfile::TempDir,
        authority: Authority,
        request: Request,
        roster: Roster,
    }

    fn host() -> Host {
        let authority = Authority::found("p", clock::wall()).expect("an authority");
        let mut roster = roster(&["10.0.0.1:7946".parse().expect("an address")]);
        roster.authorities = vec![authority.certificate_pem().to_owned()];
        let host = Host {
            folder: tempfile::tempdir().expect("a folder"),
            request: Request::new().expect("a key"),
            authority,
            roster,
        };
        let chain = host.signed(&host.authority, &host.request);
        for (name, text) in
            [(CHAIN, &chain), (KEY, &host.request.key_pem()), (AUTHORITIES, &host.roster.authorities_pem())]
        {
            fs::write(host.folder.path().join(name), text).expect("it is ours");
        }
        host
    }

    impl Host {
        fn signed(&self, by: &Authority, request: &Request) -> String {
            let csr = request.csr_pem().expect("a request");
            by.sign(&csr, &self.roster, 0, clock::wall(), HOST_LIVES).expect("a certificate")
        }

        fn held(&self) -> Held {
            Held::read(&text(&self.folder.path().join(CHAIN)).expect("it is there")).expect("a certificate")
        }
    }

    #[test]
    fn the_next_certificate_is_wanted_in_time_and_when_another_authority_signs() {
        let mut host = host();
        let now = clock::wall();
        assert!(!is_wanted(&host.held(), &host.roster, now + HOST_LIVES / 2));
        assert!(is_wanted(&host.held(), &host.roster, now + HOST_LIVES * 2 / 3));
        let next = Authority::found("p", now).expect("an authority");
        host.roster.authorities.push(next.certificate_pem().to_owned());
        assert!(!is_wanted(&host.held(), &host.roster, now), "that one is believed, and does not sign yet");
        host.roster.authorities.swap(0, 1);
        assert!(is_wanted(&host.held(), &host.roster, now));
        keep(host.folder.path(), &host.signed(&next, &host.request)).expect("it is kept");
        assert!(!is_wanted(&host.held(), &host.roster, now));
        assert_eq!(host.held().authority, next.fingerprint());
    }

    #[test]
    fn what_is_not_this_hosts_is_not_kept() {
        let host = host();
        let before = host.held();
        let other = host.signed(&host.authority, &Request::new().expect("a key"));
        assert!(matches!(keep(host.folder.path(), &other), Err(CredentialFault::OtherKey)));
        assert!(matches!(keep(host.folder.path(), "nonsense"), Err(CredentialFault::Certificate(_))));
        assert_eq!(host.held(), before);
    }

    #[test]
    fn whom_the_roster_names_is_believed_and_nobody_else() {
        let mut host = host();
        let path = host.folder.path().join(AUTHORITIES);
        let next = Authority::found("p", clock::wall()).expect("an authority");
        let believed = |host: &Host| {
            believe(host.folder.path(), &host.roster).expect("it can be written");
            fingerprints(&text(&path).expect("it is there"))
        };
        host.roster.authorities.push(next.certificate_pem().to_owned());
        assert_eq!(believed(&host), [host.authority.fingerprint(), next.fingerprint()]);
        host.roster.authorities.remove(0);
        assert_eq!(believed(&host), [next.fingerprint()]);
        host.roster.authorities.clear();
        assert_eq!(believed(&host), [next.fingerprint()], "one that says nothing changes nothing");
    }
}
