//! What the coordinator and agents have people told, as findings for the service's book of alerts, which is kept with the pool and
//! so survives a change of the coordinator. What the service sees itself (hosts, tolerance, rules) it tells itself.
use super::names::Names;
use crate::served::alerts::{Finding, Holds, Kind, Subject};
use lifeboat_coordinator::alert::{self, Alert, AlertKind, Phase};
use lifeboat_coordinator::record::Record;
use lifeboat_model::{HostIndex, Pool};
use serde_json::json;

/// What an alert of the coordinator's says; none: the service tells it itself.
pub fn of_coordinator(alert: &Alert, names: &Names, document: &Pool) -> Option<Finding> {
    let (kind, ends) = kind(alert.kind)?;
    let subject = match alert.subject {
        alert::Subject::Pool => Subject::Pool,
        alert::Subject::Host(host) => Subject::Host(names.alias(host)?.to_owned()),
        alert::Subject::Vm(vm) => Subject::Vm(names.vm_id(vm)?.to_owned()),
        alert::Subject::Group(group) => Subject::Group(document.groups().get(group.get())?.id.clone()),
    };
    let over = ends || alert.phase == Phase::Cleared;
    let holds = if over { Holds::No { because: alert.reason.clone() } } else { Holds::Yes };
    Some(finding(kind, subject, holds, &alert.reason))
}

/// Alerts that the coordinator before has kept as told and that go on: given again, since it may have ended before they were in the book,
/// which takes nothing up twice.
pub fn kept(records: &[Record], names: &Names, document: &Pool) -> Vec<Finding> {
    let told = records.iter().filter_map(|record| match *record {
        Record::Alert { id, kind, subject, open: true } => {
            let reason = "told by an earlier coordinator; why, its host's log says".to_owned();
            let alert = Alert { id, kind, subject, phase: Phase::Raised, reason, cause: None };
            of_coordinator(&alert, names, document)
        }
        _ => None,
    });
    told.filter(|finding| finding.holds == Holds::Yes && !finding.kind.is_moment()).collect()
}

/// What a host's agent has people told.
pub fn of_agent(host: HostIndex, kind: &str, vm: Option<&str>, text: &str, names: &Names) -> Option<Finding> {
    let host = names.alias(host)?;
    let known = Kind::ALL.into_iter().find(|known| known.word() == kind || known.end_word() == kind);
    let over = known.is_some_and(|known| known.word() != kind);
    let subject = match vm {
        Some(vm) => Subject::Vm(vm.to_owned()),
        None => Subject::Host(host.to_owned()),
    };
    let text = if known.is_some() { text.to_owned() } else { format!("{kind}: {text}") };
    let holds = if over { Holds::No { because: text.clone() } } else { Holds::Yes };
    let mut finding = finding(known.unwrap_or(Kind::AgentSays), subject, holds, &text);
    finding.data = json!({"host": host, "told_by": "agent", "kind": kind});
    Some(finding)
}

fn finding(kind: Kind, subject: Subject, holds: Holds, reason: &str) -> Finding {
    let who = match &subject {
        Subject::Pool => "the pool".to_owned(),
        Subject::Host(id) => format!("host {id}"),
        Subject::Vm(id) => format!("VM {id}"),
        Subject::Group(id) => format!("rule {id}"),
    };
    Finding {
        kind,
        subject,
        holds,
        summary: format!("{who}: {reason}"),
        detail: String::new(),
        next_step: kind.next_step().to_owned(),
        data: serde_json::Value::Null,
    }
}

/// The service's kind, and whether it is the end of it that is told.
const fn kind(kind: AlertKind) -> Option<(Kind, bool)> {
    Some(match kind {
        AlertKind::HostFailed
        | AlertKind::HostFenced
        | AlertKind::HostRejoined
        | AlertKind::Overcommitted
        | AlertKind::OvercommittedCleared
        | AlertKind::ToleranceDropped
        | AlertKind::ToleranceRecovered
        | AlertKind::VmNotAgile
        | AlertKind::RuleBroken => return None,
        AlertKind::StatefileLost => (Kind::StatefileLost, false),
        AlertKind::StatefileBack => (Kind::StatefileLost, true),
        AlertKind::VmRestartFailed => (Kind::VmRestartFailed, false),
        AlertKind::CoordinatorMoved => (Kind::CoordinatorMoved, false),
        AlertKind::BrakeApplied => (Kind::BrakeApplied, false),
        AlertKind::HostQuarantined => (Kind::HostQuarantined, false),
        AlertKind::TimeoutApproaching => (Kind::TimeoutApproaching, false),
        AlertKind::HostStateUnknown => (Kind::HostStateUnknown, false),
        AlertKind::PlanRefused => (Kind::PlanRefused, false),
        AlertKind::VmRunsTwice => (Kind::VmRunsTwice, false),
        AlertKind::VmRunsUnasked => (Kind::VmRunsUnasked, false),
        AlertKind::EvacuationStalled => (Kind::EvacuationStalled, false),
    })
}

#[cfg(test)]
mod tests {
    use super::super::names::tests::roster;
    use super::*;
    use lifeboat_coordinator::alert::AlertId;
    use lifeboat_model::PoolSpec;

    fn told(kind: AlertKind, phase: Phase) -> Option<Finding> {
        let document = Pool::new(&PoolSpec { id: "p".to_owned(), ..PoolSpec::default() }).expect("a pool");
        let alert = Alert {
            id: AlertId { epoch: 1, number: 1 },
            kind,
            subject: alert::Subject::Host(HostIndex::new(1)),
            phase,
            reason: "so it is".to_owned(),
            cause: None,
        };
        of_coordinator(&alert, &Names::of(&roster(&["h1", "h2"])), &document)
    }

    #[test]
    fn what_the_service_sees_itself_is_not_told_twice() {
        assert_eq!(told(AlertKind::HostFailed, Phase::Raised), None);
        assert_eq!(told(AlertKind::Overcommitted, Phase::Raised), None);
    }

    #[test]
    fn an_end_with_a_kind_of_its_own_ends_what_it_belongs_to() {
        let lost = told(AlertKind::StatefileLost, Phase::Raised).expect("told");
        let back = told(AlertKind::StatefileBack, Phase::Raised).expect("told");
        assert_eq!((lost.kind, &lost.subject), (back.kind, &back.subject));
        assert_eq!(lost.holds, Holds::Yes);
        assert_eq!(back.holds, Holds::No { because: "so it is".to_owned() });
        assert_eq!(lost.subject, Subject::Host("h2".to_owned()));
    }

    #[test]
    fn what_was_told_in_an_earlier_term_and_goes_on_is_given_to_the_book_again() {
        let document = Pool::new(&PoolSpec { id: "p".to_owned(), ..PoolSpec::default() }).expect("a pool");
        let kept_alert = |kind, open| Record::Alert {
            id: AlertId { epoch: 1, number: 1 },
            kind,
            subject: alert::Subject::Host(HostIndex::new(1)),
            open,
        };
        let records = [
            kept_alert(AlertKind::EvacuationStalled, true),
            kept_alert(AlertKind::HostStateUnknown, false),
            kept_alert(AlertKind::CoordinatorMoved, true),
            kept_alert(AlertKind::HostFailed, true),
        ];
        let found = kept(&records, &Names::of(&roster(&["h1", "h2"])), &document);
        let kinds: Vec<Kind> = found.iter().map(|found| found.kind).collect();
        assert_eq!(kinds, [Kind::EvacuationStalled], "what is over, a moment, or the service's own, is not");
    }

    #[test]
    fn what_an_agent_says_is_told_even_if_nobody_knows_the_kind() {
        let names = Names::of(&roster(&["h1"]));
        let of = |kind| of_agent(HostIndex::new(0), kind, Some("db"), "look", &names).expect("told");
        assert_eq!(of("vm-runs-twice").kind, Kind::VmRunsTwice);
        assert_eq!(of("disk-smokes").kind, Kind::AgentSays);
        assert!(of("disk-smokes").summary.contains("disk-smokes: look"));
        assert_eq!(of("disk-smokes").subject, Subject::Vm("db".to_owned()));
    }
}
