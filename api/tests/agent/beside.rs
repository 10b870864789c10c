//! One service: it follows, it answers its agent, it ends with it.
use super::{Beside, POOL, host};
use lifeboat_link::FromService;
use lifeboat_link::frame::ToService;
use serde_json::Value;
use std::process::{Command, Stdio};

#[test]
fn whoever_starts_it_by_hand_is_told_so() {
    let answer = Command::new(super::PROGRAM)
        .args(["serve", "--under-agent", "--listen", "127.0.0.1:0", "--store"])
        .arg(tempfile::tempdir().expect("a folder").path().join("s.redb"))
        .stdin(Stdio::null())
        .output()
        .expect("the program runs");
    assert!(!answer.status.success());
    let said = String::from_utf8_lossy(&answer.stderr);
    assert!(said.contains("started by lifeboat-agent, not by hand"), "{said}");
}

#[test]
fn a_service_that_follows_points_to_the_leader_and_answers_for_itself_only() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut beside = Beside::start(folder.path(), 1);
    assert_eq!(beside.get("/livez").0, 200);
    beside.says(&ToService::Probe);
    beside.until("an answer", |frame| (*frame == FromService::Answered).then_some(()));
    assert_eq!(beside.get("/v1/pools").0, 503, "nobody leads yet");
    beside.says(&ToService::Leader { host: Some(host(2)) });
    beside.says(&ToService::Probe);
    beside.until("an answer", |frame| (*frame == FromService::Answered).then_some(()));
    let there = format!("{}/v1/pools/{POOL}?x=1", super::roster().hosts[1].api);
    assert_eq!(beside.get(&format!("/v1/pools/{POOL}?x=1")), (307, Value::String(there)));
    assert_eq!(beside.get("/livez").0, 200);
    assert!(!folder.path().join("store.redb").exists(), "the store is the leader's");
}

#[test]
fn it_ends_at_once_when_its_agent_is_gone() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut beside = Beside::start(folder.path(), 1);
    beside.begin(1);
    assert_eq!(beside.ended().code(), Some(70));
}
