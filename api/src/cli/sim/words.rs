//! What happened, in words for people: one sentence for each line of the trace that is worth one.
use crate::cli::style::{BAD, GOOD, OPEN, QUIET, STRONG, names};
use anstyle::Style;
use lifeboat_model::HostIndex;
use lifeboat_protocol::command::FenceReason;
use lifeboat_protocol::evidence::EvidenceKind;
use lifeboat_protocol::order::StopCause;
use lifeboat_simulator::happening::{DownCause, HaltCause};
use lifeboat_simulator::scenario::Action;
use lifeboat_simulator::trace::Line;
use lifeboat_simulator::{Outcome, Scenario};

/// A sentence, who it is about, and how it looks.
pub(super) struct Sentence {
    pub(super) who: String,
    pub(super) text: String,
    pub(super) style: Style,
}

const PLAIN: Style = Style::new();
/// Names in a sentence beyond which the rest is counted.
const MOST_NAMES: usize = 8;

/// The sentence of a line; none for those that others tell better. VMs that stop together are told by [`stopped`].
pub(super) fn sentence(scenario: &Scenario, outcome: &Outcome, line: &Line) -> Option<Sentence> {
    let name = |host: HostIndex| outcome.pool.host_id(host).to_owned();
    let vm_name = |vm| outcome.pool.vm_id(vm);
    let say = |host: HostIndex, style: Style, text: String| Some(Sentence { who: name(host), text, style });
    match line {
        Line::Event { position } => {
            let action = &scenario.events.get(*position)?.action;
            Some(Sentence { who: "scenario".to_owned(), text: event(action), style: STRONG })
        }
        Line::PowerOn { host } => say(*host, QUIET, "has power and boots".to_owned()),
        Line::HostUp { host } => say(*host, QUIET, "is up; its agent starts".to_owned()),
        Line::HostDown { host, cause } => say(*host, BAD, down(*cause).to_owned()),
        Line::AgentUp { host } => say(*host, QUIET, "its agent is back".to_owned()),
        Line::AgentDown { host } => say(*host, OPEN, "its agent's process is gone".to_owned()),
        Line::AgentResumed { host } => say(*host, QUIET, "its agent goes on".to_owned()),
        Line::LeaseGained { host } => say(*host, QUIET, "has a lease: a member in good standing".to_owned()),
        Line::LeaseLost { host, reason } => {
            let why = match reason {
                FenceReason::LeaseExpired => "its lease has run out",
                FenceReason::Evicted => "the pool has agreed on a liveset without it",
            };
            say(*host, BAD, format!("fences itself: {why}"))
        }
        Line::Fenced { host, cause } => {
            let how = if *cause == DownCause::Watchdog { "its watchdog fired" } else { "all are stopped" };
            say(*host, BAD, format!("is fenced: none of its VMs runs, {how}"))
        }
        Line::Evidence { at, about, kind } => {
            say(*at, PLAIN, format!("knows that {} is safe to replace: {}", name(*about), evidence(*kind)))
        }
        Line::EvidenceRefused { at, about } => {
            say(*at, OPEN, format!("refuses a word about {}: it is seen alive", name(*about)))
        }
        Line::Liveset { number, members, leader, by } => {
            let members: Vec<&str> = members.iter().map(|member| outcome.pool.host_id(*member)).collect();
            let members = names(&members, MOST_NAMES);
            say(*by, PLAIN, format!("liveset {}: {members}; {} leads", number.0, name(*leader)))
        }
        Line::Coordinator { host, epoch } => {
            say(*host, GOOD, format!("is the coordinator now, epoch {}", epoch.0))
        }
        Line::CoordinatorEnded { host, epoch } => {
            say(*host, OPEN, format!("its coordinator of epoch {} has ended", epoch.0))
        }
        Line::CoordinatorHangs { host } => {
            say(*host, OPEN, "its coordinator does not answer: it is ended".to_owned())
        }
        Line::MediumLost { host } => say(*host, OPEN, "the medium does not answer it".to_owned()),
        Line::MediumBack { host } => say(*host, QUIET, "the medium answers it again".to_owned()),
        Line::Armed { host, armed: false } => say(*host, OPEN, "is disarmed".to_owned()),
        Line::Armed { host, armed: true } => say(*host, QUIET, "is armed".to_owned()),
        Line::StartCommand { host, vm, .. } => say(*host, GOOD, format!("starts {vm}")),
        Line::MigrateCommand { host, vm, to } => {
            say(*host, PLAIN, format!("begins to migrate {vm} to {}", name(*to)))
        }
        Line::OrderFailed { host, vm, reason } => {
            say(*host, BAD, format!("cannot do what it was told with {vm}: {reason}"))
        }
        Line::VmRunning { vm, host } => say(*host, QUIET, format!("{} is up", vm_name(*vm))),
        Line::HandOver { vm, from, to } => {
            say(*to, PLAIN, format!("takes {} over from {}", vm_name(*vm), name(*from)))
        }
        Line::Alert(alert) => {
            let who = alert.host.clone().or_else(|| alert.vm.clone()).unwrap_or_else(|| "pool".to_owned());
            Some(Sentence { who, text: format!("alert {}: {}", alert.kind, alert.text), style: OPEN })
        }
        Line::Refused { what, why } => {
            Some(Sentence { who: "operator".to_owned(), text: format!("{what}: {why}"), style: OPEN })
        }
        Line::Formed | Line::VmExecutes { .. } | Line::VmStopped { .. } => None,
    }
}

/// VMs that stopped on one host for one cause.
pub(super) fn stopped(outcome: &Outcome, vms: &[&str], host: HostIndex, cause: HaltCause) -> Sentence {
    let (stops, style) = match cause {
        HaltCause::Ordered => ("as ordered", PLAIN),
        HaltCause::Fence => ("to fence the host", BAD),
        HaltCause::HostDown(cause) => (down_with(cause), BAD),
        HaltCause::Itself(StopCause::Crashed) => ("by a crash", BAD),
        HaltCause::Itself(StopCause::ShutDownInside) => ("from inside", OPEN),
        HaltCause::Itself(StopCause::Stopped) => ("by somebody at the hypervisor", OPEN),
    };
    let verb = if vms.len() == 1 { "stops" } else { "stop" };
    let text = format!("{} {verb} {stops}", names(vms, MOST_NAMES));
    Sentence { who: outcome.pool.host_id(host).to_owned(), text, style }
}

/// An event of the scenario.
pub(super) fn event(action: &Action) -> String {
    let (hosts, vm) = action.names();
    let mut text = action.word().to_owned();
    match action {
        Action::Partition { groups, .. } => {
            let groups: Vec<String> = groups.iter().map(|group| names(&strs(group), MOST_NAMES)).collect();
            return format!("{text}: {}", groups.join(" | "));
        }
        Action::Cut { from, to, .. } => {
            return format!(
                "{text}: {} no longer heard by {}",
                names(&strs(from), MOST_NAMES),
                names(&strs(to), MOST_NAMES)
            );
        }
        Action::Set { path, value } => return format!("{text} {path} = {value}"),
        _ => {}
    }
    if let Some(vm) = vm {
        text = format!("{text} {vm}");
    }
    if !hosts.is_empty() {
        text = format!("{text} {}", names(&hosts, MOST_NAMES));
    }
    let detail = match action {
        Action::AgentPause { lasts, .. }
        | Action::Disarm { lasts }
        | Action::MediumDelay { lasts, .. }
        | Action::MediumError { lasts, .. }
        | Action::MediumLoseWrites { lasts, .. }
        | Action::ControlHang { lasts: Some(lasts), .. }
        | Action::HypervisorHang { lasts: Some(lasts), .. } => format!(" for {} s", lasts.as_secs_f64()),
        Action::StorageSlow { latency, .. }
        | Action::StartSlow { latency }
        | Action::NetworkDelay { latency, .. } => {
            format!(" {} s", latency.as_secs_f64())
        }
        Action::PacketLoss { in_a_million, .. } | Action::Duplicate { in_a_million } => {
            format!(" {} %", f64::from(*in_a_million) / 1e4)
        }
        Action::ClockRate { ppm, .. } => format!(" {ppm:+} ppm"),
        Action::StorageLoss { vm_storage: true, .. } => " with the VMs' disks".to_owned(),
        Action::ConfirmDead { force: true, .. } => " by force".to_owned(),
        _ => String::new(),
    };
    text + &detail
}

fn strs(names: &[String]) -> Vec<&str> {
    names.iter().map(String::as_str).collect()
}

fn down(cause: DownCause) -> &'static str {
    match cause {
        DownCause::PowerLoss => "is down: it has lost power",
        DownCause::SelfFence => "resets itself",
        DownCause::Watchdog => "is reset by its watchdog",
        DownCause::CleanOff => "has left and is switched off",
    }
}

fn down_with(cause: DownCause) -> &'static str {
    match cause {
        DownCause::PowerLoss => "with the host: it has lost power",
        DownCause::SelfFence => "with the host: it resets itself",
        DownCause::Watchdog => "with the host: its watchdog resets it",
        DownCause::CleanOff => "with the host: it is switched off",
    }
}

fn evidence(kind: EvidenceKind) -> &'static str {
    match kind {
        EvidenceKind::LeaseExpired => "its lease and its watchdog's time have run out",
        EvidenceKind::Notice => "it says that none of its VMs runs",
        EvidenceKind::CrashKernel => "its crash kernel says so",
        EvidenceKind::Rebooted => "it has booted again",
        EvidenceKind::PowerOff => "its BMC says that it is off",
        EvidenceKind::Operator => "an operator says so",
        EvidenceKind::OperatorForced => "an operator insists on it",
        EvidenceKind::Left => "it has left on purpose",
    }
}

/// Evidence as JSON spells it.
pub(super) fn evidence_code(kind: EvidenceKind) -> &'static str {
    match kind {
        EvidenceKind::LeaseExpired => "lease-expired",
        EvidenceKind::Notice => "notice",
        EvidenceKind::CrashKernel => "crash-kernel",
        EvidenceKind::Rebooted => "rebooted",
        EvidenceKind::PowerOff => "power-off",
        EvidenceKind::Operator => "operator",
        EvidenceKind::OperatorForced => "operator-forced",
        EvidenceKind::Left => "left",
    }
}
