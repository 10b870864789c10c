//! Watching: what is shown is shown again when something happens, and ctrl-C ends it in order.
use super::Stub;
use super::stub::LIMIT;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;

/// The program, running, with its lines as they come.
struct Running {
    child: Child,
    lines: Receiver<String>,
}

impl Running {
    fn start(stub: &Stub, command: &str) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_lifeboat"))
            .args(command.split_whitespace())
            .args(["--pool", "p", "--server", &stub.url()])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program runs");
        let out = BufReader::new(child.stdout.take().expect("it is piped"));
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || out.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Self { child, lines }
    }

    fn line(&self) -> String {
        self.lines.recv_timeout(LIMIT).expect("a line")
    }

    /// Presses ctrl-C, and gives the exit status.
    fn interrupt(mut self) -> Option<i32> {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &id]).status().expect("kill runs").success());
        self.child.wait().expect("it ends").code()
    }
}

fn hosts(state: &str) -> Value {
    json!({"items": [{"id": "h1", "memory_mib": 1024, "state": state}], "next": null})
}

#[test]
fn what_is_watched_is_shown_again_when_it_has_changed_and_ctrl_c_ends_it() {
    let stub = Stub::start()
        .answers("GET /v1/pools/p/hosts", 200, hosts("live"))
        .answers("GET /v1/pools/p/hosts", 200, hosts("live"))
        .answers("GET /v1/pools/p/hosts", 200, hosts("dead"))
        .keeps_sending("GET /v1/pools/p/events", ": hello\n\n");
    let running = Running::start(&stub, "host list --watch --json");
    assert!(running.line().contains("\"live\""));
    // Connected: it has looked again, and seen the same.
    stub.wait(|asked| asked.iter().filter(|asked| asked.what.contains("/hosts")).count() == 2);
    stub.tell("id: 5\nevent: host-down\ndata: {\"id\": 5}\n\n");
    assert!(running.line().contains("\"dead\""), "what has not changed was not shown again");
    assert_eq!(running.interrupt(), Some(0));
}

#[test]
fn events_are_followed_from_where_the_list_ends_and_taken_up_again_where_they_broke_off() {
    let event = |id: u64| json!({"id": id, "at": "2026-11-22T04:05:06.7Z", "kind": "vm-started", "by": "me", "vm": "db1"});
    let page = json!({"items": [event(1), event(2)], "next": null});
    let sent = |id: u64| format!("id: {id}\nevent: vm-started\ndata: {}\n\n", event(id));
    let stub = Stub::start()
        .answers("GET /v1/pools/p/events", 200, page)
        .sends("GET /v1/pools/p/events", &sent(3))
        .keeps_sending("GET /v1/pools/p/events", &sent(4));
    let running = Running::start(&stub, "event list --last 1 --watch");
    let lines: Vec<String> = (0..3).map(|_| running.line()).collect();
    assert_eq!(lines[0].trim(), "2  2026-11-22 04:05:06Z  vm-started         vm db1  by me");
    assert!(lines[1].trim().starts_with("3 ") && lines[2].trim().starts_with("4 "), "{lines:?}");
    let resumed: Vec<Option<String>> =
        stub.asked().iter().map(|asked| asked.headers.get("last-event-id").cloned()).collect();
    assert_eq!(resumed, [None, Some("2".to_owned()), Some("3".to_owned())]);
    assert_eq!(running.interrupt(), Some(0));
}

#[test]
fn a_task_is_followed_to_its_end() {
    let task = |state: &str| json!({"id": 7, "kind": "evacuate", "host": "h1", "state": state, "steps": []});
    let stub = Stub::start()
        .answers("GET /v1/pools/p/tasks/7", 200, task("running"))
        .answers("GET /v1/pools/p/tasks/7", 200, task("running"))
        .answers("GET /v1/pools/p/tasks/7", 200, task("failed"))
        .keeps_sending("GET /v1/pools/p/events", "data: {}\n\n");
    let mut running = Running::start(&stub, "task show 7 --watch --json");
    assert!(running.line().contains("running"));
    stub.wait(|asked| asked.iter().filter(|asked| asked.what.contains("/tasks/7")).count() >= 2);
    stub.tell("id: 9\ndata: {}\n\n");
    assert!(running.line().contains("failed"));
    assert_eq!(running.child.wait().expect("it ends by itself").code(), Some(1), "it has failed");
}
