//! Conditions in a request's head (RFC 9110, 13): only if it is still what I have seen; only if there is none yet; only if it
//! is not what I have already.
use crate::error::ApiError;
use axum::http::header::{ETAG, IF_MATCH, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

/// What a request makes its condition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Conditions {
    if_match: Option<Tags>,
    if_none_match: Option<Tags>,
}

/// What a header names.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Tags {
    Any,
    These(Vec<String>),
}

/// The entity tag of what last changed at this revision.
pub(crate) fn tag(revision: u64) -> HeaderValue {
    HeaderValue::try_from(format!("\"{revision}\"")).expect("digits between quotes")
}

impl Conditions {
    /// Those of a request.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self, ApiError> {
        Ok(Self { if_match: tags(headers, &IF_MATCH)?, if_none_match: tags(headers, &IF_NONE_MATCH)? })
    }

    /// Whether a change may be made to what last changed at `revision`; none: there is no such thing yet.
    pub(crate) fn check(&self, revision: Option<u64>) -> Result<(), ApiError> {
        let failed = |words: String| Err(ApiError::Precondition(words));
        match (&self.if_match, revision) {
            (Some(_), None) => return failed("there is no such thing, and If-Match asks for one".to_owned()),
            (Some(tags), Some(revision)) if !tags.name(revision) => {
                return failed(format!(
                    "it has changed meanwhile: its ETag is \"{revision}\"; get it, and change it again"
                ));
            }
            _ => {}
        }
        match (&self.if_none_match, revision) {
            (Some(tags), Some(revision)) if tags.name(revision) => {
                failed("there is one already, and If-None-Match asks for none".to_owned())
            }
            _ => Ok(()),
        }
    }

    /// What is read, or that it is what the client has already.
    pub(crate) fn answer(
        &self,
        revision: u64,
        body: impl FnOnce() -> Result<Response, ApiError>,
    ) -> Result<Response, ApiError> {
        if let Some(tags) = &self.if_match
            && !tags.name(revision)
        {
            return Err(ApiError::Precondition(format!("its ETag is \"{revision}\"")));
        }
        let known = self.if_none_match.as_ref().is_some_and(|tags| tags.name(revision));
        let mut response = if known { StatusCode::NOT_MODIFIED.into_response() } else { body()? };
        response.headers_mut().insert(ETAG, tag(revision));
        Ok(response)
    }
}

impl Tags {
    fn name(&self, revision: u64) -> bool {
        match self {
            Self::Any => true,
            Self::These(tags) => tags.iter().any(|tag| *tag == revision.to_string()),
        }
    }
}

/// Entity tags, without their quotes. A weak one is as good as a strong one: ours name revisions.
fn tags(headers: &HeaderMap, name: &HeaderName) -> Result<Option<Tags>, ApiError> {
    let mut all = Vec::new();
    let mut any = false;
    for value in headers.get_all(name) {
        let bad = || {
            ApiError::BadHeader(format!(
                "{name} must be \"*\" or entity tags in double quotes, with commas between"
            ))
        };
        let text = value.to_str().map_err(|_| bad())?;
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            if part == "*" {
                any = true;
                continue;
            }
            let tag = part.strip_prefix("W/").unwrap_or(part);
            let tag = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"')).ok_or_else(bad)?;
            all.push(tag.to_owned());
        }
    }
    let given = headers.contains_key(name);
    Ok(if any { Some(Tags::Any) } else { given.then_some(Tags::These(all)) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conditions(lines: &[(HeaderName, &str)]) -> Result<Conditions, ApiError> {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(name, value.parse().expect("a header"));
        }
        Conditions::of(&headers)
    }

    fn allows(lines: &[(HeaderName, &str)], revision: Option<u64>) -> bool {
        conditions(lines).expect("sound").check(revision).is_ok()
    }

    #[test]
    fn a_change_can_ask_for_what_was_seen() {
        assert!(allows(&[(IF_MATCH, "\"7\"")], Some(7)));
        assert!(allows(&[(IF_MATCH, "\"6\", W/\"7\"")], Some(7)));
        assert!(allows(&[(IF_MATCH, "*")], Some(7)));
        assert!(!allows(&[(IF_MATCH, "\"6\"")], Some(7)));
        assert!(!allows(&[(IF_MATCH, "*")], None));
        assert!(!allows(&[(IF_MATCH, "\"6\"")], None));
    }

    #[test]
    fn a_change_can_ask_that_there_be_none() {
        assert!(allows(&[(IF_NONE_MATCH, "*")], None));
        assert!(!allows(&[(IF_NONE_MATCH, "*")], Some(1)));
        assert!(allows(&[(IF_NONE_MATCH, "\"1\"")], Some(2)));
        assert!(allows(&[], None) && allows(&[], Some(1)));
    }

    #[test]
    fn a_reader_who_has_it_is_told_so() {
        let conditions = conditions(&[(IF_NONE_MATCH, "\"7\"")]).expect("sound");
        let body = || Ok(StatusCode::OK.into_response());
        let known = conditions.answer(7, body).expect("an answer");
        assert_eq!((known.status(), &known.headers()[ETAG]), (StatusCode::NOT_MODIFIED, &tag(7)));
        assert_eq!(conditions.answer(8, body).expect("an answer").status(), StatusCode::OK);
    }

    #[test]
    fn what_is_no_tag_is_refused() {
        assert!(matches!(conditions(&[(IF_MATCH, "7")]), Err(ApiError::BadHeader(_))));
    }
}
