//! Each verb: what people read, and the exit status that scripts see.
use super::{lifeboat, lifeboat_at};
use lifeboat::cli::Status;
use serde_json::Value;

#[test]
fn a_verdict_names_bounds_target_and_why_not_more() {
    let run = lifeboat("lifeboat plan docs/examples/three-hosts.json");
    assert_eq!(run.status, Status::Answered);
    insta::assert_snapshot!(run.out);
}

#[test]
fn a_verdict_names_everything_that_needs_a_look() {
    insta::assert_snapshot!(lifeboat_at("lifeboat plan docs/examples/needs-a-look.json", Some(80)).out);
}

#[test]
fn a_broken_pool_says_so_first() {
    insta::assert_snapshot!(lifeboat("lifeboat plan docs/examples/broken.json").out);
}

#[test]
fn an_over_full_pool_is_planned_only_where_that_is_allowed() {
    let run = lifeboat("lifeboat plan docs/examples/over-full.json");
    assert_eq!((run.status, run.out.as_str()), (Status::Unusable, ""));
    insta::assert_snapshot!(run.err);
    let run = lifeboat("lifeboat plan docs/examples/over-full.json --allow-over-full --json");
    assert_eq!(run.status, Status::Answered);
    let answer: Value = serde_json::from_str(&run.out).expect("JSON");
    assert_eq!(answer["over_full"], serde_json::json!([{"host": "a", "resource": "memory_mib", "by": 4096}]));
}

#[test]
fn checking_ends_with_three_where_the_pool_is_overcommitted() {
    assert_eq!(lifeboat("lifeboat plan docs/examples/three-hosts.json --check").status, Status::Answered);
    assert_eq!(lifeboat("lifeboat plan docs/examples/broken.json --check").status, Status::Overcommitted);
    assert_eq!(lifeboat("lifeboat plan docs/examples/broken.json").status, Status::Answered);
    assert_eq!([Status::Answered, Status::Unusable].map(Status::code), [0, 1]);
    assert_eq!([Status::Overcommitted, Status::Refused].map(Status::code), [3, 4]);
}

#[test]
fn the_fields_of_a_verdict_come_as_documented() {
    let run = lifeboat("lifeboat plan docs/examples/three-hosts.json --json");
    let documented = [
        "pool",
        "hosts",
        "vms",
        "protected",
        "pending_placement",
        "unprotectable",
        "over_full",
        "tolerance",
        "target",
        "effective_target",
        "target_status",
        "overcommitted",
        "witness",
        "elapsed_us",
    ];
    let positions: Vec<usize> = documented
        .iter()
        .map(|field| {
            run.out.find(&format!("\n  \"{field}\": ")).unwrap_or_else(|| panic!("{field} is there"))
        })
        .collect();
    assert!(positions.is_sorted(), "in the documented order");
}

#[test]
fn a_limit_on_failures_leaves_the_rest_open_and_says_so() {
    let run = lifeboat("lifeboat plan docs/examples/three-hosts.json --max 0 --json");
    let answer: Value = serde_json::from_str(&run.out).expect("JSON");
    assert_eq!(answer["tolerance"]["simultaneous"]["stopped_by"], "max");
    assert_eq!(answer["tolerance"]["simultaneous"]["proven"], 0);
}

#[test]
fn the_same_work_limit_gives_the_same_bytes_on_one_thread_and_on_two() {
    let plan = |threads: usize| {
        lifeboat(&format!(
            "lifeboat plan docs/examples/needs-a-look.json --json --work-limit 1000 --threads {threads}"
        ))
        .out
    };
    assert_eq!(plan(1), plan(2));
}

#[test]
fn a_restart_plan_says_what_starts_where_and_what_cannot() {
    insta::assert_snapshot!(lifeboat("lifeboat plan docs/examples/three-hosts.json --fail c").out);
    insta::assert_snapshot!(
        lifeboat_at("lifeboat plan docs/examples/three-hosts.json --fail b,c", Some(60)).out
    );
}

#[test]
fn pending_vms_are_restarted_from_nowhere() {
    let run = lifeboat("lifeboat plan docs/examples/needs-a-look.json --fail h2 --json");
    let answer: Value = serde_json::from_str(&run.out).expect("JSON");
    let crm = answer["restarts"].as_array().expect("a list").iter().find(|restart| restart["vm"] == "crm");
    assert_eq!(crm.expect("crm is pending")["from"], Value::Null);
}

#[test]
fn hosts_that_are_not_there_or_down_cannot_fail() {
    let run = lifeboat("lifeboat plan docs/examples/needs-a-look.json --fail h1,h9");
    assert_eq!(run.status, Status::Unusable);
    insta::assert_snapshot!(run.err);
    let run = lifeboat("lifeboat plan docs/examples/needs-a-look.json --fail h5");
    assert_eq!(run.status, Status::Unusable);
    insta::assert_snapshot!(run.err);
}

#[test]
fn diagnosis_tells_who_is_free_to_move_and_what_keeps_the_others() {
    insta::assert_snapshot!(lifeboat_at("lifeboat diagnose docs/examples/needs-a-look.json", Some(100)).out);
    insta::assert_snapshot!(lifeboat("lifeboat diagnose docs/examples/needs-a-look.json lab7").out);
    assert_eq!(lifeboat("lifeboat diagnose docs/examples/needs-a-look.json no-vm").status, Status::Unusable);
}

#[test]
fn a_faulty_document_is_refused_with_every_fault() {
    let run = lifeboat("lifeboat plan docs/examples/faulty.json --json");
    assert_eq!((run.status, run.out.as_str()), (Status::Unusable, ""));
    insta::assert_snapshot!(run.err);
    assert_eq!(lifeboat("lifeboat plan no-such-file.json").status, Status::Unusable);
}

#[test]
fn a_command_line_that_is_no_command_is_input_that_cannot_be_used() {
    for command in
        ["lifeboat", "lifeboat plan", "lifeboat plan x --max -1", "lifeboat plan x --time-limit soon"]
    {
        let run = lifeboat(command);
        assert_eq!((run.status, run.out.as_str()), (Status::Unusable, ""), "{command}");
        assert!(run.err.contains("Usage") || run.err.contains("error"), "{command}: {}", run.err);
    }
}

#[test]
fn help_has_examples_for_every_verb() {
    let help = lifeboat("lifeboat --help");
    assert_eq!(help.status, Status::Answered);
    let verbs = help.out.split("Commands:").nth(1).expect("verbs").split("Options:").next().expect("verbs");
    for verb in verbs.lines().filter_map(|line| line.split_whitespace().next()) {
        let run = lifeboat(&format!("lifeboat {verb} --help"));
        assert_eq!(run.status, Status::Answered);
        assert!(run.out.contains(&format!("lifeboat {verb}")) && run.out.contains("Example"), "{verb}");
    }
}
