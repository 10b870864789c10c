//! Where a redirection may lead. A service that does not lead sends its callers on to the one that does. Whoever
//! answers could name any place: so TLS is never left, and the token goes on only to a server that the operator has
//! named.
use super::address::ServerAddress;

/// Redirections that are followed one after another: one to the leader, and one more if it has just changed.
pub const MOST_REDIRECTS: usize = 4;

/// Where to ask again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Onward {
    /// The server.
    pub server: ServerAddress,
    /// The route, with its query; begins with a slash.
    pub path: String,
    /// Whether the token may go there.
    pub with_token: bool,
}

/// Why a redirection is not followed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RedirectError {
    /// It says not where to.
    #[error("it does not say where to")]
    Nowhere,
    /// It leads to something that is no address.
    #[error("it leads to {0:?}, which is no address")]
    NoAddress(String),
    /// It leaves TLS.
    #[error("it leads from TLS to {0}, where anybody could listen")]
    LeavesTls(ServerAddress),
    /// There are too many.
    #[error("more than {MOST_REDIRECTS} followed one another")]
    TooMany,
}

/// Where a redirection from `from` to `location` leads. `servers` are those that the operator has named.
///
/// # Errors
/// If it is not to be followed.
pub fn follow(
    from: &ServerAddress,
    location: &str,
    servers: &[ServerAddress],
) -> Result<Onward, RedirectError> {
    if location.starts_with('/') && !location.starts_with("//") {
        let known = servers.iter().any(|server| server.is_same_server(from));
        return Ok(Onward { server: from.without_prefix(), path: location.to_owned(), with_token: known });
    }
    let no_address = || RedirectError::NoAddress(location.to_owned());
    let (scheme, rest) = location.split_once("://").ok_or_else(no_address)?;
    let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let server: ServerAddress = format!("{scheme}://{authority}").parse().map_err(|_| no_address())?;
    if from.is_secure() && !server.is_secure() {
        return Err(RedirectError::LeavesTls(server));
    }
    let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
    let with_token = servers.iter().any(|known| known.is_same_server(&server));
    Ok(Onward { server, path, with_token })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> ServerAddress {
        text.parse().expect("an address")
    }

    fn led(from: &str, location: &str) -> Result<(String, String, bool), RedirectError> {
        let servers =
            [address("https://lb1:7878"), address("https://lb2:7878"), address("http://127.0.0.1:7878")];
        follow(&address(from), location, &servers)
            .map(|onward| (onward.server.to_string(), onward.path, onward.with_token))
    }

    #[test]
    fn a_leader_that_the_operator_has_named_gets_the_token() {
        let to = ("https://lb2:7878".to_owned(), "/v1/pools?limit=1".to_owned(), true);
        assert_eq!(led("https://lb1:7878", "https://lb2:7878/v1/pools?limit=1"), Ok(to));
        let same = ("https://lb1:7878".to_owned(), "/v1/pools".to_owned(), true);
        assert_eq!(led("https://lb1:7878", "/v1/pools"), Ok(same));
    }

    #[test]
    fn a_place_that_nobody_has_named_is_asked_without_the_token() {
        for location in [
            "https://elsewhere:7878/v1/pools",
            "https://lb2/v1/pools",
            "https://lb2:9999/x",
            "https://lb2.evil:7878/",
        ] {
            let (.., with_token) = led("https://lb1:7878", location).expect("it is followed");
            assert!(!with_token, "{location}");
        }
    }

    #[test]
    fn tls_is_never_left() {
        let left = led("https://lb1:7878", "http://lb2:7878/v1/pools");
        assert_eq!(left, Err(RedirectError::LeavesTls(address("http://lb2:7878"))));
        assert!(led("http://127.0.0.1:7878", "https://lb1:7878/v1/pools").is_ok(), "TLS may be entered");
    }

    #[test]
    fn what_is_no_address_is_not_followed() {
        for location in ["lb2", "//lb2:7878/x", "ftp://lb2/x", "https://me:secret@lb2:7878/x", "https://"] {
            assert!(
                matches!(led("https://lb1:7878", location), Err(RedirectError::NoAddress(_))),
                "{location}"
            );
        }
    }
}
