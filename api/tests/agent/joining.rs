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
