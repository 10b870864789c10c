//! What may stand in the configuration file, and what is said about what may not.
use crate::support::{Folder, settings};
use lifeboat_delivery::settings::check;

/// Settings, a word each that the fault about them must have.
const WRONG: [(&str, &str); 24] = [
    ("kind = 'mail'\nname = 'a b'\nserver = 's'\nfrom = 'a@b.c'\nto = ['d@e.f']", "letters"),
    ("kind = 'mail'\nname = 'a'\nserver = ''\nfrom = 'a@b.c'\nto = ['d@e.f']", "server"),
    ("kind = 'mail'\nname = 'a'\nserver = 's'\nfrom = 'nobody'\nto = ['d@e.f']", "is no address"),
    ("kind = 'mail'\nname = 'a'\nserver = 's'\nfrom = 'a@b.c'\nto = []", "1 to 50"),
    ("kind = 'mail'\nname = 'a'\nserver = 's'\nfrom = 'a@b.c'\nto = ['d@e.f', 'x <d@e.f>']", "twice"),
    (
        "kind = 'mail'\nname = 'a'\nserver = 's'\nfrom = 'a@b.c'\nto = ['d@e.f']\nusername = 'u'",
        "needs password",
    ),
    (
        "kind = 'mail'\nname = 'a'\nserver = 's'\nfrom = 'a@b.c'\nto = ['d@e.f']\npassword = { file = '/x' }",
        "username",
    ),
    (
        "kind = 'mail'\nname = 'a'\nserver = 's'\nfrom = 'a@b.c'\nto = ['d@e.f']\nusername = 'u'\npassword = { file = '/x' }\ntls = 'none'",
        "in the clear",
    ),
    (
        "kind = 'mail'\nname = 'a'\nserver = 's'\nfrom = 'a@b.c'\nto = ['d@e.f']\nca_file = 'x.pem'",
        "absolute",
    ),
    ("kind = 'mail'\nname = 'a'\nserver = 's'\nfrom = 'a@b.c'\nto = ['d@e.f']\ntimeout_s = 0", "1 to 120"),
    (
        "kind = 'mail'\nname = 'a'\nserver = 's'\nfrom = 'a@b.c'\nto = ['d@e.f']\ndigest = { window_s = 0 }",
        "digest.window_s",
    ),
    ("kind = 'webhook'\nname = 'a'", "one of url"),
    ("kind = 'webhook'\nname = 'a'\nurl = 'http://example.com/'", "allow_plain"),
    ("kind = 'webhook'\nname = 'a'\nurl = 'ftp://example.com/'", "https://"),
    ("kind = 'webhook'\nname = 'a'\nurl = 'https://u:p@example.com/'", "use authorization"),
    (
        "kind = 'webhook'\nname = 'a'\nurl = 'https://example.com/'\nsecrets = [{ credential = '../x' }]",
        "systemd credential",
    ),
    (
        "kind = 'webhook'\nname = 'a'\nurl = 'https://example.com/'\nonly = { kinds = ['*-failed'] }",
        "at the end only",
    ),
    (
        "kind = 'webhook'\nname = 'a'\nurl = 'https://example.com/'\nretry = { first_s = 60, longest_s = 30 }",
        "retry.longest_s",
    ),
    ("kind = 'command'\nname = 'a'\nrun = []", "must name a program"),
    ("kind = 'command'\nname = 'a'\nrun = ['hook.sh']", "absolute"),
    ("kind = 'command'\nname = 'a'\nrun = ['/bin/true']\ngrace_s = 61", "0 to 60"),
    ("kind = 'syslog'\nname = 'a'\nto = 'udp://example.com'", "host:port"),
    ("kind = 'syslog'\nname = 'a'\nfacility = 'local8'", "local7"),
    ("kind = 'syslog'\nname = 'a'\nhostname = 'a b'", "printable"),
];

#[test]
fn each_fault_is_found_alone_and_says_what_would_be_right() {
    for (toml, word) in WRONG {
        let faults = settings(toml).check();
        assert_eq!(faults.len(), 1, "{toml}\n{faults:?}");
        assert!(faults[0].to_string().contains(word), "{toml}\n{}", faults[0]);
    }
}

#[test]
fn all_faults_are_found_at_once() {
    let toml = "kind = 'mail'\nname = ''\nserver = ''\nfrom = 'x'\nto = []\ntimeout_s = 999\nretry = { attempts = 0, queue = 0 }";
    assert_eq!(settings(toml).check().len(), 7, "{:?}", settings(toml).check());
}

#[test]
fn unknown_keys_and_secrets_in_the_file_are_refused() {
    let mail = "kind = 'mail'\nname = 'a'\nserver = 's'\nfrom = 'a@b.c'\nto = []";
    let webhook = "kind = 'webhook'\nname = 'a'";
    let refused = [
        (mail, "password = 'sesame'", "{ file = \"/path\" } or { credential = \"name\" }"),
        (mail, "password = { text = 'sesame' }", "must be { file"),
        (mail, "password = { file = '/x', credential = 'sesame' }", "must have one key"),
        (mail, "passwort = 'sesame'", "unknown field `passwort`"),
        (webhook, "secrets = ['sesame']", "never stands in this file"),
    ];
    for (of, key, words) in refused {
        let refused = toml::from_str::<lifeboat_delivery::ChannelSettings>(&format!("{of}\n{key}"));
        let error = refused.expect_err("it is refused").message().to_owned();
        assert!(error.contains(words) && !error.contains("sesame"), "{error}");
    }
    let nested = "kind = 'syslog'\nname = 'a'\nonly = { severty = 'major' }";
    let error = toml::from_str::<lifeboat_delivery::ChannelSettings>(nested).expect_err("no such key");
    assert!(error.to_string().contains("severty"), "{error}");
}

#[test]
fn two_channels_of_one_name_are_a_fault() {
    let one = settings("kind = 'syslog'\nname = 'a'");
    assert_eq!(
        check(&[one.clone(), one])[0].to_string(),
        r#"alerts.channel "a": name: two channels have this name"#
    );
}

#[test]
fn what_is_written_reads_back_the_same() {
    let toml = "kind = 'mail'\nname = 'a'\nserver = 's'\nfrom = 'a@b.c'\nto = ['d@e.f']\nonly = { severity = 'major', recoveries = false }\nusername = 'u'\npassword = { credential = 'smtp' }\ndigest = { after = 3 }";
    let one = settings(toml);
    let text = toml::to_string(&one).expect("TOML");
    assert_eq!(settings(&text), one, "{text}");
    assert_eq!(one.limits().storm.expect("mail gathers").after, 3);
    let command = settings("kind = 'command'\nname = 'a'\nrun = ['/x']\nretry = { first_s = 5 }").limits();
    assert_eq!((command.retry.attempts, command.storm), (3, None), "what is not set is as for its kind");
}

#[test]
fn files_are_looked_at_when_a_channel_is_opened_and_faults_name_them() {
    let folder = Folder::new();
    let open = folder.file("open", "sesame", 0o644);
    let junk = folder.file("junk", "no certificate", 0o644);
    let hook = folder.file("hook", "", 0o644);
    let mail = "kind = 'mail'\nname = 'a'\nserver = 's'\nfrom = 'a@b.c'\nto = ['d@e.f']";
    let cases = [
        (format!("{mail}\nusername = 'u'\npassword = {{ file = {open:?} }}"), "chmod g-w,o="),
        (format!("{mail}\nusername = 'u'\npassword = {{ file = '/nowhere' }}"), "/nowhere: No such file"),
        (format!("{mail}\nusername = 'u'\npassword = {{ credential = 'smtp' }}"), "$CREDENTIALS_DIRECTORY"),
        (format!("{mail}\nca_file = {junk:?}"), "holds no certificate"),
        (
            format!("kind = 'webhook'\nname = 'a'\nurl = 'https://e.com/'\nca_file = {junk:?}"),
            "holds no certificate",
        ),
        (
            format!(
                "kind = 'webhook'\nname = 'a'\nsecret_url = {{ file = {:?} }}",
                folder.file("url", "nonsense", 0o600)
            ),
            "https://",
        ),
        (format!("kind = 'command'\nname = 'a'\nrun = [{hook:?}]"), "chmod +x"),
        ("kind = 'command'\nname = 'a'\nrun = ['/nowhere']".to_owned(), "No such file"),
    ];
    for (toml, words) in cases {
        let Err(faults) = settings(&toml).open(None) else { panic!("opened: {toml}") };
        assert_eq!(faults.len(), 1, "{toml}\n{faults:?}");
        assert!(faults[0].message.contains(words), "{toml}\n{}", faults[0]);
    }
}
