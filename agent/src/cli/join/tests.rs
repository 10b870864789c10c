//! A newcomer and a service that answers rightly, wrongly, or not at all.
use super::*;
use crate::config::Config;
use crate::enrol::call::tests::{Server, answer};
use clap::Parser;
use lifeboat_link::Roster;
use lifeboat_link::join::{MediumPlace, PoolKey};
use lifeboat_link::roster::{LivenessSettings, Member};
use std::fs;
use tempfile::TempDir;

#[derive(Parser)]
struct Program {
    #[command(flatten)]
    join: Join,
}

fn member(id: &str, address: &str) -> Member {
    let addresses = vec![address.parse().expect("an address")];
    Member { id: id.into(), addresses, api: format!("https://{id}:7878"), removed: false }
}

fn joined() -> JoinAnswer {
    JoinAnswer {
        roster: Roster {
            version: 2,
            pool: "prod".into(),
            pool_id: "ab".repeat(16),
            networks: vec!["hb0".into()],
            settings: LivenessSettings::default(),
            hosts: vec![member("h01", "10.0.0.1:7946"), member("h02", "10.0.0.2:7946")],
            authorities: Vec::new(),
        },
        me: 1,
        keys: vec![PoolKey::new(9, &[9; 32])],
        medium: MediumPlace::Statefile { path: "/dev/x".into(), offset: 0 },
        metadata: "volume:/dev/y".into(),
        chain_pem: "-----BEGIN CERTIFICATE-----".into(),
        authorities_pem: "-----BEGIN CERTIFICATE-----".into(),
    }
}

fn join(folder: &TempDir, server: &Server) -> Join {
    let invitation = Invitation { id: [1; 8], secret: [2; 32], fingerprint: server.fingerprint };
    let token = folder.path().join("token");
    fs::write(&token, format!("{invitation}\n")).expect("it is ours");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (token, state, run) = (path("token"), path("state"), path("run"));
    Program::parse_from([
        "join",
        "--server",
        &server.url,
        "--token-file",
        &token,
        "--pool",
        "prod",
        "--host",
        "h02",
        "--network",
        "hb0=10.0.0.2:7946,eth0",
        "--api",
        "https://h02:7878",
        "--state-directory",
        &state,
        "--run-directory",
        &run,
    ])
    .join
}

fn around(folder: &TempDir) -> Surroundings {
    Surroundings { config_path: folder.path().join("etc/agent.toml") }
}

#[test]
fn a_newcomer_shows_its_token_and_becomes_a_member() {
    let folder = tempfile::tempdir().expect("a folder");
    let body = serde_json::to_string(&joined()).expect("JSON");
    let server = Server::start(vec![answer("200 OK", "", &body)]);
    join(&folder, &server).join(&around(&folder)).expect("it joins");
    let asked = server.asked().remove(0);
    assert!(asked.starts_with("POST /v1/pools/prod/join "), "{asked}");
    let request: JoinRequest =
        serde_json::from_str(asked.split_once("\r\n\r\n").expect("a body").1).expect("a request");
    let (id, secret) = Invitation::parse_credential(&request.token).expect("a token");
    assert_eq!((id, secret), ([1; 8], [2; 32]));
    assert!(request.csr_pem.contains("CERTIFICATE REQUEST"));
    assert!(!asked.contains("PRIVATE KEY"), "the key stays here");
    let config = Config::load(&around(&folder).config_path).expect("a configuration");
    assert_eq!(config.host.name, "h02");
    assert!(folder.path().join("etc/tls/host.key").exists());
}

#[test]
fn nothing_is_left_where_the_service_refuses_or_answers_wrongly() {
    let elsewhere = JoinAnswer { me: 0, ..joined() };
    let nobody = JoinAnswer { me: 7, ..joined() };
    let keyless = JoinAnswer { keys: vec![], ..joined() };
    let json = |answer: &JoinAnswer| serde_json::to_string(answer).expect("JSON");
    for said in [
        answer("403 Forbidden", "", "{}"),
        answer("200 OK", "", "{}"),
        answer("200 OK", "", &json(&elsewhere)),
        answer("200 OK", "", &json(&nobody)),
        answer("200 OK", "", &json(&keyless)),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let server = Server::start(vec![said]);
        let refused = join(&folder, &server).join(&around(&folder));
        assert!(refused.is_err(), "{refused:?}");
        assert_eq!(server.asked().len(), 1, "it was asked");
        for path in [
            "etc/agent.toml",
            "etc/lifeboat.toml",
            "etc/tls/host.key",
            "state/keys.json",
            "state/roster.json",
        ] {
            assert!(!folder.path().join(path).exists(), "{path}");
        }
    }
}

#[test]
fn a_member_does_not_spend_a_token() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir_all(folder.path().join("etc")).expect("it is ours");
    fs::write(folder.path().join("etc/agent.toml"), "").expect("it is ours");
    // Answers nothing: it must not be asked.
    let server = Server::start(vec![]);
    let refused = join(&folder, &server).join(&around(&folder));
    assert!(matches!(refused, Err(JoinFault::Enrol(EnrolFault::IsMember(_)))), "{refused:?}");
    assert!(server.asked().is_empty());
}
