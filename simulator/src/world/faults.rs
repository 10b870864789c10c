//! Events of the scenario, applied.
use super::World;
use super::operator::Wish;
use crate::At;
use crate::scenario::Action;
use core::time::Duration;
use lifeboat_coordinator::input::Call;
use lifeboat_model::{HostIndex, VmIndex};
use lifeboat_protocol::evidence::EvidenceKind;
use lifeboat_protocol::input::Operator;
use lifeboat_protocol::order::StopCause;

impl World<'_> {
    /// Something happens now that no scenario foresaw. `Set` is for scenarios alone, which know its document.
    pub(crate) fn act(&mut self, action: &Action) {
        self.apply(usize::MAX, action);
    }

    pub(super) fn apply(&mut self, position: usize, action: &Action) {
        match action {
            Action::PowerOff { hosts } => self.each(hosts, Self::power_off),
            Action::PowerOn { hosts } => self.each(hosts, Self::power_on),
            Action::AgentCrash { hosts } => self.each(hosts, Self::agent_crashes),
            Action::AgentPause { hosts, lasts } => {
                self.each(hosts, |world, host| world.agent_pauses(host, *lasts));
            }
            Action::ControlHang { hosts, lasts } => {
                self.each(hosts, |world, host| world.control_hangs(host, *lasts));
            }
            Action::ControlCrash { hosts } => self.each(hosts, Self::control_crashes),
            Action::HypervisorHang { hosts, lasts } => {
                self.each(hosts, |world, host| world.hypervisor_hangs(host, *lasts));
            }
            Action::Disable { hosts } => self.call_each(hosts, |host| Call::DisableHost { host }),
            Action::Enable { hosts } => self.call_each(hosts, |host| Call::EnableHost { host }),
            Action::Evacuate { hosts } => self.call_each(hosts, |host| Call::Evacuate { host }),
            Action::Shutdown { hosts } => self.call_each(hosts, |host| Call::ShutDownHost { host }),
            Action::ConfirmDead { hosts, force } => {
                let kind = if *force { EvidenceKind::OperatorForced } else { EvidenceKind::Operator };
                self.each(hosts, |world, host| world.wish(Wish::Evidence(host, kind)));
            }
            Action::BmcConfirmsOff { hosts } => self.each(hosts, Self::evidence_from_bmc),
            Action::Migrate { vm, to } => {
                if let (Some(vm), Some(to)) = (self.vm_named(vm), self.host_named(to)) {
                    self.wish(Wish::Call(Call::MigrateVm { vm, to }));
                }
            }
            Action::Set { .. } => {
                if let Some(pool) = self.documents.get(&position).cloned() {
                    self.wish(Wish::Document(Box::new(pool)));
                }
            }
            Action::Disarm { lasts } => self.wish(Wish::Leader(Operator::Disarm { lasts: *lasts })),
            Action::Arm => self.wish(Wish::Leader(Operator::Arm)),
            Action::ReleaseBrake => self.wish(Wish::Leader(Operator::ReleaseBrake)),
            Action::ClockRate { hosts, ppm } => self.each(hosts, |world, host| world.bend_clock(host, *ppm)),
            Action::VmCrash { vm } => self.stop_named(vm, StopCause::Crashed),
            Action::VmShutdownInside { vm } => self.stop_named(vm, StopCause::ShutDownInside),
            Action::VmHang { vm } => self.vm_hangs(vm),
            Action::VmStartFails { vm, hosts } => self.fail_starts(vm, hosts.as_deref()),
            Action::StartSlow { latency } => self.start_latency = *latency,
            Action::Partition { .. }
            | Action::Cut { .. }
            | Action::LinkDown { .. }
            | Action::LinkUp { .. }
            | Action::PacketLoss { .. }
            | Action::Duplicate { .. }
            | Action::NetworkDelay { .. }
            | Action::Heal
            | Action::GatewayLoss { .. }
            | Action::GatewayHeal { .. } => self.apply_to_network(action),
            Action::StorageLoss { .. }
            | Action::StorageHeal { .. }
            | Action::StorageSlow { .. }
            | Action::MediumDelay { .. }
            | Action::MediumError { .. }
            | Action::MediumLoseWrites { .. } => self.apply_to_medium(action),
        }
    }

    fn apply_to_network(&mut self, action: &Action) {
        match action {
            Action::Partition { groups, networks } => self.partition(groups, networks),
            Action::Cut { from, to, networks } => {
                let (from, to) = (self.named(from), self.named(to));
                for network in self.networks_named(networks) {
                    for (from, to) in from.iter().flat_map(|from| to.iter().map(move |to| (*from, *to))) {
                        self.network.cut(from, to, network);
                    }
                }
            }
            Action::LinkDown { hosts, networks } => self.set_links(hosts, networks, false),
            Action::LinkUp { hosts, networks } => self.set_links(hosts, networks, true),
            Action::PacketLoss { hosts, in_a_million, networks } => {
                for network in self.networks_named(networks) {
                    for host in self.named_or_all(hosts.as_deref()) {
                        self.network.set_loss(host, network, *in_a_million);
                    }
                }
            }
            Action::Duplicate { in_a_million } => self.network.set_duplicates(*in_a_million),
            Action::NetworkDelay { latency, jitter } => self.network.set_delay(*latency, *jitter),
            Action::Heal => self.network.heal(&self.settings),
            Action::GatewayLoss { hosts } => {
                self.each(hosts, |world, host| world.network.set_gateway(host, false));
            }
            Action::GatewayHeal { hosts } => {
                self.each(hosts, |world, host| world.network.set_gateway(host, true));
            }
            _ => return,
        }
        for host in self.pool.host_indices().take(self.hosts.len()) {
            self.tell_links(host);
        }
    }

    fn partition(&mut self, groups: &[Vec<String>], networks: &[String]) {
        let mut of_host = vec![0; self.hosts.len()];
        let mut gateway = None;
        for (number, group) in groups.iter().enumerate() {
            let number = number as u32 + 1;
            for host in self.named(group) {
                of_host[host.get()] = number;
            }
            if group.iter().any(|name| name == "gateway") {
                gateway = Some(number);
            }
        }
        for network in self.networks_named(networks) {
            self.network.split(network, &of_host, gateway);
        }
    }

    fn set_links(&mut self, hosts: &[String], networks: &[String], up: bool) {
        for network in self.networks_named(networks) {
            for host in self.named(hosts) {
                self.network.set_link(host, network, up);
            }
        }
    }

    fn apply_to_medium(&mut self, action: &Action) {
        let now = self.now;
        let until = |lasts: &Duration| -> At { now + *lasts };
        match action {
            Action::StorageLoss { hosts, vm_storage } => {
                for host in self.named_or_all(hosts.as_deref()) {
                    self.lose_medium(host, *vm_storage);
                }
            }
            Action::StorageHeal { hosts } => {
                for host in self.named_or_all(hosts.as_deref()) {
                    self.heal_medium(host);
                }
            }
            Action::StorageSlow { hosts, latency } => {
                for host in self.named_or_all(hosts.as_deref()) {
                    self.hosts[host.get()].path.latency = Some(*latency);
                }
            }
            Action::MediumDelay { hosts, lasts } => {
                for host in self.named_or_all(hosts.as_deref()) {
                    self.hosts[host.get()].path.held_until = until(lasts);
                }
            }
            Action::MediumError { hosts, lasts } => {
                for host in self.named_or_all(hosts.as_deref()) {
                    self.hosts[host.get()].path.errors_until = until(lasts);
                }
            }
            Action::MediumLoseWrites { hosts, lasts } => {
                for host in self.named_or_all(hosts.as_deref()) {
                    self.hosts[host.get()].path.loses_until = until(lasts);
                }
            }
            _ => {}
        }
    }

    fn stop_named(&mut self, vm: &str, cause: StopCause) {
        if let Some(vm) = self.vm_named(vm) {
            self.vm_stops(vm, cause);
        }
    }

    fn vm_hangs(&mut self, vm: &str) {
        let Some(vm) = self.vm_named(vm) else { return };
        let Some(host) = self.runs_at(vm) else { return };
        if let Some(guest) = self.hosts[host.get()].hypervisor.guests.get_mut(&vm) {
            guest.hangs = true;
        }
    }

    fn fail_starts(&mut self, vm: &str, hosts: Option<&[String]>) {
        let Some(vm) = self.vm_named(vm) else { return };
        match hosts {
            None => {
                self.start_fails.insert((vm, None));
            }
            Some(hosts) => {
                let hosts = self.named(hosts);
                self.start_fails.extend(hosts.iter().map(|host| (vm, Some(host.get()))));
            }
        }
    }

    fn each(&mut self, hosts: &[String], apply: impl Fn(&mut Self, HostIndex)) {
        for host in self.named(hosts) {
            apply(self, host);
        }
    }

    fn call_each(&mut self, hosts: &[String], call: impl Fn(HostIndex) -> Call) {
        self.each(hosts, |world, host| world.wish(Wish::Call(call(host))));
    }

    /// Hosts by name, `coordinator` being whoever it is now.
    fn named(&self, names: &[String]) -> Vec<HostIndex> {
        names.iter().filter_map(|name| self.host_named(name)).collect()
    }

    fn named_or_all(&self, names: Option<&[String]>) -> Vec<HostIndex> {
        names.map_or_else(
            || self.pool.host_indices().take(self.hosts.len()).collect(),
            |names| self.named(names),
        )
    }

    fn host_named(&self, name: &str) -> Option<HostIndex> {
        if name == "coordinator" {
            return self.coordinator().map(|view| view.host).or_else(|| self.elected());
        }
        self.pool.find_host(name)
    }

    fn vm_named(&self, name: &str) -> Option<VmIndex> {
        self.by_name.get(name).copied()
    }

    /// Networks by name; none named are all.
    fn networks_named(&self, names: &[String]) -> Vec<usize> {
        let all = self.scenario.settings.networks();
        (0..all.len()).filter(|network| names.is_empty() || names.contains(&all[*network])).collect()
    }
}
