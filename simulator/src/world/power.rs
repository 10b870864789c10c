//! Power, boots, resets, watchdogs.
use super::World;
use super::due::Due;
use super::host::Power;
use crate::Happening;
use crate::happening::{DownCause, HaltCause};
use core::time::Duration;
use lifeboat_model::{HostIndex, VmIndex};
use lifeboat_protocol::{Boot, Instant, Process};

impl World<'_> {
    /// A host gets power and boots.
    pub(super) fn power_on(&mut self, index: HostIndex) {
        if self.hosts[index.get()].power != Power::Off {
            return;
        }
        self.hosts[index.get()].to_be_off = false;
        self.tell(&Happening::PowerOn { host: index });
        self.boot(index, self.settings.host_boot);
    }

    /// A host loses power.
    pub(super) fn power_off(&mut self, index: HostIndex) {
        if self.hosts[index.get()].power == Power::Off {
            return;
        }
        self.go_down(index, DownCause::PowerLoss);
        self.hosts[index.get()].power = Power::Off;
    }

    /// A host's system will be up after a while.
    pub(super) fn boot(&mut self, index: HostIndex, takes: Duration) {
        let host = &mut self.hosts[index.get()];
        host.power = Power::Booting;
        host.boot = Boot(host.boot.0 + 1);
        host.process = Process(0);
        host.fenced = false;
        host.stopping = None;
        let boot = host.boot;
        self.after(takes, Due::Booted { host: index, boot });
    }

    pub(super) fn booted(&mut self, index: HostIndex, boot: Boot) {
        let host = &mut self.hosts[index.get()];
        if host.power != Power::Booting || host.boot != boot {
            return;
        }
        host.power = Power::Up;
        self.tell(&Happening::HostUp { host: index, boot });
        self.agent_starts(index, boot);
    }

    /// The agent resets its host.
    pub(super) fn self_reset(&mut self, index: HostIndex) {
        self.go_down(index, DownCause::SelfFence);
        self.boot(index, self.settings.host_boot);
    }

    /// The agent says that its host has left.
    pub(super) fn may_power_off(&mut self, index: HostIndex) {
        if self.hosts[index.get()].to_be_off {
            self.go_down(index, DownCause::CleanOff);
            self.hosts[index.get()].power = Power::Off;
        }
    }

    /// All that runs on a host ends at once.
    fn go_down(&mut self, index: HostIndex, cause: DownCause) {
        let host = &mut self.hosts[index.get()];
        let boot = host.boot;
        let was_up = host.power == Power::Up;
        let fenced_before = host.fenced;
        host.power = Power::Booting;
        host.agent = None;
        host.watchdog = None;
        host.watchdog_at = None;
        host.path.hanging.clear();
        host.held_notices.clear();
        let control = host.control.take();
        let vms: Vec<VmIndex> = host.hypervisor.take_all();
        for vm in vms {
            self.tell(&Happening::VmHalts { vm, host: index, boot, cause: HaltCause::HostDown(cause) });
        }
        if let Some(control) = control {
            self.tell(&Happening::CoordinatorDown { host: index, epoch: control.epoch() });
        }
        if was_up {
            self.tell(&Happening::HostDown { host: index, boot, cause });
            if matches!(cause, DownCause::Watchdog | DownCause::SelfFence) && !fenced_before {
                self.hosts[index.get()].fenced = true;
                self.tell(&Happening::Fenced { host: index, boot, cause });
            }
        }
    }

    pub(super) fn feed_watchdog(&mut self, index: HostIndex, deadline: Instant) {
        self.hosts[index.get()].watchdog = Some(deadline);
        self.set_watchdog(index);
    }

    /// Puts the watchdog's deadline on the schedule, unless something earlier is there already.
    pub(super) fn set_watchdog(&mut self, index: HostIndex) {
        let host = &mut self.hosts[index.get()];
        let Some(deadline) = host.watchdog else { return };
        let at = host.clock.when(deadline).max(self.now);
        if host.watchdog_at.is_none_or(|set| at < set) {
            host.watchdog_at = Some(at);
            self.schedule.put(at, Due::Watchdog { host: index });
        }
    }

    pub(super) fn watchdog_due(&mut self, index: HostIndex) {
        let now = self.now;
        let host = &mut self.hosts[index.get()];
        if host.watchdog_at != Some(now) {
            return;
        }
        host.watchdog_at = None;
        let fires = host.watchdog.is_some_and(|deadline| host.clock.read(now) >= deadline);
        if fires && host.power == Power::Up {
            self.go_down(index, DownCause::Watchdog);
            self.boot(index, self.settings.host_boot);
        } else {
            self.set_watchdog(index);
        }
    }
}
