//! The pool's certificate authority in a term: what the first host left in the store, and how another takes its place without a gap.
//!
//! ```text
//!   one signs ─ rotate ─► Trust: the old one signs, all are told to believe both
//!                           │ every host of the roster has said that it does, durably
//!                           ▼
//!                         Issue: the new one signs, every host asks for its next certificate
//!                           │ every host of the roster has said that it has it, durably
//!                           ▼
//!                         one signs: the new one; nobody believes the old one any more
//! ```
//! Every step is durable before it has effect, and hosts say in each term what they have: so whoever leads next goes on. A host that is off
//! is waited for; one that does not come back is removed first. Pure, but for the memory of what hosts have said.
use arc_swap::ArcSwap;
use lifeboat_link::Roster;
use lifeboat_link::certificate::{Authority, CertificateError, fingerprints, spelt};
use lifeboat_link::join::Founding;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

/// How far a change of the authority has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// All are to believe the next one.
    Trust,
    /// The next one signs.
    Issue,
}

/// A change of the authority, as it is kept.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rotation {
    /// How far it has come.
    pub step: Step,
    /// The next one's certificate, in PEM.
    pub certificate_pem: String,
    /// Its private key, in PEM.
    pub key_pem: String,
}

impl std::fmt::Debug for Rotation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rotation").field("step", &self.step).finish_non_exhaustive()
    }
}

/// What is kept of authorities.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// What the first host left, with the authority that is in force.
    pub founding: Founding,
    /// The change that is under way.
    pub rotation: Option<Rotation>,
}

/// What a host has said of its certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// SHA-256 of the authority that signed it, in hexadecimal.
    pub signed_by: String,
    /// SHA-256 of the authorities that it believes.
    pub believes: Vec<String>,
}

/// The next state of a change, and the roster by which hosts hear of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Next {
    /// What is to be kept.
    pub kept: Kept,
    /// Who is believed, the one that signs first.
    pub roster: Roster,
    /// What has happened, for the pool's log.
    pub event: &'static str,
}

impl Kept {
    /// The authority that signs now.
    ///
    /// # Errors
    /// If what is kept is none.
    pub fn signs(&self) -> Result<Authority, CertificateError> {
        match &self.rotation {
            Some(next) if next.step == Step::Issue => Authority::of(&next.certificate_pem, &next.key_pem),
            _ => Authority::of(&self.founding.authority_pem, &self.founding.authority_key_pem),
        }
    }

    /// Begins a change: all are to believe a new one as well. None: one is under way.
    ///
    /// # Errors
    /// If no authority can be made.
    pub fn rotated(&self, roster: &Roster, now: SystemTime) -> Result<Option<Next>, CertificateError> {
        if self.rotation.is_some() {
            return Ok(None);
        }
        let next = Authority::found(&roster.pool, now)?;
        let rotation = Rotation {
            step: Step::Trust,
            certificate_pem: next.certificate_pem().to_owned(),
            key_pem: next.key_pem(),
        };
        let kept = Self { rotation: Some(rotation), ..self.clone() };
        Ok(Some(kept.told(roster, "authority-added")))
    }

    /// The next step, if every host of the roster has come that far; else who is waited for.
    ///
    /// # Errors
    /// The hosts, by name.
    pub fn next(
        &self,
        roster: &Roster,
        said: &BTreeMap<usize, Credentials>,
    ) -> Result<Option<Next>, Vec<String>> {
        let Some(rotation) = &self.rotation else { return Ok(None) };
        let Some(next) = print(&rotation.certificate_pem) else { return Ok(None) };
        let old = print(&self.founding.authority_pem).unwrap_or_default();
        let is_there = |credentials: &Credentials| match rotation.step {
            Step::Trust => credentials.believes.contains(&next) && credentials.believes.contains(&old),
            Step::Issue => credentials.signed_by == next,
        };
        let hosts = roster.hosts.iter().enumerate().filter(|(_, host)| !host.removed);
        let late = hosts.filter(|(place, _)| !said.get(place).is_some_and(is_there));
        let late: Vec<String> = late.map(|(_, host)| host.id.clone()).collect();
        if !late.is_empty() {
            return Err(late);
        }
        let mut kept = self.clone();
        Ok(Some(match rotation.step {
            Step::Trust => {
                kept.rotation = Some(Rotation { step: Step::Issue, ..rotation.clone() });
                kept.told(roster, "authority-signs")
            }
            Step::Issue => {
                kept.founding.authority_pem.clone_from(&rotation.certificate_pem);
                kept.founding.authority_key_pem.clone_from(&rotation.key_pem);
                kept.rotation = None;
                kept.told(roster, "authority-replaced")
            }
        }))
    }

    fn told(self, roster: &Roster, event: &'static str) -> Next {
        let old = self.founding.authority_pem.clone();
        let authorities = match &self.rotation {
            None => vec![old],
            Some(next) if next.step == Step::Trust => vec![old, next.certificate_pem.clone()],
            Some(next) => vec![next.certificate_pem.clone(), old],
        };
        let roster = Roster { version: roster.version + 1, authorities, ..roster.clone() };
        Next { kept: self, roster, event }
    }
}

fn print(pem: &str) -> Option<String> {
    fingerprints(pem).first().map(spelt)
}

/// The authorities of a term. Copies are one.
#[derive(Clone, Debug)]
pub struct Authorities {
    kept: Arc<ArcSwap<Kept>>,
    said: Said,
}

/// What hosts have said in this term, by their place in the roster. Copies are one.
#[derive(Clone, Debug, Default)]
pub struct Said(Arc<Mutex<BTreeMap<usize, Credentials>>>);

impl Said {
    /// A host says what it has.
    pub fn note(&self, place: usize, credentials: Credentials) {
        self.lock().insert(place, credentials);
    }

    /// A place is another machine's, or its host begins anew.
    pub fn forget(&self, place: usize) {
        self.lock().remove(&place);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<usize, Credentials>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Authorities {
    /// Those that are kept.
    pub fn new(kept: Kept, said: Said) -> Self {
        Self { kept: Arc::new(ArcSwap::from_pointee(kept)), said }
    }

    /// What is kept.
    pub fn kept(&self) -> Arc<Kept> {
        self.kept.load_full()
    }

    /// It is this now. Whoever calls it has the turn to change the roster.
    pub fn replace(&self, kept: Kept) {
        self.kept.store(Arc::new(kept));
    }

    /// What hosts have said.
    pub fn said(&self) -> &Said {
        &self.said
    }

    /// As [`Kept::next`], by what was said so far.
    ///
    /// # Errors
    /// Who is waited for.
    pub fn next(&self, roster: &Roster) -> Result<Option<Next>, Vec<String>> {
        self.kept().next(roster, &self.said.lock())
    }

    /// Signs for the host in a place of the roster.
    ///
    /// # Errors
    /// If the request is none, or what is kept is no authority.
    pub fn sign(
        &self,
        csr_pem: &str,
        roster: &Roster,
        place: usize,
        now: SystemTime,
    ) -> Result<String, CertificateError> {
        let kept = self.kept();
        let lives = Duration::from_secs(kept.founding.certificates_live_s);
        kept.signs()?.sign(csr_pem, roster, place, now, lives)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::names::tests::roster;
    use super::*;
    use crate::guard::certificate::AgentIdentity;
    use lifeboat_link::certificate::{HOST_LIVES, Request};
    use lifeboat_link::join::{MediumPlace, PoolKey};
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject;

    fn now() -> SystemTime {
        SystemTime::UNIX_EPOCH + HOST_LIVES
    }

    /// What a first host leaves.
    fn kept(hosts: &[&str]) -> (Kept, Roster) {
        let authority = Authority::found("prod", now()).expect("an authority");
        let mut roster = roster(hosts);
        roster.authorities = vec![authority.certificate_pem().to_owned()];
        let founding = Founding {
            roster: roster.clone(),
            medium: MediumPlace::Statefile { path: "/dev/x".into(), offset: 0 },
            metadata: "volume:/dev/x?offset=4194304".to_owned(),
            authority_pem: authority.certificate_pem().to_owned(),
            authority_key_pem: authority.key_pem(),
            keys: vec![PoolKey::new(1, &[7; 32])],
            certificates_live_s: HOST_LIVES.as_secs(),
        };
        (Kept { founding, rotation: None }, roster)
    }

    /// What a host says that has done all that a roster asks of it.
    fn obeying(roster: &Roster) -> Credentials {
        let believes: Vec<String> = roster.authorities.iter().filter_map(|pem| print(pem)).collect();
        Credentials { signed_by: believes[0].clone(), believes }
    }

    #[test]
    fn a_host_is_who_and_where_the_roster_says_whatever_it_asks_for() {
        let (kept, roster) = kept(&["h1", "hü:2"]);
        let authorities = Authorities::new(kept, Said::default());
        let csr = Request::new().expect("a key").csr_pem().expect("a request");
        let chain = authorities.sign(&csr, &roster, 1, now()).expect("a certificate");
        let chain: Vec<CertificateDer<'_>> =
            CertificateDer::pem_slice_iter(chain.as_bytes()).map(|one| one.expect("PEM")).collect();
        let identity = AgentIdentity::of(&chain[0]).expect("an agent's");
        assert_eq!((&*identity.pool, &*identity.host), (&*roster.pool, "hü:2"));
        assert_eq!(identity.place, Some((roster.pool_id.clone(), 1)));
    }

    #[test]
    fn an_authority_is_replaced_when_all_hosts_have_followed_each_step() {
        let (first, roster) = kept(&["h1", "h2", "!h3"]);
        let old = first.signs().expect("an authority").fingerprint();
        let mut said = BTreeMap::from([(0, obeying(&roster)), (1, obeying(&roster))]);
        assert_eq!(first.next(&roster, &said), Ok(None), "nothing is under way");
        let begun = first.rotated(&roster, now()).expect("one is made").expect("none is under way");
        assert_eq!(begun.kept.rotated(&begun.roster, now()).expect("no fault"), None, "one at a time");
        assert_eq!((begun.roster.version, begun.roster.authorities.len()), (roster.version + 1, 2));
        assert_eq!(
            begun.kept.signs().expect("an authority").fingerprint(),
            old,
            "the new one is to be believed first"
        );
        said.insert(0, obeying(&begun.roster));
        assert_eq!(begun.kept.next(&begun.roster, &said), Err(vec!["h2".to_owned()]), "h3 has left for good");
        said.insert(1, obeying(&begun.roster));
        let issuing = begun.kept.next(&begun.roster, &said).expect("all believe").expect("it is under way");
        let new = issuing.kept.signs().expect("an authority").fingerprint();
        assert_ne!(new, old);
        assert_eq!(issuing.roster.authorities[0], begun.roster.authorities[1], "who signs is named first");
        assert!(issuing.kept.next(&issuing.roster, &said).is_err(), "nobody has a certificate of its own");
        said = BTreeMap::from([(0, obeying(&issuing.roster)), (1, obeying(&issuing.roster))]);
        let done = issuing.kept.next(&issuing.roster, &said).expect("all have").expect("it is under way");
        assert_eq!((done.kept.rotation.clone(), done.roster.authorities.len()), (None, 1));
        assert_eq!(done.kept.signs().expect("an authority").fingerprint(), new);
        assert_eq!(done.roster.authorities[0], done.kept.founding.authority_pem);
    }

    #[test]
    fn no_secret_is_shown() {
        let (first, roster) = kept(&["h1"]);
        let begun = first.rotated(&roster, now()).expect("one is made").expect("none is under way");
        assert!(!format!("{begun:?}").contains("PRIVATE"));
    }
}
