//! What is answered, and that it is what the command line answers.
use super::{ask, body, example, post, service};
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use flate2::{Compression, write::GzEncoder};
use lifeboat::cli::{self, output::Output};
use serde_json::{Value, json};
use std::fs;
use std::io::Write;

/// What the command line answers to the same question, times left out.
fn command_line(arguments: &str, name: &str) -> Value {
    let path = format!("{}/../docs/examples/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let line = ["lifeboat", "plan", &path, "--json"].into_iter().chain(arguments.split_whitespace());
    cli::run(line.map(Into::into), &mut Output::new(&mut out, &mut err));
    timeless(serde_json::from_slice(&out).expect("JSON"))
}

fn timeless(mut answer: Value) -> Value {
    answer["elapsed_us"] = json!(340);
    answer
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).expect("memory does not fail");
    encoder.finish().expect("memory does not fail")
}

#[tokio::test]
async fn the_service_answers_as_the_command_line_does() {
    for name in ["three-hosts", "needs-a-look", "broken"] {
        let response = post(&service(), "/v1/plan", example(name)).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()[header::CONTENT_TYPE], "application/json");
        assert_eq!(timeless(body(response).await), command_line("", name), "{name}");
    }
    let response =
        post(&service(), "/v1/plan?fail=a,c&work_limit=100000&time_limit=5", example("three-hosts")).await;
    assert_eq!(timeless(body(response).await), command_line("--fail a,c --work-limit 100000", "three-hosts"));
    let response = post(&service(), "/v1/plan?max=0", example("three-hosts")).await;
    assert_eq!(timeless(body(response).await), command_line("--max 0", "three-hosts"));
}

#[tokio::test]
async fn an_over_full_pool_is_a_condition_to_report_not_a_fault() {
    let response = post(&service(), "/v1/plan", example("over-full")).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(body(response).await["over_full"][0]["host"], "a");
}

#[tokio::test]
async fn a_packed_body_is_unpacked() {
    let request = Request::post("/v1/plan")
        .header(header::CONTENT_ENCODING, "gzip")
        .body(Body::from(packed(&example("three-hosts"))))
        .expect("a request");
    let response = ask(&service(), request).await;
    assert_eq!(response.status(), StatusCode::OK);
    let request = Request::post("/v1/plan")
        .header(header::CONTENT_ENCODING, "br")
        .body(Body::from("?"))
        .expect("a request");
    let response = ask(&service(), request).await;
    assert_eq!(response.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[tokio::test]
async fn a_wrong_document_is_answered_with_every_fault() {
    let response = post(&service(), "/v1/plan", example("faulty")).await;
    assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json");
    insta::assert_json_snapshot!(body(response).await);
}

#[tokio::test]
async fn every_refusal_is_a_problem_with_a_code() {
    let cases = [
        ("/v1/plan?max=-1", 400, "bad-query"),
        ("/v1/plan?maximum=1", 400, "bad-query"),
        ("/v1/plan?time_limit=3600", 400, "bad-query"),
        ("/v1/plan?time_limit=NaN", 400, "bad-query"),
        ("/v1/plan?fail=z", 400, "unknown-host"),
        ("/v2/plan", 404, "no-such-route"),
        ("/v1/openapi.json", 405, "method-not-allowed"),
    ];
    for (target, status, code) in cases {
        let response = post(&service(), target, example("three-hosts")).await;
        assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json", "{target}");
        let problem = body(response).await;
        assert_eq!(
            (problem["status"].as_u64(), problem["code"].as_str()),
            (Some(status), Some(code)),
            "{target}"
        );
        assert_eq!(problem["type"], format!("urn:lifeboat:problem:{code}"));
    }
    let response = post(&service(), "/v1/plan", "not json").await;
    assert_eq!(body(response).await["faults"][0]["code"], "not-json");
    let mut cut = packed(&example("three-hosts"));
    cut.truncate(100);
    assert_eq!(body(post(&service(), "/v1/plan", cut).await).await["code"], "damaged-gzip");
}

#[tokio::test]
async fn the_published_description_is_the_one_of_the_service() {
    let request = Request::get("/v1/openapi.json").body(Body::empty()).expect("a request");
    let description = body(ask(&service(), request).await).await;
    assert_eq!(description["openapi"].as_str().map(|version| &version[..3]), Some("3.1"));
    let should_be = format!("{}\n", serde_json::to_string_pretty(&description).expect("JSON"));
    let file = format!("{}/../docs/openapi.json", env!("CARGO_MANIFEST_DIR"));
    if fs::read_to_string(&file).unwrap_or_default() != should_be {
        let fresh = format!("{}/openapi.json", env!("CARGO_TARGET_TMPDIR"));
        fs::write(&fresh, should_be).expect("the target folder can be written");
        panic!("docs/openapi.json is not what the service says; if the service is right: cp {fresh} docs/");
    }
}

#[tokio::test]
async fn every_reference_of_the_description_leads_somewhere() {
    let request = Request::get("/v1/openapi.json").body(Body::empty()).expect("a request");
    let description = body(ask(&service(), request).await).await;
    let text = description.to_string();
    let references: Vec<&str> =
        text.split("\"$ref\":\"#").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert!(references.len() > 20);
    for reference in references {
        assert!(description.pointer(reference).is_some(), "{reference}");
    }
}

/// The question whether a change to the three hosts of the pages may be made.
fn question(change: &Value) -> Vec<u8> {
    let pool: Value = serde_json::from_slice(&example("three-hosts")).expect("JSON");
    json!({"pool": pool, "change": change}).to_string().into_bytes()
}

#[tokio::test]
async fn a_change_is_judged_before_it_is_made() {
    let ask = async |change: Value| post(&service(), "/v1/check", question(&change)).await;
    let stopped = body(ask(json!({"stop": {"vm": "build"}})).await).await;
    assert_eq!(stopped["allowed"], true, "{stopped}");
    let big = json!({"id": "big", "memory_mib": 30000, "restart_priority": "restart"});
    let started = body(ask(json!({"start-new": {"vm": big, "host": "b"}})).await).await;
    assert_eq!(started["allowed"], false, "{started}");
    let nowhere = ask(json!({"migrate": {"vm": "mail", "host": "c"}})).await;
    assert_eq!(nowhere.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(body(nowhere).await["code"], "impossible-change");
    let strange = body(ask(json!({"stop": {"vm": "nobody"}})).await).await;
    assert_eq!(
        (&strange["code"], &strange["faults"][0]["pointer"]),
        (&json!("faulty-document"), &json!("/change"))
    );
}

#[tokio::test]
async fn why_not_more_is_explained() {
    let response = post(&service(), "/v1/explain", example("three-hosts")).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(body(response).await["failures"], 2);
}

#[tokio::test]
async fn every_route_is_described_and_everything_described_is_a_route() {
    let description = lifeboat::routes::openapi::description();
    let mut described = Vec::new();
    for (path, operations) in description["paths"].as_object().expect("paths") {
        for (method, operation) in operations.as_object().expect("operations") {
            assert!(operation["summary"].as_str().is_some_and(|words| !words.is_empty()), "{method} {path}");
            assert!(operation["responses"].as_object().is_some_and(|all| all.len() > 1), "{method} {path}");
            described.push(format!("{} {path}", method.to_uppercase()));
        }
    }
    let routes = lifeboat::router::table(&service());
    let mut there: Vec<String> = routes
        .iter()
        .filter(|route| !route.path.starts_with("/v1/docs/"))
        .map(|route| format!("{} {}", route.method, route.path))
        .collect();
    described.sort();
    there.sort();
    assert_eq!(described, there);
}

#[tokio::test]
async fn the_description_can_be_read_in_a_browser_without_another_network() {
    let get = async |path: &str| {
        let request = Request::get(path).body(Body::empty()).expect("a request");
        ask(&service(), request).await
    };
    assert_eq!(get("/v1/docs").await.headers()["location"], "/v1/docs/");
    let page = get("/v1/docs/").await;
    assert_eq!(
        (page.status(), &page.headers()[header::CONTENT_TYPE]),
        (StatusCode::OK, &"text/html".parse().expect("a header"))
    );
    let html = axum::body::to_bytes(page.into_body(), usize::MAX).await.expect("a page");
    let html = String::from_utf8(html.to_vec()).expect("text");
    assert!(!html.contains("src=\"http") && !html.contains("href=\"http"), "{html}");
    for file in html.split(['"', '\'']).filter(|part| part.starts_with("./")) {
        assert_eq!(get(&format!("/v1/docs/{}", &file[2..])).await.status(), StatusCode::OK, "{file}");
    }
}
