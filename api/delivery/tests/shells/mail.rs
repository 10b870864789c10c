//! Mail against a real SMTP server, with TLS and login: `tests/smtp_sink.py`, which needs aiosmtpd.
use crate::support::{Folder, PATIENCE, alert, nothing, opened, settings};
use lifeboat_delivery::{Again, Alert, Dispatcher, Message, Severity, Subject};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

struct Sink {
    process: Child,
    said: Receiver<Value>,
    port: u64,
    folder: Folder,
}

impl Sink {
    fn start(mode: &str) -> Self {
        let have = Command::new("python3").args(["-c", "import aiosmtpd"]).stderr(Stdio::null()).status();
        assert!(have.is_ok_and(|status| status.success()), "aiosmtpd is missing: pip install aiosmtpd");
        let folder = Folder::new();
        let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
        let certificate = folder.file("certificate.pem", &own.cert.pem(), 0o644);
        let key = folder.file("key.pem", &own.signing_key.serialize_pem(), 0o600);
        folder.file("password", "sesame\n", 0o600);
        folder.file("wrong", "simsim\n", 0o600);
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/smtp_sink.py");
        let mut process = Command::new("python3")
            .args(["-W", "ignore", script, mode])
            .args([certificate, key])
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 runs");
        let (tell, said) = channel();
        let output = process.stdout.take().expect("piped");
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                let _ = tell.send(serde_json::from_str(&line).expect("JSON"));
            }
        });
        let first: Value = said.recv_timeout(PATIENCE).expect("the server starts");
        Self { port: first["port"].as_u64().expect("a port"), process, said, folder }
    }

    /// Settings of a channel to it.
    fn channel(&self, password: &str, more: &str) -> String {
        let (password, ca) = (self.folder.path(password), self.folder.path("certificate.pem"));
        let more = if more.contains("to = ") {
            more.to_owned()
        } else {
            format!("to = ['ops@example.com']\n{more}")
        };
        format!(
            "kind = 'mail'\nname = 'night'\nserver = 'localhost'\nport = {}\nusername = 'lifeboat'\npassword = {{ file = {password:?} }}\nca_file = {ca:?}\nfrom = 'Lifeboat <lifeboat@example.com>'\ntimeout_s = 20\n{more}\n",
            self.port
        )
    }

    fn mail(&self) -> Value {
        self.said.recv_timeout(PATIENCE).expect("a mail comes")
    }

    fn has_nothing_more(&self) -> bool {
        self.said.try_recv().is_err()
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn message(alert: Alert) -> Message {
    Message::Alert { alert }
}

#[test]
fn a_mail_goes_out_by_starttls_and_login_and_says_what_where_since_when_and_what_to_do() {
    let sink = Sink::start("starttls");
    let more = "to = ['ops@example.com', 'Nachtdienst Süd <night@example.com>']\nlink = 'https://lifeboat.example/{pool}?alert={id}'";
    let channel = opened(&sink.channel("password", more));
    let receipt = channel.deliver(&message(alert("3 1"))).expect("delivered");
    assert_eq!(receipt.0, "250 2.0.0 kept");
    let mail = sink.mail();
    assert_eq!((&mail["login"], &mail["encrypted"]), (&Value::Bool(true), &Value::Bool(true)));
    assert_eq!(mail["to"], serde_json::json!(["ops@example.com", "night@example.com"]));
    let header = |name: &str| mail["headers"][name].as_str().unwrap_or_default().to_owned();
    assert_eq!(header("subject"), "[major] prod-a: host h03 failed (3 1)");
    assert_eq!(header("auto-submitted"), "auto-generated");
    assert_eq!(header("x-lifeboat-kind"), "host-failed");
    assert_eq!(header("message-id"), format!("<{}@example.com>", message(alert("3 1")).id()));
    assert!(header("to").contains("Nachtdienst Süd"), "{}", header("to"));
    assert!(header("date").ends_with("+0000"), "{}", header("date"));
    let text = mail["text"].as_str().expect("text");
    for part in [
        "host h03 failed (3 1)",
        "Where     pool prod-a, host h03",
        "Since     2026-11-22 03:14:07 UTC",
        "Severity  major (host-failed)",
        "It was last heard 12 s ago",
        "What to do next",
        "--pool prod-a",
        "https://lifeboat.example/prod-a?alert=3%201",
        "channel night",
    ] {
        assert!(text.contains(part), "{part} is missing:\n{text}");
    }
    assert!(mail["longest_line"].as_u64() <= Some(998), "{}", mail["longest_line"]);
}

#[test]
fn a_mail_goes_out_by_implicit_tls() {
    let sink = Sink::start("implicit");
    opened(&sink.channel("password", "tls = 'implicit'")).test().expect("delivered");
    let mail = sink.mail();
    assert_eq!((&mail["login"], &mail["encrypted"]), (&Value::Bool(true), &Value::Bool(true)));
    assert_eq!(
        mail["headers"]["subject"],
        "[test] Lifeboat test message for channel night: nothing has happened"
    );
}

#[test]
fn a_wrong_password_is_named_and_may_be_mended() {
    let sink = Sink::start("starttls");
    let failure = opened(&sink.channel("wrong", "")).test().expect_err("the password is wrong");
    assert_eq!(failure.again, Again::Later);
    assert!(
        failure.reason.contains("cannot log in as lifeboat") && failure.reason.contains("535"),
        "{failure}"
    );
    assert!(!failure.reason.contains("simsim"), "{failure}");
}

#[test]
fn a_server_that_nobody_vouches_for_gets_no_password() {
    let sink = Sink::start("starttls");
    let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let ca = sink.folder.file("other.pem", &other.cert.pem(), 0o644);
    let toml = sink.channel("password", "");
    let own = format!("ca_file = {:?}", sink.folder.path("certificate.pem"));
    let failure = opened(&toml.replace(&own, &format!("ca_file = {ca:?}"))).test().expect_err("not trusted");
    assert!(failure.reason.contains("certificate") && failure.reason.contains("set ca_file"), "{failure}");

    // The name in the certificate counts too.
    let failure = opened(&toml.replace("'localhost'", "'127.0.0.1'")).test().expect_err("another name");
    assert!(failure.reason.contains("certificate"), "{failure}");
    assert!(sink.has_nothing_more());
}

#[test]
fn a_server_without_tls_gets_nothing() {
    let sink = Sink::start("plain");
    let failure = opened(&sink.channel("password", "")).test().expect_err("it offers no TLS");
    assert!(failure.reason.contains("STARTTLS"), "{failure}");
    assert!(sink.has_nothing_more());
    // Unless that is what its operator wants.
    let port = sink.port;
    let toml = format!(
        "kind = 'mail'\nname = 'n'\nserver = 'localhost'\nport = {port}\ntls = 'none'\nfrom = 'a@example.com'\nto = ['b@example.com']"
    );
    opened(&toml).test().expect("delivered");
    assert_eq!(sink.mail()["encrypted"], false);
}

#[test]
fn a_server_that_is_not_there_is_named() {
    let sink = Sink::start("starttls");
    let toml = sink.channel("password", "").replace(&format!("port = {}", sink.port), "port = 1");
    let failure = opened(&toml).test().expect_err("nobody listens there");
    assert!(
        failure.reason.contains("localhost:1: cannot connect") && failure.reason.contains("refused"),
        "{failure}"
    );
}

#[test]
fn a_recipient_who_is_gone_does_not_keep_the_others_from_being_told() {
    let sink = Sink::start("starttls");
    let more = "to = ['gone@example.com', 'ops@example.com', 'busy@example.com']";
    let channel = opened(&sink.channel("password", more));
    let failure = channel.deliver(&message(alert("1"))).expect_err("one is busy");
    assert_eq!(failure.again, Again::Later);
    assert!(failure.reason.contains("busy@example.com") && failure.reason.contains("451"), "{failure}");
    assert_eq!(sink.mail()["to"], serde_json::json!(["ops@example.com"]));
    let receipt = channel.deliver(&message(alert("1"))).expect("delivered now");
    assert_eq!(
        sink.mail()["to"],
        serde_json::json!(["busy@example.com"]),
        "who has it gets it no second time"
    );
    assert!(receipt.0.contains("gone@example.com") && receipt.0.contains("550"), "{receipt:?}");

    let alone = opened(&sink.channel("password", "to = ['gone@example.com']"));
    let failure = alone.deliver(&message(alert("2"))).expect_err("nobody is left");
    assert_eq!(failure.again, Again::Never);
}

#[test]
fn a_recovery_joins_the_thread_of_what_it_ends() {
    let sink = Sink::start("starttls");
    let channel = opened(&sink.channel("password", ""));
    let mut fenced = alert("2");
    fenced.kind = "host-fenced".to_owned();
    let mut over = alert("1");
    (over.recovered, over.since) = (true, Some(over.at));
    over.at = "2026-11-22T03:44:07Z".parse().expect("a date");
    let mut other = alert("3");
    other.subject = Subject::Host("h04".to_owned());
    let mails: Vec<Value> = [alert("1"), fenced, over, other]
        .into_iter()
        .map(|alert| {
            channel.deliver(&message(alert)).expect("delivered");
            sink.mail()
        })
        .collect();
    let header =
        |mail: usize, name: &str| mails[mail]["headers"][name].as_str().unwrap_or_default().to_owned();
    let thread = header(0, "references");
    assert!(thread.starts_with("<thread-") && !thread.contains(' '), "{thread}");
    assert_eq!(header(1, "references"), thread, "what follows about the same host joins");
    assert_eq!(header(2, "references"), format!("{thread} {}", header(0, "message-id")));
    assert_eq!(header(2, "in-reply-to"), header(0, "message-id"));
    assert_ne!(header(3, "references"), thread, "another host has another thread");
    assert_eq!(header(2, "subject"), "[over] prod-a: host h03 failed (1)");
    let text = mails[2]["text"].as_str().expect("text");
    assert!(
        text.contains("Over      2026-11-22 03:44:07 UTC") && !text.contains("What to do next"),
        "{text}"
    );
}

#[test]
fn a_storm_comes_as_a_digest() {
    let sink = Sink::start("starttls");
    let toml = sink.channel("password", "digest = { after = 2, window_s = 3, lines = 3 }");
    let dispatcher =
        Dispatcher::start(&[settings(&toml)], None, 1, std::collections::BTreeMap::new(), &nothing())
            .unwrap_or_else(|faults| panic!("{faults:?}"));
    for number in 0..10 {
        let mut alert = alert(&number.to_string());
        if number == 7 {
            alert.severity = Severity::Critical;
            alert.kind = "vm-runs-twice".to_owned();
        }
        dispatcher.send(&alert);
    }
    let subjects = [sink.mail(), sink.mail()].map(|mail| mail["headers"]["subject"].clone());
    assert_eq!(subjects, ["[major] prod-a: host h03 failed (0)", "[major] prod-a: host h03 failed (1)"]);
    let digest = sink.mail();
    assert_eq!(
        digest["headers"]["subject"],
        "[digest, critical] prod-a: 8 alerts: 1 vm-runs-twice, 7 host-failed"
    );
    let text = digest["text"].as_str().expect("text");
    for part in
        ["     1  critical  vm-runs-twice", "     7  major     host-failed", "... and 5 more", "failed (7)"]
    {
        assert!(text.contains(part), "{part} is missing:\n{text}");
    }
    let left = dispatcher.stop(Duration::from_secs(20));
    assert!(left["night"].messages.is_empty(), "{left:?}");
    assert!(sink.has_nothing_more());
}

#[test]
fn nobody_writes_headers_through_an_alert() {
    let sink = Sink::start("starttls");
    let mut evil = alert("1");
    evil.summary = "x\r\nBcc: all@example.com\r\n\r\nHello".to_owned();
    evil.pool = "p\r\nX-Evil: 1".to_owned();
    evil.kind = "ü".repeat(300);
    evil.detail = ".\r\nQUIT\r\n..".to_owned();
    opened(&sink.channel("password", "")).deliver(&message(evil)).expect("delivered");
    let mail = sink.mail();
    assert_eq!(mail["to"], serde_json::json!(["ops@example.com"]));
    let headers = mail["headers"].as_object().expect("headers");
    assert!(!headers.contains_key("bcc") && !headers.contains_key("x-evil"), "{headers:?}");
    let text = mail["text"].as_str().expect("text").replace('\r', "");
    assert!(text.contains("\n.\nQUIT\n..\n"), "{text}");
}
