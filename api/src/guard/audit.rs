//! What is written down about every change and every override, in the same batch as the change itself: an entry is there
//! if and only if the change is.
//!
//! Entries are kept under `audit/<number>`, numbers rising, as the JSON of [`AuditEntry`]. The newest `[audit] keep_entries`
//! are kept, and none longer than `[audit] keep_days`; older ones are removed in the batch that adds a new one. The log
//! stands in the same store as the pools: whoever can write to the store's file can rewrite it, so who needs proof against
//! the service's own administrators sends it elsewhere as well (each entry is logged at level `info`, target `audit`).
use super::door::Caller;
use super::outside::RequestId;
use super::principal::{Principal, Via};
use super::refusal::Refusal;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Bytes of a summary before or after; a longer one is replaced by its size.
const LONGEST_SUMMARY: usize = 4096;
/// Characters of a reason.
pub const LONGEST_REASON: usize = 1000;

/// One thing that somebody did, or tried to do and was refused by admission.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AuditEntry {
    /// When.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// Who.
    pub who: String,
    /// How that is known.
    #[schemars(with = "Value")]
    pub via: Via,
    /// From which address; null: from within.
    pub from: Option<String>,
    /// The id of the request; null: from within.
    pub request_id: Option<String>,
    /// What was done: a verb such as `start`, `put`, `disable-ha`, `make-token`.
    pub action: String,
    /// To what: a path such as `pools/prod/vms/db1`.
    pub resource: String,
    /// How it ended.
    pub outcome: Outcome,
    /// Why admission was overridden, as far as somebody said so; null: nobody did.
    pub forced: Option<String>,
    /// What was there before, shortened; null: nothing.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub before: Value,
    /// What is there now, shortened; null: nothing.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub after: Value,
}

/// How something ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "AuditOutcome")]
pub enum Outcome {
    /// It was done.
    Done,
    /// Admission refused it.
    Refused,
    /// It was done although admission refused it.
    Forced,
    /// It was done although admission would have refused it: the pool is set to warn only.
    Warned,
}

/// Who does something, by what request: what an entry says of its author.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Author {
    /// Who.
    pub who: String,
    /// How that is known.
    pub via: Via,
    /// From which address.
    pub from: Option<String>,
    /// By which request.
    pub request_id: Option<String>,
}

impl Author {
    /// The author of a request.
    pub fn new(principal: &Principal, caller: Option<&Caller>, id: Option<&RequestId>) -> Self {
        let from = caller.and_then(|caller| caller.address).map(|address| address.ip().to_string());
        let request_id = id.map(|id| id.0.clone());
        Self { who: principal.name.clone(), via: principal.via.clone(), from, request_id }
    }
}

impl<S: Sync> FromRequestParts<S> for Author {
    type Rejection = Refusal;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let principal = Principal::from_request_parts(parts, state).await?;
        let extensions = &parts.extensions;
        Ok(Self::new(&principal, extensions.get::<Caller>(), extensions.get::<RequestId>()))
    }
}

impl AuditEntry {
    /// An entry about something that was done.
    pub fn new(at: Timestamp, author: &Author, action: &str, resource: impl Into<String>) -> Self {
        let Author { who, via, from, request_id } = author.clone();
        Self {
            at,
            who,
            via,
            from,
            request_id,
            action: action.to_owned(),
            resource: resource.into(),
            outcome: Outcome::Done,
            forced: None,
            before: Value::Null,
            after: Value::Null,
        }
    }

    /// The same, refused by admission.
    #[must_use]
    pub fn refused(self) -> Self {
        Self { outcome: Outcome::Refused, ..self }
    }

    /// The same, done although admission refused it, for this reason.
    #[must_use]
    pub fn forced(self, reason: &str) -> Self {
        let reason = reason.chars().take(LONGEST_REASON).collect();
        Self { outcome: Outcome::Forced, forced: Some(reason), ..self }
    }

    /// The same, done in a pool that only warns although admission would have refused it; a reason that was given is kept.
    #[must_use]
    pub fn warned(self, reason: Option<&str>) -> Self {
        let forced = reason.map(|reason| reason.chars().take(LONGEST_REASON).collect());
        Self { outcome: Outcome::Warned, forced, ..self }
    }

    /// The same with what was there before and what is there now.
    #[must_use]
    pub fn with_change(self, before: Value, after: Value) -> Self {
        Self { before: shortened(before), after: shortened(after), ..self }
    }

    /// The entry as it is kept.
    pub fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// An entry that was kept.
    ///
    /// # Errors
    /// If it is damaged.
    pub fn decode(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(bytes)
    }

    /// Says it in the log as well, for those who keep theirs elsewhere.
    pub fn log(&self) {
        tracing::info!(
            target: "audit",
            who = self.who,
            via = %self.via,
            from = self.from,
            request_id = self.request_id,
            action = self.action,
            resource = self.resource,
            outcome = ?self.outcome,
            forced = self.forced,
        );
    }
}

fn shortened(summary: Value) -> Value {
    let bytes = serde_json::to_vec(&summary).map_or(0, |bytes| bytes.len());
    if bytes <= LONGEST_SUMMARY { summary } else { serde_json::json!({ "bytes": bytes }) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn entry() -> AuditEntry {
        let caller = Caller { address: "192.0.2.7:1234".parse().ok(), ..Caller::default() };
        let author = Author::new(&Principal::local(), Some(&caller), Some(&RequestId("r-1".into())));
        let at = "2026-11-22T04:00:00Z".parse().expect("a time");
        AuditEntry::new(at, &author, "start", "pools/prod/vms/db1")
    }

    #[test]
    fn an_entry_is_kept_and_read_again() {
        let entry = entry().forced("night shift").with_change(json!({"host": null}), json!({"host": "h1"}));
        assert_eq!(AuditEntry::decode(&entry.encode()).expect("an entry"), entry);
        assert_eq!((entry.outcome, entry.from.as_deref()), (Outcome::Forced, Some("192.0.2.7")));
        assert_eq!(entry.forced.as_deref(), Some("night shift"));
    }

    #[test]
    fn an_entry_has_a_bounded_size() {
        let long = json!("x".repeat(1_000_000));
        let entry = entry().forced(&"y".repeat(1_000_000)).with_change(long.clone(), long);
        assert!(entry.encode().len() < 2000, "{}", entry.encode().len());
        assert_eq!(entry.before["bytes"], 1_000_002);
    }
}
