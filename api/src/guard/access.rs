//! Who may call a route: said once beside its path, and judged here.
use super::principal::Principal;
use super::refusal::Refusal;
use super::role::{Role, Scope};
use std::fmt;

/// Who may call a route. A route with `{pool}` in its path is judged for that pool; one without is open to a role
/// whatever its scope, and its handler leaves out the pools that the caller may not see, except where this says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Access {
    /// Anybody, without saying who.
    Open,
    /// Viewers, operators and admins.
    Viewer,
    /// Viewers, operators and admins of all pools: for what tells of all pools at once.
    ViewerOfAll,
    /// Viewers and above, and agents: what a host needs to know before it starts a VM.
    ViewerOrAgent,
    /// Operators and admins.
    Operator,
    /// Agents alone: what is a host's own.
    Agent,
    /// Agents, operators and admins.
    AgentOrOperator,
    /// Admins; on a route without `{pool}` admins of all pools.
    Admin,
}

impl Access {
    /// Every kind.
    pub const ALL: [Self; 8] = [
        Self::Open,
        Self::Viewer,
        Self::ViewerOfAll,
        Self::ViewerOrAgent,
        Self::Operator,
        Self::Agent,
        Self::AgentOrOperator,
        Self::Admin,
    ];

    /// The access in words, for the description of the service.
    pub fn words(self) -> &'static str {
        match self {
            Self::Open => "anybody",
            Self::Viewer => "viewer",
            Self::ViewerOfAll => "viewer of all pools",
            Self::ViewerOrAgent => "viewer, agent",
            Self::Operator => "operator",
            Self::Agent => "agent",
            Self::AgentOrOperator => "agent, operator",
            Self::Admin => "admin",
        }
    }

    /// Whether a role is enough, the scope aside.
    pub fn admits(self, role: Role) -> bool {
        match self {
            Self::Open => true,
            Self::Viewer | Self::ViewerOfAll => role.includes(Role::Viewer),
            Self::ViewerOrAgent => role.includes(Role::Viewer) || role == Role::Agent,
            Self::Operator => role.includes(Role::Operator),
            Self::Agent => role == Role::Agent,
            Self::AgentOrOperator => role.includes(Role::Agent),
            Self::Admin => role.includes(Role::Admin),
        }
    }

    /// Whether `principal` may call a route with this access; `pool` is the one in the path.
    ///
    /// # Errors
    /// [`Refusal::Forbidden`] or [`Refusal::OutOfScope`].
    pub fn judge(self, principal: &Principal, pool: Option<&str>) -> Result<(), Refusal> {
        if !self.admits(principal.role) {
            return Err(Refusal::Forbidden { role: principal.role, needs: self });
        }
        let covered = match pool {
            Some(pool) => self == Self::Open || principal.scope.covers(pool),
            None => !matches!(self, Self::ViewerOfAll | Self::Admin) || principal.scope.includes(&Scope::All),
        };
        if covered { Ok(()) } else { Err(Refusal::OutOfScope { pool: pool.map(str::to_owned) }) }
    }
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guard::principal::Via;

    fn principal(role: Role, scope: Scope) -> Principal {
        Principal { name: "p".into(), role, scope, via: Via::Loopback }
    }

    #[test]
    fn each_access_admits_exactly_these_roles() {
        use Role::{Admin, Agent, Operator, Viewer};
        let table: [(Access, &[Role]); 8] = [
            (Access::Open, &[Viewer, Operator, Admin, Agent]),
            (Access::Viewer, &[Viewer, Operator, Admin]),
            (Access::ViewerOfAll, &[Viewer, Operator, Admin]),
            (Access::ViewerOrAgent, &[Viewer, Operator, Admin, Agent]),
            (Access::Operator, &[Operator, Admin]),
            (Access::Agent, &[Agent]),
            (Access::AgentOrOperator, &[Operator, Admin, Agent]),
            (Access::Admin, &[Admin]),
        ];
        assert_eq!(table.map(|(access, _)| access), Access::ALL);
        for (access, admitted) in table {
            for role in [Viewer, Operator, Admin, Agent] {
                assert_eq!(access.admits(role), admitted.contains(&role), "{access} {role}");
            }
        }
    }

    #[test]
    fn a_role_holds_for_its_pools_only() {
        let admin = principal(Role::Admin, Scope::of("a"));
        for access in Access::ALL.into_iter().filter(|access| *access != Access::Agent) {
            assert!(access.judge(&admin, Some("a")).is_ok() || access == Access::ViewerOfAll, "{access}");
            let elsewhere = access.judge(&admin, Some("b"));
            assert_eq!(elsewhere.is_ok(), access == Access::Open, "{access}");
        }
    }

    #[test]
    fn what_tells_of_all_pools_takes_a_scope_of_all_pools() {
        let (some, all) = (principal(Role::Admin, Scope::of("a")), principal(Role::Admin, Scope::All));
        for access in [Access::ViewerOfAll, Access::Admin] {
            assert_eq!(access.judge(&some, None), Err(Refusal::OutOfScope { pool: None }));
            assert_eq!(access.judge(&all, None), Ok(()));
        }
        assert_eq!(Access::Viewer.judge(&some, None), Ok(()));
    }
}
