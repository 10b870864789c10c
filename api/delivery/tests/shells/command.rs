//! Commands against real processes, some of which do not want to end.
use crate::support::{Folder, alert, eventually, opened};
use lifeboat_delivery::{Again, Message, Severity};
use std::path::Path;

fn message() -> Message {
    Message::Alert { alert: alert("3-1") }
}

fn script(folder: &Folder, text: &str) -> String {
    let path = folder.file("hook", &format!("#!/bin/sh\n{text}\n"), 0o755);
    format!("kind = 'command'\nname = 'standby'\nrun = [{path:?}, '--pool', 'a b; $(x)']\n")
}

fn alive(pid: &str) -> bool {
    // A zombie is dead; only its parent has not noticed.
    let status =
        std::fs::read_to_string(Path::new("/proc").join(pid.trim()).join("status")).unwrap_or_default();
    status.lines().any(|line| line.starts_with("State:") && !line.contains('Z'))
}

#[test]
fn a_command_gets_the_alert_on_standard_input_and_in_variables_and_nothing_else() {
    let folder = Folder::new();
    let (input, variables, arguments) = (folder.path("in"), folder.path("env"), folder.path("args"));
    let text = format!(
        "cat > {input:?}\nenv > {variables:?}\nprintf '%s|' \"$@\" > {arguments:?}\necho started host h65"
    );
    let receipt = opened(&script(&folder, &text)).deliver(&message()).expect("delivered");
    assert!(
        receipt.0.starts_with("exit status 0 after") && receipt.0.ends_with("started host h65"),
        "{receipt:?}"
    );
    let read = |path: &String| std::fs::read_to_string(path).expect("written");
    let body: serde_json::Value = serde_json::from_str(&read(&input)).expect("JSON");
    assert_eq!(body["alert"]["id"], "3-1");
    assert_eq!(read(&arguments), "--pool|a b; $(x)|");
    let variables = read(&variables);
    for line in [
        "LIFEBOAT_TYPE=alert",
        "LIFEBOAT_ALERT=3-1",
        "LIFEBOAT_KIND=host-failed",
        "LIFEBOAT_POOL=prod-a",
        "LIFEBOAT_SEVERITY=major",
        "LIFEBOAT_SUBJECT_KIND=host",
        "LIFEBOAT_SUBJECT=h03",
        "LIFEBOAT_RECOVERED=0",
        "LIFEBOAT_CHANNEL=standby",
    ] {
        assert!(variables.lines().any(|have| have == line), "{line} is missing:\n{variables}");
    }
    let own = ["LIFEBOAT_", "PATH=", "PWD=", "SHLVL=", "_=", "OLDPWD="];
    let others: Vec<&str> =
        variables.lines().filter(|line| !own.iter().any(|own| line.starts_with(own))).collect();
    assert!(others.is_empty(), "the service's own environment leaks: {others:?}");
}

#[test]
fn the_exit_status_says_whether_to_try_again() {
    for (status, again) in
        [("exit 1", Again::Later), ("exit 100", Again::Never), ("kill -SEGV $$", Again::Later)]
    {
        let folder = Folder::new();
        let toml = script(&folder, &format!("echo no room >&2\n{status}"));
        let failure = opened(&toml).deliver(&message()).expect_err("it fails");
        assert_eq!(failure.again, again, "{status}: {failure}");
        assert!(failure.reason.contains("no room"), "{failure}");
    }
}

#[test]
fn a_command_that_hangs_is_ended_with_everything_that_it_started() {
    let folder = Folder::new();
    let (asked, child) = (folder.path("asked"), folder.path("child"));
    // It ignores being asked, and so does its child, which also keeps the pipes open.
    let text = format!(
        "trap 'echo yes > {asked:?}' TERM\n(trap '' TERM; sleep 1000; sleep 1000) &\necho $! > {child:?}\nwhile :; do wait; done"
    );
    let toml = script(&folder, &text) + "timeout_s = 2\ngrace_s = 5\n";
    let failure = opened(&toml).deliver(&message()).expect_err("it hangs");
    assert_eq!(failure.again, Again::Later);
    assert!(failure.reason.contains("ran longer than 2 s"), "{failure}");
    assert!(std::path::Path::new(&asked).exists(), "it was asked to end before it was killed");
    let pid = std::fs::read_to_string(&child).expect("written");
    eventually("the child is gone", || !alive(&pid));
}

#[test]
fn a_command_that_leaves_children_with_its_pipes_does_not_hold_the_service_up() {
    let folder = Folder::new();
    let child = folder.path("child");
    let toml = script(&folder, &format!("sleep 1000 &\necho $! > {child:?}\necho done"));
    let receipt = opened(&toml).deliver(&message()).expect("delivered, long before the time limit");
    assert!(receipt.0.ends_with("done"), "{receipt:?}");
    let pid = std::fs::read_to_string(&child).expect("written");
    eventually("what it left behind is gone", || !alive(&pid));
}

#[test]
fn a_child_that_fled_its_group_does_not_hold_the_service_up() {
    let folder = Folder::new();
    let child = folder.path("child");
    let toml = script(
        &folder,
        &format!(
            "setsid sh -c 'echo $$ > {child:?}; exec sleep 60' &\nwhile ! [ -s {child:?} ]; do :; done\necho done"
        ),
    );
    let receipt = opened(&toml).deliver(&message()).expect("delivered, long before the child ends");
    assert!(receipt.0.ends_with("done"), "{receipt:?}");
    let pid = std::fs::read_to_string(&child).expect("written");
    assert!(alive(&pid), "it is its own master");
    let killed = std::process::Command::new("kill").arg(pid.trim()).status().expect("kill runs");
    assert!(killed.success());
}

#[test]
fn a_flood_of_output_is_read_and_bounded_and_input_that_nobody_reads_does_no_harm() {
    let folder = Folder::new();
    let toml = script(&folder, "exec 0<&-\nhead -c 3000000 /dev/zero | tr '\\0' 'x'\necho end >&2");
    let mut large = alert("1");
    large.severity = Severity::Critical;
    large.detail = "y".repeat(200_000);
    let receipt = opened(&toml).deliver(&Message::Alert { alert: large }).expect("delivered");
    assert!(receipt.0.len() < 1000, "{} bytes of receipt", receipt.0.len());
}

#[test]
fn a_program_that_is_not_there_is_named() {
    let folder = Folder::new();
    let toml = script(&folder, "exit 0");
    let channel = opened(&toml);
    std::fs::remove_file(folder.path("hook")).expect("removed");
    let failure = channel.test().expect_err("it is gone");
    assert!(failure.reason.contains("hook") && failure.reason.contains("No such file"), "{failure}");
}
