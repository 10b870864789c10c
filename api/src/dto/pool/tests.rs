//! Documents and what is said of them.
use super::{Fault, fault, faults, over_full, read, write};
use lifeboat_model::spec::{HostState, PowerState};
use lifeboat_model::{HostIndex, Pool, PoolSpec, VmIndex};

const FULL: &str = r#"{ "format": "lifeboat.pool/v1", "id": "prod-a",
  "settings": { "host_failures_to_tolerate": 2, "guarantee": "sequential", "timeout_s": 15, "medium": "etcd",
                "etcd_members": ["h01", "h02"], "storage_loss": "majority", "brake": 0.125 },
  "storages": [ {"id": "san1", "shared": true}, {"id": "h01-local", "shared": false} ],
  "networks": [ {"id": "lan"} ],
  "hosts": [ { "id": "h01", "memory_mib": 786432, "reserved_mib": 8192, "state": "live", "cpu_level": 4,
               "storages": ["san1", "h01-local"], "networks": ["lan"], "fault_domain": "rack-1",
               "resources": {"vcpus": 256, "nvidia-a16": 4} },
             { "id": "h02", "memory_mib": 786432, "state": "disabled", "fault_domain": null } ],
  "vms":   [ { "id": "db1", "memory_mib": 65536, "overhead_mib": 512, "host": "h01", "power_state": "running",
               "restart_priority": "restart", "order": 1, "start_delay_s": 5, "min_cpu_level": 3,
               "storages": ["san1"], "networks": ["lan"], "allowed_hosts": null, "migrating_to": null,
               "should_run": true, "resources": {"vcpus": 8} },
             { "id": "db\u00322", "memory_mib": 1, "host": null, "allowed_hosts": ["h02"] } ],
  "groups": [ { "id": "db", "rule": "anti-affinity", "mode": "required", "vms": ["db1", "db22"] } ] }"#;

fn told(document: &str) -> String {
    let faults = read(document.as_bytes()).expect_err("the document is wrong");
    let lines: Vec<String> = faults.iter().map(|fault| format!("{fault} [{}]", fault.kind.code())).collect();
    lines.join("\n")
}

/// A document with these hosts, VMs and groups, and what is said of it.
fn told_of(hosts: &str, vms: &str, rest: &str) -> String {
    told(&format!(r#"{{"format":"lifeboat.pool/v1","id":"p","hosts":[{hosts}],"vms":[{vms}]{rest}}}"#))
}

#[test]
fn a_document_with_every_field_is_read_and_means_what_it_says() {
    let pool = read(FULL.as_bytes()).expect("the document is right");
    assert_eq!(pool.id(), "prod-a");
    assert_eq!(pool.settings().brake_permille, Some(125));
    assert_eq!(pool.settings().etcd_members, [HostIndex(0), HostIndex(1)]);
    assert_eq!(pool.resources(), ["memory_mib", "nvidia-a16", "vcpus"]);
    assert_eq!(pool.host(HostIndex(1)).state, HostState::Disabled);
    assert_eq!(pool.demand_of(VmIndex(0)), [66048, 0, 8]);
    assert_eq!(pool.vm_id(VmIndex(1)), "db22", "escapes are resolved");
    assert_eq!(pool.vm(VmIndex(1)).power_state, PowerState::Halted);
    assert_eq!(pool.groups()[0].vms, [VmIndex(0), VmIndex(1)]);
}

#[test]
fn the_slow_path_reads_the_same_pool_as_the_fast_one() {
    let document: super::PoolDocument<'_> = serde_json::from_str(FULL).expect("the document is right");
    let slow = faults::describe(&serde_json::from_str::<Box<_>>(FULL).expect("JSON"));
    assert_eq!(slow, (PoolSpec::from(document), Vec::new()));
}

#[test]
fn a_pool_that_is_written_is_read_back() {
    let document: super::PoolDocument<'_> = serde_json::from_str(FULL).expect("the document is right");
    let spec = PoolSpec::from(document);
    let mut written = Vec::new();
    write(&spec, &mut written).expect("memory does not fail");
    let again: super::PoolDocument<'_> = serde_json::from_slice(&written).expect("what was written is right");
    assert_eq!(PoolSpec::from(again), spec);
    assert!(
        !String::from_utf8(written).expect("text").contains("\"state\":\"live\""),
        "defaults are left out"
    );
}

#[test]
fn a_byte_order_mark_is_let_be() {
    assert!(read(format!("\u{FEFF}{FULL}").as_bytes()).is_ok());
}

#[test]
fn only_what_must_be_there_must_be_there() {
    assert!(read(br#"{"format":"lifeboat.pool/v1","id":"p","hosts":[],"vms":[]}"#).is_ok());
    insta::assert_snapshot!(told("{}"), @r"
    /format: required, but missing [missing]
    /id: required, but missing [missing]
    /hosts: required, but missing [missing]
    /vms: required, but missing [missing]
    ");
    insta::assert_snapshot!(told_of("{}", "{}", r#","groups":[{}]"#), @r"
    /hosts/0/id: required, but missing [missing]
    /hosts/0/memory_mib: required, but missing [missing]
    /vms/0/id: required, but missing [missing]
    /vms/0/memory_mib: required, but missing [missing]
    /groups/0/id: required, but missing [missing]
    /groups/0/rule: required, but missing [missing]
    /groups/0/vms: required, but missing [missing]
    ");
}

#[test]
fn what_is_no_json_is_told_with_its_place() {
    insta::assert_snapshot!(told(""), @"(document): not a JSON document: EOF while parsing a value at line 1 column 0 [not-json]");
    insta::assert_snapshot!(told("{\n \"id\": }"), @"(document): not a JSON document: expected value at line 2 column 8 [not-json]");
    insta::assert_snapshot!(told("[]"), @"(document): must be an object, not an array [wrong-type]");
    assert!(read(b"{\"id\": \"\xFF\"}").is_err(), "not UTF-8");
    assert!(read(&vec![b'['; 100_000]).is_err(), "nested deeply");
}

#[test]
fn every_fault_is_told_in_one_answer_in_document_order() {
    let hosts = r#"{"id":"h1","memory_mib":1.5,"reserved_mib":5}, {"id":"h1","memory_mb":5},
        {"memory_mib":1e400,"resources":{"a":1,"a":2,"b/c":-3,"memory_mib":4}}, 7"#;
    let vms = r#"{"id":"v","memory_mib":99999999999999999999,"host":"nope","power_state":"on",
        "storages":[1,"t"]}, {"id":"w","memory_mib":5,"host":3,"power_state":"running","order":null,"order":3},
        {"id":"x\ud800","memory_mib":5,"restart_priority":"Restart","allowed_hosts":"h1"}"#;
    let rest = r#","storages":[{"id":"s","shared":1}],"groups":[{"id":"g","rule":"spread","vms":["v","zz"]}],
        "settings":{"host_failures_to_tolerate":-1,"brake":0.00005,"timeout_s":2,"quorum":1}"#;
    insta::assert_snapshot!(told_of(hosts, vms, rest));
}

#[test]
fn numbers_have_ranges_and_references_targets() {
    let hosts = r#"{"id":"h1","memory_mib":1099511627777,"cpu_level":65536}, {"id":"h2","memory_mib":4,"reserved_mib":5}"#;
    let vms = r#"{"id":"v","memory_mib":1,"host":"h1","migrating_to":"h1","allowed_hosts":["h1","h1","h9"]},
        {"id":"w","memory_mib":1,"power_state":"running"}, {"id":"v","memory_mib":1,"start_delay_s":86401}"#;
    insta::assert_snapshot!(told_of(hosts, vms, ""));
}

#[test]
fn a_value_that_cannot_be_read_has_no_consequences() {
    // The unreadable memory is not also less than what is reserved; the unreadable host not also missing.
    insta::assert_snapshot!(
        told_of(
            r#"{"id":"h1","memory_mib":"1","reserved_mib":5}, {"id":null,"memory_mib":1}"#,
            r#"{"id":"v","memory_mib":1,"host":1,"power_state":"running"},
               {"id":"w","memory_mib":1,"host":"h1","allowed_hosts":[7,"h1"]}"#,
            ""
        ),
        @r#"
    /hosts/0/memory_mib: must be a whole number, 0 or more, not a string [wrong-type]
    /hosts/1/id: must be a string, not null [wrong-type]
    /vms/0/host: must be a string, not a number [wrong-type]
    /vms/1/allowed_hosts/0: must be a string, not a number [wrong-type]
    "#
    );
}

#[test]
fn null_means_absence_only_where_nothing_is_a_value() {
    let vm = r#"{"id":"v","memory_mib":1,"host":null,"allowed_hosts":null,"migrating_to":null}"#;
    let document = format!(r#"{{"format":"lifeboat.pool/v1","id":"p","hosts":[],"vms":[{vm}]}}"#);
    assert!(read(document.as_bytes()).is_ok());
    insta::assert_snapshot!(
        told_of("", r#"{"id":"v","memory_mib":1,"power_state":null,"storages":null,"order":null}"#, r#","groups":null"#),
        @r#"
    /vms/0/power_state: must be a string, not null [wrong-type]
    /vms/0/order: must be a whole number, 0 or more, not null [wrong-type]
    /vms/0/storages: must be an array, not null [wrong-type]
    /groups: must be an array, not null [wrong-type]
    "#
    );
}

#[test]
fn more_resources_than_are_planned_for_are_told() {
    let resources: Vec<String> = (0..70).map(|i| format!("\"r{i}\":1")).collect();
    let host = format!(r#"{{"id":"h","memory_mib":1,"resources":{{{}}}}}"#, resources.join(","));
    insta::assert_snapshot!(told_of(&host, "", ""), @"/hosts: 71 entries, at most 64 are planned for [too-many]");
}

#[test]
fn a_share_has_steps_of_a_thousandth() {
    let brake = |share: &str| {
        let document = format!(
            r#"{{"format":"lifeboat.pool/v1","id":"p","hosts":[],"vms":[],"settings":{{"brake":{share}}}}}"#
        );
        read(document.as_bytes()).map(|pool| pool.settings().brake_permille)
    };
    assert_eq!(brake("1"), Ok(Some(1000)));
    assert_eq!(brake("0.333"), Ok(Some(333)));
    assert_eq!(brake("null"), Ok(None));
    for wrong in ["0", "0.0001", "0.3333", "1.001", "-0.1", "1e99", "1e999"] {
        assert_eq!(brake(wrong).expect_err("no share")[0].kind.code(), "bad-number", "{wrong}");
    }
}

#[test]
fn hosts_that_run_more_than_they_have_are_told_by_resource() {
    let document = r#"{"format":"lifeboat.pool/v1","id":"p",
        "hosts":[{"id":"a","memory_mib":10,"reserved_mib":3,"resources":{"vcpus":1}},{"id":"b","memory_mib":10}],
        "vms":[{"id":"v","memory_mib":8,"host":"a","resources":{"vcpus":4}},{"id":"w","memory_mib":10,"host":"b"}]}"#;
    let pool = read(document.as_bytes()).expect("over-full, but readable");
    let told: Vec<String> = over_full(&pool).iter().map(Fault::to_string).collect();
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn the_words_of_every_vocabulary_are_those_that_serde_spells() {
    use super::words::{self, Word};
    fn agree<W: Word + serde::Serialize + PartialEq + std::fmt::Debug>() {
        for (spelling, word) in W::WORDS {
            assert_eq!(serde_json::to_value(word).expect("a word"), serde_json::Value::from(*spelling));
        }
    }
    agree::<words::DocumentFormat>();
    agree::<words::GuaranteeWord>();
    agree::<words::MediumWord>();
    agree::<words::StorageLossWord>();
    agree::<words::HostStateWord>();
    agree::<words::PowerStateWord>();
    agree::<words::RestartPriorityWord>();
    agree::<words::RuleWord>();
    agree::<words::RuleModeWord>();
}

/// Whether the fast path and the slow one agree on whether there is a fault.
fn paths_agree(document: &str) -> bool {
    let Ok(raw) = serde_json::from_str::<Box<_>>(document) else { return read(document.as_bytes()).is_err() };
    let (spec, noted) = faults::describe(&raw);
    let slow_faults = !noted.is_empty() || Pool::new(&spec).map_err(fault::from_defects).is_err();
    slow_faults == read(document.as_bytes()).is_err()
}

proptest::proptest! {
    /// One value of a full document is replaced by another: both paths judge the same.
    #[test]
    fn the_two_paths_agree_on_what_is_wrong(place in 0usize..80, with in 0usize..16) {
        const VALUES: [&str; 16] = [
            "null", "true", "0", "1", "-1", "-0", "1.0", "1e2", "18446744073709551616", "\"\"", "\"h01\"",
            "\"live\"", "[]", "[\"h02\"]", "{}", "[[1]]",
        ];
        let tokens = values_of(FULL);
        let (start, end) = tokens[place % tokens.len()];
        let document = format!("{}{}{}", &FULL[..start], VALUES[with], &FULL[end..]);
        proptest::prop_assert!(paths_agree(&document), "{}", document);
    }

    /// Whatever the bytes, there is an answer.
    #[test]
    fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
        if let Err(faults) = read(&bytes) {
            proptest::prop_assert!(!faults.is_empty());
        }
    }
}

/// Where the scalar values of a document stand.
fn values_of(document: &str) -> Vec<(usize, usize)> {
    let bytes = document.as_bytes();
    let mut values = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let start = at;
        match bytes[at] {
            b'"' => {
                at += 1;
                while bytes[at] != b'"' {
                    at += if bytes[at] == b'\\' { 2 } else { 1 };
                }
                at += 1;
                if !document[at..].trim_start().starts_with(':') {
                    values.push((start, at));
                }
            }
            byte if byte.is_ascii_alphanumeric() => {
                while bytes[at].is_ascii_alphanumeric() || bytes[at] == b'.' {
                    at += 1;
                }
                values.push((start, at));
            }
            _ => at += 1,
        }
    }
    values
}
