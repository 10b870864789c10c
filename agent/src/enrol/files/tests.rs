//! What is written, and that nothing is left of what could not be.
use super::*;
use crate::config::Config;
use lifeboat_link::roster::{LivenessSettings, Member};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use tempfile::TempDir;

struct Bench {
    folder: TempDir,
    host: HostArguments,
    etcd: EtcdArguments,
    roster: Roster,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let host = HostArguments {
            pool: "prod \"a\"".into(),
            host: "h01".into(),
            networks: vec!["hb0=10.0.0.1:7946,bond0".parse().expect("a network")],
            api: "https://h01.example:7878".into(),
            api_listen: None,
            watchdog: "device:/dev/watchdog".into(),
            hypervisor: "libvirt".into(),
            service: "lifeboat".into(),
            state_directory: folder.path().join("state"),
            run_directory: folder.path().join("run"),
        };
        let roster = Roster {
            version: 1,
            pool: host.pool.clone(),
            pool_id: "00".repeat(16),
            networks: vec!["hb0".into()],
            settings: LivenessSettings::default(),
            authorities: Vec::new(),
            hosts: vec![Member {
                id: "h01".into(),
                addresses: host.addresses(),
                api: host.api.clone(),
                removed: false,
            }],
        };
        Self { folder, host, etcd: EtcdArguments::default(), roster }
    }

    fn places(&self) -> Places {
        Places::of(&self.folder.path().join("etc/agent.toml"), &self.host.state_directory)
    }

    fn write(&self, medium: &MediumPlace, metadata: &str, keys: &[PoolKey]) -> Result<(), EnrolFault> {
        let membership = Membership {
            host: &self.host,
            etcd: &self.etcd,
            medium,
            metadata,
            roster: &self.roster,
            keys,
            chain_pem: "chain",
            key_pem: "key",
            authorities_pem: "authorities",
        };
        membership.write(&self.places())
    }
}

fn statefile() -> MediumPlace {
    MediumPlace::Statefile { path: "/dev/x".into(), offset: 4096 }
}

fn keys() -> Vec<PoolKey> {
    vec![PoolKey::new(3, &[3; 32]), PoolKey::new(4, &[4; 32])]
}

#[test]
fn an_agent_reads_what_was_written_and_the_service_finds_its_certificates() {
    let bench = Bench::new();
    bench.write(&statefile(), "volume:/dev/y", &keys()).expect("it is written");
    let agent = Config::load(&bench.folder.path().join("etc/agent.toml")).expect("a configuration");
    assert_eq!(agent.host.name, "h01");
    assert_eq!(agent.networks[0].listen.to_string(), "10.0.0.1:7946");
    assert_eq!(agent.service.volume.as_deref(), Some(Path::new("/dev/y")));
    assert_eq!(agent.service.command[1], "serve");
    let ring = KeyFile::read(&bench.host.state_directory).expect("keys").keyring().expect("a ring");
    assert_eq!((ring.sending(), ring.newest()), (3, 4));
    let service: Table =
        fs::read_to_string(bench.places().service()).expect("it is there").parse().expect("it is TOML");
    assert_eq!(service["listen"]["addresses"][0].as_str(), Some("[::]:7878"));
    let key = service["listen"]["key"]["file"].as_str().expect("a file");
    assert_eq!(fs::read_to_string(key).expect("it is there"), "key");
    for path in bench.places().all() {
        let mode = fs::metadata(&path).expect("it is there").permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{}", path.display());
    }
}

#[test]
fn an_etcd_is_spoken_to_as_was_said_by_agent_and_service() {
    let mut bench = Bench::new();
    bench.etcd = EtcdArguments {
        etcd_ca_file: Some("/ca".into()),
        etcd_certificate_file: Some("/cert".into()),
        etcd_key_file: Some("/key".into()),
        etcd_user: Some("u".into()),
        etcd_password_file: Some("/password".into()),
    };
    let medium = MediumPlace::Etcd { endpoints: vec!["a:2379".into()], tls: true };
    bench.write(&medium, "etcds://a:2379", &keys()).expect("it is written");
    let agent = fs::read_to_string(bench.folder.path().join("etc/agent.toml")).expect("it is there");
    Config::read(&agent).expect("a configuration");
    assert!(agent.contains("password_file = \"/password\""), "{agent}");
    let service: Table =
        fs::read_to_string(bench.places().service()).expect("it is there").parse().expect("it is TOML");
    assert_eq!(service["store"]["etcd_password"]["file"].as_str(), Some("/password"));
}

#[test]
fn a_member_is_not_made_one_again() {
    let bench = Bench::new();
    bench.write(&statefile(), "volume:/dev/y", &keys()).expect("it is written");
    let again = bench.write(&statefile(), "volume:/dev/z", &keys());
    assert!(matches!(again, Err(EnrolFault::IsMember(_))), "{again:?}");
    let service = fs::read_to_string(bench.places().service()).expect("it is there");
    assert!(service.contains("volume:/dev/y"), "nothing was changed");
}

#[test]
fn nothing_is_left_of_what_could_not_be_written_whole() {
    let bench = Bench::new();
    // Where a directory should be, a file is.
    fs::create_dir_all(bench.folder.path().join("etc")).expect("it is ours");
    fs::write(bench.folder.path().join("etc/tls"), "no directory").expect("it is ours");
    assert!(bench.write(&statefile(), "volume:/dev/y", &keys()).is_err());
    assert!(bench.write(&statefile(), "volume:/dev/y", &[]).is_err());
    fs::remove_file(bench.folder.path().join("etc/tls")).expect("it is ours");
    bench.places().check_free().expect("nothing is left");
    bench.write(&statefile(), "volume:/dev/y", &keys()).expect("and it can be tried again");
}
