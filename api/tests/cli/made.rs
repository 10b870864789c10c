//! Pools made from a seed, and what is measured on them.
use super::{lifeboat, root};
use lifeboat::cli::Status;
use serde_json::Value;
use std::fs;

#[test]
fn a_made_pool_is_one_that_plan_can_read_and_the_same_each_time() {
    let folder = env!("CARGO_TARGET_TMPDIR");
    let made =
        [("cloud", "made.json", false), ("mixed", "made.json.gz", true), ("rules", "rules.json.GZ", true)];
    for (family, name, packed) in made {
        let command = format!("lifeboat generate {family} --hosts 8 --vms 40 --seed 3 -o {folder}/{name}");
        let made = lifeboat(&command);
        assert_eq!((made.status, made.out.as_str(), made.err.as_str()), (Status::Answered, "", ""));
        let first = fs::read(format!("{folder}/{name}")).expect("just written");
        assert_eq!(first.starts_with(&[0x1F, 0x8B]), packed);
        lifeboat(&command);
        assert_eq!(fs::read(format!("{folder}/{name}")).expect("written again"), first);
        let plan = lifeboat(&format!("lifeboat plan {folder}/{name} --json --max 1"));
        let answer: Value = serde_json::from_str(&plan.out).expect("JSON");
        assert_eq!((&answer["hosts"], &answer["vms"]), (&8.into(), &40.into()), "{}", plan.err);
        assert_eq!(answer["pool"], format!("{family}-8x40-3"));
    }
}

#[test]
fn without_a_file_the_pool_goes_to_standard_output() {
    let made = lifeboat("lifeboat generate homog --hosts 3 --vms 5 --slack -2.5");
    let pool: Value = serde_json::from_str(&made.out).expect("JSON");
    assert_eq!(pool["format"], "lifeboat.pool/v1");
    assert_eq!(pool["hosts"].as_array().map(Vec::len), Some(3));
}

#[test]
fn a_pool_that_cannot_be_made_is_refused_with_the_reason() {
    let run = lifeboat("lifeboat generate advseq --hosts 3 --vms 40");
    assert_eq!((run.status, run.out.as_str()), (Status::Unusable, ""));
    assert!(run.err.starts_with("error: hosts 3 is out of range for advseq: 5 to 1024"), "{}", run.err);
    let run = lifeboat("lifeboat generate advseq --hosts 8 --vms 40 --fill 80");
    assert!(run.err.contains("takes a slack"), "{}", run.err);
    let run = lifeboat("lifeboat generate elephant");
    assert!(run.status == Status::Unusable && run.err.contains("racklocal"), "{}", run.err);
    let run = lifeboat("lifeboat generate homog -o /no/such/folder/pool.json");
    assert!(run.err.contains("cannot write /no/such/folder/pool.json"), "{}", run.err);
}

#[test]
fn a_bench_runs_every_step_as_often_as_asked() {
    let pool = "docs/examples/three-hosts.json";
    assert!(root().join(pool).exists());
    let run = lifeboat(&format!("lifeboat bench {pool} --repeat 3 --json"));
    let answer: Value = serde_json::from_str(&run.out).expect("JSON");
    let steps = answer["steps"].as_array().expect("a list");
    let names: Vec<&str> = steps.iter().filter_map(|step| step["step"].as_str()).collect();
    let documented = [
        "read and unpack",
        "parse and build",
        "prove and refute",
        "prove up to the target",
        "plan for one failed host",
        "verify the certificate",
    ];
    assert_eq!(names, documented);
    for step in steps {
        // Three runs, or one for each of the three hosts.
        assert_eq!(step["runs"], 3, "{step}");
        let [fastest, median, slowest] =
            ["fastest_ns", "median_ns", "slowest_ns"].map(|time| step[time].as_u64());
        assert!(fastest <= median && median <= slowest && slowest > Some(0), "{step}");
    }
    let table = lifeboat(&format!("lifeboat bench {pool} --repeat 1"));
    assert_eq!(table.out.lines().count(), 2 + documented.len(), "{}", table.out);
    assert_eq!(lifeboat("lifeboat bench docs/examples/faulty.json").status, Status::Unusable);
}
