//! What is asked and told on each occasion. Pure: the service is a trait.
//!
//! The service is the only memory. Whether an arriving VM comes by migration, or a VM that ends here has only moved on, is
//! read from what the service knows of it (`host`, `migrating_to`), never from a file that one call leaves for the next.
use super::domain::Domain;
use super::occasion::Occasion;
use super::settings::{HookSettings, IfUnreachable, Policy, VmId};
use serde::Deserialize;
use serde_json::{Value, json};

/// What the service knows of a VM, as far as it matters here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Known {
    /// Where it runs.
    #[serde(default)]
    pub host: Option<String>,
    /// Where it is moving.
    #[serde(default)]
    pub migrating_to: Option<String>,
    /// Its power state; left out where it follows from the host.
    #[serde(default)]
    pub power_state: Option<String>,
    /// Its restart priority; `restart`: it is protected.
    #[serde(default)]
    pub restart_priority: Option<String>,
}

/// What the service says of a change.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Admission {
    /// Whether it may be made.
    pub allowed: bool,
    /// Why, in words.
    pub reason: String,
}

/// Why the service gave no answer to go by.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// It could not be reached, was too slow, or could not answer now.
    #[error("the service gives no answer: {0}")]
    Unreachable(String),
    /// It does not let this host ask.
    #[error("the service does not let this host ask: {0}")]
    NotAllowed(String),
    /// The question makes no sense to it: the change cannot be made at all.
    #[error("{0}")]
    Impossible(String),
}

/// The service as the hook needs it.
pub trait Service {
    /// What it knows of a VM; none if it does not have it.
    ///
    /// # Errors
    /// If it gives no answer.
    fn vm(&self, id: &str) -> Result<Option<Known>, CallError>;

    /// Whether a change may be made.
    ///
    /// # Errors
    /// If it gives no answer.
    fn check(&self, change: &Value) -> Result<Admission, CallError>;

    /// Tells what has happened.
    ///
    /// # Errors
    /// If it could not be told.
    fn tell(&self, events: &Value) -> Result<(), CallError>;
}

/// What libvirt is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Go on.
    Pass,
    /// Go on; this is for syslog.
    Warn(String),
    /// Do not; this is for whoever asked.
    Deny(String),
}

/// Who asks: this host, and what it was told to do.
#[derive(Debug)]
pub struct Host<'a> {
    /// Its name in the pool.
    pub name: &'a str,
    /// What it was told to do.
    pub settings: &'a HookSettings,
}

/// Attends to one occasion.
pub fn attend(occasion: Occasion, domain: &Domain, host: &Host<'_>, service: &dyn Service) -> Decision {
    let done = match occasion {
        Occasion::Starting => host.starting(domain, service),
        Occasion::Arriving => host.arriving(domain, service),
        Occasion::Running => host.running(domain, service),
        Occasion::Stopped => host.stopped(domain, false, service),
        Occasion::ShutDown => host.stopped(domain, true, service),
    };
    done.unwrap_or_else(|error| host.no_answer(occasion, &error))
}

impl Host<'_> {
    /// What happens where there was no answer to go by.
    pub fn no_answer(&self, occasion: Occasion, error: &CallError) -> Decision {
        let denies = match error {
            CallError::Impossible(_) => self.settings.policy == Policy::Deny,
            CallError::Unreachable(_) | CallError::NotAllowed(_) => {
                self.settings.if_unreachable == IfUnreachable::Deny
            }
        };
        if denies && occasion.can_be_denied() {
            Decision::Deny(error.to_string())
        } else {
            Decision::Warn(error.to_string())
        }
    }

    fn starting(&self, domain: &Domain, service: &dyn Service) -> Result<Decision, CallError> {
        let id = self.id(domain);
        let known = service.vm(&id)?;
        if let Some(known) = &known
            && (self.is(known.migrating_to.as_deref()) || self.counts_here(known))
        {
            // It arrives by a migration that was judged already, or the service itself has it started here.
            return Ok(Decision::Pass);
        }
        let change = if known.is_some() {
            json!({"start": {"vm": id, "host": self.name}})
        } else {
            json!({"start-new": {"vm": self.described(&id, domain), "host": self.name}})
        };
        Ok(self.judged(service.check(&change)?))
    }

    fn arriving(&self, domain: &Domain, service: &dyn Service) -> Result<Decision, CallError> {
        let id = self.id(domain);
        let Some(known) = service.vm(&id)? else {
            // It will be judged and added as a VM that starts here.
            return Ok(Decision::Pass);
        };
        if self.is(known.migrating_to.as_deref()) || self.counts_here(&known) {
            return Ok(Decision::Pass);
        }
        let decision =
            self.judged(service.check(&json!({"begin-migration": {"vm": id, "host": self.name}}))?);
        if !matches!(decision, Decision::Deny(_)) {
            service.tell(&json!([{"kind": "migration-begun", "vm": id, "host": self.name}]))?;
        }
        Ok(decision)
    }

    fn running(&self, domain: &Domain, service: &dyn Service) -> Result<Decision, CallError> {
        let id = self.id(domain);
        let started = json!({"kind": "vm-started", "vm": id, "host": self.name});
        match service.vm(&id)? {
            // Whether a migration has ended is known at the source alone.
            Some(known) if self.is(known.migrating_to.as_deref()) || self.counts_here(&known) => (),
            Some(_) => service.tell(&json!([started]))?,
            None if self.settings.add_unknown => {
                let created = json!({"kind": "vm-created", "vm": self.described(&id, domain)});
                service.tell(&json!([created, started]))?;
            }
            None => (),
        }
        Ok(Decision::Pass)
    }

    fn stopped(&self, domain: &Domain, in_order: bool, service: &dyn Service) -> Result<Decision, CallError> {
        let id = self.id(domain);
        let Some(known) = service.vm(&id)? else { return Ok(Decision::Pass) };
        let event = match &known.migrating_to {
            Some(to) if self.is(known.host.as_deref()) => {
                json!({"kind": "migration-ended", "vm": id, "host": to})
            }
            Some(to) if to == self.name => json!({"kind": "migration-aborted", "vm": id}),
            _ if self.counts_here(&known) => {
                // libvirt seldom says why. A protected VM that ends unasked is one to restart: whoever means to stop it
                // tells the service, which knows it as halted by now.
                let is_protected = known.restart_priority.as_deref() == Some("restart");
                let kind = if is_protected && !in_order { "vm-crashed" } else { "vm-stopped" };
                json!({"kind": kind, "vm": id})
            }
            _ => return Ok(Decision::Pass),
        };
        service.tell(&json!([event]))?;
        Ok(Decision::Pass)
    }

    fn judged(&self, admission: Admission) -> Decision {
        match (admission.allowed, self.settings.policy) {
            (true, _) => Decision::Pass,
            (false, Policy::Warn) => Decision::Warn(admission.reason),
            (false, Policy::Deny) => Decision::Deny(admission.reason),
        }
    }

    fn id(&self, domain: &Domain) -> String {
        match (self.settings.vm_id, &domain.uuid) {
            (VmId::Uuid, Some(uuid)) => uuid.clone(),
            _ => domain.name.clone(),
        }
    }

    fn is(&self, host: Option<&str>) -> bool {
        host == Some(self.name)
    }

    /// Whether the service counts the VM's memory on this host already.
    fn counts_here(&self, known: &Known) -> bool {
        let holds = !matches!(known.power_state.as_deref(), Some("halted" | "suspended"));
        holds && self.is(known.host.as_deref())
    }

    /// A VM that the pool does not have, as a document.
    fn described(&self, id: &str, domain: &Domain) -> Value {
        let mut vm = json!({
            "id": id, "memory_mib": domain.memory_mib, "overhead_mib": self.settings.overhead_mib
        });
        if let Some(resource) = &self.settings.vcpus_as {
            vm["resources"] = json!({ resource: domain.vcpus });
        }
        vm
    }
}

#[cfg(test)]
mod tests;
