//! Who a request comes from, as far as the service knows.
use super::refusal::Refusal;
use super::role::{Role, Scope};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Who calls. A handler takes it as an argument; on an [`Open`](super::Access::Open) route there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// Its name, for the audit log.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// To which pools.
    pub scope: Scope,
    /// How it is known.
    pub via: Via,
}

/// How a principal is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Via {
    /// It called from this machine, and the service asks nobody there.
    Loopback,
    /// By a token.
    Token {
        /// The token's id, which is no secret.
        id: String,
    },
    /// By the certificate of an agent.
    Certificate {
        /// The host that the certificate names.
        host: String,
    },
}

impl Principal {
    /// Whoever calls a service that asks nobody.
    pub fn local() -> Self {
        Self { name: "local".to_owned(), role: Role::Admin, scope: Scope::All, via: Via::Loopback }
    }

    /// Whether it may see `pool`: for handlers that answer for several.
    pub fn may_see(&self, pool: &str) -> bool {
        self.scope.covers(pool)
    }

    /// What its share of the service is counted under: whatever it calls itself, one token is one share.
    pub fn share(&self) -> String {
        match &self.via {
            Via::Loopback => "loopback".to_owned(),
            Via::Token { id } => format!("token {id}"),
            Via::Certificate { .. } => format!("certificate {}", self.name),
        }
    }
}

impl fmt::Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Loopback => f.write_str("loopback"),
            Self::Token { id } => write!(f, "token {id}"),
            Self::Certificate { host } => write!(f, "certificate of {host}"),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Principal {
    type Rejection = Refusal;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        parts.extensions.get::<Self>().cloned().ok_or(Refusal::Unauthenticated)
    }
}
