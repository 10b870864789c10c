//! `lifeboat verify`: accepts what the planner wrote, refuses what was tampered with, and says which is which.
use crate::plan::pool;
use crate::program::{lifeboat, write};
use lifeboat_tests::program::folder;
use serde_json::{Value, json};

/// A pool and its certificate, in a folder of that name; gives the certificate as JSON.
fn planned(name: &str) -> (std::path::PathBuf, Value) {
    let folder = folder(name);
    let mut document = pool();
    document["hosts"][2]["memory_mib"] = json!(71681);
    write(&folder, "pool.json", document.to_string());
    let ran = lifeboat(&folder, &["plan", "pool.json", "--certificate", "pool.cert"]);
    assert_eq!(ran.status, 0, "{}", ran.err);
    let text = std::fs::read(folder.join("pool.cert")).expect("a certificate was written");
    (folder, serde_json::from_slice(&text).expect("JSON"))
}

#[test]
fn what_the_planner_writes_is_accepted() {
    let (folder, _) = planned("verify-accepted");
    let ran = lifeboat(&folder, &["verify", "pool.json", "pool.cert"]);
    assert_eq!(ran.status, 0, "{} {}", ran.out, ran.err);
}

#[test]
fn a_certificate_of_another_pool_is_not_accepted() {
    let (folder, _) = planned("verify-other-pool");
    let mut other = pool();
    other["hosts"][0]["memory_mib"] = json!(40959);
    other["hosts"][2]["memory_mib"] = json!(71681);
    write(&folder, "other.json", other.to_string());
    let ran = lifeboat(&folder, &["verify", "other.json", "pool.cert"]);
    assert!(ran.status == 4 || ran.status == 1, "{} {} {}", ran.status, ran.out, ran.err);
}

/// Every number of a JSON value, by its pointer.
fn numbers(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::Number(_) => found.push(at.to_owned()),
        Value::Array(list) => {
            list.iter().enumerate().for_each(|(i, value)| numbers(value, &format!("{at}/{i}"), found));
        }
        Value::Object(map) => {
            map.iter().for_each(|(key, value)| numbers(value, &format!("{at}/{key}"), found));
        }
        _ => {}
    }
}

#[test]
fn a_certificate_that_claims_more_is_refused() {
    let (folder, certificate) = planned("verify-mutated");
    let mut pointers = Vec::new();
    numbers(&certificate, "", &mut pointers);
    let claims: Vec<&String> = pointers.iter().filter(|pointer| pointer.ends_with("/failures")).collect();
    assert!(claims.len() >= 2, "{certificate}");
    for pointer in claims {
        let mut more = certificate.clone();
        let claim = more.pointer_mut(pointer).expect("it is there");
        *claim = json!(claim.as_u64().expect("a count") + 1);
        write(&folder, "more.cert", more.to_string());
        let ran = lifeboat(&folder, &["verify", "pool.json", "more.cert"]);
        assert_eq!(ran.status, 4, "{pointer}: {} {}", ran.out, ran.err);
    }
}

#[test]
fn no_change_of_a_number_makes_the_checker_panic() {
    let (folder, certificate) = planned("verify-any-number");
    let mut pointers = Vec::new();
    numbers(&certificate, "", &mut pointers);
    for pointer in pointers.iter().take(60) {
        for value in [json!(0), json!(u64::MAX), json!(-1), json!(1e300)] {
            let mut changed = certificate.clone();
            *changed.pointer_mut(pointer).expect("it is there") = value;
            write(&folder, "changed.cert", changed.to_string());
            let ran = lifeboat(&folder, &["verify", "pool.json", "changed.cert"]);
            assert!([0, 1, 4].contains(&ran.status), "{pointer}: {} {}", ran.status, ran.err);
            assert!(!ran.err.contains("panicked"), "{pointer}: {}", ran.err);
        }
    }
}

#[test]
fn garbage_is_unusable_and_not_refused() {
    let (folder, _) = planned("verify-garbage");
    for text in ["", "{", "[1,2]", "{\"format\":\"something else\"}"] {
        write(&folder, "garbage.cert", text);
        assert_eq!(lifeboat(&folder, &["verify", "pool.json", "garbage.cert"]).status, 1, "{text:?}");
    }
    assert_eq!(lifeboat(&folder, &["verify", "pool.json", "not-there.cert"]).status, 1);
}
