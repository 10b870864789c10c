//! A host joins with a one-time token, and leaves.
use super::terms::pool;
use super::{Beside, POOL, host, path_of, roster};
use lifeboat_link::FromService;
use lifeboat_link::frame::ToService;
use lifeboat_link::join::{FOUNDING, Founding, Invitation, JoinAnswer, MediumPlace, PoolKey};
use lifeboat_link::note::{self, OrderNote};
use lifeboat_protocol::order::Order;
use lifeboat_protocol::{Boot, ConfigurationNumber, Standing};
use lifeboat_store::{Batch, Candidate, Key, Options, StoreAddress};
use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair, KeyUsagePurpose};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

/// What the first host leaves in the store.
fn founded(folder: &Path) {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let key = KeyPair::generate().expect("a key");
    let founding = Founding {
        roster: roster(),
        medium: MediumPlace::Statefile { path: "/dev/x".into(), offset: 0 },
        metadata: "volume:/dev/x".to_owned(),
        authority_pem: params.self_signed(&key).expect("a certificate").pem(),
        authority_key_pem: key.serialize_pem(),
        keys: vec![PoolKey::new(1, &[1; 32])],
        certificates_live_s: 7_776_000,
    };
    let address = StoreAddress::File(folder.join("store.redb"));
    let store = lifeboat_store::open(&address, &Options::default()).expect("new");
    let me = Candidate { name: "first".into(), address: String::new() };
    let term = store.campaign(&me, Duration::ZERO).expect("it answers").expect("nobody else is there");
    let mut batch = Batch::default();
    batch.put(Key::of(&[FOUNDING]), serde_json::to_vec(&founding).expect("JSON"));
    store.commit(term, &batch).expect("it takes writes");
}

fn newcomer(token: &str, name: &str) -> Value {
    let key = KeyPair::generate().expect("a key");
    let csr = CertificateParams::default().serialize_request(&key).expect("a request");
    json!({
        "token": token, "host": name, "addresses": ["127.0.0.1:7009"], "networks": ["hb0"],
        "api": "https://127.0.0.1:17009", "csr_pem": csr.pem().expect("PEM"),
    })
}

fn invited(beside: &Beside) -> Invitation {
    let (status, made) = beside.act("invitations", &json!({}));
    assert_eq!(status, 201, "{made}");
    made["token"].as_str().expect("a token").parse().expect("a token")
}

fn roster_of(beside: &mut Beside, number: usize, version: u64) {
    beside.until("a roster", |frame| match frame {
        FromService::Order { host: on, order: Order::Note { bytes, .. } } if *on == host(number) => {
            match note::unpack::<OrderNote>(bytes) {
                Ok(OrderNote::Roster(roster)) if roster.version == version => Some(()),
                _ => None,
            }
        }
        _ => None,
    });
}

#[test]
fn a_host_joins_once_with_its_token_and_everybody_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    founded(folder.path());
    let mut beside = pool(folder.path());
    beside.says(&ToService::Keys(vec![PoolKey::new(2, &[2; 32]), PoolKey::new(1, &[1; 32])]));
    let credential = invited(&beside).credential();
    let (status, refused) = beside.act("join", &newcomer("lbjoin_00_00", "h4"));
    assert_eq!((status, &refused["code"]), (409, &json!("no-invitation")));
    let (status, refused) = beside.act("join", &newcomer(&credential, "h1"));
    assert_eq!((status, &refused["code"]), (409, &json!("host-taken")));
    let (status, answer) = beside.act("join", &newcomer(&credential, "h4"));
    assert_eq!(status, 200, "{answer}");
    let answer: JoinAnswer = serde_json::from_value(answer).expect("an answer");
    assert_eq!((answer.me, answer.roster.version, answer.roster.find("h4")), (3, 2, Some(3)));
    assert_eq!(answer.keys[0], PoolKey::new(2, &[2; 32]), "the key in use first");
    assert_eq!(answer.chain_pem.matches("BEGIN CERTIFICATE").count(), 2);
    for number in 1..=3 {
        roster_of(&mut beside, number, 2);
    }
    let (status, refused) = beside.act("join", &newcomer(&credential, "h5"));
    assert_eq!((status, &refused["code"]), (409, &json!("no-invitation")), "a token is spent once");
    // The next term knows it, whatever roster its agent has.
    beside.killed();
    let mut next = super::terms::led(folder.path(), 2);
    next.session(1, &["web"]);
    roster_of(&mut next, 1, 2);
}

#[test]
fn a_host_leaves_when_it_is_down_and_asks_for_a_certificate_while_it_belongs() {
    let folder = tempfile::tempdir().expect("a folder");
    founded(folder.path());
    let mut beside = pool(folder.path());
    let csr_pem = newcomer("", "h3")["csr_pem"].as_str().expect("PEM").to_owned();
    beside.note(3, &note::ReportNote::CertificateRequest { csr_pem });
    beside.until("a certificate", |frame| match frame {
        FromService::Order { host: on, order: Order::Note { bytes, .. } } if *on == host(3) => {
            matches!(note::unpack::<OrderNote>(bytes), Ok(OrderNote::Certificate { .. })).then_some(())
        }
        _ => None,
    });
    let path = format!("/v1/pools/{POOL}/hosts/h3");
    let (status, refused) = beside.ask("DELETE", &path, None);
    assert_eq!((status, &refused["code"]), (409, &json!("host-is-live")));
    let live = Standing::Member { boot: Boot(1), joined: ConfigurationNumber(1) };
    beside.agreed([live, live, Standing::Out]);
    beside.see(&path, |host| host["state"] == "maintenance");
    let (status, answer) = beside.ask("DELETE", &path, None);
    assert_eq!(status, 200, "{answer}");
    roster_of(&mut beside, 1, 2);
    assert_eq!(beside.get(&path).0, 404);
    beside.see(&path_of("web"), |vm| vm["host"] == "h1");
}

#[test]
fn many_who_join_at_once_get_places_of_their_own_and_a_token_is_spent_once() {
    let folder = tempfile::tempdir().expect("a folder");
    founded(folder.path());
    let beside = pool(folder.path());
    let tokens: Vec<String> = (0..6).map(|_| invited(&beside).credential()).collect();
    let url = format!("{}/v1/pools/{POOL}/join", beside.url);
    // Each token is shown twice at once, by two hosts.
    let asks = (0..12u16).map(|number| {
        let mut ask = newcomer(&tokens[usize::from(number / 2)], &format!("n{number}"));
        ask["addresses"] = json!([format!("127.0.0.1:{}", 7100 + number)]);
        ask["api"] = json!(format!("https://127.0.0.1:{}", 17100 + number));
        let url = url.clone();
        std::thread::spawn(move || {
            let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
            let mut answer = agent.post(&url).send(ask.to_string()).expect("it answers");
            (answer.status() == 200)
                .then(|| serde_json::from_reader(answer.body_mut().as_reader()).expect("an answer"))
        })
    });
    let asks: Vec<_> = asks.collect();
    let joined: Vec<JoinAnswer> =
        asks.into_iter().filter_map(|ask| ask.join().expect("it answers")).collect();
    assert_eq!(joined.len(), 6, "a token lets one in");
    let places: BTreeSet<usize> = joined.iter().map(|answer| answer.me).collect();
    assert_eq!(places, (3..9).collect(), "each has a place of its own");
    let last = joined.iter().max_by_key(|answer| answer.roster.version).expect("one is last");
    assert_eq!((last.roster.version, last.roster.hosts.len()), (7, 9), "and nobody is forgotten");
}

#[test]
fn a_host_that_is_being_fenced_is_neither_replaced_nor_removed() {
    let folder = tempfile::tempdir().expect("a folder");
    founded(folder.path());
    let mut beside = pool(folder.path());
    let joined = ConfigurationNumber(1);
    let live = Standing::Member { boot: Boot(1), joined };
    beside.agreed([live, live, Standing::Fencing { boot: Boot(1), joined, led: None }]);
    let path = format!("/v1/pools/{POOL}/hosts/h3");
    beside.see(&path, |host| host["state"] != "live");
    let credential = invited(&beside).credential();
    let (status, refused) = beside.act("join", &newcomer(&credential, "h3"));
    assert_eq!((status, &refused["code"]), (409, &json!("host-taken")));
    let (status, refused) = beside.ask("DELETE", &path, None);
    assert_eq!((status, &refused["code"]), (409, &json!("host-is-live")));
    let (status, refused) = beside.ask("DELETE", &format!("/v1/pools/{POOL}"), None);
    assert_eq!((status, &refused["code"]), (409, &json!("pool-has-agents")));
}
