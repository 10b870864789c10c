//! Each occasion against a service that answers as it is told.
use super::*;
use std::cell::RefCell;

struct Told {
    vm: Result<Option<Known>, CallError>,
    check: Result<Admission, CallError>,
    asked: RefCell<Vec<Value>>,
}

impl Service for Told {
    fn vm(&self, _: &str) -> Result<Option<Known>, CallError> {
        self.vm.clone()
    }
    fn check(&self, change: &Value) -> Result<Admission, CallError> {
        self.asked.borrow_mut().push(change.clone());
        self.check.clone()
    }
    fn tell(&self, events: &Value) -> Result<(), CallError> {
        self.asked.borrow_mut().push(events.clone());
        Ok(())
    }
}

#[expect(clippy::unnecessary_wraps, reason = "as it is looked up")]
fn known(host: Option<&str>, to: Option<&str>) -> Option<Known> {
    Some(Known { host: host.map(Into::into), migrating_to: to.map(Into::into), ..Known::default() })
}

#[expect(clippy::unnecessary_wraps, reason = "as it is answered")]
fn allowed(allowed: bool) -> Result<Admission, CallError> {
    Ok(Admission { allowed, reason: "tolerance falls from 1 to 0".into() })
}

fn unreachable() -> CallError {
    CallError::Unreachable("connection refused".into())
}

/// What host h2 decides, and what it asked or told the service beside the VM.
fn run(
    occasion: Occasion,
    settings: &HookSettings,
    vm: Result<Option<Known>, CallError>,
    check: Result<Admission, CallError>,
) -> (Decision, Vec<Value>) {
    let service = Told { vm, check, asked: RefCell::default() };
    let domain = Domain { name: "web".into(), uuid: Some("6f1c".into()), memory_mib: 2048, vcpus: 4 };
    let decision = attend(occasion, &domain, &Host { name: "h2", settings }, &service);
    (decision, service.asked.into_inner())
}

fn settings(policy: Policy, if_unreachable: IfUnreachable) -> HookSettings {
    HookSettings { policy, if_unreachable, ..HookSettings::default() }
}

#[test]
fn a_start_that_does_harm_is_warned_of_or_denied_as_the_policy_says() {
    let change = json!({"start": {"vm": "web", "host": "h2"}});
    for (policy, harm) in [
        (Policy::Warn, Decision::Warn("tolerance falls from 1 to 0".into())),
        (Policy::Deny, Decision::Deny("tolerance falls from 1 to 0".into())),
    ] {
        let settings = settings(policy, IfUnreachable::Allow);
        let answer = run(Occasion::Starting, &settings, Ok(known(None, None)), allowed(false));
        assert_eq!(answer, (harm, vec![change.clone()]));
        let answer = run(Occasion::Starting, &settings, Ok(known(None, None)), allowed(true));
        assert_eq!(answer, (Decision::Pass, vec![change.clone()]));
    }
}

#[test]
fn a_vm_that_the_pool_does_not_have_is_described() {
    let settings = HookSettings {
        vcpus_as: Some("vcpus".into()),
        overhead_mib: 100,
        vm_id: VmId::Uuid,
        ..HookSettings::default()
    };
    let vm = json!({"id": "6f1c", "memory_mib": 2048, "overhead_mib": 100, "resources": {"vcpus": 4}});
    let (_, asked) = run(Occasion::Starting, &settings, Ok(None), allowed(true));
    assert_eq!(asked, [json!({"start-new": {"vm": vm, "host": "h2"}})]);
    let (_, told) = run(Occasion::Running, &settings, Ok(None), allowed(true));
    let started = json!({"kind": "vm-started", "vm": "6f1c", "host": "h2"});
    assert_eq!(told, [json!([{"kind": "vm-created", "vm": vm}, started])]);
    let silent = HookSettings { add_unknown: false, ..settings };
    assert_eq!(run(Occasion::Running, &silent, Ok(None), allowed(true)).1, [json!(null); 0]);
}

#[test]
fn without_an_answer_it_fails_open_or_closed_as_configured() {
    for error in [unreachable(), CallError::NotAllowed("this takes the role agent".into())] {
        let open = settings(Policy::Deny, IfUnreachable::Allow);
        let closed = settings(Policy::Warn, IfUnreachable::Deny);
        let ask = |settings| run(Occasion::Starting, settings, Err(error.clone()), allowed(true)).0;
        assert_eq!(ask(&open), Decision::Warn(error.to_string()));
        assert_eq!(ask(&closed), Decision::Deny(error.to_string()));
        for occasion in [Occasion::Running, Occasion::Stopped] {
            let decision = run(occasion, &closed, Err(error.clone()), allowed(true)).0;
            assert_eq!(decision, Decision::Warn(error.to_string()), "what has happened cannot be denied");
        }
    }
}

#[test]
fn a_vm_that_runs_elsewhere_cannot_be_started_here() {
    let impossible = Err(CallError::Impossible("VM web runs on h1".into()));
    let answer = |policy| {
        run(
            Occasion::Starting,
            &settings(policy, IfUnreachable::Allow),
            Ok(known(Some("h1"), None)),
            impossible.clone(),
        )
        .0
    };
    assert_eq!(answer(Policy::Deny), Decision::Deny("VM web runs on h1".into()));
    assert_eq!(answer(Policy::Warn), Decision::Warn("VM web runs on h1".into()));
}

#[test]
fn what_the_service_itself_does_is_let_pass_unasked() {
    let usual = HookSettings::default();
    for vm in [known(Some("h2"), None), known(Some("h1"), Some("h2"))] {
        assert_eq!(run(Occasion::Starting, &usual, Ok(vm), allowed(false)), (Decision::Pass, vec![]));
    }
    let halted =
        Some(Known { power_state: Some("halted".into()), ..known(Some("h2"), None).unwrap_or_default() });
    assert_eq!(
        run(Occasion::Starting, &usual, Ok(halted), allowed(true)).1.len(),
        1,
        "a halted one counts nowhere"
    );
}

#[test]
fn a_migration_is_judged_and_told_where_it_arrives_and_ended_where_it_leaves() {
    let usual = HookSettings::default();
    let (decision, told) = run(Occasion::Arriving, &usual, Ok(known(Some("h1"), None)), allowed(true));
    assert_eq!(decision, Decision::Pass);
    assert_eq!(told[0], json!({"begin-migration": {"vm": "web", "host": "h2"}}));
    assert_eq!(told[1], json!([{"kind": "migration-begun", "vm": "web", "host": "h2"}]));

    let arrives = || Ok(known(Some("h1"), Some("h2")));
    assert_eq!(run(Occasion::Running, &usual, arrives(), allowed(true)).1, [json!(null); 0]);
    let (_, told) = run(Occasion::Stopped, &usual, arrives(), allowed(true));
    assert_eq!(told, [json!([{"kind": "migration-aborted", "vm": "web"}])], "it did not come to run here");
    let (_, told) = run(Occasion::Stopped, &usual, Ok(known(Some("h2"), Some("h3"))), allowed(true));
    assert_eq!(told, [json!([{"kind": "migration-ended", "vm": "web", "host": "h3"}])]);

    let denying = settings(Policy::Deny, IfUnreachable::Allow);
    let (decision, told) = run(Occasion::Arriving, &denying, Ok(known(Some("h1"), None)), allowed(false));
    assert!(matches!(decision, Decision::Deny(_)) && told.len() == 1, "a denied one has not begun: {told:?}");
}

#[test]
fn what_runs_or_ends_here_is_told_unless_it_is_known() {
    let usual = HookSettings::default();
    let told = |occasion, vm| run(occasion, &usual, Ok(vm), allowed(true)).1;
    assert_eq!(
        told(Occasion::Running, known(None, None)),
        [json!([{"kind": "vm-started", "vm": "web", "host": "h2"}])]
    );
    assert_eq!(told(Occasion::Running, known(Some("h2"), None)), [json!(null); 0]);
    assert_eq!(
        told(Occasion::Stopped, known(Some("h2"), None)),
        [json!([{"kind": "vm-stopped", "vm": "web"}])]
    );
    assert_eq!(told(Occasion::Stopped, known(Some("h1"), None)), [json!(null); 0], "it runs elsewhere");
    assert_eq!(told(Occasion::Stopped, None), [json!(null); 0]);
}

#[test]
fn a_protected_vm_that_ends_unasked_has_crashed() {
    let usual = HookSettings::default();
    let of_priority = |priority: &str| {
        let known = known(Some("h2"), None).unwrap_or_default();
        Ok(Some(Known { restart_priority: Some(priority.into()), ..known }))
    };
    for (priority, occasion, kind) in [
        ("restart", Occasion::Stopped, "vm-crashed"),
        ("restart", Occasion::ShutDown, "vm-stopped"),
        ("best-effort", Occasion::Stopped, "vm-stopped"),
        ("", Occasion::Stopped, "vm-stopped"),
    ] {
        let (_, told) = run(occasion, &usual, of_priority(priority), allowed(true));
        assert_eq!(told, [json!([{"kind": kind, "vm": "web"}])], "{priority:?} {occasion:?}");
    }
    let leaves = of_priority("restart")
        .map(|known| known.map(|known| Known { migrating_to: Some("h3".into()), ..known }));
    let (_, told) = run(Occasion::Stopped, &usual, leaves, allowed(true));
    assert_eq!(told, [json!([{"kind": "migration-ended", "vm": "web", "host": "h3"}])]);
}
