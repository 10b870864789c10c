//! Webhooks against a real HTTP server.
use crate::support::{Folder, PATIENCE, Server, alert, opened, settings};
use hmac::{Hmac, KeyInit, Mac};
use lifeboat_delivery::{Again, Message};
use sha2::Sha256;
use std::fmt::Write;
use std::time::Duration;

fn message(id: &str) -> Message {
    Message::Alert { alert: alert(id) }
}

/// What a receiver computes; by its own means, not by those of the crate.
fn expected(secret: &str, signed: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any length");
    mac.update(signed);
    let mut digits = String::new();
    for byte in mac.finalize().into_bytes() {
        write!(digits, "{byte:02x}").expect("memory does not fail");
    }
    digits
}

#[test]
fn a_message_is_posted_as_json_and_signed_with_each_secret() {
    let folder = Folder::new();
    let (new, old) = (folder.file("new", "sesame\n", 0o600), folder.file("old", "simsim", 0o600));
    let bearer = folder.file("bearer", "Bearer 3f2", 0o600);
    let server = Server::start(|_| Some("204 No Content".to_owned()));
    let channel = opened(&format!(
        "kind = 'webhook'\nname = 'ops'\nurl = '{}'\nsecrets = [{{ file = {new:?} }}, {{ file = {old:?} }}]\nauthorization = {{ file = {bearer:?} }}\nlink = 'https://lifeboat.example/{{pool}}/alerts/{{id}}'",
        server.url
    ));
    channel.deliver(&message("3-1")).expect("delivered");
    let request = server.next();
    assert_eq!(request.line, "POST /hook HTTP/1.1");
    assert_eq!(request.headers["content-type"], "application/json");
    assert_eq!(request.headers["authorization"], "Bearer 3f2");
    assert_eq!(request.headers["lifeboat-message"], message("3-1").id());
    let body: serde_json::Value = serde_json::from_slice(&request.body).expect("JSON");
    assert_eq!(body["format"], "lifeboat.message/v1");
    assert_eq!(body["type"], "alert");
    assert_eq!(body["channel"], "ops");
    assert_eq!(body["text"], "[major] prod-a: host h03 failed (3-1)");
    assert_eq!(body["alert"]["subject"], serde_json::json!({ "kind": "host", "id": "h03" }));
    assert_eq!(body["alert"]["data"]["vms"], 31);
    assert_eq!(body["link"], "https://lifeboat.example/prod-a/alerts/3-1");

    let signature = &request.headers["lifeboat-signature"];
    let parts: Vec<&str> = signature.split(',').collect();
    let time = parts[0].strip_prefix("t=").expect("the time comes first");
    let age = jiff::Timestamp::now().as_second() - time.parse::<i64>().expect("a number");
    assert!((0..60).contains(&age), "{age} s old");
    let signed = [time.as_bytes(), b".", &request.body].concat();
    assert_eq!(parts[1], format!("v1={}", expected("sesame", &signed)));
    assert_eq!(parts[2], format!("v1={}", expected("simsim", &signed)));
    assert_eq!(parts.len(), 3);
}

#[test]
fn what_may_pass_is_to_be_tried_again_and_what_is_refused_is_not() {
    let answers = [
        ("503 Busy", Some(Again::Later)),
        ("500 Oh", Some(Again::Later)),
        ("429 Slowly\r\nRetry-After: 7", Some(Again::After(Duration::from_secs(7)))),
        ("503 Later\r\nRetry-After: 9", Some(Again::After(Duration::from_secs(9)))),
        ("408 Slow", Some(Again::Later)),
        ("400 Bad", Some(Again::Never)),
        ("404 None", Some(Again::Never)),
        ("307 There\r\nLocation: http://127.0.0.1:9/", Some(Again::Never)),
        ("200 OK", None),
        ("202 Accepted", None),
    ];
    let server = Server::start(move |number| Some(answers[number].0.to_owned()));
    let channel = opened(&format!("kind = 'webhook'\nname = 'ops'\nurl = '{}'", server.url));
    for (answer, again) in answers {
        let outcome = channel.deliver(&message("1"));
        assert_eq!(outcome.as_ref().err().map(|failure| failure.again), again, "{answer}: {outcome:?}");
        if let Err(failure) = outcome {
            let status = answer.split(' ').next().expect("a status");
            assert!(failure.reason.contains(status) && failure.reason.contains("said"), "{failure}");
        }
    }
    assert_eq!(
        server.requests.iter().take(answers.len()).count(),
        answers.len(),
        "one request each, no redirect followed"
    );
}

#[test]
fn a_server_that_never_answers_is_left_after_the_time_limit() {
    let server = Server::start(|_| None);
    let channel = opened(&format!("kind = 'webhook'\nname = 'ops'\nurl = '{}'\ntimeout_s = 1", server.url));
    let failure = channel.deliver(&message("1")).expect_err("no answer");
    assert_eq!(failure.again, Again::Later);
    assert!(failure.reason.contains("timeout"), "{failure}");
    server.requests.recv_timeout(PATIENCE).expect("it was called");
}

#[test]
fn a_closed_port_is_named_and_a_secret_url_is_not() {
    let folder = Folder::new();
    let url = folder.file("url", "http://127.0.0.1:1/services/T0/sesame", 0o600);
    let channel = opened(&format!("kind = 'webhook'\nname = 'chat'\nsecret_url = {{ file = {url:?} }}"));
    let failure = channel.test().expect_err("nobody listens there");
    assert!(failure.reason.contains("127.0.0.1:1") && failure.reason.contains("refused"), "{failure}");
    assert!(!failure.reason.contains("sesame") && !channel.target().contains("sesame"), "{failure}");
}

#[test]
fn a_test_is_marked_as_one() {
    let server = Server::start(|_| Some("200 OK".to_owned()));
    let channel = opened(&format!("kind = 'webhook'\nname = 'ops'\nurl = '{}'", server.url));
    let receipt = channel.test().expect("delivered");
    assert_eq!(receipt.0, "HTTP 200: said");
    let body: serde_json::Value = serde_json::from_slice(&server.next().body).expect("JSON");
    assert_eq!(body["type"], "test");
    assert!(body["text"].as_str().is_some_and(|text| text.starts_with("[test]")), "{body}");
}

#[test]
fn a_monstrous_alert_is_cut_before_it_is_sent() {
    use lifeboat_delivery::outbox::{Command, Input};
    let server = Server::start(|_| Some("200 OK".to_owned()));
    let toml = format!("kind = 'webhook'\nname = 'ops'\nurl = '{}'", server.url);
    let mut outbox = lifeboat_delivery::Outbox::new(settings(&toml).limits(), 1);
    let mut huge = alert("1");
    huge.summary = "ä\r\n".repeat(100_000);
    huge.detail = "x\0".repeat(1_000_000);
    huge.data = serde_json::json!({ "list": vec![7; 100_000] });
    outbox.handle(lifeboat_delivery::Moment::default(), Input::Alert(Box::new(huge)));
    let Some(Command::Deliver(delivery)) = outbox.next_command() else { panic!("nothing to deliver") };
    opened(&toml).deliver(&delivery.message).expect("delivered");
    let request = server.next();
    assert!(request.body.len() < 64 * 1024, "{} bytes", request.body.len());
    let body: serde_json::Value = serde_json::from_slice(&request.body).expect("JSON");
    assert!(body["alert"]["data"]["left_out"].is_string(), "{}", body["alert"]["data"]);
}
