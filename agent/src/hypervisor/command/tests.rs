//! Programs that answer, hang, and say too much.
use super::*;

fn shell(script: &str, input: &[u8], within: Duration) -> Result<Said, Mute> {
    let command = ["sh", "-c", script].map(String::from);
    run(&Run { command: &command, input, within, given_up: &|| false })
}

#[test]
fn a_program_reads_its_input_and_is_heard() {
    let big = vec![b'x'; 1 << 20];
    let said = shell("wc -c; echo no >&2; exit 3", &big, Duration::from_secs(20)).expect("it ends");
    assert_eq!(said.output, b"1048576\n");
    assert_eq!(said.errors, "no");
    assert_eq!(said.status.code(), Some(3));
}

#[test]
fn a_program_whose_caller_is_gone_does_not_go_on() {
    use std::os::unix::process::ExitStatusExt;
    let caller = crate::thread::spawn("caller", || {
        let mut command = Command::new("sleep");
        command.arg("600");
        sys::dies_with_its_parent(&mut command);
        command.spawn().expect("sleep is there")
    });
    let mut child = caller.expect("a thread").join().expect("no panic");
    let mut status = None;
    crate::testing::wait("it is killed", || {
        status = child.try_wait().expect("it is ours");
        status.is_some()
    });
    assert_eq!(status.and_then(|status| status.signal()), Some(9));
}

#[test]
fn a_program_that_hangs_is_killed_with_its_children() {
    let folder = tempfile::tempdir().expect("a folder");
    let pid = folder.path().join("pid");
    let script = format!("sleep 600 & echo $! > {}; wait", pid.display());
    let began = clock::now();
    let said = shell(&script, b"", Duration::from_secs(3));
    assert!(matches!(said, Err(Mute::Late { .. })), "{said:?}");
    assert!(clock::now().since(began) < Duration::from_secs(20));
    let child: i32 = std::fs::read_to_string(pid).expect("it was written").trim().parse().expect("a number");
    let child = Pid::from_raw(child).expect("a pid");
    let end = clock::now() + Duration::from_secs(20);
    while crate::hypervisor::processes::alive(child) {
        assert!(clock::now() < end, "the child lives on");
        clock::wait(Duration::from_millis(5));
    }
}

#[test]
fn one_that_leaves_a_child_behind_with_its_output_open_has_ended_all_the_same() {
    let began = clock::now();
    let said = shell("sleep 30 & echo done", b"", Duration::from_secs(20)).expect("it ends");
    assert_eq!(said.output, b"done\n");
    assert!(clock::now().since(began) < Duration::from_secs(15));
}

#[test]
fn a_program_that_is_not_there_is_named() {
    let command = ["/nowhere/virsh".to_owned()];
    let said =
        run(&Run { command: &command, input: b"", within: Duration::from_secs(1), given_up: &|| false });
    assert!(said.expect_err("it cannot be run").to_string().contains("/nowhere/virsh"));
}

#[test]
fn a_program_is_given_up_when_nobody_wants_it_any_more() {
    let command = ["sleep", "600"].map(String::from);
    let said =
        run(&Run { command: &command, input: b"", within: Duration::from_mins(1), given_up: &|| true });
    assert!(matches!(said, Err(Mute::GivenUp(_))), "{said:?}");
}
