//! Pools that are made on files, and what is refused.
use super::*;
use clap::Parser;
use std::fs;
use std::path::PathBuf;
use tempfile::TempDir;

#[derive(Parser)]
struct Program {
    #[command(flatten)]
    init: Init,
}

struct Bench {
    folder: TempDir,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("lun"), b"").expect("it is ours");
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn around(&self) -> Surroundings {
        Surroundings { config_path: self.path("etc/agent.toml") }
    }

    fn lun(&self) -> String {
        self.path("lun").display().to_string()
    }

    fn metadata(&self) -> String {
        format!("volume:{}?offset=4194304&length=33554432", self.lun())
    }

    fn init(&self, medium: &str, metadata: &str, more: &[&str]) -> Init {
        let (state, run) = (self.path("state"), self.path("run"));
        let mut words = vec![
            "init",
            "--pool",
            "prod",
            "--host",
            "h01",
            "--network",
            "hb0=10.0.0.1:7946,eth0",
            "--api",
            "https://h01.example:7878",
            "--medium",
            medium,
            "--metadata",
            metadata,
            "--timeout",
            "5",
        ];
        let (state, run) = (state.display().to_string(), run.display().to_string());
        words.extend(["--state-directory", &state, "--run-directory", &run]);
        words.extend(more);
        Program::parse_from(words).init
    }
}

#[test]
fn a_pool_is_made_and_the_first_term_finds_its_beginning() {
    let bench = Bench::new();
    let init = bench.init(&format!("statefile:{}", bench.lun()), &bench.metadata(), &["--quarantine", "5"]);
    let said = init.make(&bench.around()).expect("it is made").join("\n");
    assert!(said.contains("lifeboat host invite --pool prod"), "the next step is said: {said}");
    let roster: Roster =
        serde_json::from_slice(&fs::read(bench.path("state/roster.json")).expect("it is there"))
            .expect("a roster");
    assert_eq!((roster.hosts.len(), roster.settings.timeout_ms), (1, 5_000));
    assert_eq!(roster.settings.quarantine_failures, 5);
    let pool = roster.id().expect("an id");
    let address: StoreAddress = bench.metadata().parse().expect("an address");
    let options = Options { tenure: Some(Tenure { pool: pool.0, epoch: 1 }), ..Options::default() };
    let store = lifeboat_store::open(&address, &options).expect("the first term");
    let kept = store.get(&Key::of(&[FOUNDING])).expect("a read").expect("it is there");
    let founding: Founding = serde_json::from_slice(&kept).expect("a beginning");
    assert_eq!(founding.roster, roster);
    assert!(founding.authority_key_pem.contains("PRIVATE KEY"));
    assert_eq!(
        founding.authority_pem,
        fs::read_to_string(bench.path("etc/tls/authorities.pem")).expect("it is there")
    );
    assert!(!said.contains("PRIVATE") && !said.contains(&founding.keys[0].key), "no secret is printed");
    let again = init.make(&bench.around());
    assert!(matches!(again, Err(InitFault::Enrol(EnrolFault::IsMember(_)))), "{again:?}");
}

#[test]
fn volumes_that_hold_something_are_left_alone() {
    let bench = Bench::new();
    let (medium, metadata) = (format!("statefile:{}", bench.lun()), bench.metadata());
    fs::write(bench.path("lun"), vec![1; 8192]).expect("it is ours");
    let refused = bench.init(&medium, &metadata, &[]).make(&bench.around());
    assert!(matches!(refused, Err(InitFault::Medium(MediumFault::Holds { .. }))), "{refused:?}");
    assert_eq!(fs::read(bench.path("lun")).expect("it is ours")[..8192], [1; 8192]);
    assert!(!bench.path("etc").exists() && !bench.path("state").exists(), "no file was written");
    let mut bytes = vec![0; 5 << 20];
    bytes[(4 << 20) + 100] = 1;
    fs::write(bench.path("lun"), &bytes).expect("it is ours");
    let refused = bench.init(&medium, &metadata, &[]).make(&bench.around());
    assert!(matches!(refused, Err(InitFault::Format(FormatError::NotEmpty { .. }))), "{refused:?}");
    assert!(
        fs::read(bench.path("lun")).expect("it is ours")[..4 << 20].iter().all(|byte| *byte == 0),
        "no statefile yet"
    );
    bench.init(&medium, &metadata, &["--overwrite"]).make(&bench.around()).expect("it was wanted");
}

#[test]
fn what_makes_no_pool_is_refused_before_anything_is_written() {
    let bench = Bench::new();
    let medium = format!("statefile:{}", bench.lun());
    let overlapping = format!("volume:{}", bench.lun());
    for (medium, metadata, more, why) in [
        (medium.as_str(), overlapping.as_str(), &[][..], "overlap"),
        (&medium, "/var/lib/lifeboat/store.redb", &[], "cannot follow the coordinator"),
        ("floppy:/dev/fd0", &bench.metadata(), &[], "floppy"),
        (&medium, &bench.metadata(), &["--watchdog", "dog"], "watchdog"),
        (&medium, &bench.metadata(), &["--network", "hb0=10.0.1.1:1,eth1"], "two networks"),
        (&medium, &bench.metadata(), &["--hypervisor", "abacus"], "hypervisor"),
    ] {
        let refused = bench.init(medium, metadata, more).make(&bench.around()).expect_err(why).to_string();
        assert!(refused.contains(why), "{refused}");
        assert_eq!(fs::metadata(bench.path("lun")).expect("it is ours").len(), 0, "{why}");
        assert!(!bench.path("etc").exists() && !bench.path("state").exists(), "{why}");
    }
}

#[test]
fn a_pool_is_not_made_over_another_unless_that_is_meant_and_then_nothing_of_it_lives_on() {
    let bench = Bench::new();
    let medium = format!("statefile:{}", bench.lun());
    let init = bench.init(&medium, &bench.metadata(), &["--overwrite"]);
    let folder = bench.path("store");
    let address = StoreAddress::File(folder);
    let token = Key::of(&["tokens", "old"]);
    let us = Candidate { name: "old".into(), address: String::new() };
    let store = lifeboat_store::open(&address, &Options::default()).expect("new");
    let term = store.campaign(&us, Duration::ZERO).expect("it answers").expect("nobody else leads");
    let mut batch = Batch::default();
    batch.put(token.clone(), b"admin".to_vec());
    store.commit(term, &batch).expect("it takes writes");
    drop(store);
    let authority = Authority::found("prod", clock::wall()).expect("an authority");
    let founding = Founding {
        roster: init.roster(&[1; 16], &authority),
        medium: MediumPlace::Statefile { path: "/dev/x".into(), offset: 0 },
        metadata: String::new(),
        authority_pem: authority.certificate_pem().to_owned(),
        authority_key_pem: authority.key_pem(),
        keys: Vec::new(),
        certificates_live_s: 90,
    };
    let careful = bench.init(&medium, &bench.metadata(), &[]);
    let refused = careful.found(&address, [1; 16], &founding);
    assert!(matches!(refused, Err(InitFault::Store(StoreError::NotEmpty(_)))), "{refused:?}");
    init.found(&address, [1; 16], &founding).expect("it was meant");
    let store = lifeboat_store::open(&address, &Options::default()).expect("it is there");
    assert_eq!(store.get(&token).expect("a read"), None);
    assert!(store.get(&Key::of(&[FOUNDING])).expect("a read").is_some());
}

#[test]
fn where_this_hosts_files_cannot_be_written_nothing_is_written_that_others_see() {
    let bench = Bench::new();
    fs::write(bench.path("state"), b"no directory").expect("it is ours");
    let refused =
        bench.init(&format!("statefile:{}", bench.lun()), &bench.metadata(), &[]).make(&bench.around());
    assert!(matches!(refused, Err(InitFault::Enrol(_))), "{refused:?}");
    let lun = fs::read(bench.path("lun")).expect("it is ours");
    assert!(lun.iter().all(|byte| *byte == 0), "no volume is formatted");
}
