//! The demo as a program: begun, told something from another terminal, ended by ctrl-C, and nothing left behind.
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

const PROGRAM: &str = env!("CARGO_BIN_EXE_lifeboat");
/// Ample, on a busy machine.
const PATIENCE: Duration = Duration::from_mins(2);

/// A demo in a process of its own, whose temporary folder is the test's.
struct Demo {
    process: Child,
    lines: Receiver<String>,
    port: String,
}

impl Demo {
    fn begin(folder: &Path, arguments: &[&str]) -> Self {
        let small = ["demo", "--hosts", "12", "--vms", "120", "--speed", "20", "--port", "0"];
        let mut process = Command::new(PROGRAM)
            .args(small)
            .args(arguments)
            .env("TMPDIR", folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program runs");
        let (sender, lines) = channel();
        let out = BufReader::new(process.stdout.take().expect("it is piped"));
        std::thread::spawn(move || out.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        let mut demo = Self { process, lines, port: String::new() };
        let first = demo.line("the service answers at ");
        let port = first.rsplit(':').next().expect("an address has a port").to_owned();
        demo.port = port;
        demo
    }

    /// The next line that has this part.
    fn line(&self, part: &str) -> String {
        let mut before = Vec::new();
        loop {
            let line = self.lines.recv_timeout(PATIENCE);
            let line = line.unwrap_or_else(|_| panic!("{part:?} did not come after {before:#?}"));
            if line.contains(part) {
                return line;
            }
            before.push(line);
        }
    }

    fn is_told(&self, command: &str) -> (i32, String, String) {
        let words = command.split(' ');
        let told = Command::new(PROGRAM).args(["demo", "--port", &self.port]).args(words).output();
        let told = told.expect("the program runs");
        let text = |bytes| String::from_utf8(bytes).expect("text");
        (told.status.code().expect("it ends by itself"), text(told.stdout), text(told.stderr))
    }

    fn ends(mut self) -> i32 {
        self.process.wait().expect("it was begun").code().expect("it ends by itself")
    }
}

fn is_empty(folder: &Path) -> bool {
    std::fs::read_dir(folder).expect("the test's own").next().is_none()
}

#[test]
fn it_is_told_from_another_terminal_and_ends_in_order_when_interrupted() {
    let folder = tempfile::tempdir().expect("a folder");
    let demo = Demo::begin(folder.path(), &[]);
    assert!(is_empty(folder.path()), "the store has no name while the demo runs");
    let (status, answer, _) = demo.is_told("kill h03");
    assert!(status == 0 && answer.starts_with("kill h03: done at "), "{status} {answer}");
    demo.line("h03 has lost power");
    demo.line("all protected VMs run: ");
    let (status, _, trouble) = demo.is_told("kill h77");
    assert!(status == 1 && trouble.contains("they are h01 to h12"), "{status} {trouble}");
    let interrupted = Command::new("kill").args(["-INT", &demo.process.id().to_string()]).status();
    assert!(interrupted.expect("there is a kill").success());
    assert_eq!(demo.ends(), 0);
    assert!(is_empty(folder.path()));
}

#[test]
fn a_script_is_followed_to_its_end_and_the_last_view_drawn() {
    let folder = tempfile::tempdir().expect("a folder");
    let picture = folder.path().join("demo.svg");
    let script = "at 2s kill h05; at 40s quit";
    let path = picture.to_str().expect("an ordinary name");
    let demo = Demo::begin(folder.path(), &["--script", script, "--svg", path]);
    for part in ["kill h05", "h05 has lost power", "h05 is safe to replace", "all protected VMs run: "] {
        demo.line(part);
    }
    assert_eq!(demo.ends(), 0);
    let drawn = std::fs::read_to_string(&picture).expect("it is drawn");
    assert!(drawn.starts_with("<svg ") && drawn.contains("kill h05"));
}

#[test]
fn what_cannot_be_done_is_refused_with_the_next_step() {
    let refused = |arguments: &[&str]| {
        let run = Command::new(PROGRAM).arg("demo").args(arguments).stdin(Stdio::null()).output();
        let run = run.expect("the program runs");
        assert_eq!(run.status.code(), Some(1), "{arguments:?}");
        String::from_utf8(run.stderr).expect("text")
    };
    assert!(refused(&["--speed", "1000"]).contains("0.1 to 20"));
    assert!(refused(&["--script", "kill h07"]).contains("does not say when"));
    assert!(refused(&["--for", "ever"]).contains("say seconds"));
    assert!(refused(&["--port", "1", "status"]).contains("no demo answers at http://127.0.0.1:1"));
}
