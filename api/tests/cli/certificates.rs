//! Certificates through files: what `plan` writes `verify` accepts, and what was tampered with it refuses.
use super::lifeboat;
use lifeboat::cli::Status;
use std::fs;

/// A file of this test's own.
fn file(name: &str) -> String {
    format!("{}/{name}", env!("CARGO_TARGET_TMPDIR"))
}

#[test]
fn what_plan_writes_verify_accepts() {
    for pool in ["three-hosts", "needs-a-look", "broken"] {
        for ending in ["json", "json.gz"] {
            let certificate = file(&format!("{pool}-cert.{ending}"));
            let document = format!("docs/examples/{pool}.json");
            let plan = lifeboat(&format!("lifeboat plan {document} --certificate {certificate}"));
            assert_eq!(plan.status, Status::Answered, "{}", plan.err);
            let bytes = fs::read(&certificate).expect("the certificate was written");
            assert_eq!(bytes.starts_with(&[0x1F, 0x8B]), ending == "json.gz");
            let verify = lifeboat(&format!("lifeboat verify {document} {certificate}"));
            assert_eq!(verify.status, Status::Answered, "{pool}: {}", verify.err);
            assert!(verify.out.contains("accepted"));
        }
    }
}

#[test]
fn a_certificate_that_claims_more_is_refused() {
    let certificate = file("forged.json");
    lifeboat(&format!("lifeboat plan docs/examples/three-hosts.json --certificate {certificate}"));
    let text = fs::read_to_string(&certificate).expect("the certificate was written");
    let forged = text.replacen("\"failures\":1", "\"failures\":2", 1);
    assert_ne!(text, forged, "the forger found something to change");
    fs::write(&certificate, forged).expect("the target folder can be written");
    let run = lifeboat(&format!("lifeboat verify docs/examples/three-hosts.json {certificate}"));
    assert_eq!(run.status, Status::Refused);
    assert!(run.err.starts_with("refused"), "{}", run.err);
}

#[test]
fn what_is_no_certificate_of_this_pool_cannot_be_used() {
    let certificate = file("of-another.json");
    lifeboat(&format!("lifeboat plan docs/examples/broken.json --certificate {certificate}"));
    let run = lifeboat(&format!("lifeboat verify docs/examples/three-hosts.json {certificate}"));
    assert_eq!(run.status, Status::Unusable);
    assert!(run.err.contains("it is about pool \"broken\""), "{}", run.err);
    let run = lifeboat("lifeboat verify docs/examples/three-hosts.json docs/examples/three-hosts.json");
    assert_eq!(run.status, Status::Unusable);
    let run =
        lifeboat("lifeboat plan docs/examples/three-hosts.json --certificate /no/such/folder/cert.json");
    assert_eq!(run.status, Status::Unusable);
}
