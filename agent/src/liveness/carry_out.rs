//! Doing what the protocol asks for: here what cannot wait and does not, by the other threads what can.
use super::{Ended, Liveness};
use crate::clock;
use crate::fence::own::End;
use crate::watchdog::WatchdogError;
use crate::wiring::{ToCoordinator, ToFencer, ToKeeper, ToMedium, ToWarden};
use lifeboat_model::HostIndex;
use lifeboat_protocol::command::FenceReason;
use lifeboat_protocol::command::Notification;
use lifeboat_protocol::{Command, HeartbeatNetwork, Instant, Standing};
use std::io;
use std::sync::mpsc::Sender;
use std::time::Duration;

/// How long a lease may stand without a watchdog that has been armed for it.
const ARMED_WITHIN: Duration = Duration::from_secs(5);
/// How long the state directory has to keep that all VMs are stopped.
const KEPT_WITHIN: Duration = Duration::from_secs(5);

/// To a thread that has ended nothing can be told; it has taken the process with it, or the process is ending.
fn tell<T>(to: &Sender<T>, what: T) {
    let _ = to.send(what);
}

impl Liveness {
    pub(super) fn carry_out_all(&mut self) {
        while let Some(command) = self.agent.next_command() {
            self.carry_out(command);
        }
        if self.ended.is_none() {
            self.tell_agreed();
            self.tell_leased();
        }
    }

    fn carry_out(&mut self, command: Command) {
        match command {
            Command::Transmit { network, to, bytes } => self.transmit(network, to, &bytes),
            Command::Medium(request) => tell(&self.outlets.medium, ToMedium::Request(request)),
            Command::FeedWatchdog { deadline } => {
                self.watchdog.feed(deadline);
                if self.bare_since.is_none() && !self.watchdog.is_ready() {
                    self.bare_since = Some(clock::now());
                }
            }
            Command::StopWatchdog => self.watchdog.stop(),
            Command::StopAllVms { reason } => {
                self.stopping.reason = Some(reason);
                tell(&self.outlets.warden, ToWarden::StopAllVms(reason));
                tell(&self.outlets.keeper, ToKeeper::Stopping(reason));
            }
            Command::Reset { reason } => {
                tracing::error!(?reason, "this host resets itself");
                self.watchdog.let_run_out();
                tell(&self.ends, End::Reset(reason));
            }
            Command::MayPowerOff => {
                tracing::info!("this host has left; it may be powered off");
                self.thread.may_power_off = true;
                if self.reboots {
                    tell(&self.ends, End::Reboot);
                }
            }
            Command::StartCoordinator { epoch } => {
                tell(&self.outlets.coordinator, ToCoordinator::Start(epoch));
            }
            Command::EndCoordinator { epoch } => tell(&self.outlets.coordinator, ToCoordinator::End(epoch)),
            Command::ProbeCoordinator => tell(&self.outlets.coordinator, ToCoordinator::Probe),
            Command::Agreed(configuration) => {
                self.told.agreed = configuration.number;
                tell(&self.outlets.coordinator, ToCoordinator::Agreed(configuration));
            }
            Command::SafeToReplace(proof) => tell(&self.outlets.coordinator, ToCoordinator::Safe(proof)),
            Command::Report { host, report } => {
                tell(&self.outlets.coordinator, ToCoordinator::Report { host, report });
            }
            Command::NewTerm { epoch } => tell(&self.outlets.warden, ToWarden::NewTerm(epoch)),
            Command::Order(order) => tell(&self.outlets.warden, ToWarden::Order(order)),
            Command::KeepKey(key) => tell(&self.outlets.keeper, ToKeeper::Key(key)),
            Command::Notify(notification) => self.notify(notification),
        }
    }

    fn transmit(&mut self, network: HeartbeatNetwork, to: HostIndex, bytes: &[u8]) {
        let bit = 1_u8.checked_shl(u32::from(network.0)).unwrap_or(0);
        match self.net.send(network, to, bytes) {
            Ok(()) => {
                self.thread.sent += 1;
                self.told.sends_fail &= !bit;
            }
            Err(fault) => {
                self.thread.unsent += 1;
                // Once for a network that is gone, not with every heartbeat.
                if self.told.sends_fail & bit == 0 {
                    self.told.sends_fail |= bit;
                    tracing::warn!(network = network.0, %fault, "heartbeats cannot be sent");
                }
            }
        }
    }

    /// What came of telling the watchdog something. Where it cannot be armed at all, this host's VMs are not to run under its lease.
    pub(super) fn note_watchdog(&mut self, told: Result<(), WatchdogError>) {
        let Err(fault) = told else {
            self.told.watchdog_fails = false;
            if self.watchdog.is_ready() {
                self.bare_since = None;
            }
            return self.tell_leased();
        };
        if !std::mem::replace(&mut self.told.watchdog_fails, true) {
            tracing::error!(%fault, "the watchdog; what it was last told stands, and it is told again");
        }
        if self.agent.is_leased() && !self.watchdog.is_ready() {
            self.stop_unarmed(fault);
        }
    }

    fn stop_unarmed(&mut self, fault: WatchdogError) {
        if self.unarmed.is_none() {
            tracing::error!(
                %fault,
                "this host has a lease and no watchdog: its VMs are stopped, and then this agent ends"
            );
            self.unarmed = Some(fault);
            self.tell_leased();
            tell(&self.outlets.warden, ToWarden::StopAllVms(FenceReason::LeaseExpired));
        }
    }

    /// Whether that no VM runs is what this agent waits for to end. One that is being fenced tells the pool instead.
    pub(super) fn ends_unarmed(&mut self) -> bool {
        if self.stopping.reason.is_none()
            && let Some(fault) = self.unarmed.take()
        {
            self.ended = Some(Ended::Unarmed(fault));
        }
        self.ended.is_some()
    }

    /// What is waited for has a limit.
    pub(super) fn look_at_limits(&mut self, now: Instant) {
        if self.bare_since.is_some_and(|since| now.since(since) > ARMED_WITHIN) && self.agent.is_leased() {
            let fault = io::ErrorKind::TimedOut.into();
            self.stop_unarmed(WatchdogError::Command { what: "what it is told", fault });
        }
        if self.stopping.no_vm_runs.is_some_and(|since| now.since(since) > KEPT_WITHIN)
            && let Some(reason) = self.stopping.reason
        {
            // The others do without the word that no VM runs here: they wait for the end of the lease.
            tracing::error!(
                "that all VMs are stopped cannot be kept: this host resets itself without telling"
            );
            self.stopping.no_vm_runs = None;
            self.watchdog.let_run_out();
            tell(&self.ends, End::Reset(reason));
        }
    }

    /// Tells everybody what was agreed, when that has changed: on every host, whoever leads.
    fn tell_agreed(&mut self) {
        let Some(known) = self.agent.adopted() else { return };
        if known.number > self.told.agreed {
            self.told.agreed = known.number;
            tell(&self.outlets.coordinator, ToCoordinator::Agreed(Box::new(known.clone())));
        }
        if known.key_epoch != self.told.sending {
            self.told.sending = known.key_epoch;
            tell(&self.outlets.keeper, ToKeeper::Sending(known.key_epoch));
        }
        let fencing = |host: &HostIndex| matches!(known.standing(*host), Standing::Fencing { .. });
        let leads = known.leader == self.me;
        let needed: Vec<_> =
            (0..known.hosts.len()).map(HostIndex::new).filter(|host| leads && fencing(host)).collect();
        if std::mem::replace(&mut self.told.leads, leads) && !leads {
            self.told.fencing.clear();
            tell(&self.outlets.fencer, ToFencer::Rest);
        }
        if needed != self.told.fencing {
            self.told.fencing.clone_from(&needed);
            tell(&self.outlets.fencer, ToFencer::Needed(needed));
        }
    }

    fn notify(&mut self, notification: Notification) {
        let coordinator = &self.outlets.coordinator;
        match notification {
            Notification::MediumLost | Notification::MediumBack => {
                let works = notification == Notification::MediumBack;
                tell(coordinator, ToCoordinator::Medium { host: self.me, works });
            }
            Notification::PeerApproachingTimeout { host, silent_for } => {
                tell(coordinator, ToCoordinator::Silence { host, silent_for });
            }
            Notification::MediumApproachingTimeout { silent_for } => {
                tell(coordinator, ToCoordinator::Silence { host: self.me, silent_for });
            }
            _ => {}
        }
        match notification {
            Notification::LeaseGained | Notification::MediumBack | Notification::Armed => {
                tracing::info!(?notification, "protocol");
            }
            Notification::LeaseLost(_) => tracing::error!(?notification, "protocol"),
            _ => tracing::warn!(?notification, "protocol"),
        }
    }
}
