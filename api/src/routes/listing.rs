//! Pages of what is listed newest first.
use crate::error::ApiError;
use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Things on a page, unless more or fewer are asked for.
const USUAL: usize = 100;
/// Things on a page.
const MOST: usize = 1000;

/// What a list may be asked.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Listing {
    limit: Option<usize>,
    after: Option<u64>,
    pub(super) state: Option<String>,
}

/// One page.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Page<T> {
    /// What is on it, newest first.
    items: Vec<T>,
    /// What to say as `after` to get the next one; null: this is the last.
    next: Option<String>,
}

impl<S: Sync> FromRequestParts<S> for Listing {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let Query(listing) = Query::<Self>::try_from_uri(&parts.uri)
            .map_err(|rejection| ApiError::BadQuery(rejection.body_text()))?;
        if listing.limit.is_some_and(|limit| limit == 0 || limit > MOST) {
            return Err(ApiError::BadQuery(format!("limit must be 1 to {MOST}")));
        }
        Ok(listing)
    }
}

impl Listing {
    /// Whether the state that is asked for is one of these.
    pub(super) fn check_state(&self, words: &[&str]) -> Result<(), ApiError> {
        match &self.state {
            Some(state) if !words.contains(&state.as_str()) => {
                Err(ApiError::BadQuery(format!("state must be one of {}", words.join(", "))))
            }
            _ => Ok(()),
        }
    }

    /// The page of what comes in the order of falling numbers.
    pub(super) fn page<'a, T: Clone + 'a>(
        &self,
        all: impl Iterator<Item = &'a T>,
        number: impl Fn(&T) -> u64,
    ) -> Page<T> {
        let most = self.limit.unwrap_or(USUAL);
        let mut rest = all.filter(|one| self.after.is_none_or(|after| number(one) < after));
        let items: Vec<T> = rest.by_ref().take(most).cloned().collect();
        let more = rest.next().is_some();
        let next = items.last().filter(|_| more).map(|last| number(last).to_string());
        Page { items, next }
    }
}
