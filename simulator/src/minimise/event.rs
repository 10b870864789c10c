//! What makes an event simpler: fewer hosts, rounder numbers.
use super::Simplify;
use crate::scenario::{Action, Event};
use core::time::Duration;

impl Simplify for Event {
    fn simpler(&self) -> Vec<Self> {
        let times = rounder(self.at).into_iter().map(|at| Self { at, action: self.action.clone() });
        let actions = simpler(&self.action).into_iter().map(|action| Self { at: self.at, action });
        actions.chain(times).collect()
    }
}

/// Times with fewer digits.
fn rounder(span: Duration) -> Vec<Duration> {
    let micros = span.as_micros() as u64;
    let steps = [10_000_000, 5_000_000, 1_000_000, 500_000, 100_000, 10_000];
    let coarseness = steps.iter().position(|step| micros.is_multiple_of(*step)).unwrap_or(steps.len());
    steps[..coarseness].iter().map(|step| Duration::from_micros((micros + step / 2) / step * step)).collect()
}

fn simpler(action: &Action) -> Vec<Action> {
    let mut out = Vec::new();
    let mut smaller = |change: &dyn Fn(&mut Action) -> bool| {
        let mut changed = action.clone();
        if change(&mut changed) {
            out.push(changed);
        }
    };
    for position in 0..hosts(&mut action.clone()).map_or(0, |hosts| hosts.len()) {
        smaller(&|action| {
            hosts(action).filter(|hosts| hosts.len() > 1).is_some_and(|hosts| {
                hosts.remove(position);
                true
            })
        });
    }
    for span in span(&mut action.clone()).map_or_else(Vec::new, |span| rounder(*span)) {
        smaller(&|action| self::span(action).map(|place| *place = span).is_some());
    }
    if let Action::NetworkDelay { latency, jitter } = *action {
        for jitter in rounder(jitter) {
            smaller(&|action| {
                *action = Action::NetworkDelay { latency, jitter };
                true
            });
        }
    }
    out
}

/// The hosts that an event names, where it names a list of its own.
fn hosts(action: &mut Action) -> Option<&mut Vec<String>> {
    match action {
        Action::PowerOff { hosts }
        | Action::PowerOn { hosts }
        | Action::AgentCrash { hosts }
        | Action::AgentPause { hosts, .. }
        | Action::ControlHang { hosts, .. }
        | Action::ControlCrash { hosts }
        | Action::HypervisorHang { hosts, .. }
        | Action::Disable { hosts }
        | Action::Enable { hosts }
        | Action::Evacuate { hosts }
        | Action::Shutdown { hosts }
        | Action::ConfirmDead { hosts, .. }
        | Action::BmcConfirmsOff { hosts }
        | Action::LinkDown { hosts, .. }
        | Action::LinkUp { hosts, .. }
        | Action::GatewayLoss { hosts }
        | Action::GatewayHeal { hosts }
        | Action::ClockRate { hosts, .. } => Some(hosts),
        Action::PacketLoss { hosts, .. }
        | Action::StorageLoss { hosts, .. }
        | Action::StorageHeal { hosts }
        | Action::StorageSlow { hosts, .. }
        | Action::MediumDelay { hosts, .. }
        | Action::MediumError { hosts, .. }
        | Action::MediumLoseWrites { hosts, .. }
        | Action::VmStartFails { hosts, .. } => hosts.as_mut(),
        Action::Cut { from, .. } => Some(from),
        Action::Partition { .. }
        | Action::Duplicate { .. }
        | Action::NetworkDelay { .. }
        | Action::Heal
        | Action::VmCrash { .. }
        | Action::VmShutdownInside { .. }
        | Action::VmHang { .. }
        | Action::StartSlow { .. }
        | Action::Migrate { .. }
        | Action::Set { .. }
        | Action::Disarm { .. }
        | Action::Arm
        | Action::ReleaseBrake => None,
    }
}

/// The span that an event names.
fn span(action: &mut Action) -> Option<&mut Duration> {
    match action {
        Action::AgentPause { lasts, .. }
        | Action::MediumDelay { lasts, .. }
        | Action::MediumError { lasts, .. }
        | Action::MediumLoseWrites { lasts, .. }
        | Action::Disarm { lasts } => Some(lasts),
        Action::ControlHang { lasts, .. } | Action::HypervisorHang { lasts, .. } => lasts.as_mut(),
        Action::StorageSlow { latency, .. }
        | Action::StartSlow { latency }
        | Action::NetworkDelay { latency, .. } => Some(latency),
        _ => None,
    }
}
