//! Where a server is: `https://host:port`, with a path before its routes where a proxy puts one there.
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use ureq::http::Uri;

/// The usual port of the service.
pub const USUAL_PORT: u16 = 7878;
/// Where the service is unless somebody says otherwise.
pub const USUAL_SERVER: &str = "http://127.0.0.1:7878";

/// Where a server is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerAddress {
    secure: bool,
    host: String,
    port: u16,
    /// What stands before every route: empty, or `/…` without a slash at the end.
    prefix: String,
}

/// What is wrong with an address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no address of a service: {why}")]
pub struct AddressError {
    text: String,
    why: &'static str,
}

impl ServerAddress {
    /// The whole URL of a route; `path` begins with a slash.
    pub fn url(&self, path: &str) -> String {
        format!("{self}{path}")
    }

    /// The server itself, without what stands before its routes.
    #[must_use]
    pub fn without_prefix(&self) -> Self {
        Self { prefix: String::new(), ..self.clone() }
    }

    /// Whether it is the same server: host, port, and whether it is asked over TLS.
    pub fn is_same_server(&self, other: &Self) -> bool {
        (self.secure, self.host.as_str(), self.port) == (other.secure, other.host.as_str(), other.port)
    }

    /// Whether it is asked over TLS.
    pub fn is_secure(&self) -> bool {
        self.secure
    }

    /// Whether what is sent there is read by nobody on the way: TLS, or this very machine.
    pub fn keeps_secrets(&self) -> bool {
        self.secure || is_loopback(&self.host)
    }
}

impl FromStr for ServerAddress {
    type Err = AddressError;

    /// `https://host:port`, `http://…`, or `host:port` alone: plain on this machine, else over TLS.
    fn from_str(text: &str) -> Result<Self, AddressError> {
        let wrong = |why| AddressError { text: text.to_owned(), why };
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme, rest)) => (Some(scheme), rest),
            None => (None, text),
        };
        let uri: Uri =
            format!("http://{rest}").parse().map_err(|_| wrong("it should read https://host:port"))?;
        let authority = uri.authority().ok_or_else(|| wrong("it names no host"))?;
        if authority.as_str().contains('@') {
            return Err(wrong("names and passwords do not belong there; a token comes from a file"));
        }
        if uri.query().is_some() || rest.contains('#') {
            return Err(wrong("nothing belongs behind the path"));
        }
        let host = authority.host().to_ascii_lowercase();
        if host.is_empty() {
            return Err(wrong("it names no host"));
        }
        let secure = match scheme {
            Some(scheme) if scheme.eq_ignore_ascii_case("https") => true,
            Some(scheme) if scheme.eq_ignore_ascii_case("http") => false,
            Some(_) => return Err(wrong("only https and http are spoken")),
            None => !is_loopback(&host),
        };
        let usual = match scheme {
            None => USUAL_PORT,
            Some(_) if secure => 443,
            Some(_) => 80,
        };
        let port = match authority.as_str()[authority.host().len()..].strip_prefix(':') {
            Some(port) => port.parse().map_err(|_| wrong("the port is no number up to 65535"))?,
            None => usual,
        };
        Ok(Self { secure, host, port, prefix: uri.path().trim_end_matches('/').to_owned() })
    }
}

impl fmt::Display for ServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.secure { "https" } else { "http" };
        write!(f, "{scheme}://{}:{}{}", self.host, self.port, self.prefix)
    }
}

/// Whether a host, as it stands in a URL, is this very machine.
fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare == "localhost" || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, String> {
        text.parse::<ServerAddress>().map(|address| address.to_string()).map_err(|error| error.to_string())
    }

    #[test]
    fn an_address_is_read_as_people_write_it() {
        for (text, address) in [
            ("https://lb1.example:7878", "https://lb1.example:7878"),
            ("https://LB1.example/", "https://lb1.example:443"),
            ("http://127.0.0.1:7878", "http://127.0.0.1:7878"),
            ("localhost", "http://localhost:7878"),
            ("[::1]:9000", "http://[::1]:9000"),
            ("lb1.example", "https://lb1.example:7878"),
            ("https://proxy.example/lifeboat/", "https://proxy.example:443/lifeboat"),
        ] {
            assert_eq!(read(text).as_deref(), Ok(address), "{text}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused_with_the_reason() {
        for (text, why) in [
            ("ftp://lb1", "only https and http"),
            ("https://me:secret@lb1", "a token comes from a file"),
            ("https://lb1?pool=a", "nothing belongs behind"),
            ("https://lb1:99999", ""),
            ("", ""),
            ("https://", ""),
            ("a b", ""),
        ] {
            assert!(read(text).is_err_and(|told| told.contains(why)), "{text}");
        }
    }

    #[test]
    fn secrets_are_kept_by_tls_and_on_the_machine_itself() {
        let keeps = |text: &str| text.parse::<ServerAddress>().is_ok_and(|address| address.keeps_secrets());
        assert!(
            keeps("https://lb1")
                && keeps("http://127.0.0.1")
                && keeps("http://[::1]:1")
                && keeps("localhost")
        );
        assert!(!keeps("http://lb1") && !keeps("http://10.0.0.1:7878") && !keeps("http://127.0.0.1.example"));
    }
}
