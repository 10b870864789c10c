//! Agents: their processes, what they are told, and what becomes of what they ask for.
use super::World;
use super::due::Due;
use super::host::{AgentProcess, Power};
use crate::{At, Happening};
use core::time::Duration;
use lifeboat_model::HostIndex;
use lifeboat_protocol::agent::{Agent, AgentConfig};
use lifeboat_protocol::command::Notification;
use lifeboat_protocol::configuration::ConfigurationNumber;
use lifeboat_protocol::medium::either::EitherMedium;
use lifeboat_protocol::order::Report;
use lifeboat_protocol::{Boot, Command, HeartbeatNetwork, Input, Process};
use std::collections::VecDeque;

/// Datagrams that a socket keeps for an agent that stands still; later ones are dropped.
const SOCKET_BUFFER: usize = 512;
/// What a shell's timer can tell apart.
const TIMER: Duration = Duration::from_micros(100);

impl World<'_> {
    /// An agent's process starts, in the boot that goes on.
    pub(super) fn agent_starts(&mut self, index: HostIndex, boot: Boot) {
        let host = &self.hosts[index.get()];
        if !host.is_up(boot) || host.agent.is_some() {
            return;
        }
        let run = self.new_run();
        let hosts = self.hosts.len();
        let carrier = EitherMedium::new(self.pool.settings().medium, self.pool_id, index, hosts);
        let host = &mut self.hosts[index.get()];
        host.process = Process(host.process.0 + 1);
        let process = host.process;
        let config = AgentConfig {
            me: index,
            boot,
            process,
            hosts,
            stopping: host.stopping,
            pool: self.pool_id,
            settings: self.liveness.clone(),
            keyring: host.keyring.clone(),
        };
        host.agent = Some(AgentProcess {
            run,
            agent: Agent::new(config, carrier, host.clock.read(self.now)),
            inbox: VecDeque::new(),
            paused: false,
            busy: false,
            wakes: None,
            adopted: ConfigurationNumber::default(),
        });
        self.tell(&Happening::AgentUp { host: index, boot, process });
        self.tell_links(index);
        self.tell_protected_memory(index);
        self.pump(index);
    }

    /// An agent's process is gone; what it had asked of the medium is not taken back.
    pub(super) fn agent_crashes(&mut self, index: HostIndex) {
        let host = &mut self.hosts[index.get()];
        if host.agent.take().is_none() {
            return;
        }
        let boot = host.boot;
        self.tell(&Happening::AgentDown { host: index, boot });
        self.after(self.settings.process_restart, Due::AgentStarts { host: index, boot });
    }

    /// An agent stands still: what comes for it waits.
    pub(super) fn agent_pauses(&mut self, index: HostIndex, lasts: Duration) {
        let Some(agent) = self.hosts[index.get()].agent.as_mut() else { return };
        agent.paused = true;
        let run = agent.run;
        self.tell(&Happening::AgentPaused { host: index });
        self.after(lasts, Due::AgentResumes { host: index, run });
    }

    pub(super) fn agent_resumes(&mut self, index: HostIndex, run: u32) {
        let Some(agent) = self.hosts[index.get()].agent.as_mut() else { return };
        if agent.run != run || !agent.paused {
            return;
        }
        agent.paused = false;
        self.tell(&Happening::AgentResumed { host: index });
        self.feed(index, Input::Elapsed);
    }

    pub(super) fn agent_wakes(&mut self, index: HostIndex) {
        let now = self.now;
        let host = &mut self.hosts[index.get()];
        let Some(agent) = host.agent.as_mut() else { return };
        if agent.wakes != Some(now) {
            return;
        }
        agent.wakes = None;
        if agent.paused {
            return;
        }
        let due = agent.agent.deadline().is_some_and(|deadline| host.clock.read(now) >= deadline);
        if due {
            self.feed(index, Input::Elapsed);
        } else {
            self.set_alarm(index);
        }
    }

    pub(super) fn datagram_arrives(&mut self, to: HostIndex, network: u8, bytes: Box<[u8]>) {
        let Some(agent) = self.hosts[to.get()].agent.as_ref() else { return };
        if agent.paused && agent.inbox.len() >= SOCKET_BUFFER {
            return;
        }
        self.feed(to, Input::Datagram { network: HeartbeatNetwork(network), bytes });
    }

    pub(super) fn report_arrives(&mut self, index: HostIndex, boot: Boot, report: Report) {
        if self.hosts[index.get()].is_up(boot) {
            self.feed(index, Input::Report(report));
        }
    }

    /// Hands something to an agent, now if it is not at work already.
    pub(super) fn feed(&mut self, index: HostIndex, input: Input) {
        let Some(agent) = self.hosts[index.get()].agent.as_mut() else { return };
        agent.inbox.push_back(input);
        if !agent.busy {
            self.pump(index);
        }
    }

    /// Lets an agent take all that waits for it, and carries out what it asks for.
    fn pump(&mut self, index: HostIndex) {
        let Some(run) = self.hosts[index.get()].agent.as_ref().map(|agent| agent.run) else { return };
        self.drain(index, run);
        while let Some((agent, now)) = self.agent_of(index, run)
            && !agent.paused
            && let Some(input) = agent.inbox.pop_front()
        {
            agent.agent.handle(now, input);
            self.drain(index, run);
            self.tell_adopted(index);
        }
        self.set_alarm(index);
    }

    /// The agent of that run, if it is still there, and what its clock shows.
    fn agent_of(
        &mut self,
        index: HostIndex,
        run: u32,
    ) -> Option<(&mut AgentProcess, lifeboat_protocol::Instant)> {
        let host = &mut self.hosts[index.get()];
        let now = host.clock.read(self.now);
        host.agent.as_mut().filter(|agent| agent.run == run).map(|agent| (agent, now))
    }

    fn drain(&mut self, index: HostIndex, run: u32) {
        while let Some((agent, _)) = self.agent_of(index, run)
            && let Some(command) = agent.agent.next_command()
        {
            agent.busy = true;
            self.carry_out(index, run, command);
            if let Some((agent, _)) = self.agent_of(index, run) {
                agent.busy = false;
            }
        }
    }

    fn tell_adopted(&mut self, index: HostIndex) {
        let host = &mut self.hosts[index.get()];
        let Some(agent) = host.agent.as_mut() else { return };
        let Some(adopted) = agent.agent.adopted().filter(|adopted| adopted.number != agent.adopted) else {
            return;
        };
        agent.adopted = adopted.number;
        let configuration = adopted.clone();
        let boot = host.boot;
        self.tell(&Happening::Adopted { host: index, boot, configuration: &configuration });
    }

    /// Puts the agent's deadline on the schedule, unless something earlier is there already.
    pub(super) fn set_alarm(&mut self, index: HostIndex) {
        let host = &mut self.hosts[index.get()];
        let Some(agent) = host.agent.as_mut() else { return };
        let Some(deadline) = agent.agent.deadline() else { return };
        let at = host.clock.when(deadline).max(self.now + TIMER);
        if !agent.paused && agent.wakes.is_none_or(|wakes| at < wakes) {
            agent.wakes = Some(at);
            self.schedule.put(at, Due::AgentWakes { host: index });
        }
    }

    fn carry_out(&mut self, index: HostIndex, run: u32, command: Command) {
        match command {
            Command::Transmit { network, to, bytes } => return self.transmit(index, network, to, bytes),
            Command::Medium(request) => return self.ask_medium(index, run, request),
            _ => {}
        }
        let host = &self.hosts[index.get()];
        let (boot, process) = (host.boot, host.process);
        self.tell(&Happening::Command { host: index, boot, process, command: &command });
        match command {
            Command::Transmit { .. } | Command::Medium(_) => {}
            Command::FeedWatchdog { deadline } => self.feed_watchdog(index, deadline),
            Command::StopWatchdog => self.hosts[index.get()].watchdog = None,
            Command::StopAllVms { reason } => self.stop_all_vms(index, reason),
            Command::Reset { .. } => self.self_reset(index),
            Command::MayPowerOff => self.may_power_off(index),
            Command::StartCoordinator { epoch } => self.start_control(index, epoch),
            Command::EndCoordinator { .. } => self.end_control(index),
            Command::ProbeCoordinator => self.probe_control(index),
            Command::Agreed(configuration) => self.tell_control_agreed(index, &configuration),
            Command::SafeToReplace(proof) => self.tell_control_safe(index, proof),
            Command::Report { host, report } => self.tell_control_report(index, host, report),
            Command::NewTerm { epoch } => self.new_term(index, epoch),
            Command::Order(order) => self.take_order(index, order),
            Command::KeepKey(new) => {
                // A key that is refused is one that the ring has already, or has left behind.
                let _ = self.hosts[index.get()].keyring.add_next(new.key_epoch, new.key);
                self.feed(index, Input::KeyKept(new));
            }
            Command::Notify(notification) => self.notified(index, notification),
        }
    }

    fn transmit(&mut self, from: HostIndex, network: HeartbeatNetwork, to: HostIndex, bytes: Box<[u8]>) {
        if to.get() >= self.hosts.len() {
            return;
        }
        let [first, second] = self.network.send(from, to, usize::from(network.0), &mut self.draws.network);
        if let Some(delay) = second {
            self.after(delay, Due::Datagram { to, network: network.0, bytes: bytes.clone() });
        }
        if let Some(delay) = first {
            self.after(delay, Due::Datagram { to, network: network.0, bytes });
        }
    }

    fn notified(&mut self, index: HostIndex, notification: Notification) {
        if let Notification::Evidence { host, kind } = notification {
            self.tell(&Happening::Evidence { at: index, about: host, kind });
        }
        self.tell_control_notice(index, notification);
    }

    /// Tells an agent how its links are.
    pub(super) fn tell_links(&mut self, index: HostIndex) {
        for network in 0..self.network.count() {
            let up = self.network.carrier(index, network);
            self.feed(index, Input::Carrier { network: HeartbeatNetwork(network as u8), up });
        }
        let reached = self.network.reaches_gateway(index);
        self.feed(index, Input::Gateway { reached });
    }

    /// Tells an agent how much memory protected VMs have on its host.
    pub(super) fn tell_protected_memory(&mut self, index: HostIndex) {
        let mib = self.protected_memory(index);
        self.feed(index, Input::ProtectedMemory { mib });
    }

    /// Whether an agent is there and at work.
    pub(super) fn agent_works(&self, index: HostIndex) -> bool {
        let host = &self.hosts[index.get()];
        host.power == Power::Up && host.agent.as_ref().is_some_and(|agent| !agent.paused)
    }

    /// A clock is bent: what was put on the schedule by it is put there anew.
    pub(super) fn bend_clock(&mut self, index: HostIndex, ppm: i32) {
        let now: At = self.now;
        let host = &mut self.hosts[index.get()];
        host.clock.bend(now, ppm);
        if let Some(agent) = host.agent.as_mut() {
            agent.wakes = None;
        }
        host.watchdog_at = None;
        self.set_alarm(index);
        self.set_watchdog(index);
    }
}
