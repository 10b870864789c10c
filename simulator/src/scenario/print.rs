//! Printing a scenario, so that what was made in code can be repeated from a file.
use super::{Action, Event, Expectation, Expected, PoolSettings, PoolSource, Scenario, WorldSettings};
use crate::documents::Documents;
use core::fmt::Write as _;
use core::time::Duration;
use lifeboat_model::spec::{Guarantee, Medium, StorageLoss};

pub(super) fn scenario(scenario: &Scenario, documents: &dyn Documents) -> String {
    let mut page = Page::default();
    match &scenario.pool {
        PoolSource::File(path) => page.key("pool", &quoted(&path.to_string_lossy())),
        PoolSource::Document(pool) => page.key("document", &quoted(&documents.print(pool))),
        PoolSource::Generate(_) => {}
    }
    page.span("end_s", scenario.end);
    if let PoolSource::Generate(made) = &scenario.pool {
        page.head("[generate]");
        page.key("hosts", &made.hosts.to_string());
        page.key("vms", &made.vms.to_string());
        page.key("vm_mib", &made.vm_mib.to_string());
        page.key("host_mib", &made.host_mib.to_string());
    }
    settings(&mut page, &scenario.settings);
    world(&mut page, &scenario.world);
    for event in &scenario.events {
        self::event(&mut page, event);
    }
    for expectation in &scenario.expectations {
        self::expectation(&mut page, expectation);
    }
    page.text
}

#[derive(Default)]
struct Page {
    text: String,
}

impl Page {
    fn head(&mut self, head: &str) {
        let gap = if self.text.is_empty() { "" } else { "\n" };
        let _ = writeln!(self.text, "{gap}{head}");
    }

    fn key(&mut self, key: &str, value: &str) {
        let _ = writeln!(self.text, "{key} = {value}");
    }

    fn span(&mut self, key: &str, span: Option<Duration>) {
        if let Some(span) = span {
            self.key(key, &seconds(span));
        }
    }

    fn names(&mut self, key: &str, names: Option<&[String]>) {
        if let Some(names) = names {
            self.key(key, &list(names));
        }
    }

    /// Networks: none named are all.
    fn networks(&mut self, networks: &[String]) {
        self.names("network", Some(networks).filter(|networks| !networks.is_empty()));
    }
}

fn settings(page: &mut Page, settings: &PoolSettings) {
    if *settings == PoolSettings::default() {
        return;
    }
    page.head("[settings]");
    let mut number = |key, value: Option<u64>| {
        if let Some(value) = value {
            page.key(key, &value.to_string());
        }
    };
    number("timeout_s", settings.timeout_s);
    number("host_failures_to_tolerate", settings.host_failures_to_tolerate);
    if let Some(permille) = settings.brake_permille {
        page.key("brake", &share(permille * 1000));
    }
    let guarantee = settings.guarantee.map(|guarantee| match guarantee {
        Guarantee::Sequential => "sequential",
        Guarantee::Simultaneous => "simultaneous",
    });
    let storage_loss = settings.storage_loss.map(|rule| match rule {
        StorageLoss::Medium => "medium",
        StorageLoss::Majority => "majority",
    });
    let medium = settings.medium.map(|medium| match medium {
        Medium::Statefile => "statefile",
        Medium::Etcd => "etcd",
    });
    for (key, word) in [("guarantee", guarantee), ("storage_loss", storage_loss), ("medium", medium)] {
        if let Some(word) = word {
            page.key(key, &quoted(word));
        }
    }
    if let Some(gateway) = settings.gateway {
        page.key("gateway", &gateway.to_string());
    }
    if let Some(quarantine) = settings.quarantine {
        let decay = seconds(quarantine.decay);
        page.key("quarantine", &format!("{{ failures = {}, decay_s = {decay} }}", quarantine.failures));
    }
    page.names("networks", settings.networks.as_deref());
    page.names("etcd_members", settings.etcd_members.as_deref());
}

fn world(page: &mut Page, world: &WorldSettings) {
    let usual = WorldSettings::default();
    if *world == usual {
        return;
    }
    page.head("[world]");
    let mut span =
        |key, value: Duration, usual: Duration| page.span(key, Some(value).filter(|_| value != usual));
    span("vm_boot_s", world.vm_boot, usual.vm_boot);
    span("host_boot_s", world.host_boot, usual.host_boot);
    span("process_restart_s", world.process_restart, usual.process_restart);
    span("network_latency_s", world.network_latency, usual.network_latency);
    span("network_jitter_s", world.network_jitter, usual.network_jitter);
    span("medium_latency_s", world.medium_latency, usual.medium_latency);
    span("medium_jitter_s", world.medium_jitter, usual.medium_jitter);
    span("migration_s", world.migration, usual.migration);
    for (key, value) in [("packet_loss", world.packet_loss), ("duplicates", world.duplicates)] {
        if value > 0 {
            page.key(key, &share(u64::from(value)));
        }
    }
    if world.clock_ppm > 0 {
        page.key("clock_ppm", &world.clock_ppm.to_string());
    }
}

fn event(page: &mut Page, event: &Event) {
    page.head("[[event]]");
    page.key("at_s", &seconds(event.at));
    page.key("do", &quoted(event.action.word()));
    match &event.action {
        Action::PowerOff { hosts }
        | Action::PowerOn { hosts }
        | Action::AgentCrash { hosts }
        | Action::ControlCrash { hosts }
        | Action::Disable { hosts }
        | Action::Enable { hosts }
        | Action::Evacuate { hosts }
        | Action::Shutdown { hosts }
        | Action::BmcConfirmsOff { hosts }
        | Action::GatewayLoss { hosts }
        | Action::GatewayHeal { hosts } => page.names("hosts", Some(hosts)),
        Action::AgentPause { hosts, lasts } => {
            page.names("hosts", Some(hosts));
            page.span("for_s", Some(*lasts));
        }
        Action::ControlHang { hosts, lasts } | Action::HypervisorHang { hosts, lasts } => {
            page.names("hosts", Some(hosts));
            page.span("for_s", *lasts);
        }
        Action::ConfirmDead { hosts, force } => {
            page.names("hosts", Some(hosts));
            if *force {
                page.key("force", "true");
            }
        }
        Action::Partition { groups, networks } => {
            let groups: Vec<String> = groups.iter().map(|group| list(group)).collect();
            page.key("groups", &format!("[{}]", groups.join(", ")));
            page.networks(networks);
        }
        Action::Cut { from, to, networks } => {
            page.names("from", Some(from));
            page.names("to", Some(to));
            page.networks(networks);
        }
        Action::LinkDown { hosts, networks } | Action::LinkUp { hosts, networks } => {
            page.names("hosts", Some(hosts));
            page.networks(networks);
        }
        Action::PacketLoss { hosts, in_a_million, networks } => {
            page.names("hosts", hosts.as_deref());
            page.key("share", &share(u64::from(*in_a_million)));
            page.networks(networks);
        }
        Action::Duplicate { in_a_million } => page.key("share", &share(u64::from(*in_a_million))),
        Action::NetworkDelay { latency, jitter } => {
            page.span("latency_s", Some(*latency));
            page.span("jitter_s", Some(*jitter));
        }
        Action::StorageLoss { hosts, vm_storage } => {
            page.names("hosts", hosts.as_deref());
            if *vm_storage {
                page.key("vm_storage", "true");
            }
        }
        Action::StorageHeal { hosts } => page.names("hosts", hosts.as_deref()),
        Action::StorageSlow { hosts, latency } => {
            page.names("hosts", hosts.as_deref());
            page.span("latency_s", Some(*latency));
        }
        Action::MediumDelay { hosts, lasts }
        | Action::MediumError { hosts, lasts }
        | Action::MediumLoseWrites { hosts, lasts } => {
            page.names("hosts", hosts.as_deref());
            page.span("for_s", Some(*lasts));
        }
        Action::VmCrash { vm } | Action::VmShutdownInside { vm } | Action::VmHang { vm } => {
            page.key("vm", &quoted(vm));
        }
        Action::VmStartFails { vm, hosts } => {
            page.key("vm", &quoted(vm));
            page.names("hosts", hosts.as_deref());
        }
        Action::StartSlow { latency } => page.span("latency_s", Some(*latency)),
        Action::Migrate { vm, to } => {
            page.key("vm", &quoted(vm));
            page.key("to", &quoted(to));
        }
        Action::Set { path, value } => {
            page.key("path", &quoted(path));
            page.key("value", &value.to_string());
        }
        Action::ClockRate { hosts, ppm } => {
            page.names("hosts", Some(hosts));
            page.key("ppm", &ppm.to_string());
        }
        Action::Disarm { lasts } => page.span("for_s", Some(*lasts)),
        Action::Heal | Action::Arm | Action::ReleaseBrake => {}
    }
}

fn expectation(page: &mut Page, expectation: &Expectation) {
    page.head("[[expect]]");
    page.key("by_s", &seconds(expectation.by));
    match &expectation.expected {
        Expected::VmRuns { vm, on_any } => {
            page.key("vm", &quoted(vm));
            match on_any {
                Some(hosts) => page.names("on_any", Some(hosts)),
                None => page.key("running", "true"),
            }
        }
        Expected::VmHalted { vm } => {
            page.key("vm", &quoted(vm));
            page.key("running", "false");
        }
        Expected::VmsRunning(count) => page.key("vms_running", &count.to_string()),
        Expected::FirstStart { vm } => page.key("first_start_of_vm", &quoted(vm)),
        Expected::Host { host, state } => {
            page.key("host", &quoted(host));
            page.key("state", &quoted(state.word()));
        }
        Expected::Fenced(hosts) => page.names("fenced", Some(hosts)),
        Expected::CoordinatorAny(hosts) => page.names("coordinator_any", Some(hosts)),
        Expected::Alert { kind, absent } => {
            page.key("alert", &quoted(kind));
            if *absent {
                page.key("absent", "true");
            }
        }
    }
}

fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

fn list(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| quoted(name)).collect();
    format!("[{}]", names.join(", "))
}

/// Seconds with as many digits as it takes, at least one.
fn seconds(span: Duration) -> String {
    decimal(span.as_micros() as u64)
}

/// A share of a million.
fn share(in_a_million: u64) -> String {
    decimal(in_a_million)
}

fn decimal(millionths: u64) -> String {
    let text = format!("{}.{:06}", millionths / 1_000_000, millionths % 1_000_000);
    let short = text.trim_end_matches('0');
    if short.ends_with('.') { format!("{short}0") } else { short.to_owned() }
}
