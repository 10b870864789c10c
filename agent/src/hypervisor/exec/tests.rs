//! A program of the operator's: a small one in shell that keeps VMs as files.
use super::*;
use crate::config::hypervisor::Hypervisor as Section;
use std::fs;
use std::path::PathBuf;

const PROGRAM: &str = r#"#!/bin/sh
cd "$(dirname "$0")" || exit 2
verb=$1; vm=$2
case $verb in
  list) printf '{"vms":['; s=''
        for f in *.vm; do [ -e "$f" ] && printf '%s{"vm":"%s","state":"%s"}' "$s" "${f%.vm}" "$(cat "$f")" && s=','; done
        echo ']}' ;;
  start) [ "$vm" = big ] && { echo "no room for it" >&2; exit 1; }
         [ "$vm" = slow ] && sleep 600
         cat > "$vm.definition"; printf running > "$vm.vm" ;;
  stop) printf stopped > "$vm.vm" ;;
  facts) printf '{"vm":"%s","definition":"%s","memory_mib":5}' "$vm" "$(cat "$vm.definition")" ;;
  migrate) echo "$vm $3" > moved; rm "$vm.vm" ;;
  kill-all) [ -e stubborn ] || rm -f *.vm ;;
  pulse) echo '{"activity":3,"heartbeat":9}' ;;
  address) echo '{"address":"10.0.0.9"}' ;;
  ping) [ -e well ] ;;
  *) exit 64 ;;
esac
"#;

fn program() -> (tempfile::TempDir, Exec, Permit) {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("a folder");
    let path: PathBuf = folder.path().join("vms");
    fs::write(&path, PROGRAM).expect("it can be written");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("it can be made a program");
    let second = Duration::from_secs(1);
    let limits = Limits { answer: second * 20, start: second * 3, migrate: second * 20 };
    let site = Arc::new(Site::new(&Section::default()));
    // Not by its own name: while another test forks, a file that was just written cannot be run.
    let exec = Exec::new(vec!["sh".into(), path.to_string_lossy().into_owned()], Vec::new(), limits, site);
    let permit = Permit::default();
    permit.set_leased(true);
    (folder, exec, permit)
}

fn guest(vm: &str, state: GuestState) -> Guest {
    Guest { vm: vm.into(), state }
}

#[test]
fn its_verbs_do_what_they_say() {
    let (folder, exec, permit) = program();
    assert_eq!(exec.guests(), Ok(vec![]));
    exec.start("a", "made of this", &permit).expect("it starts");
    assert_eq!(exec.guests(), Ok(vec![guest("a", GuestState::Running)]));
    let facts = exec.facts("a").expect("it is known");
    assert_eq!((facts.definition.as_str(), facts.memory_mib), ("made of this", 5));
    assert_eq!(exec.pulses(&["a".into()]).expect("it has one")["a"].heartbeat, Some(9));
    assert_eq!(exec.address("a"), Ok(Some(IpAddr::from([10, 0, 0, 9]))));
    exec.stop("a").expect("it stops");
    assert_eq!(exec.guests(), Ok(vec![guest("a", GuestState::Stopped(None))]));
    exec.start("a", "x", &permit).expect("it starts");
    exec.migrate("a", "h2").expect("it moves");
    assert_eq!(fs::read_to_string(folder.path().join("moved")).expect("it was"), "a h2\n");
    assert_eq!(exec.guests(), Ok(vec![]));
}

#[test]
fn what_it_refuses_is_not_what_nobody_knows() {
    let (_folder, exec, permit) = program();
    assert_eq!(exec.start("big", "", &permit), Err(Fault::Refused("no room for it".into())));
    assert!(matches!(exec.start("slow", "", &permit), Err(Fault::Silent(_))));
    assert!(matches!(exec.reset("a"), Err(Fault::Refused(why)) if why.contains("no verb reset")));
    assert_eq!(exec.guest_answers("a"), Err(Fault::Refused("no reason given".into())));
}

#[test]
fn its_word_that_all_are_killed_is_not_enough() {
    let (folder, exec, permit) = program();
    exec.start("a", "", &permit).expect("it starts");
    fs::write(folder.path().join("stubborn"), "").expect("it can be written");
    assert!(matches!(exec.kill_all(), Err(Fault::Silent(why)) if why.contains("\"a\"")));
    fs::remove_file(folder.path().join("stubborn")).expect("it can be removed");
    assert_eq!(exec.kill_all(), Ok(()));
}

#[test]
fn an_answer_that_is_none_means_that_nothing_is_known() {
    let site = Arc::new(Site::new(&Section::default()));
    let second = Duration::from_secs(5);
    let limits = Limits { answer: second, start: second, migrate: second };
    let exec = Exec::new(vec!["echo".into(), "{\"vms\": 3}".into()], Vec::new(), limits, site);
    assert!(matches!(exec.guests(), Err(Fault::Silent(_))));
}
