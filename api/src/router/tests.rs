//! Routes as they answer beside an agent: with an engine on a store of its own, and a conductor that is played.
use super::*;
use crate::conductor::Conductor;
use crate::conductor::enrolment::left;
use crate::conductor::names::tests::roster;
use crate::conductor::shell::played;
use crate::engine::{Engine, EngineSettings, PoolHandle};
use crate::guard::Role;
use crate::guard::certificate::AgentIdentity;
use crate::guard::door::Caller;
use crate::service::ServiceSettings;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use lifeboat_link::Roster;
use lifeboat_model::Pool;
use lifeboat_model::spec::{HostState, PoolSpec, RestartPriority};
use lifeboat_store::{Batch, Candidate, Options, StoreAddress, open};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::time::timeout;
use tower::ServiceExt;

/// Ample, on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

struct Beside {
    service: Service,
    pool: Arc<PoolHandle>,
    conductor: Conductor,
    _folder: TempDir,
}

/// A pool with these hosts in its roster, each reached at an address of its own, and with this document.
async fn beside(hosts: &[&str], document: PoolSpec) -> Beside {
    let folder = TempDir::new().expect("a folder");
    let address = StoreAddress::File(folder.path().join("store.redb"));
    let store = open(&address, &Options::default()).expect("a store");
    let me = Candidate { name: "h1".to_owned(), address: "http://h1:7878".to_owned() };
    let term = store.campaign(&me, PATIENCE).expect("it answers").expect("nobody else is there");
    let settings = EngineSettings::default();
    let engine =
        Engine::start(Arc::from(store), term, settings, Box::new(|_, _, _| Vec::new()), Box::new(|_| {}))
            .expect("it starts");
    let pool = Pool::new(&PoolSpec { id: "prod".to_owned(), ..document }).expect("a pool");
    let pool = engine.create(pool, Vec::new(), Batch::default()).await.expect("there is none");
    let service = Service::new(ServiceSettings::default());
    let conductor = played(at_addresses(roster(hosts)));
    service.set_conductor(Some(conductor.clone()));
    service.set_engine(Some(engine));
    Beside { service, pool, conductor, _folder: folder }
}

fn at_addresses(mut roster: Roster) -> Roster {
    for (position, host) in roster.hosts.iter_mut().enumerate() {
        host.addresses = vec![format!("10.0.0.{}:7946", position + 1).parse().expect("an address")];
    }
    roster
}

/// Two hosts, each with a VM that the other has no room for.
fn full() -> PoolSpec {
    let host = |id: &str| HostSpec { id: id.to_owned(), memory_mib: 10, ..HostSpec::default() };
    let vm = |on: &str| VmSpec {
        id: format!("of-{on}"),
        memory_mib: 8,
        host: Some(on.to_owned()),
        should_run: true,
        restart_priority: RestartPriority::Restart,
        ..VmSpec::default()
    };
    PoolSpec { hosts: vec![host("h1"), host("h2")], vms: vec![vm("h1"), vm("h2")], ..PoolSpec::default() }
}

/// The certificate of the host in this place.
fn shown(host: &str, place: Option<usize>) -> Caller {
    let pool_id = roster(&[]).pool_id;
    let place = place.map(|place| (pool_id, place));
    let agent = AgentIdentity { pool: "prod".to_owned(), host: host.to_owned(), place };
    Caller { encrypted: true, agent: Some(Arc::new(agent)), ..Caller::default() }
}

impl Beside {
    async fn ask(&self, method: &str, path: &str, caller: Option<Caller>, sent: &Value) -> (u16, Value) {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .body(Body::from(sent.to_string()))
            .expect("a request");
        if let Some(caller) = caller {
            request.extensions_mut().insert(caller);
        }
        let answer = router(&self.service).oneshot(request).await.expect("the router does not fail");
        let status = answer.status().as_u16();
        let body = to_bytes(answer.into_body(), usize::MAX).await.expect("a body");
        (status, serde_json::from_slice(&body).unwrap_or_default())
    }

    async fn begins(&self, asked: &Value) -> (u16, Value) {
        let begun = self.ask("POST", "/v1/pools/prod/rolling-reboot", None, asked);
        timeout(PATIENCE, begun).await.expect("it waits for nobody")
    }

    /// What is answered on each route that is open to agents, to whoever shows this certificate.
    async fn told_to(&self, caller: &Caller) -> Vec<(String, u16, Value)> {
        let routes = table(&self.service).into_iter();
        let mut told = Vec::new();
        for route in routes.filter(|route| route.access != Open && route.access.admits(Role::Agent)) {
            let path = route.path.replace("{pool}", "prod").replace("{id}", "x");
            let (status, answer) =
                self.ask(route.method.as_str(), &path, Some(caller.clone()), &json!({})).await;
            told.push((path, status, answer["code"].clone()));
        }
        assert!(told.len() > 5, "{told:?}");
        told
    }
}

#[tokio::test]
async fn a_rolling_reboot_is_planned_before_anybody_is_kept_from_changing_the_pool() {
    let beside = beside(&["h1", "h2"], full()).await;
    let turn = beside.pool.turn().await.expect("it is free");
    let (status, refused) = beside.begins(&json!({})).await;
    assert_eq!((status, &refused["code"]), (409, &json!("cannot-be-evacuated")), "{refused}");
    drop(turn);
}

#[tokio::test]
async fn hosts_that_are_named_and_do_not_take_vms_are_not_rebooted() {
    for state in [HostState::Disabled, HostState::Maintenance, HostState::Dead, HostState::Fenced] {
        let mut document = PoolSpec { vms: Vec::new(), ..full() };
        document.hosts[1].state = state;
        let beside = beside(&["h1", "h2"], document).await;
        let (status, refused) = beside.begins(&json!({"hosts": ["h1", "h2"]})).await;
        assert_eq!((status, &refused["code"]), (409, &json!("host-not-live")), "{state:?}: {refused}");
        let (status, begun) = beside.begins(&json!({"hosts": ["h1"]})).await;
        assert_eq!((status, &begun["state"]), (202, &json!("running")), "{state:?}: {begun}");
    }
}

#[tokio::test]
async fn a_certificate_opens_what_is_open_to_agents_while_its_place_is_held() {
    let beside = beside(&["h1", "!h2", "h3", "h2"], PoolSpec::default()).await;
    let no_member = |told: &[(String, u16, Value)]| {
        let refused = told.iter().filter(|(_, status, code)| *status == 403 && code == "no-member").count();
        assert!(refused == 0 || refused == told.len(), "{told:?}");
        refused > 0
    };
    for (caller, held) in [
        (shown("h1", Some(0)), true),
        (shown("h2", Some(3)), true),
        (shown("h2", Some(1)), false),
        (shown("h3", Some(0)), false),
        (shown("h9", Some(9)), false),
        (shown("h1", None), false),
    ] {
        assert_eq!(no_member(&beside.told_to(&caller).await), !held, "{caller:?}");
    }
    let changing = beside.conductor.rosters().change().await;
    let left = left(&changing.roster(), "h3").expect("it is there");
    let caller = shown("h3", Some(2));
    assert!(!no_member(&beside.told_to(&caller).await));
    changing.done(left);
    assert!(no_member(&beside.told_to(&caller).await), "from the moment in which it is removed");
}

#[tokio::test]
async fn the_leaders_host_hands_over_before_it_is_reached_nowhere_where_the_others_look_for_it() {
    let moves = json!({"addresses": ["10.0.0.99:7946"], "networks": ["hb0"]});
    let path = "/v1/pools/prod/membership/addresses";
    let beside = beside(&["h1", "h2", "!h3"], PoolSpec::default()).await;
    let (status, refused) = beside.ask("PUT", path, Some(shown("h1", Some(0))), &moves).await;
    assert_eq!((status, &refused["code"]), (409, &json!("hand-over-first")), "{refused}");
    let detail = refused["detail"].as_str().expect("words");
    assert!(detail.contains("10.0.0.1:7946") && detail.contains("hand-over"), "{detail}");
    assert_eq!(beside.conductor.roster().version, 1, "nothing is changed");
    let (status, answer) = beside.ask("PUT", path, Some(shown("h2", Some(1))), &moves).await;
    assert_eq!((status, &answer["roster"]["version"]), (200, &json!(2)), "another host moves: {answer}");
    assert_eq!(beside.conductor.roster().version, 2);
}

#[tokio::test]
async fn a_host_that_leads_nobody_else_moves_as_it_likes() {
    let moves = json!({"addresses": ["10.0.0.99:7946"], "networks": ["hb0"]});
    let beside = beside(&["h1", "!h2"], PoolSpec::default()).await;
    let path = "/v1/pools/prod/membership/addresses";
    let (status, answer) = beside.ask("PUT", path, Some(shown("h1", Some(0))), &moves).await;
    assert_eq!((status, &answer["roster"]["version"]), (200, &json!(2)), "{answer}");
}
