//! Tests of the configuration.
use super::*;

const WHOLE: &str = r#"
[host]
name = "h01"
[[network]]
name = "hb0"
interface = "eth0"
listen = "10.0.0.1:7946"
[medium]
kind = "statefile"
path = "/dev/lun"
offset = 8192
[watchdog]
kind = "supervisor"
path = "/run/supervisor"
[fence]
reset = ["sysrq", "watchdog"]
[[fence.agent]]
host = "h02"
agent = "fence_ipmilan"
parameters = { ip = "10.1.0.2", lanplus = "1" }
parameter_files = { password = "/etc/lifeboat/h02.password" }
power_on = true
"#;

fn faults(text: &str) -> Vec<String> {
    match Config::read(text) {
        Err(ConfigError::Faults(faults)) => faults.iter().map(ToString::to_string).collect(),
        other => panic!("faults were expected, not {other:?}"),
    }
}

#[test]
fn what_is_left_out_has_its_usual_value() {
    let config = Config::read(WHOLE).expect("it is whole");
    assert_eq!(config.host.socket(), Path::new("/run/lifeboat/agent.sock"));
    assert_eq!(config.host.boot_id_file, Path::new("/proc/sys/kernel/random/boot_id"));
    assert_eq!(config.fence.reset, [Reset::Sysrq, Reset::Watchdog]);
    assert_eq!(config.service.command, [""; 0]);
    assert_eq!(config.log.level, LogLevel::Info);
}

#[test]
fn a_reset_is_a_name_a_list_of_names_or_a_command() {
    let reset = |spelt: &str| Config::read(&WHOLE.replace(r#"["sysrq", "watchdog"]"#, spelt));
    assert_eq!(reset(r#""reboot""#).expect("a name").fence.reset, [Reset::Reboot]);
    let command = reset(r#"["ipmitool", "power", "cycle"]"#).expect("a command").fence.reset;
    assert_eq!(command, [Reset::Command(["ipmitool", "power", "cycle"].map(String::from).into())]);
    let misspelt = reset(r#"["sysrq", "rebot"]"#).expect_err("no command begins with sysrq").to_string();
    assert!(misspelt.contains("rebot"), "{misspelt}");
    assert!(reset("[]").expect_err("nothing would reset it").to_string().contains("at least one"));
    assert!(reset(r#""kexec""#).expect_err("no such way").to_string().contains("kexec"));
}

#[test]
fn every_fault_is_told_at_once_with_its_section() {
    let text = WHOLE
        .replace("h01", "")
        .replace("8192", "100")
        .replace("kind = \"supervisor\"\npath = \"/run/supervisor\"", "kind = \"none\"")
        .replace("power_on = true", "power_on = true\n[nonsense]\n");
    let faults = faults(&text);
    let begins: Vec<_> = faults.iter().filter_map(|fault| fault.split(':').next()).collect();
    assert_eq!(begins, ["[nonsense]", "[host]", "[medium]", "[watchdog]"], "{faults:#?}");
}

#[test]
fn sections_that_cannot_be_read_are_told_together() {
    let text =
        WHOLE.replace("kind = \"statefile\"", "kind = \"floppy\"").replace("name = \"h01\"", "nam = \"h01\"");
    let faults = faults(&text);
    assert_eq!(faults.len(), 2, "{faults:#?}");
    assert!(faults[0].contains("[host]") && faults[0].contains("nam"), "{faults:#?}");
    assert!(faults[1].contains("[medium]") && faults[1].contains("floppy"), "{faults:#?}");
}

#[test]
fn an_agent_that_cuts_off_no_power_fences_nobody() {
    for program in ["fence_scsi", "/usr/sbin/fence_mpath", "fence_brocade"] {
        let faults = faults(&WHOLE.replace("fence_ipmilan", program));
        assert!(faults.len() == 1 && faults[0].contains("power"), "{faults:#?}");
    }
}

#[test]
fn a_network_that_listens_everywhere_is_refused() {
    let faults = faults(&WHOLE.replace("10.0.0.1:7946", "0.0.0.0:0"));
    assert_eq!(faults.len(), 2, "{faults:#?}");
    assert!(faults.iter().all(|fault| fault.contains("hb0")), "{faults:#?}");
}

#[test]
fn no_watchdog_is_had_only_by_saying_so_twice() {
    let none = |said: &str| {
        WHOLE
            .replace("kind = \"supervisor\"\npath = \"/run/supervisor\"", &format!("kind = \"none\"\n{said}"))
    };
    assert!(faults(&none(""))[0].contains("allow_none"));
    Config::read(&none("allow_none = true")).expect("it is meant");
}

#[test]
fn a_secret_of_a_fence_agent_stands_in_a_file_of_its_own() {
    for secret in ["passwd", "snmp-priv-passwd", "api_key"] {
        let faults = faults(&WHOLE.replace("lanplus", secret));
        assert!(faults.len() == 1 && faults[0].contains("parameter_files"), "{faults:#?}");
    }
    let text = WHOLE.replace("{ ip =", "{ passwd_script = \"/usr/bin/ask\", ip =");
    Config::read(&text).expect("a program that knows it is no secret");
}

#[test]
fn what_takes_a_host_out_is_read_of_a_file_that_is_broken() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("agent.toml");
    let least = |text: &str| {
        std::fs::write(&path, text).expect("there is room");
        Config::least(&path)
    };
    let broken =
        WHOLE.replace("[medium]", "[meedium]").replace("name = \"h01\"", "run_directory = \"/run/x\"");
    let (host, watchdog, remarks) = least(&broken);
    assert_eq!(host.socket(), Path::new("/run/x/agent.sock"));
    assert!(matches!(watchdog, WatchdogSection::Supervisor { .. }) && remarks.is_empty(), "{remarks:?}");
    let (host, watchdog, remarks) = least("[host");
    assert_eq!(host.state_directory, Path::new("/var/lib/lifeboat/agent"));
    assert!(matches!(watchdog, WatchdogSection::Device { .. }) && remarks[0].contains("TOML"), "{remarks:?}");
}
