//! Names in a scenario: each must be a host, a VM, a network or an alert that there is.
use super::expectation::{ALERT_KINDS, Expected};
use super::{Action, Scenario, ScenarioError};
use lifeboat_model::PoolSpec;

/// Checks every name in a scenario against the pool that it happens to.
///
/// # Errors
/// The first name that nothing has.
pub fn check_names(scenario: &Scenario, pool: &PoolSpec) -> Result<(), ScenarioError> {
    let adds =
        |event: &super::Event| matches!(&event.action, Action::Set { path, .. } if path.starts_with("/vms"));
    let adds_vms = scenario.events.iter().any(adds);
    let known = Known { pool, networks: scenario.settings.networks(), adds_vms };
    for (position, event) in scenario.events.iter().enumerate() {
        known.event(&event.action, &format!("event {} ({})", position + 1, event.action.word()))?;
    }
    for (position, expectation) in scenario.expectations.iter().enumerate() {
        known.expected(&expectation.expected, &format!("expect {}", position + 1))?;
    }
    for host in scenario.settings.etcd_members.iter().flatten() {
        known.host(host, "settings.etcd_members")?;
    }
    Ok(())
}

struct Known<'a> {
    pool: &'a PoolSpec,
    networks: Vec<String>,
    /// The scenario changes VMs of the document: names that it does not have yet may come.
    adds_vms: bool,
}

impl Known<'_> {
    fn event(&self, action: &Action, part: &str) -> Result<(), ScenarioError> {
        let (hosts, vm) = action.names();
        for host in hosts {
            if host != "coordinator" {
                self.host(host, part)?;
            }
        }
        if let Some(vm) = vm {
            self.vm(vm, part)?;
        }
        self.networks(action.networks(), part)
    }

    fn expected(&self, expected: &Expected, part: &str) -> Result<(), ScenarioError> {
        match expected {
            Expected::VmRuns { vm, on_any } => {
                self.vm(vm, part)?;
                self.hosts(on_any.as_deref().unwrap_or_default(), part)
            }
            Expected::VmHalted { vm } | Expected::FirstStart { vm } => self.vm(vm, part),
            Expected::Host { host, .. } => self.host(host, part),
            Expected::Fenced(hosts) | Expected::CoordinatorAny(hosts) => self.hosts(hosts, part),
            Expected::Alert { kind, .. } if !ALERT_KINDS.contains(&kind.as_str()) => {
                Err(unknown(part, "alert kind", kind))
            }
            Expected::Alert { .. } | Expected::VmsRunning(_) => Ok(()),
        }
    }

    fn hosts(&self, names: &[String], part: &str) -> Result<(), ScenarioError> {
        names.iter().try_for_each(|name| self.host(name, part))
    }

    fn host(&self, name: &str, part: &str) -> Result<(), ScenarioError> {
        let known = self.pool.hosts.iter().any(|host| host.id == name);
        if known { Ok(()) } else { Err(unknown(part, "host", name)) }
    }

    fn vm(&self, name: &str, part: &str) -> Result<(), ScenarioError> {
        let known = self.pool.vms.iter().any(|vm| vm.id == name);
        if known || self.adds_vms { Ok(()) } else { Err(unknown(part, "VM", name)) }
    }

    fn networks(&self, names: &[String], part: &str) -> Result<(), ScenarioError> {
        let missing = names.iter().find(|name| !self.networks.contains(name));
        missing.map_or(Ok(()), |name| Err(unknown(part, "heartbeat network", name)))
    }
}

fn unknown(part: &str, kind: &'static str, name: &str) -> ScenarioError {
    ScenarioError::UnknownName { part: part.to_owned(), kind, name: name.to_owned() }
}
