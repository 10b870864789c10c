//! What docs/alerts.md tells to write and to run is right: its settings are without fault, its programs do what it says.
use crate::support::{Folder, Server, alert, opened};
use lifeboat_delivery::{Again, ChannelSettings, Message};
use serde::Deserialize;
use std::process::Command;

fn page() -> String {
    std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/alerts.md")).expect("the page")
}

fn blocks(language: &str) -> Vec<String> {
    let (page, fence) = (page(), format!("```{language}\n"));
    page.split(&fence).skip(1).filter_map(|rest| rest.split("```").next()).map(str::to_owned).collect()
}

#[derive(Deserialize)]
struct File {
    alerts: Alerts,
}

#[derive(Deserialize)]
struct Alerts {
    channel: Vec<ChannelSettings>,
}

#[test]
fn the_settings_of_the_page_are_without_fault() {
    let mut kinds = Vec::new();
    for block in blocks("toml") {
        let file: File = toml::from_str(&block).unwrap_or_else(|error| panic!("{error}\n{block}"));
        let faults = lifeboat_delivery::settings::check(&file.alerts.channel);
        assert!(faults.is_empty(), "{block}\n{faults:?}");
        kinds.extend(file.alerts.channel.iter().map(ChannelSettings::kind));
    }
    assert_eq!(kinds, ["mail", "webhook", "webhook", "command", "syslog"]);
}

#[test]
fn the_receiver_of_the_page_accepts_what_is_signed_and_nothing_else() {
    let folder = Folder::new();
    let (old, new) = (folder.file("old", "simsim\n", 0o600), folder.file("new", "sesame\n", 0o600));
    let server = Server::start(|_| Some("200 OK".to_owned()));
    let toml = format!(
        "kind = 'webhook'\nname = 'ops'\nurl = '{}'\nsecrets = [{{ file = {old:?} }}, {{ file = {new:?} }}]",
        server.url
    );
    opened(&toml).deliver(&Message::Alert { alert: alert("1") }).expect("delivered");
    let request = server.next();
    let body = folder.path("body");
    std::fs::write(&body, &request.body).expect("written");
    let program = format!(
        "{}\nimport sys\nheader, body = sys.argv[1], open(sys.argv[2], 'rb').read()\nolder = header.replace('t=', 't=1', 1)\nprint([is_from_lifeboat(header, body, b'sesame'), is_from_lifeboat(header, body, b'simsim'),\n  is_from_lifeboat(header, body + b' ', b'sesame'), is_from_lifeboat(header, body, b'other'),\n  is_from_lifeboat(older, body, b'sesame'), is_from_lifeboat('', body, b'sesame'), is_from_lifeboat('t=x,v1=', body, b'sesame')])",
        blocks("python")[0]
    );
    let receiver = folder.file("receiver.py", &program, 0o600);
    let ran = Command::new("python3")
        .arg(receiver)
        .arg(&request.headers["lifeboat-signature"])
        .arg(body)
        .output()
        .expect("python3 runs");
    let said = String::from_utf8_lossy(&ran.stdout);
    assert_eq!(
        said.trim(),
        "[True, True, False, False, False, False, False]",
        "{}",
        String::from_utf8_lossy(&ran.stderr)
    );
}

#[test]
fn the_hook_of_the_page_powers_on_the_first_host_that_is_off_and_does_nothing_in_a_test() {
    let folder = Folder::new();
    let log = folder.path("log");
    // Answers for three machines: the first is on, the second off, the third unknown.
    let ipmitool = folder.file(
        "ipmitool",
        &format!(
            "#!/bin/sh\necho \"$*\" >> {log}\ncase \"$4 ${{10}}\" in 'b1 status') echo Chassis Power is on;; 'b2 status') echo Chassis Power is off;; 'b2 on') ;; *) exit 1;; esac\n"
        ),
        0o755,
    );
    let hook = blocks("sh").into_iter().find(|block| block.starts_with("#!/bin/sh")).expect("the hook");
    let hook = folder.file("hook", &hook.replace("/usr/bin/ipmitool", &ipmitool), 0o755);
    let channel =
        |hosts: &str| opened(&format!("kind = 'command'\nname = 'standby'\nrun = ['{hook}', {hosts}]"));
    let calls = || std::fs::read_to_string(&log).unwrap_or_default().lines().count();

    channel("'b1', 'b2', 'b3'").test().expect("a test runs");
    assert_eq!(calls(), 0, "a test powers nothing on");
    let mut over = alert("1");
    over.recovered = true;
    channel("'b1', 'b2', 'b3'").deliver(&Message::Alert { alert: over }).expect("an end runs");
    assert_eq!(calls(), 0, "neither does an end");

    let receipt =
        channel("'b1', 'b2', 'b3'").deliver(&Message::Alert { alert: alert("1") }).expect("it runs");
    assert!(receipt.0.contains("b2 is powered on: prod-a: host h03 failed"), "{receipt:?}");
    assert_eq!(calls(), 3, "two looks, one switch; the third machine is left alone");

    for (hosts, again) in [("'b1'", Again::Never), ("'b1', 'b3'", Again::Later)] {
        let outcome = channel(hosts).deliver(&Message::Alert { alert: alert("1") });
        let failure = outcome.expect_err("none is known to be off");
        assert_eq!(failure.again, again, "{hosts}: {failure}");
        assert!(failure.reason.contains("no standby host is off"), "{failure}");
    }
}
