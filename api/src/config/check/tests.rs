//! What a configuration file may say, and how its faults are told.
use super::*;

fn faults(text: &str) -> Vec<String> {
    let faults = Config::read(text).err().unwrap_or_default();
    faults.iter().map(ToString::to_string).collect()
}

const TLS: &str = "certificate_file = \"/c.pem\"\nkey = { file = \"/k.pem\" }\n";

#[test]
fn an_empty_file_is_all_defaults_and_stays_on_loopback() {
    let config = Config::read("").expect("nothing is wrong with nothing");
    assert_eq!(config, Config::default());
    assert!(config.is_local() && config.tls_files().is_none() && config.guard_settings().trust_loopback);
}

#[test]
fn every_fault_is_told_at_once_each_with_its_place() {
    let text = "\
[listen]
addresses = [\"127.0.0.1\"]
certificate_file = \"cert.pem\"
key = \"hunter2\"

[limits]
body_mb = 3
head_s = 0
streams = \"many\"
bodies = -1

[log]
level = \"loud\"

[limts]
x = 1
";
    assert_eq!(
        faults(text),
        [
            "2:13: listen.addresses: \"127.0.0.1\" is no address with a port, such as \"127.0.0.1:7878\" or \"[::]:7878\"",
            "3:20: listen.certificate_file: must be an absolute path, beginning with /",
            "4:7: listen.key: a secret is never written here: give { file = \"/path\" } or { credential = \"name\" }",
            "7:1: limits.body_mb: unknown key; did you mean \"body_mib\"?",
            "8:10: limits.head_s: must be 1 to 600",
            "9:11: limits.streams: must be a whole number, not a string",
            "10:10: limits.bodies: must be 1 to 65536",
            "13:9: log.level: \"loud\" is not one of \"error\", \"warn\", \"info\", \"debug\", \"trace\"",
            "15:2: limts: unknown section; did you mean \"limits\"?",
        ]
    );
}

#[test]
fn what_is_no_toml_is_told_with_its_place_too() {
    let told = faults("[listen]\naddresses = [\n[log]\nlevel = = 3\n");
    assert!(told.len() >= 2 && told.iter().any(|fault| fault.starts_with("4:")), "{told:?}");
}

#[test]
fn beyond_loopback_there_is_no_way_around_tls() {
    for address in ["0.0.0.0:7878", "[::]:7878", "192.0.2.1:7878", "[2001:db8::1]:80"] {
        let text = format!("[listen]\naddresses = [\"127.0.0.1:7878\", \"{address}\"]\n");
        let told = faults(&text);
        assert!(told.len() == 1 && told[0].starts_with("2:1: listen.addresses: "), "{told:?}");
        assert!(told[0].contains("set certificate_file = ") && told[0].contains("and key = "), "{told:?}");
        let config = Config::read(&format!("{text}{TLS}")).expect("with TLS it may");
        assert!(config.tls_files().is_some() && !config.guard_settings().trust_loopback);
    }
}

#[test]
fn keys_that_need_one_another_say_so() {
    for (text, key) in [
        ("[listen]\ncertificate_file = \"/c\"", "listen.certificate_file"),
        ("[listen]\nkey = { credential = \"k\" }", "listen.key"),
        ("[listen]\nclient_ca_file = \"/ca\"", "listen.client_ca_file"),
        ("[listen]\nrequire_client_certificate = true", "listen.require_client_certificate"),
        ("[listen]\nclient_crl_file = \"/crl\"", "listen.client_crl_file"),
        ("[listen]\naddresses = [\"[::1]:1\", \"[::1]:1\"]", "listen.addresses"),
        ("[limits]\nlongest_search_s = 5", "limits.search_s"),
        ("[limits]\nrequest_s = 80", "limits.request_s"),
        ("[store]\naddress = \"x.redb\"", "store.address"),
        ("[store]\netcd_user = \"u\"", "store.etcd_user"),
        ("[store]\naddress = \"ftp://h:1\"", "store.address"),
        ("[store]\naddress = \"etcds://h\"", "store.address"),
        ("[store]\naddress = \"etcds://h:1\"\netcd_user = \"u\"", "store.etcd_user"),
        ("[store]\naddress = \"etcds://h:1\"\netcd_key = { file = \"/k\" }", "store.etcd_key"),
        ("[store]\naddress = \"etcds://h:1\"\netcd_plain = true", "store.etcd_plain"),
        ("[telemetry]\notlp_endpoint = \"collector\"", "telemetry.otlp_endpoint"),
        ("[coordinator]\naddress = \"h1:7878\"", "coordinator.address"),
    ] {
        let told = faults(text);
        assert!(told.len() == 1 && told[0].contains(&format!(": {key}: ")), "{text}: {told:?}");
    }
}

#[test]
fn etcd_is_spoken_to_by_tls_or_plainly_on_loopback_by_decision() {
    let faults = |address: &str, more: &str| faults(&format!("[store]\naddress = \"{address}\"\n{more}"));
    let secured = [
        "etcd_user = \"u\"\netcd_password = { file = \"/p\" }\n",
        "etcd_ca_file = \"/ca\"\n",
        "etcd_certificate_file = \"/c\"\netcd_key = { file = \"/k\" }\n",
    ];
    assert_eq!(faults("etcds://a:1,b:1/lb", &secured.concat()), [""; 0]);
    let (plain, local) = ("etcd_plain = true\n", "etcd://127.0.0.1:1,[::1]:2");
    assert_eq!(faults(local, plain), [""; 0]);
    let told = faults(local, "");
    assert!(told.len() == 1 && told[0].contains("set etcd_plain = true"), "{told:?}");
    for beyond in ["h:1", "127.0.0.1:1,h:1", "127.evil.example:1", "localhost.example:1", "[2001:db8::1]:1"] {
        let told = faults(&format!("etcd://{beyond}"), plain);
        assert!(told.len() == 1 && told[0].contains("store.address: beyond loopback"), "{beyond}: {told:?}");
    }
    for secret in secured {
        let told = faults(local, &format!("{plain}{secret}"));
        assert!(
            !told.is_empty() && told.iter().all(|one| one.contains("means nothing without TLS")),
            "{told:?}"
        );
    }
}

#[test]
fn a_secret_is_a_file_or_a_credential_and_nothing_else() {
    for value in [
        "3",
        "{}",
        "{ file = \"k\" }",
        "{ credential = \"../k\" }",
        "{ file = \"/k\", credential = \"k\" }",
        "{ env = \"K\" }",
    ] {
        let told = faults(&format!("[tokens]\nbootstrap = {value}"));
        assert!(told.len() == 1 && told[0].starts_with("2:13: tokens.bootstrap: "), "{value}: {told:?}");
    }
}

#[test]
fn units_reach_the_service_as_they_were_meant() {
    let config =
        Config::read("[limits]\nbody_mib = 2\nhead_s = 3\ncomputations = 7\nstreams = 5").expect("sound");
    let settings = config.service_settings();
    assert_eq!(
        (settings.most_packed, settings.head_time, settings.workers),
        (2 << 20, Duration::from_secs(3), 7)
    );
    assert_eq!(config.guard_settings().streams, 5);
}

#[test]
fn a_channel_for_alerts_is_read_and_its_faults_have_a_place() {
    let sound = "[[alerts.channel]]\nname = \"log\"\nkind = \"syslog\"\n";
    let config = Config::read(sound).expect("sound");
    assert_eq!(config.alerts.channels.len(), 1);
    for (wrong, place) in [
        (format!("{sound}\n{sound}"), "alerts.channel.name: \"log\": two channels"),
        (sound.replace("syslog", "pigeon"), "alerts.channel: unknown variant"),
        (sound.replace("log\"\nkind", "a b\"\nkind"), "alerts.channel.name: \"a b\": must be"),
        (format!("{sound}colour = 3\n"), "alerts.channel: unknown field"),
    ] {
        let told = faults(&wrong);
        assert!(told.len() == 1 && told[0].contains(place), "{told:?}");
        assert!(told[0].starts_with(|first: char| first.is_ascii_digit()), "{told:?}");
    }
}
