//! `POST /v1/pools/{pool}/vms/{vm}/actions/{action}`: what is done to one VM. Each is judged, and logged as the event that it
//! is; the service starts and stops nothing itself, its caller does when it is told that it may.
use super::action::Action;
use super::admit::{Act, Admitted, admit};
use crate::conductor::Ask;
use crate::engine::{Entry, Turn};
use crate::error::ApiError;
use crate::served::admission::{Judged, Wish};
use crate::served::{Kind, Resource, ServedError};
use crate::service::Service;
use axum::extract::{Path, State};
use lifeboat_model::change::Change;
use lifeboat_model::spec::{PowerState, RestartPriority};
use lifeboat_model::{HostIndex, Pool, VmIndex};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

/// What an action on a VM may be told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "VmAction")]
pub(crate) struct VmAction {
    /// The host: where to start, resume or migrate it. A start without one goes where it leaves the pool best.
    host: Option<String>,
    /// To stop a protected VM: lift its protection in the same step.
    lift_protection: bool,
}

/// Start, resume, stop, suspend or migrate a VM, unless that makes matters worse
#[utoipa::path(
    post,
    path = "/v1/pools/{pool}/vms/{id}/actions/{action}",
    params(
        ("pool" = String, Path, description = "The pool"),
        ("id" = String, Path, description = "The VM"),
        ("action" = String, Path, description = "start, resume, stop, suspend, migrate, end-migration or abort-migration"),
        ("check" = Option<String>, Query, description = "enforce, or only: judge and change nothing"),
        ("force" = Option<bool>, Query, description = "Do it although it makes matters worse; needs a reason"),
        ("reason" = Option<String>, Query, description = "Why it is forced; written down"),
    ),
    request_body(content = ref("#/components/schemas/VmAction"), content_type = "application/json"),
    responses(
        (status = 200, description = "It was done, or judged", content_type = "application/json",
            body = ref("#/components/schemas/Admitted")),
        (status = 409, description = "Admission refuses it, or it makes no sense now",
            content_type = "application/problem+json", body = ref("#/components/schemas/Problem")),
        (status = "default", description = "Whatever goes wrong",
            content_type = "application/problem+json", body = ref("#/components/schemas/Problem")),
    )
)]
pub(crate) async fn act(
    State(service): State<Service>,
    Path((pool, vm, action)): Path<(String, String, String)>,
    asked: Action<VmAction>,
) -> Result<Admitted, ApiError> {
    let verb = Verb::read(&action)?;
    let handle = service.pool(&pool)?;
    let turn = handle.turn().await?;
    let wish = wish(&turn, &vm, verb, &asked.body)?;
    let who = asked.actor.name.clone();
    let given = asked.body.host.clone();
    let name = vm.clone();
    let mut act = Act::new(&asked.actor, verb.word(), format!("pools/{pool}/vms/{vm}"), move |judged| {
        let host = given.or_else(|| judged.host.clone());
        let data = if verb.names_a_host() { json!({"vm": name, "host": host}) } else { json!({"vm": name}) };
        Entry::new(verb.event(), Some(&who), data)
    });
    let (said, name) = (asked.body.clone(), vm);
    act.asks = Some(Box::new(move |judged| asks(verb, name, &said, judged)));
    admit(&service, turn, wish, &asked.insists, act).await
}

/// What it is for the coordinator of a pool whose hosts run agents.
fn asks(verb: Verb, vm: String, said: &VmAction, judged: &Judged) -> Result<Vec<Ask>, ApiError> {
    let host = said.host.clone().or_else(|| judged.host.clone());
    Ok(match (verb, host) {
        (Verb::Start | Verb::Resume, host) => vec![Ask::Start { vm, host }],
        (Verb::Stop, _) if said.lift_protection => {
            let priority = RestartPriority::Unprotected;
            vec![Ask::Protect { vm: vm.clone(), priority }, Ask::Stop { vm }]
        }
        (Verb::Stop, _) => vec![Ask::Stop { vm }],
        (Verb::Migrate, Some(to)) => vec![Ask::Migrate { vm, to }],
        (Verb::Migrate, None) => return Err(needs_host()),
        (Verb::Suspend | Verb::EndMigration | Verb::AbortMigration, _) => {
            return Err(ApiError::Forbidden {
                code: "told-by-agents",
                reason: format!(
                    "the pool's hosts run agents, which do not {}: what becomes of VMs is told by them",
                    verb.word()
                ),
            });
        }
    })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verb {
    Start,
    Resume,
    Stop,
    Suspend,
    Migrate,
    EndMigration,
    AbortMigration,
}

impl Verb {
    const ALL: [Self; 7] = [
        Self::Start,
        Self::Resume,
        Self::Stop,
        Self::Suspend,
        Self::Migrate,
        Self::EndMigration,
        Self::AbortMigration,
    ];

    fn read(word: &str) -> Result<Self, ApiError> {
        Self::ALL.into_iter().find(|verb| verb.word() == word).ok_or(ApiError::NoSuchRoute)
    }

    fn word(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Resume => "resume",
            Self::Stop => "stop",
            Self::Suspend => "suspend",
            Self::Migrate => "migrate",
            Self::EndMigration => "end-migration",
            Self::AbortMigration => "abort-migration",
        }
    }

    /// The event that it is logged as.
    fn event(self) -> &'static str {
        match self {
            Self::Start => "vm-started",
            Self::Resume => "vm-resumed",
            Self::Stop => "vm-stopped",
            Self::Suspend => "vm-suspended",
            Self::Migrate => "migration-begun",
            Self::EndMigration => "migration-ended",
            Self::AbortMigration => "migration-aborted",
        }
    }

    fn names_a_host(self) -> bool {
        matches!(self, Self::Start | Self::Resume | Self::Migrate | Self::EndMigration)
    }
}

fn wish(turn: &Turn, vm: &str, verb: Verb, said: &VmAction) -> Result<Wish, ApiError> {
    let (pool, found) = turn.pool().with(|served| (served.pool().clone(), served.find_vm(vm)));
    let vm = found.ok_or_else(|| unknown(Kind::Vm, vm))?;
    let host = said.host.as_deref().map(|name| find_host(&pool, name)).transpose()?;
    Ok(match verb {
        Verb::Start => Change::Start { vm, host }.into(),
        Verb::Resume => resume(&pool, vm, host)?,
        Verb::Stop => stop(&pool, vm, said.lift_protection)?,
        Verb::Suspend => Change::Suspend { vm }.into(),
        Verb::Migrate => Wish::Migrate { vm, to: host.ok_or_else(needs_host)? },
        Verb::EndMigration => {
            let to = host.or(pool.vm(vm).migrating_to).ok_or_else(needs_host)?;
            Change::EndMigration { vm, to }.into()
        }
        Verb::AbortMigration => Change::AbortMigration { vm }.into(),
    })
}

fn resume(pool: &Pool, vm: VmIndex, host: Option<HostIndex>) -> Result<Wish, ApiError> {
    match (pool.vm(vm).power_state, pool.runs_on(vm)) {
        (PowerState::Suspended, _) => Ok(Change::Start { vm, host }.into()),
        // It holds its memory already.
        (PowerState::Paused, Some(home)) => {
            Ok(Wish::Changes(vec![Change::Stop { vm }, Change::Start { vm, host: Some(home) }]))
        }
        _ => Err(ApiError::Forbidden {
            code: "vm-not-suspended",
            reason: format!("VM {} is neither suspended nor paused: start it instead", pool.vm_id(vm)),
        }),
    }
}

fn stop(pool: &Pool, vm: VmIndex, lift: bool) -> Result<Wish, ApiError> {
    let protected = pool.vm(vm).restart_priority == RestartPriority::Restart;
    if protected && !lift {
        return Err(ApiError::Forbidden {
            code: "vm-is-protected",
            reason: format!(
                "VM {} is protected: it would be started again; say lift_protection to stop it for good",
                pool.vm_id(vm)
            ),
        });
    }
    Ok(if protected {
        let priority = RestartPriority::Unprotected;
        Wish::Changes(vec![Change::Protect { vm, priority }, Change::Stop { vm }])
    } else {
        Change::Stop { vm }.into()
    })
}

fn needs_host() -> ApiError {
    ApiError::Forbidden {
        code: "host-missing",
        reason: "say which host it goes to: {\"host\": …}".to_owned(),
    }
}

/// The host of that name.
pub(super) fn find_host(pool: &Pool, name: &str) -> Result<HostIndex, ApiError> {
    pool.find_host(name).ok_or_else(|| unknown(Kind::Host, name))
}

fn unknown(kind: Kind, name: &str) -> ApiError {
    ServedError::Unknown(Resource::new(kind, name)).into()
}
