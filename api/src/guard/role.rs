//! Roles, and the pools that they hold for.
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;

/// What somebody may do. Viewer, operator and admin rise, each may do what the one before may; an agent stands apart:
/// it tells what has happened on the hosts and asks before it starts something, and changes nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[derive(clap::ValueEnum)]
pub enum Role {
    /// Reads.
    Viewer,
    /// Runs VMs and hosts, edits what is in a pool.
    Operator,
    /// Makes and removes pools, gives out tokens, reads the audit log.
    Admin,
    /// Tells events.
    Agent,
}

impl Role {
    /// The role as a word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Admin => "admin",
            Self::Agent => "agent",
        }
    }

    /// Whether this role may do all that `other` may.
    pub fn includes(self, other: Self) -> bool {
        match (self, other) {
            (Self::Agent, other) => other == Self::Agent,
            (_, Self::Agent) => self == Self::Operator || self == Self::Admin,
            (this, other) => this >= other,
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// The pools that a role holds for. On the wire `null` is all of them, else their names are listed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(from = "Option<BTreeSet<String>>", into = "Option<BTreeSet<String>>")]
#[schemars(with = "Option<BTreeSet<String>>")]
pub enum Scope {
    /// All pools, those included that are made later.
    #[default]
    All,
    /// Only these, by name.
    Pools(BTreeSet<String>),
}

impl Scope {
    /// The scope of one pool.
    pub fn of(pool: impl Into<String>) -> Self {
        Self::Pools(BTreeSet::from([pool.into()]))
    }

    /// Whether `pool` is in it. Names are compared byte by byte, as the engine looks them up.
    pub fn covers(&self, pool: &str) -> bool {
        match self {
            Self::All => true,
            Self::Pools(pools) => pools.contains(pool),
        }
    }

    /// Whether everything in `other` is in it.
    pub fn includes(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::All, _) => true,
            (Self::Pools(_), Self::All) => false,
            (Self::Pools(these), Self::Pools(those)) => those.is_subset(these),
        }
    }
}

impl From<Option<BTreeSet<String>>> for Scope {
    fn from(pools: Option<BTreeSet<String>>) -> Self {
        pools.map_or(Self::All, Self::Pools)
    }
}

impl From<Scope> for Option<BTreeSet<String>> {
    fn from(scope: Scope) -> Self {
        match scope {
            Scope::All => None,
            Scope::Pools(pools) => Some(pools),
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all pools"),
            Self::Pools(pools) => f.write_str(&pools.iter().cloned().collect::<Vec<_>>().join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn viewer_operator_and_admin_rise_and_an_agent_stands_apart() {
        assert!(Role::Admin.includes(Role::Operator) && Role::Operator.includes(Role::Viewer));
        assert!(!Role::Viewer.includes(Role::Operator) && !Role::Operator.includes(Role::Admin));
        assert!(Role::Operator.includes(Role::Agent) && !Role::Viewer.includes(Role::Agent));
        for other in [Role::Viewer, Role::Operator, Role::Admin] {
            assert!(!Role::Agent.includes(other));
        }
    }

    #[test]
    fn a_scope_covers_what_it_names_and_nothing_that_looks_like_it() {
        let scope = Scope::of("prod");
        assert!(scope.covers("prod"));
        for other in ["Prod", "prod ", "prod/", "prod-a", "", "..", "pro"] {
            assert!(!scope.covers(other), "{other:?}");
        }
        assert!(Scope::All.covers("anything"));
    }

    #[test]
    fn nobody_gives_away_more_than_he_has() {
        let (one, two) = (Scope::of("a"), Scope::Pools(["a".into(), "b".into()].into()));
        assert!(two.includes(&one) && !one.includes(&two));
        assert!(!two.includes(&Scope::All) && Scope::All.includes(&two));
    }

    #[test]
    fn on_the_wire_all_is_null_and_none_is_an_empty_list() {
        assert_eq!(serde_json::to_string(&Scope::All).expect("JSON"), "null");
        assert_eq!(serde_json::from_str::<Scope>("[]").expect("a scope"), Scope::Pools(BTreeSet::new()));
        assert_eq!(serde_json::from_str::<Scope>(r#"["a"]"#).expect("a scope"), Scope::of("a"));
    }
}
