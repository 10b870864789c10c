//! The hook as libvirt runs it: a process with words and XML, whose exit status decides.
use serde_json::{Value, json};
use std::fmt::Display;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

const XML: &str =
    "<domain type='kvm'><name>web/1</name><memory unit='KiB'>2097152</memory><vcpu>2</vcpu></domain>";

/// A service that answers as it is told: path ends by which answers are chosen, status, body.
type Answers = Vec<(&'static str, u16, Value)>;

/// What the service was asked: method, path and body.
type Asked = Receiver<(String, Value)>;

fn service(answers: Answers) -> (SocketAddr, Asked) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let (tell, asked) = channel();
    thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            let mut reader = BufReader::new(connection);
            while let Some((asked, body)) = request(&mut reader) {
                let path = asked.split(' ').nth(1).unwrap_or_default();
                let answer = answers.iter().find(|(end, ..)| path.ends_with(end));
                let (status, answer) = answer
                    .map_or((404, json!({"code": "no-such-vm"})), |(_, status, answer)| {
                        (*status, answer.clone())
                    });
                let answer = answer.to_string();
                let head = format!("HTTP/1.1 {status} x\r\ncontent-length: {}\r\n\r\n", answer.len());
                // Whoever is tested may have gone.
                let _ = tell.send((asked, body));
                let _ = reader.get_mut().write_all((head + &answer).as_bytes());
            }
        }
    });
    (address, asked)
}

fn request(reader: &mut BufReader<TcpStream>) -> Option<(String, Value)> {
    let mut first = String::new();
    reader.read_line(&mut first).ok().filter(|bytes| *bytes > 0)?;
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let line = line.trim().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(text) = line.strip_prefix("content-length:") {
            length = text.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((first.trim().to_owned(), serde_json::from_slice(&body).unwrap_or_default()))
}

/// Runs the hook; whether it lets pass, and what it says.
fn hook(service: impl Display, more: &str, words: &[&str]) -> (bool, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("hook.conf");
    // Far more time than libvirt would give: the machine that runs the tests may be busy.
    let text = format!("[hook]\npool = \"prod\"\nhost = \"h1\"\nservice = \"http://{service}\"\n{more}\n");
    let text = if more.contains("time_limit_ms") { text } else { text + "time_limit_ms = 10000\n" };
    fs::write(&config, text).expect("written");
    let mut child = Command::new(env!("CARGO_BIN_EXE_lifeboat"))
        .arg("libvirt-hook")
        .arg("--config")
        .arg(&config)
        .args(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it runs");
    // A hook that reads nothing may have ended.
    let _ = child.stdin.take().expect("a pipe").write_all(XML.as_bytes());
    let output = child.wait_with_output().expect("it ends");
    (output.status.success(), String::from_utf8(output.stderr).expect("text"))
}

const STARTS: [&str; 4] = ["web/1", "prepare", "begin", "-"];

fn refusal() -> Answers {
    vec![
        ("/vms/web%2F1", 200, json!({"id": "web/1", "memory_mib": 2048, "power_state": "halted"})),
        (
            "/check",
            200,
            json!({"allowed": false, "reason": "tolerance would be 0 instead of 1", "verdict": "breaks-target"}),
        ),
    ]
}

#[test]
fn a_start_that_does_harm_is_denied_or_warned_of_as_configured() {
    let (address, asked) = service(refusal());
    let (passes, said) = hook(address, "policy = \"deny\"", &STARTS);
    assert!(!passes && said == "lifeboat: tolerance would be 0 instead of 1\n", "{said}");
    assert!(asked.recv().expect("a call").0.starts_with("GET /v1/pools/prod/vms/web%2F1 "));
    let (check, change) = asked.recv().expect("a call");
    assert!(check.starts_with("POST /v1/pools/prod/check "), "{check}");
    assert_eq!(change, json!({"start": {"vm": "web/1", "host": "h1"}}));

    let (passes, said) = hook(address, "policy = \"warn\"", &STARTS);
    assert!(passes && said == "lifeboat: tolerance would be 0 instead of 1\n", "{said}");
}

#[test]
fn a_vm_that_runs_is_told_and_one_that_the_pool_lacks_is_added() {
    let (address, asked) = service(vec![("/events", 200, json!({}))]);
    assert_eq!(hook(address, "", &["web/1", "started", "begin", "-"]), (true, String::new()));
    let (_, (path, told)) = (asked.recv().expect("a call"), asked.recv().expect("a call"));
    assert!(path.starts_with("POST /v1/pools/prod/events "), "{path}");
    assert_eq!(told[0]["vm"], json!({"id": "web/1", "memory_mib": 2048, "overhead_mib": 0}));
    assert_eq!(told[1], json!({"kind": "vm-started", "vm": "web/1", "host": "h1"}));
}

#[test]
fn where_nobody_answers_it_fails_open_or_closed_as_configured() {
    // It listens, and answers nobody.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = silent.local_addr().expect("it is bound");
    let open = "policy = \"deny\"\ntime_limit_ms = 100";
    let (passes, said) = hook(address, open, &STARTS);
    assert!(passes && said.contains("gives no answer"), "{said}");
    let closed = format!("{open}\nif_unreachable = \"deny\"");
    let (passes, said) = hook(address, &closed, &STARTS);
    assert!(!passes && said.contains("gives no answer"), "{said}");
    assert!(
        hook(address, &closed, &["web/1", "started", "begin", "-"]).0,
        "what has happened is never denied"
    );
}

#[test]
fn who_may_not_ask_gets_no_answer_to_go_by() {
    let refused = json!({"code": "unauthenticated", "detail": "this takes a valid token"});
    let (address, _asked) = service(vec![("", 401, refused)]);
    let (passes, said) = hook(address, "if_unreachable = \"deny\"", &STARTS);
    assert!(!passes && said.contains("does not let this host ask: this takes a valid token"), "{said}");
}

#[test]
fn a_mistake_in_its_own_file_keeps_no_vm_from_starting() {
    let (address, _asked) = service(refusal());
    let (passes, said) = hook(address, "policy = \"deny\"\npolcy = 3", &STARTS);
    assert!(passes && said.contains("hook.polcy: unknown key; did you mean \"policy\"?"), "{said}");
}

/// A service that sends everybody on to that one.
fn follower(leader: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            let mut reader = BufReader::new(connection);
            while let Some((asked, _)) = request(&mut reader) {
                let path = asked.split(' ').nth(1).unwrap_or_default();
                let head =
                    format!("HTTP/1.1 307 x\r\nlocation: http://{leader}{path}\r\ncontent-length: 0\r\n\r\n");
                let _ = reader.get_mut().write_all(head.as_bytes());
            }
        }
    });
    address
}

#[test]
fn where_another_leads_it_is_asked_instead() {
    let (leader, asked) = service(refusal());
    let (passes, said) = hook(follower(leader), "policy = \"deny\"", &STARTS);
    assert!(!passes && said == "lifeboat: tolerance would be 0 instead of 1\n", "{said}");
    assert_eq!(asked.iter().take(2).count(), 2);
}

#[test]
fn a_token_goes_to_the_servers_of_the_file_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let token = folder.path().join("token");
    fs::write(&token, "lb_secret\n").expect("written");
    fs::set_permissions(&token, fs::Permissions::from_mode(0o600)).expect("permissions");
    let (leader, asked) = service(refusal());
    let address = follower(leader);
    let more = format!("policy = \"deny\"\ntoken = {{ file = {token:?} }}");
    let (passes, said) = hook(address, &more, &STARTS);
    assert!(passes && said.contains("which gets no token"), "{said}");
    assert!(asked.try_recv().is_err(), "nobody asked the server that the file does not name");

    let named = format!("{address},http://{leader}");
    let (passes, said) = hook(named, &more, &STARTS);
    assert!(!passes && said == "lifeboat: tolerance would be 0 instead of 1\n", "{said}");
}

#[test]
fn a_vm_may_be_called_like_an_option() {
    for name in ["--help", "-x", "--example"] {
        let (address, asked) = service(vec![(
            "/check",
            200,
            json!({"allowed": false, "reason": "tolerance would be 0 instead of 1"}),
        )]);
        let (passes, said) = hook(address, "policy = \"deny\"", &["--", name, "prepare", "begin", "-"]);
        assert!(!passes && said == "lifeboat: tolerance would be 0 instead of 1\n", "{name}: {said}");
        assert_eq!(asked.iter().take(2).count(), 2, "{name}");
    }
    let nobody = SocketAddr::from(([127, 0, 0, 1], 1));
    let (passes, said) = hook(nobody, "", &["-x", "prepare", "begin", "-"]);
    assert!(passes && said.contains("gives no answer"), "without -- too: {said}");
}

/// Runs the script that libvirt runs, with that program in place of the installed one.
fn script(program: &str, words: &[&str]) -> (bool, String) {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../contrib/libvirt/qemu");
    let text = fs::read_to_string(path).expect("the script").replace("/usr/bin/lifeboat", program);
    let output = Command::new("sh")
        .args(["-c", &text, "qemu"])
        .args(words)
        .stdin(Stdio::null())
        .output()
        .expect("a shell");
    let told = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(told).expect("text"))
}

#[test]
fn the_script_hands_every_name_on_and_passes_where_the_program_is_missing() {
    for name in ["--help", "-x"] {
        let (passes, said) = script("/bin/echo", &[name, "start", "begin", "-"]);
        assert!(passes && said == format!("libvirt-hook -- {name} start begin -\n"), "{said}");
        let (passes, said) = script(env!("CARGO_BIN_EXE_lifeboat"), &[name, "start", "begin", "-"]);
        assert!(passes && said.is_empty(), "nothing to ask, and no help: {said}");
        assert!(script("/nowhere/lifeboat", &[name, "prepare", "begin", "-"]).0);
    }
}

#[test]
fn where_there_is_nothing_to_ask_nothing_is_read() {
    let nobody = SocketAddr::from(([127, 0, 0, 1], 1));
    for words in [["web/1", "start", "begin", "-"], ["web/1", "release", "end", "-"]] {
        assert_eq!(
            hook(nobody, "policy = \"deny\"\nif_unreachable = \"deny\"", &words),
            (true, String::new())
        );
    }
}
