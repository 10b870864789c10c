//! The tokens that there are. The book is pure and in memory; whoever changes it writes the changed record to the store
//! first and publishes the changed book then. Records are kept under `tokens/<id>` as the JSON of [`TokenRecord`].
use super::principal::{Principal, Via};
use super::role::{Role, Scope};
use super::token::{Randomness, SecretHash, Token};
use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// Tokens in one book: more would be a mistake of a program that asks for one at every start.
pub const MOST_TOKENS: usize = 10_000;
/// Characters in a token's name.
const LONGEST_NAME: usize = 255;
/// Pools that a token may name.
const MOST_POOLS: usize = 1000;
/// How exact *last used* is. It is written to the store, and no more often than this for a token.
pub const LAST_USED_EVERY: SignedDuration = SignedDuration::from_hours(1);

/// A token as it is kept: all but the secret.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenRecord {
    /// Its id.
    pub id: String,
    /// SHA-256 of its secret.
    pub secret_sha256: SecretHash,
    /// What it is for, in its giver's words.
    pub name: String,
    /// What its holder may do.
    pub role: Role,
    /// To which pools.
    pub scope: Scope,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who made it.
    pub created_by: String,
    /// From when on it is worth nothing; none: never.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, to the hour.
    pub last_used_at: Option<Timestamp>,
}

/// A token as it is listed: what anybody who may list tokens may see.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "Token")]
pub struct TokenAnswer {
    /// Its id.
    pub id: String,
    /// What it is for.
    pub name: String,
    /// What its holder may do.
    pub role: Role,
    /// To which pools; null: all of them.
    pub pools: Scope,
    /// When it was made.
    #[schemars(with = "String")]
    pub created_at: Timestamp,
    /// Who made it.
    pub created_by: String,
    /// From when on it is worth nothing; null: never.
    #[schemars(with = "Option<String>")]
    pub expires_at: Option<Timestamp>,
    /// When it was last used, to the hour; null: never.
    #[schemars(with = "Option<String>")]
    pub last_used_at: Option<Timestamp>,
}

/// What a new token is asked to be.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NewToken")]
pub struct TokenRequest {
    /// What it is for.
    pub name: String,
    /// What its holder may do.
    pub role: Role,
    /// To which pools; null or absent: all of them.
    #[serde(default)]
    pub pools: Scope,
    /// For how long, in seconds; null or absent: for ever.
    #[serde(default)]
    pub expires_in_s: Option<u64>,
}

/// Why a token cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IssueError {
    /// The name cannot be used.
    #[error("the name must have 1 to {LONGEST_NAME} printable characters")]
    BadName,
    /// A name of a pool cannot be used, or there are too many.
    #[error("pools must be 1 to {MOST_POOLS} names of pools, or null for all")]
    BadPools,
    /// It would last too long, or not at all.
    #[error("expires_in_s must be 1 to 3153600000 seconds")]
    BadExpiry,
    /// It would be more than its giver has.
    #[error("nobody gives away more than he has: {0}")]
    TooMuch(String),
    /// There are too many.
    #[error("there are {MOST_TOKENS} tokens already: delete some that nobody uses")]
    TooMany,
}

/// Why a token is not taken. For the log; the caller is told nothing of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// It has not the form of a token.
    #[error("malformed")]
    Malformed,
    /// There is none with this id.
    #[error("unknown")]
    Unknown,
    /// The secret is wrong.
    #[error("wrong secret")]
    WrongSecret,
    /// It was good once.
    #[error("expired")]
    Expired,
}

/// One token in the book. Its last use is shared by all copies of the book, so that noting it changes none of them.
#[derive(Clone, Debug)]
struct Entry {
    record: TokenRecord,
    /// Seconds since 1970; 0: never.
    last_used_s: Arc<AtomicI64>,
    /// Whether it is in the store; one of the configuration is not, and must not get there by being used.
    kept: bool,
}

/// The tokens that there are.
#[derive(Clone, Debug, Default)]
pub struct TokenBook {
    entries: BTreeMap<String, Entry>,
}

impl TokenBook {
    /// The book of these records.
    pub fn of(records: impl IntoIterator<Item = TokenRecord>) -> Self {
        let mut book = Self::default();
        records.into_iter().for_each(|record| book.insert(record));
        book
    }

    /// Whether there is a token of an admin of all pools, be it one that has expired: somebody who can make all others.
    pub fn has_admin(&self) -> bool {
        let mut records = self.entries.values().map(|entry| &entry.record);
        records.any(|record| record.role == Role::Admin && record.scope == Scope::All)
    }

    /// Makes a token: what is kept, and what its holder is shown once. Not in the book until it is [inserted](Self::insert).
    ///
    /// # Errors
    /// If the request makes no sense, or goes beyond what `by` has.
    pub fn issue(
        &self,
        request: TokenRequest,
        by: &Principal,
        now: Timestamp,
        random: &Randomness,
    ) -> Result<(TokenRecord, Token), IssueError> {
        request.check(by)?;
        if self.entries.len() >= MOST_TOKENS {
            return Err(IssueError::TooMany);
        }
        let expires_at = request.expires_in_s.map(|seconds| expiry(now, seconds)).transpose()?;
        let token = Token::new(random);
        let record = TokenRecord {
            id: token.id.clone(),
            secret_sha256: token.secret.hash(),
            name: request.name,
            role: request.role,
            scope: request.pools,
            created_at: now,
            created_by: by.name.clone(),
            expires_at,
            last_used_at: None,
        };
        Ok((record, token))
    }

    /// Takes a record in, instead of the one with its id.
    pub fn insert(&mut self, record: TokenRecord) {
        self.enter(record, true);
    }

    /// Takes a record in that holds for as long as this process: it never becomes due to be written.
    pub fn insert_unkept(&mut self, record: TokenRecord) {
        self.enter(record, false);
    }

    fn enter(&mut self, record: TokenRecord, kept: bool) {
        let last_used_s = record.last_used_at.map_or(0, Timestamp::as_second);
        let entry = Entry { last_used_s: Arc::new(AtomicI64::new(last_used_s)), record, kept };
        self.entries.insert(entry.record.id.clone(), entry);
    }

    /// Takes a token out; false if there was none.
    pub fn remove(&mut self, id: &str) -> bool {
        self.entries.remove(id).is_some()
    }

    /// The record of one token, as it is to be kept.
    pub fn record(&self, id: &str) -> Option<TokenRecord> {
        let entry = self.entries.get(id)?;
        Some(TokenRecord { last_used_at: entry.last_used_at(), ..entry.record.clone() })
    }

    /// Every token as it is listed, by id.
    pub fn list(&self) -> impl Iterator<Item = TokenAnswer> + '_ {
        self.entries.values().map(Entry::answer)
    }

    /// Whom the text of a token makes of its holder.
    ///
    /// # Errors
    /// Why it is not taken.
    pub fn authenticate(&self, text: &str, now: Timestamp) -> Result<Principal, Denied> {
        let token = Token::read(text).ok_or(Denied::Malformed)?;
        let entry = self.entries.get(&token.id);
        let hash = entry.map_or(&SecretHash::NOBODY, |entry| &entry.record.secret_sha256);
        let matches = hash.is_of(&token.secret);
        let record = &entry.ok_or(Denied::Unknown)?.record;
        if !matches {
            return Err(Denied::WrongSecret);
        }
        if record.expires_at.is_some_and(|end| end <= now) {
            return Err(Denied::Expired);
        }
        Ok(Principal {
            name: record.name.clone(),
            role: record.role,
            scope: record.scope.clone(),
            via: Via::Token { id: token.id },
        })
    }

    /// Notes that a token was used; true if that is worth writing down: the hour has changed.
    pub fn note_use(&self, id: &str, now: Timestamp) -> bool {
        let Some(entry) = self.entries.get(id) else { return false };
        let (before, now) = (entry.last_used_s.load(Ordering::Relaxed), now.as_second());
        let due = before.saturating_add(LAST_USED_EVERY.as_secs()) <= now;
        // Of several requests at once only one is told to write.
        let noted = due
            && entry.last_used_s.compare_exchange(before, now, Ordering::Relaxed, Ordering::Relaxed).is_ok();
        noted && entry.kept
    }
}

impl TokenRequest {
    fn check(&self, by: &Principal) -> Result<(), IssueError> {
        if !is_printable(&self.name) {
            return Err(IssueError::BadName);
        }
        if let Scope::Pools(pools) = &self.pools
            && (pools.is_empty() || pools.len() > MOST_POOLS || !pools.iter().all(|pool| is_printable(pool)))
        {
            return Err(IssueError::BadPools);
        }
        if !by.role.includes(self.role) {
            return Err(IssueError::TooMuch(format!("you are {}", by.role)));
        }
        if !by.scope.includes(&self.pools) {
            return Err(IssueError::TooMuch(format!("your role holds for {}", by.scope)));
        }
        Ok(())
    }
}

impl Entry {
    fn last_used_at(&self) -> Option<Timestamp> {
        let seconds = self.last_used_s.load(Ordering::Relaxed);
        Timestamp::from_second(seconds).ok().filter(|_| seconds != 0)
    }

    fn answer(&self) -> TokenAnswer {
        let record = &self.record;
        TokenAnswer {
            id: record.id.clone(),
            name: record.name.clone(),
            role: record.role,
            pools: record.scope.clone(),
            created_at: record.created_at,
            created_by: record.created_by.clone(),
            expires_at: record.expires_at,
            last_used_at: self.last_used_at(),
        }
    }
}

fn is_printable(name: &str) -> bool {
    (1..=LONGEST_NAME).contains(&name.chars().count()) && !name.chars().any(char::is_control)
}

/// A hundred years are for ever; beyond them the calendar ends.
fn expiry(now: Timestamp, seconds: u64) -> Result<Timestamp, IssueError> {
    let most = 100 * 365 * 86_400;
    let span = i64::try_from(seconds).ok().filter(|seconds| (1..=most).contains(seconds));
    let end = span.and_then(|seconds| now.checked_add(SignedDuration::from_secs(seconds)).ok());
    end.ok_or(IssueError::BadExpiry)
}

#[cfg(test)]
mod tests;
