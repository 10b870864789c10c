//! `POST /v1/pools/{pool}/hosts/{id}/actions/{enable,disable,evacuate,confirm-dead}` and the plan of an evacuation.
use super::action::Action;
use super::admit::{Act, Admitted, admit};
use super::vm_actions::find_host;
use crate::clock;
use crate::conductor::{Ask, Conductor};
use crate::dto::evacuation::EvacuationAnswer;
use crate::engine::{Entry, Transition, Turn};
use crate::error::ApiError;
use crate::place_back;
use crate::served::admission::{Effort, Known, Wish, judge};
use crate::served::evacuation::{self, Evacuation};
use crate::served::task::{StepState, Task};
use crate::served::{Kind, Note, Resource, ServedError, Step};
use crate::service::Service;
use axum::Json;
use axum::extract::{Path, State};
use lifeboat_link::frame::OperatorWish;
use lifeboat_model::change::Change;
use lifeboat_model::spec::HostState;
use lifeboat_model::{HostIndex, Pool};
use lifeboat_planner::Limits;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

/// Work units that the plan of an evacuation may take: a third of a second.
const PLAN_WORK: u64 = 300_000;

/// Nothing is to be told with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "HostAction")]
pub(crate) struct HostAction {}

/// Enable, disable or evacuate a host, or confirm that it is dead
#[utoipa::path(
    post,
    path = "/v1/pools/{pool}/hosts/{id}/actions/{action}",
    params(
        ("pool" = String, Path, description = "The pool"),
        ("id" = String, Path, description = "The host"),
        ("action" = String, Path, description = "enable, disable, evacuate, shutdown (of a host with an agent) or confirm-dead"),
        ("check" = Option<String>, Query, description = "enforce, or only: judge and change nothing"),
        ("force" = Option<bool>, Query, description = "Do it although it makes matters worse; needs a reason"),
        ("reason" = Option<String>, Query, description = "Why it is forced; written down"),
    ),
    request_body(content = ref("#/components/schemas/HostAction"), content_type = "application/json"),
    responses(
        (status = 200, description = "It was done, or judged; an evacuation names its task",
            content_type = "application/json", body = ref("#/components/schemas/Admitted")),
        (status = 409, description = "Admission refuses it, or it makes no sense now",
            content_type = "application/problem+json", body = ref("#/components/schemas/Problem")),
        (status = "default", description = "Whatever goes wrong",
            content_type = "application/problem+json", body = ref("#/components/schemas/Problem")),
    )
)]
pub(crate) async fn act(
    State(service): State<Service>,
    Path((pool, host, action)): Path<(String, String, String)>,
    asked: Action<HostAction>,
) -> Result<Admitted, ApiError> {
    let handle = service.pool(&pool)?;
    let known = ["enable", "disable", "evacuate", "shutdown", "confirm-dead"];
    if !known.contains(&action.as_str()) {
        return Err(ApiError::NoSuchRoute);
    }
    let turn = handle.turn().await?;
    let view = turn.view();
    let index = find_host(&view.pool, &host)?;
    match action.as_str() {
        "enable" => set_state(&service, turn, index, HostState::Live, &asked).await,
        "disable" => set_state(&service, turn, index, HostState::Disabled, &asked).await,
        "evacuate" => evacuate(&service, turn, index, &asked, false).await,
        "shutdown" if service.conductor(&pool).is_none() => Err(without_agents()),
        "shutdown" => evacuate(&service, turn, index, &asked, true).await,
        _ => confirm_dead(&service, turn, index, &asked).await,
    }
}

async fn set_state(
    service: &Service,
    turn: Turn,
    host: HostIndex,
    state: HostState,
    asked: &Action<HostAction>,
) -> Result<Admitted, ApiError> {
    let pool = turn.view().pool;
    let name = pool.host_id(host).to_owned();
    let conductor = service.conductor(pool.id());
    if conductor.is_none() {
        up(&pool, host)?;
    }
    let back = if state == HostState::Live { away_from(&turn, &name) } else { Vec::new() };
    let (action, event) =
        if state == HostState::Live { ("enable", "host-enabled") } else { ("disable", "host-disabled") };
    let who = asked.actor.name.clone();
    let (asked_for, handle) = (name.clone(), std::sync::Arc::clone(turn.pool()));
    let mut act = Act::new(&asked.actor, action, format!("pools/{}/hosts/{name}", pool.id()), move |_| {
        Entry::new(event, Some(&who), json!({"host": name}))
    });
    let host_name = asked_for.clone();
    act.asks = Some(Box::new(move |_| {
        let host = asked_for;
        Ok(vec![if state == HostState::Live { Ask::Enable { host } } else { Ask::Disable { host } }])
    }));
    let admitted =
        admit(service, turn, Change::HostState { host, state }.into(), &asked.insists, act).await?;
    if let Some(conductor) = conductor.filter(|_| admitted.done && !back.is_empty()) {
        place_back::begin(service.clone(), handle, conductor, &host_name, back);
    }
    Ok(admitted)
}

/// The VMs that were moved away from a host when it was last emptied, in the order in which they left.
fn away_from(turn: &Turn, host: &str) -> Vec<String> {
    turn.pool().ledger(|ledger| {
        let last = ledger.tasks.newest_first().find(|task| task.host == host);
        let moved = |step: &crate::served::task::Step| {
            (step.state == StepState::Done || step.state == StepState::UnderWay).then(|| step.vm.clone())
        };
        last.map_or_else(Vec::new, |task| task.steps.iter().filter_map(moved).collect())
    })
}

fn without_agents() -> ApiError {
    ApiError::Forbidden {
        code: "no-agents",
        reason: "the pool's hosts run no agents: evacuate the host, and shut it down yourself".to_owned(),
    }
}

fn up(pool: &Pool, host: HostIndex) -> Result<(), ApiError> {
    if pool.host(host).state.is_up() {
        return Ok(());
    }
    let name = pool.host_id(host);
    Err(ApiError::Forbidden {
        code: "host-is-down",
        reason: format!("host {name} is down: it is enabled when it is seen up again (event host-up)"),
    })
}

async fn evacuate(
    service: &Service,
    turn: Turn,
    host: HostIndex,
    asked: &Action<HostAction>,
    leaves: bool,
) -> Result<Admitted, ApiError> {
    let view = turn.view();
    let name = view.pool.host_id(host).to_owned();
    let running = turn.pool().ledger(|ledger| ledger.tasks.running_on(&name).map(|task| task.id));
    if let Some(task) = running.filter(|_| !leaves) {
        let revision = view.revision;
        return Ok(Admitted { done: true, forced: false, revision, admission: None, task: Some(task) });
    }
    let plan = planned(service, &view.pool, host).await?;
    if let (Some(stuck), None, false) = (plan.stuck.first(), &asked.insists.force, asked.insists.only) {
        return Err(ApiError::Forbidden {
            code: "cannot-be-evacuated",
            reason: format!(
                "{} VM(s) of {name} can go nowhere, {} among them ({}); stop them, or force the evacuation to leave them there",
                plan.stuck.len(),
                view.pool.vm_id(stuck.vm),
                stuck.reason
            ),
        });
    }
    let id = turn.pool().ledger(|ledger| ledger.tasks.next());
    let task = Task::evacuation(id, &view.pool, &plan, &asked.actor.name, clock::now());
    let who = asked.actor.name.clone();
    let resource = format!("pools/{}/hosts/{name}", view.pool.id());
    let asked_for = name.clone();
    // What was shown is what is carried out.
    let moves = plan
        .moves
        .iter()
        .map(|step| (view.pool.vm_id(step.vm).to_owned(), view.pool.host_id(step.to).to_owned()));
    let moves: Vec<(String, String)> = moves.collect();
    let action = if leaves { "shutdown" } else { "evacuate" };
    let mut act = Act::new(&asked.actor, action, resource, move |_| {
        Entry::new("host-maintenance", Some(&who), json!({"host": name, "task": id}))
    });
    act.notes = vec![Note::Begin(Box::new(task))];
    act.task = Some(id);
    act.asks = Some(Box::new(move |_| {
        let host = asked_for;
        let empty = if leaves { Ask::ShutDown { host } } else { Ask::Evacuate { host } };
        Ok(vec![Ask::Plan { moves, stops: Vec::new() }, empty])
    }));
    admit(service, turn, Wish::Evacuate { host, ends: plan.ends() }, &asked.insists, act).await
}

async fn planned(
    service: &Service,
    pool: &std::sync::Arc<Pool>,
    host: HostIndex,
) -> Result<Evacuation, ApiError> {
    let pool = std::sync::Arc::clone(pool);
    service
        .judge(move |stop| {
            let limits = Limits { work: Some(PLAN_WORK), stop: Some(stop), ..Limits::default() };
            Ok(evacuation::plan(&pool, host, &limits)?)
        })
        .await
}

/// An operator's word that a host runs nothing: a fact, not a wish. Refused while the host is seen alive, unless forced.
async fn confirm_dead(
    service: &Service,
    turn: Turn,
    host: HostIndex,
    asked: &Action<HostAction>,
) -> Result<Admitted, ApiError> {
    let view = turn.view();
    let name = view.pool.host_id(host).to_owned();
    let alive = view.pool.host(host).state.is_up();
    let forced = asked.insists.force.as_deref().filter(|_| alive);
    if alive && forced.is_none() {
        return Err(ApiError::Forbidden {
            code: "host-is-live",
            reason: format!(
                "host {name} is seen alive: its VMs would run twice if they are restarted elsewhere; make sure that it is off, and force it"
            ),
        });
    }
    if asked.insists.only {
        let revision = view.revision;
        return Ok(Admitted { done: false, forced: false, revision, admission: None, task: None });
    }
    if let Some(conductor) = service.conductor(turn.pool().id()) {
        return confirm_to_agents(&conductor, turn, &name, forced, asked).await;
    }
    let after =
        view.pool.with(&Change::HostState { host, state: HostState::Fenced }).map_err(ApiError::Change)?;
    let mut data = json!({"host": name, "confirmed": true});
    if let Some(reason) = forced {
        data["forced"] = reason.into();
    }
    let entry = Entry::new("host-fenced", Some(&asked.actor.name), data);
    let written = asked.actor.did("confirm-dead", format!("pools/{}/hosts/{name}", turn.pool().id()));
    let written = if let Some(reason) = forced { written.forced(reason) } else { written };
    let transition = Transition {
        pool: Some((after, Step::Kept)),
        entries: vec![entry],
        audit: vec![written],
        ..Transition::default()
    };
    let delta = turn.commit(transition).acknowledged().await?;
    let revision = delta.revision;
    Ok(Admitted { done: true, forced: forced.is_some(), revision, admission: None, task: None })
}

/// The same where agents have the last word: they weigh it against what they see, and the coordinator hears of the evidence.
async fn confirm_to_agents(
    conductor: &Conductor,
    turn: Turn,
    name: &str,
    forced: Option<&str>,
    asked: &Action<HostAction>,
) -> Result<Admitted, ApiError> {
    let found = conductor.roster().find(name);
    let host = found.ok_or_else(|| ServedError::Unknown(Resource::new(Kind::Host, name)))?;
    conductor.wish(OperatorWish::ConfirmDead { host, forced: forced.is_some() })?;
    let written = asked.actor.did("confirm-dead", format!("pools/{}/hosts/{name}", turn.pool().id()));
    let written = if let Some(reason) = forced { written.forced(reason) } else { written };
    let entry =
        Entry::new("host-confirmed-dead", Some(&asked.actor.name), json!({"host": name, "forced": forced}));
    let transition = Transition { entries: vec![entry], audit: vec![written], ..Transition::default() };
    let revision = turn.commit(transition).acknowledged().await?.revision;
    Ok(Admitted { done: true, forced: forced.is_some(), revision, admission: None, task: None })
}

/// Plan how to empty a host: which VM goes where, in the order of execution
#[utoipa::path(
    get,
    path = "/v1/pools/{pool}/hosts/{id}/evacuation",
    params(("pool" = String, Path, description = "The pool"), ("id" = String, Path, description = "The host")),
    responses(
        (status = 200, description = "The plan, and what admission says of it", content_type = "application/json",
            body = ref("#/components/schemas/EvacuationAnswer")),
        (status = "default", description = "Whatever goes wrong",
            content_type = "application/problem+json", body = ref("#/components/schemas/Problem")),
    )
)]
pub(crate) async fn evacuation(
    State(service): State<Service>,
    Path((pool, host)): Path<(String, String)>,
) -> Result<Json<EvacuationAnswer>, ApiError> {
    let handle = service.pool(&pool)?;
    let view = handle.view();
    let index = find_host(&view.pool, &host)?;
    let plan = planned(&service, &view.pool, index).await?;
    let known = handle.outlook().filter(|outlook| outlook.revision == view.revision);
    let answer = service
        .judge(move |stop| {
            let wish = Wish::Evacuate { host: index, ends: plan.ends() };
            let known = known.as_deref().map(Known::from);
            let judged = judge(&view.pool, view.revision, known, &wish, &Effort::REQUEST, stop)?;
            Ok(EvacuationAnswer::new(&view.pool, view.revision, &plan, judged.answer))
        })
        .await?;
    Ok(Json(answer))
}
