//! Steps follow from what happens to the pool.
use super::*;
use crate::served::evacuation;
use lifeboat_model::change::Change;
use lifeboat_model::spec::{HostSpec, PoolSpec, VmSpec};
use lifeboat_model::{HostIndex, VmIndex};
use lifeboat_planner::Limits;

fn pool() -> Pool {
    let host = |id: &str| HostSpec { id: id.into(), memory_mib: 10, ..HostSpec::default() };
    let vm = |id: &str| VmSpec { id: id.into(), memory_mib: 2, host: Some("a".into()), ..VmSpec::default() };
    let spec = PoolSpec {
        id: "p".into(),
        hosts: vec![host("a"), host("b")],
        vms: vec![vm("v"), vm("w")],
        ..PoolSpec::default()
    };
    let maintenance = Change::HostState { host: HostIndex(0), state: HostState::Maintenance };
    Pool::new(&spec).map(|pool| pool.with(&maintenance).expect("it is up")).expect("sound")
}

fn begun(pool: &Pool) -> Tasks {
    let plan = evacuation::plan(pool, HostIndex(0), &Limits::default()).expect("it is up");
    let mut tasks = Tasks::default();
    tasks.begin(Task::evacuation(tasks.next(), pool, &plan, "me", Timestamp::UNIX_EPOCH));
    tasks
}

fn follow(tasks: &mut Tasks, pool: &Pool, change: &Change) -> Pool {
    let pool = pool.with(change).expect("it can be");
    tasks.follow(&pool, Timestamp::UNIX_EPOCH);
    pool
}

fn steps(tasks: &Tasks) -> Vec<(StepState, Option<&str>)> {
    tasks.get(1).expect("begun").steps.iter().map(|step| (step.state, step.to.as_deref())).collect()
}

#[test]
fn a_task_is_done_when_its_host_is_empty() {
    let pool = pool();
    let mut tasks = begun(&pool);
    assert_eq!(steps(&tasks), [(StepState::Waiting, Some("b")); 2]);
    let pool = follow(&mut tasks, &pool, &Change::BeginMigration { vm: VmIndex(0), to: HostIndex(1) });
    assert_eq!(steps(&tasks)[0], (StepState::UnderWay, Some("b")));
    let pool = follow(&mut tasks, &pool, &Change::AbortMigration { vm: VmIndex(0) });
    assert_eq!(tasks.get(1).expect("begun").steps[0].aborted, 1);
    let pool = follow(&mut tasks, &pool, &Change::EndMigration { vm: VmIndex(0), to: HostIndex(1) });
    assert_eq!(steps(&tasks)[0], (StepState::Done, Some("b")));
    assert!(tasks.running_on("a").is_some());
    follow(&mut tasks, &pool, &Change::Stop { vm: VmIndex(1) });
    assert_eq!(steps(&tasks)[1].0, StepState::Gone);
    let task = tasks.get(1).expect("begun");
    assert_eq!((task.state, task.reason.as_str()), (TaskState::Done, "nothing runs there any more"));
    assert!(tasks.running_on("a").is_none());
}

#[test]
fn enabling_the_host_cancels_and_its_death_fails() {
    for (state, ends) in [(HostState::Live, TaskState::Canceled), (HostState::Dead, TaskState::Failed)] {
        let pool = pool();
        let mut tasks = begun(&pool);
        follow(&mut tasks, &pool, &Change::HostState { host: HostIndex(0), state });
        assert_eq!(tasks.get(1).expect("begun").state, ends);
    }
}

#[test]
fn a_vm_that_comes_later_is_a_step_too() {
    let pool = pool();
    let mut tasks = begun(&pool);
    let late = VmSpec { id: "late".into(), memory_mib: 1, ..VmSpec::default() };
    let start = Change::StartNew { vm: Box::new(late), host: Some(HostIndex(0)) };
    follow(&mut tasks, &pool, &start);
    let task = tasks.get(1).expect("begun");
    assert_eq!((task.steps.len(), task.steps[2].vm.as_str(), &task.steps[2].to), (3, "late", &None));
    assert_eq!(task.state, TaskState::Running);
}

#[test]
fn old_tasks_are_forgotten() {
    let pool = pool();
    let mut tasks = begun(&pool);
    let forgotten: usize = (0..300)
        .map(|_| {
            let mut task = tasks.get(1).or_else(|| tasks.newest_first().next()).expect("begun").clone();
            task.id = tasks.next();
            task.state = TaskState::Done;
            tasks.begin(task).len()
        })
        .sum();
    assert_eq!((forgotten, tasks.newest_first().count()), (100, 201));
}
