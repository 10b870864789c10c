//! Routes with names in them. A name may have any printable character, so what would end a path's segment or a
//! query's value is escaped.
use std::fmt::Write as _;

/// A name as one segment of a path, or one value of a query.
pub fn segment(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
    }
    // A segment that is only dots would be taken for a step upwards.
    if name.bytes().all(|byte| byte == b'.') { text.replace('.', "%2E") } else { text }
}

/// A route of a pool: `/v1/pools/{pool}{rest}`.
pub fn of_pool(pool: &str, rest: &str) -> String {
    format!("/v1/pools/{}{rest}", segment(pool))
}

/// A path with a query, of those values that there are.
pub fn with_query(path: &str, query: &[(&str, Option<&str>)]) -> String {
    let mut text = path.to_owned();
    let mut separator = if path.contains('?') { '&' } else { '?' };
    for (name, value) in query {
        if let Some(value) = value {
            let _ = write!(text, "{separator}{name}={}", segment(value));
            separator = '&';
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_leave_their_segment() {
        assert_eq!(segment("db-1"), "db-1");
        assert_eq!(segment("a/b?c#d e"), "a%2Fb%3Fc%23d%20e");
        assert_eq!(segment("Größe"), "Gr%C3%B6%C3%9Fe");
        assert_eq!((segment(".."), segment("a.b")), ("%2E%2E".to_owned(), "a.b".to_owned()));
    }

    #[test]
    fn a_query_has_only_what_is_there() {
        assert_eq!(
            with_query("/v1/pools", &[("a", None), ("b", Some("1&2")), ("c", Some("x"))]),
            "/v1/pools?b=1%262&c=x"
        );
        assert_eq!(with_query("/x?a=1", &[("b", Some("2"))]), "/x?a=1&b=2");
        assert_eq!(of_pool("p/q", "/hosts"), "/v1/pools/p%2Fq/hosts");
    }
}
