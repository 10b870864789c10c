//! An agent that is killed in the middle of a start, and the next one: the warden over a program of the operator's that is slow.
use super::*;
use crate::clock;
use crate::config::hypervisor::Hypervisor as Section;
use crate::context::Board;
use crate::hypervisor::exec::{Exec, Limits as Times};
use crate::hypervisor::site::Site;
use crate::hypervisor::{Hypervisor, Permit};
use crate::testing::wait;
use crate::warden::machine::Limits;
use crate::warden::{Doors, start};
use crate::wiring::{self, News, ToWarden};
use lifeboat_protocol::order::{Report, VmState};
use lifeboat_protocol::{Epoch, Input};
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

/// Its `start` hands the work to a process that outlives it; what runs is a file.
const PROGRAM: &str = r#"
cd "$(dirname "$0")" || exit 2
verb=$1; vm=$2
case $verb in
  list) if [ -e runs ]; then echo "{\"vms\":[{\"vm\":\"$vm\",\"state\":\"running\"}]}"; else echo '{"vms":[]}'; fi ;;
  start) setsid sh -c 'echo $$ > worker; sleep 3; touch runs; sleep 600' & wait ;;
  stop) rm -f runs ;;
  *) exit 64 ;;
esac
"#;

fn exec(folder: &Path) -> Exec {
    let program = folder.join("program");
    fs::write(&program, PROGRAM).expect("there is room");
    let minute = Duration::from_mins(1);
    let times = Times { answer: minute, start: minute, migrate: minute };
    let command = vec!["sh".into(), program.display().to_string()];
    Exec::new(command, Vec::new(), times, Arc::new(Site::new(&Section::default()))).marked(folder)
}

#[test]
fn a_vm_whose_start_an_earlier_agent_had_begun_may_run_until_its_end_is_certain() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path();
    let starts = Starts::open(place).expect("a directory");
    starts.begin("vm/1").expect("there is room");
    // The earlier agent: its call is given up in the middle, as by its death; what the call has started goes on.
    let (earlier, permit) = (exec(place), Arc::new(Permit::default()));
    permit.set_leased(true);
    let its = Arc::clone(&permit);
    let call = crate::thread::spawn("earlier", move || earlier.start("vm/1", "", &its)).expect("a thread");
    let worker = || fs::read_to_string(place.join("worker")).ok()?.trim().parse::<u32>().ok();
    wait("the start is under way", || worker().is_some());
    permit.close();
    call.join().expect("no panic").expect_err("it was given up");
    let alive = || Path::new(&format!("/proc/{}/cwd", worker().expect("it was noted"))).exists();
    assert!(alive(), "what it has started is not");

    let (inbox, heard) = wiring::inbox().expect("an inbox");
    let (told, queue) = channel();
    let doors = Doors {
        inbox,
        told: queue,
        name_of: Box::new(|host| host.0.to_string()),
        other_notes: Box::new(|_| {}),
        board: Board::default(),
        state_directory: place.to_owned(),
        run_directory: place.to_owned(),
    };
    let limits = Limits { starts: 1, stops: 1, migrations: 1 };
    start(doors, Arc::new(exec(place)), Arc::new(Site::new(&Section::default())), limits).expect("it starts");
    told.send(ToWarden::NewTerm(Epoch(1))).expect("it listens");
    let mut reports = Vec::new();
    let mut hear = |until: fn(&Report) -> bool| {
        wait("it reports", || {
            while let Some(news) = heard.next() {
                if let News::Input(Input::Report(report)) = news {
                    reports.push(report);
                }
            }
            reports.iter().any(until)
        });
        reports.clone()
    };
    let first = hear(|_| true).swap_remove(0);
    let may_run = vec![("vm/1".to_owned(), VmState::Unknown)];
    assert_eq!(first, Report::Inventory { vms: may_run }, "it may run");
    hear(|report| matches!(report, Report::Stopped { .. }));
    assert!(!alive(), "what the earlier agent's call had started is ended");
    let until = clock::now() + Duration::from_secs(2);
    while clock::now() < until {
        assert!(!place.join("runs").exists(), "it was said not to run");
        clock::wait(Duration::from_millis(50));
    }
    assert!(starts.left().is_empty());
}
