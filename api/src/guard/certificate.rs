//! Who an agent's certificate says it is.
//!
//! **The rule.** A client certificate that was verified against `[listen] client_ca_file` is an agent's if it has exactly
//! one subject alternative name of type URI that begins with `lifeboat-agent:`, and that reads
//! `lifeboat-agent:<pool>:<host>`, pool and host percent-encoded wherever they hold a `:`, a `%` or anything but printable ASCII. Its
//! holder has the role *agent* for that pool. A name `lifeboat-place:<pool id>:<place>` says besides which place of the roster is its own. All
//! else in the certificate, its common name included, says nothing; a certificate with no such name, with two, or with one that cannot be
//! read, makes nobody of its holder.
use lifeboat_link::Roster;
use lifeboat_link::certificate::{AGENT, PLACE};
use percent_encoding::percent_decode_str;
use rustls::pki_types::CertificateDer;
use webpki::EndEntityCert;

/// Characters in a name, as in a pool document.
const LONGEST_NAME: usize = 255;

/// An agent, by its certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentIdentity {
    /// The pool that it belongs to.
    pub pool: String,
    /// The host that it runs on.
    pub host: String,
    /// The life of the pool, and the host's place in its roster. A name can be another host's by now, a place cannot.
    pub place: Option<(String, usize)>,
}

impl AgentIdentity {
    /// Reads a verified certificate; none if it is no agent's.
    pub fn of(certificate: &CertificateDer<'_>) -> Option<Self> {
        let certificate = EndEntityCert::try_from(certificate).ok()?;
        let mut names = certificate.valid_uri_names().filter_map(|name| name.strip_prefix(AGENT));
        let (name, None) = (names.next()?, names.next()) else { return None };
        let mut places = certificate.valid_uri_names().filter_map(|name| name.strip_prefix(PLACE));
        let place = match (places.next(), places.next()) {
            (Some(place), None) => Some(Self::read_place(place)?),
            (None, None) => None,
            (_, Some(_)) => return None,
        };
        Self::read(name, place)
    }

    /// Its place in this roster, if it is a host of it still.
    pub fn place_in(&self, roster: &Roster) -> Option<usize> {
        let (pool_id, place) = self.place.as_ref()?;
        let member = roster.hosts.get(*place).filter(|member| !member.removed && member.id == self.host);
        member.filter(|_| *pool_id == roster.pool_id && self.pool == roster.pool).map(|_| *place)
    }

    /// Its name for the audit log.
    pub fn name(&self) -> String {
        format!("agent {} of {}", self.host, self.pool)
    }

    fn read_place(name: &str) -> Option<(String, usize)> {
        let (pool_id, place) = name.split_once(':')?;
        Some((pool_id.to_owned(), place.parse().ok()?))
    }

    fn read(name: &str, place: Option<(String, usize)>) -> Option<Self> {
        let (pool, host) = name.split_once(':')?;
        let decoded = |text: &str| {
            let name = percent_decode_str(text).decode_utf8().ok()?.into_owned();
            let sound =
                (1..=LONGEST_NAME).contains(&name.chars().count()) && !name.chars().any(char::is_control);
            (sound && !text.contains(':')).then_some(name)
        };
        Some(Self { pool: decoded(pool)?, host: decoded(host)?, place })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lifeboat_link::roster::{LivenessSettings, Member};
    use rcgen::{CertificateParams, KeyPair, SanType};

    fn identity(names: &[SanType]) -> Option<AgentIdentity> {
        let mut params = CertificateParams::default();
        params.subject_alt_names = names.to_vec();
        params.distinguished_name.push(rcgen::DnType::CommonName, "lifeboat-agent:other:h9");
        let key = KeyPair::generate().expect("a key");
        let certificate = params.self_signed(&key).expect("a certificate");
        AgentIdentity::of(certificate.der())
    }

    fn uri(text: &str) -> SanType {
        SanType::URI(text.try_into().expect("ASCII"))
    }

    fn agent(pool: &str, host: &str) -> AgentIdentity {
        AgentIdentity { pool: pool.into(), host: host.into(), place: None }
    }

    #[test]
    fn the_one_name_says_pool_and_host() {
        let others = [SanType::DnsName("h1.example".try_into().expect("a name")), uri("spiffe://x/y")];
        let names = [others.as_slice(), &[uri("lifeboat-agent:prod:h1")]].concat();
        assert_eq!(identity(&names), Some(agent("prod", "h1")));
        assert_eq!(identity(&[uri("lifeboat-agent:a%3Ab%2Fc:h%C3%BC")]), Some(agent("a:b/c", "hü")));
    }

    #[test]
    fn a_place_is_its_hosts_alone_and_only_while_it_belongs_to_the_pool() {
        let of = |place: &str| identity(&[uri("lifeboat-agent:p:h2"), uri(place)]);
        let ours = format!("lifeboat-place:{}:1", "07".repeat(16));
        let identity = of(&ours).expect("an agent's");
        let member =
            |id: &str, removed| Member { id: id.into(), addresses: Vec::new(), api: String::new(), removed };
        let roster = |hosts| Roster {
            version: 1,
            pool: "p".into(),
            pool_id: "07".repeat(16),
            networks: vec!["hb0".into()],
            settings: LivenessSettings::default(),
            hosts,
            authorities: Vec::new(),
        };
        assert_eq!(identity.place_in(&roster(vec![member("h1", false), member("h2", false)])), Some(1));
        let again = vec![member("h1", false), member("h2", true), member("h2", false)];
        assert_eq!(identity.place_in(&roster(again)), None, "another host has its name now");
        let other_life =
            Roster { pool_id: "08".repeat(16), ..roster(vec![member("h1", false), member("h2", false)]) };
        assert_eq!(identity.place_in(&other_life), None);
        assert_eq!(
            of("lifeboat-place:x").map(|identity| identity.place),
            None,
            "a place that is none makes nobody"
        );
        let two = [uri("lifeboat-agent:p:h2"), uri(&ours), uri("lifeboat-place:x:2")];
        assert_eq!(super::tests::identity(&two), None);
    }

    #[test]
    fn whatever_can_be_read_in_two_ways_is_nobody() {
        for name in [
            "lifeboat-agent:prod",
            "lifeboat-agent:prod:",
            "lifeboat-agent::h1",
            "lifeboat-agent:prod:h1:h2",
            "lifeboat-agent:prod:h1%00",
            "lifeboat-agent:prod:%ff",
            "LIFEBOAT-AGENT:prod:h1",
            "x-lifeboat-agent:prod:h1",
        ] {
            assert_eq!(identity(&[uri(name)]), None, "{name}");
        }
        assert_eq!(identity(&[uri("lifeboat-agent:a:h1"), uri("lifeboat-agent:b:h1")]), None);
        assert_eq!(identity(&[]), None, "the common name says nothing");
        assert_eq!(identity(&[SanType::DnsName("lifeboat-agent".try_into().expect("a name"))]), None);
    }
}
