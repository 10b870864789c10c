//! How a service is asked: who asks, whom it is asked of, what is told where there is no answer.
use super::Stub;
use crate::lifeboat;
use lifeboat::cli::Status;
use serde_json::{Value, json};
use std::fs;
use std::net::TcpListener;
use tempfile::{TempDir, tempdir};

fn no_hosts() -> Value {
    json!({"items": [], "next": null})
}

fn token_file() -> (TempDir, String) {
    let folder = tempdir().expect("a folder");
    let path = folder.path().join("token");
    fs::write(&path, "lb_very-secret\n").expect("a place");
    let path = path.display().to_string();
    (folder, path)
}

/// An address where nobody listens.
fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    format!("http://{address}")
}

#[test]
fn a_service_that_does_not_run_is_told_with_what_to_do() {
    let nobody = nobody();
    let run = lifeboat(&format!("lifeboat host list --pool p --server {nobody}"));
    assert_eq!((run.status, run.out.as_str()), (Status::Unusable, ""));
    insta::assert_snapshot!(run.err.replace(&nobody, "http://127.0.0.1:7878"));
}

#[test]
fn the_next_server_is_asked_where_one_does_not_answer() {
    let nobody = nobody();
    let stub = Stub::start().answers("GET /v1/pools/p/hosts", 200, no_hosts());
    let run = lifeboat(&format!("lifeboat host list --pool p --server {nobody} --server {}", stub.url()));
    assert_eq!((run.status, run.err.as_str()), (Status::Answered, ""));
    let unavailable = json!({"title": "no store", "status": 503, "code": "not-ready"});
    let first = Stub::start().answers("GET /v1/pools/p/hosts", 503, unavailable);
    let run =
        lifeboat(&format!("lifeboat host list --pool p --server {} --server {}", first.url(), stub.url()));
    assert_eq!((run.status, first.asked().len(), stub.asked().len()), (Status::Answered, 1, 2));
    let run = lifeboat(&format!("lifeboat host list --pool p --server {} --server {nobody}", first.url()));
    assert_eq!(run.status, Status::Unusable);
    assert!(run.err.contains("no store (503, not-ready)"), "the word of whoever answered: {}", run.err);
}

#[test]
fn a_token_comes_from_a_file_and_is_never_printed() {
    let (_folder, file) = token_file();
    let problem =
        json!({"title": "Who are you?", "status": 401, "code": "no-token", "detail": "the token is unknown"});
    let stub = Stub::start().answers("GET /v1/pools/p/hosts", 401, problem);
    let run = stub.run(&format!("host list --pool p --token-file {file}"));
    assert_eq!(stub.asked()[0].headers["authorization"], "Bearer lb_very-secret");
    assert_eq!(run.status, Status::Unusable);
    assert!(!format!("{}{}", run.out, run.err).contains("secret"));
    insta::assert_snapshot!(run.err);
}

#[test]
fn there_is_no_argument_for_a_token() {
    for help in ["host list --help", "pool --help", "plan --help", "context set --help"] {
        let text = lifeboat(&format!("lifeboat {help}")).out;
        assert!(
            !text.contains("--token <") && !text.contains("--token ") && !text.contains("--password"),
            "{help}"
        );
    }
    let run = lifeboat("lifeboat host list --token lb_secret --server http://127.0.0.1:1");
    assert_eq!(run.status, Status::Unusable);
    assert!(run.err.contains("--token-file"), "{}", run.err);
}

#[test]
fn a_token_does_not_cross_a_network_in_the_clear() {
    let (_folder, file) = token_file();
    let run =
        lifeboat(&format!("lifeboat host list --pool p --server http://192.0.2.1:7878 --token-file {file}"));
    assert_eq!(run.status, Status::Unusable);
    insta::assert_snapshot!(run.err);
}

#[test]
fn a_file_without_a_token_is_told() {
    let folder = tempdir().expect("a folder");
    let path = folder.path().join("empty");
    fs::write(&path, "").expect("a place");
    let run = lifeboat(&format!("lifeboat host list --token-file {}", path.display()));
    assert!(run.err.contains("holds no token"), "{}", run.err);
    let run = lifeboat("lifeboat host list --token-file /no/such/token");
    assert!(run.err.contains("cannot read the token file /no/such/token"), "{}", run.err);
}

#[test]
fn a_leader_elsewhere_is_followed_and_gets_the_token_only_if_it_was_named() {
    let (_folder, file) = token_file();
    let leader = Stub::start().answers("GET /v1/pools/p/hosts", 200, no_hosts());
    let other = Stub::start()
        .redirects("GET /v1/pools/p/hosts", &format!("{}/v1/pools/p/hosts?limit=100", leader.url()));
    let run = other.run(&format!("host list --pool p --token-file {file}"));
    assert_eq!(run.status, Status::Answered, "{}", run.err);
    assert_eq!(leader.asked()[0].what, "GET /v1/pools/p/hosts?limit=100");
    assert_eq!(leader.asked()[0].headers.get("authorization"), None, "nobody has named it");
    let run = other.run(&format!("host list --pool p --token-file {file} --server {}", leader.url()));
    assert_eq!(run.status, Status::Answered, "{}", run.err);
    assert_eq!(leader.asked()[1].headers["authorization"], "Bearer lb_very-secret");
}

#[test]
fn a_change_is_sent_on_to_the_leader_whole() {
    let leader =
        Stub::start().answers("PATCH /v1/pools/p/vms/db1", 200, json!({"done": true, "revision": 2}));
    let other =
        Stub::start().redirects("PATCH /v1/pools/p/vms/db1", &format!("{}/v1/pools/p/vms/db1", leader.url()));
    let run = other.run("vm order db1 3 --pool p");
    assert_eq!(run.status, Status::Answered, "{}", run.err);
    let asked = &leader.asked()[0];
    assert_eq!(asked.body, json!({"order": 3}));
    assert_eq!(asked.headers["content-type"], "application/merge-patch+json");
    assert_eq!(asked.headers["idempotency-key"], other.asked()[0].headers["idempotency-key"]);
}

#[test]
fn redirections_that_go_round_end() {
    let stub = Stub::start();
    let stub = stub.redirects("GET /v1/pools/p/hosts", "/v1/pools/p/hosts");
    let run = stub.run("host list --pool p");
    assert_eq!(run.status, Status::Unusable);
    assert!(run.err.contains("sends us on, but more than 4 followed one another"), "{}", run.err);
    assert_eq!(stub.asked().len(), 5);
}

#[test]
fn the_only_pool_is_meant_and_of_several_one_has_to_be_named() {
    let one = json!({"items": [{"id": "prod a/1"}], "next": null});
    let stub = Stub::start().answers("GET /v1/pools", 200, one).answers(
        "GET /v1/pools/prod%20a%2F1/hosts",
        200,
        no_hosts(),
    );
    assert_eq!(stub.run("host list").status, Status::Answered);
    let two = json!({"items": [{"id": "prod-a"}, {"id": "prod-b"}], "next": null});
    let run = Stub::start().answers("GET /v1/pools", 200, two).run("host list");
    assert_eq!(run.status, Status::Unusable);
    insta::assert_snapshot!(run.err);
    let run = Stub::start().answers("GET /v1/pools", 200, no_hosts()).run("host list");
    assert!(run.err.contains("no pool yet") && run.err.contains("lifeboat pool import"), "{}", run.err);
}

#[test]
fn what_the_service_refuses_is_told_with_every_fault() {
    let problem = json!({"title": "The pool document is wrong", "status": 422, "code": "faulty-document",
        "detail": "the pool document cannot be used", "more_faults": 3,
        "faults": [{"pointer": "/hosts/0/memory_mib", "code": "missing", "message": "is missing"}]});
    let stub = Stub::start().answers("PATCH /v1/pools/p/hosts/h1", 422, problem);
    let run = stub.run("host set h1 memory_mib=null --pool p");
    assert_eq!((run.status, run.out.as_str()), (Status::Unusable, ""));
    insta::assert_snapshot!(run.err);
}

#[test]
fn something_that_is_no_service_of_ours_is_told_so() {
    let hello = json!("hello");
    let stub = Stub::start().answers("GET /v1/pools/p/summary", 200, hello.clone()).answers(
        "GET /v1/pools/p/ha",
        200,
        hello,
    );
    assert_eq!(stub.run("pool show --pool p").status, Status::Answered, "what is missing is no trouble");
    let run = stub.run("pool tolerance --pool p");
    assert!(
        run.err.contains("404") && run.err.contains("does the service have this version?"),
        "{}",
        run.err
    );
    let stub = stub.answers("GET /v1/pools/p/tolerance", 200, json!({"x": 1}));
    let run = stub.run("pool tolerance --pool p");
    assert!(run.err.contains("answers without a readable verdict"), "{}", run.err);
}

#[test]
fn a_list_is_read_to_its_end_where_all_is_asked_for() {
    let page = |id: &str, next: Value| json!({"items": [{"id": id, "memory_mib": 1024}], "next": next});
    let stub = Stub::start()
        .answers("GET /v1/pools/p/hosts", 200, page("a", json!("c/1")))
        .answers("GET /v1/pools/p/hosts", 200, page("b", json!("c/1")))
        .answers("GET /v1/pools/p/hosts", 200, page("never", Value::Null));
    let run = stub.run("host list --pool p --all");
    assert!(
        run.out.contains("\n  a ") && run.out.contains("\n  b ") && !run.out.contains("never"),
        "{}",
        run.out
    );
    let asked: Vec<String> = stub.asked().into_iter().map(|asked| asked.what).collect();
    assert_eq!(asked, ["GET /v1/pools/p/hosts?limit=1000", "GET /v1/pools/p/hosts?limit=1000&after=c%2F1"]);
    let stub = Stub::start().answers("GET /v1/pools/p/hosts", 200, page("a", json!("c")));
    assert!(stub.run("host list --pool p --limit 1").out.contains("1 host and more; --all shows them all"));
}
