//! Programs that answer, fail, hang, and say secrets aloud.
use super::*;
use std::fs;
use tempfile::TempDir;

struct Fake {
    folder: TempDir,
}

impl Fake {
    fn new(script: &str) -> (Self, Device) {
        let folder = tempfile::tempdir().expect("a folder");
        let program = folder.path().join("fence_fake");
        let text = format!("#!/bin/sh\ncat > {}\n{script}\n", folder.path().join("read").display());
        crate::testing::program(&program, &text);
        let device = Device {
            agent: program.display().to_string(),
            power_on: false,
            limit: Duration::from_secs(20),
            parameters: BTreeMap::from([("ip".into(), "10.0.0.9".into()), ("plug".into(), "3".into())]),
            parameter_files: BTreeMap::new(),
        };
        (Self { folder }, device)
    }

    fn read(&self) -> String {
        fs::read_to_string(self.folder.path().join("read")).expect("it was run")
    }
}

#[test]
fn a_program_is_told_its_action_and_parameters_by_lines() {
    let (fake, device) = Fake::new("exit 0");
    assert_eq!(device.run(Action::Off, &|| false), Answer::Done);
    assert_eq!(fake.read(), "action=off\nip=10.0.0.9\nplug=3\n");
}

#[test]
fn only_the_two_known_answers_to_a_status_are_answers() {
    for (status, said, action, expected) in [
        (0, "Status: ON", Action::Status, Some(Answer::IsOn)),
        (2, "Status: OFF", Action::Status, Some(Answer::IsOff)),
        (2, "usage: fence_mine", Action::Status, None),
        (2, "Status: ON", Action::Status, None),
        (0, "Status: OFF", Action::Status, None),
        (0, "", Action::Status, None),
        (1, "Status: OFF", Action::Status, None),
        (3, "Status: OFF", Action::Status, None),
        (0, "", Action::Off, Some(Answer::Done)),
        (2, "", Action::Off, None),
        (1, "", Action::On, None),
        (0, "", Action::On, Some(Answer::Done)),
    ] {
        let (_fake, device) = Fake::new(&format!("echo '{said}'; exit {status}"));
        let answer = device.run(action, &|| false);
        match expected {
            Some(expected) => assert_eq!(answer, expected, "{action} {status} {said}"),
            None => assert!(matches!(answer, Answer::Unknown(_)), "{action} {status} {said}: {answer:?}"),
        }
    }
    let (_fake, device) = Fake::new("kill -9 $$");
    assert!(matches!(device.run(Action::Status, &|| false), Answer::Unknown(_)));
}

#[test]
fn a_program_that_hangs_is_unknown_after_its_time() {
    let (_fake, mut device) = Fake::new("sleep 600");
    device.limit = Duration::from_millis(300);
    let answer = device.run(Action::Status, &|| false);
    assert!(matches!(&answer, Answer::Unknown(why) if why.contains("did not end")), "{answer:?}");
}

#[test]
fn a_program_that_is_not_there_is_unknown() {
    let (_fake, mut device) = Fake::new("");
    device.agent = "/nowhere/fence_nothing".into();
    assert!(
        matches!(device.run(Action::Off, &|| false), Answer::Unknown(why) if why.contains("fence_nothing"))
    );
}

#[test]
fn a_secret_comes_from_its_file_and_is_not_told_on() {
    let (fake, mut device) = Fake::new("echo login with s3cr3t failed >&2; exit 1");
    let secret = fake.folder.path().join("secret");
    fs::write(&secret, "s3cr3t\n").expect("it is ours");
    device.parameter_files.insert("password".into(), secret.clone());
    let Answer::Unknown(why) = device.run(Action::Off, &|| false) else { panic!("it failed") };
    assert_eq!(why, "exit status 1: login with … failed");
    assert!(fake.read().contains("password=s3cr3t\n"));
    assert!(!format!("{device:?}").contains("s3cr3t"));
    fs::remove_file(secret).expect("it is ours");
    assert!(
        matches!(device.run(Action::Off, &|| false), Answer::Unknown(why) if why.contains("cannot be read"))
    );
}

#[test]
fn a_value_of_two_lines_cannot_bring_in_an_action() {
    for (key, value) in
        [("ip", "10.0.0.1\naction=on"), ("action", "on"), ("a\nb", "c"), ("a=b", "c"), ("", "c")]
    {
        let (_fake, mut device) = Fake::new("exit 0");
        device.parameters.insert(key.into(), value.into());
        assert!(matches!(device.run(Action::Off, &|| false), Answer::Unknown(_)), "{key:?}={value:?}");
    }
}

#[test]
fn outlets_of_one_strip_are_in_one_lane() {
    let device = |ip: Option<&str>, port: Option<&str>| {
        let (_, mut device) = Fake::new("");
        device.agent = "fence_apc".into();
        device.parameters.clear();
        device.parameters.extend(ip.map(|ip| ("ip".to_owned(), ip.to_owned())));
        device.parameters.extend(port.map(|port| ("ipport".to_owned(), port.to_owned())));
        device
    };
    let devices = [
        device(Some("10.0.0.1"), None),
        device(None, None),
        device(Some("10.0.0.1"), None),
        device(Some("10.0.0.1"), Some("99")),
        device(None, None),
    ];
    assert_eq!(lanes(&devices), [0, 1, 0, 3, 4]);
}

#[test]
fn a_program_that_is_given_up_is_ended() {
    let (_fake, device) = Fake::new("sleep 600");
    let answer = device.run(Action::Off, &|| true);
    assert!(matches!(&answer, Answer::Unknown(why) if why.contains("given up")), "{answer:?}");
}
