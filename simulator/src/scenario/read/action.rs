//! An event's fields into what happens.
use super::fields::{EventFields, Number};
use super::{share, span};
use crate::scenario::Action;
use crate::scenario::event::{FURTHER_WORDS, Hosts, WORDS};
use core::time::Duration;

/// What `do` and the fields beside it say.
pub(super) fn action(fields: &EventFields) -> Result<Action, String> {
    let read = Read { fields };
    let word = fields.action.as_str();
    read.only(allowed(word)?)?;
    Ok(match word {
        "power-off" => Action::PowerOff { hosts: read.hosts()? },
        "power-on" => Action::PowerOn { hosts: read.hosts()? },
        "agent-crash" => Action::AgentCrash { hosts: read.hosts()? },
        "agent-pause" => Action::AgentPause { hosts: read.hosts()?, lasts: read.lasts()? },
        "control-hang" => Action::ControlHang { hosts: read.hosts()?, lasts: read.perhaps_lasts()? },
        "control-crash" => Action::ControlCrash { hosts: read.hosts()? },
        "hypervisor-hang" => Action::HypervisorHang { hosts: read.hosts()?, lasts: read.perhaps_lasts()? },
        "disable" => Action::Disable { hosts: read.hosts()? },
        "enable" => Action::Enable { hosts: read.hosts()? },
        "evacuate" => Action::Evacuate { hosts: read.hosts()? },
        "shutdown" => Action::Shutdown { hosts: read.hosts()? },
        "confirm-dead" => Action::ConfirmDead { hosts: read.hosts()?, force: fields.force.unwrap_or(false) },
        "bmc-confirms-off" => Action::BmcConfirmsOff { hosts: read.hosts()? },
        "partition" => Action::Partition {
            groups: fields.groups.clone().ok_or_else(|| lacks("groups"))?,
            networks: read.networks(),
        },
        "cut" => Action::Cut {
            from: fields.from.as_ref().ok_or_else(|| lacks("from"))?.list(),
            to: fields.to.as_ref().ok_or_else(|| lacks("to"))?.list(),
            networks: read.networks(),
        },
        "link-down" => Action::LinkDown { hosts: read.hosts()?, networks: read.networks() },
        "link-up" => Action::LinkUp { hosts: read.hosts()?, networks: read.networks() },
        "packet-loss" => Action::PacketLoss {
            hosts: read.perhaps_hosts(),
            in_a_million: read.share()?,
            networks: read.networks(),
        },
        "duplicate" => Action::Duplicate { in_a_million: read.share()? },
        "network-delay" => Action::NetworkDelay {
            latency: read.latency()?,
            jitter: read.perhaps_span("jitter_s", fields.jitter_s)?.unwrap_or_default(),
        },
        "heal" => Action::Heal,
        "gateway-loss" => Action::GatewayLoss { hosts: read.hosts()? },
        "gateway-heal" => Action::GatewayHeal { hosts: read.hosts()? },
        "storage-loss" => Action::StorageLoss {
            hosts: read.perhaps_hosts(),
            vm_storage: fields.vm_storage.unwrap_or(false),
        },
        "storage-heal" => Action::StorageHeal { hosts: read.perhaps_hosts() },
        "storage-slow" => Action::StorageSlow { hosts: read.perhaps_hosts(), latency: read.latency()? },
        "medium-delay" => Action::MediumDelay { hosts: read.perhaps_hosts(), lasts: read.lasts()? },
        "medium-error" => Action::MediumError { hosts: read.perhaps_hosts(), lasts: read.lasts()? },
        "medium-lose-writes" => {
            Action::MediumLoseWrites { hosts: read.perhaps_hosts(), lasts: read.lasts()? }
        }
        "vm-crash" => Action::VmCrash { vm: read.vm()? },
        "vm-shutdown-inside" => Action::VmShutdownInside { vm: read.vm()? },
        "vm-hang" => Action::VmHang { vm: read.vm()? },
        "vm-start-fails" => Action::VmStartFails { vm: read.vm()?, hosts: read.perhaps_hosts() },
        "start-slow" => Action::StartSlow { latency: read.latency()? },
        "migrate" => Action::Migrate { vm: read.vm()?, to: read.one_host("to")? },
        "set" => Action::Set {
            path: fields.path.clone().ok_or_else(|| lacks("path"))?,
            value: fields.value.clone().ok_or_else(|| lacks("value"))?,
        },
        "clock-rate" => Action::ClockRate { hosts: read.hosts()?, ppm: read.ppm()? },
        "disarm" => Action::Disarm { lasts: read.lasts()? },
        "arm" => Action::Arm,
        _ => Action::ReleaseBrake,
    })
}

/// The fields that an event of this word may have.
fn allowed(word: &str) -> Result<&'static [&'static str], String> {
    Ok(match word {
        "power-off" | "power-on" | "agent-crash" | "control-crash" | "disable" | "enable" | "evacuate"
        | "shutdown" | "bmc-confirms-off" | "gateway-loss" | "gateway-heal" | "storage-heal" => &["hosts"],
        "agent-pause" | "control-hang" | "hypervisor-hang" | "medium-delay" | "medium-error"
        | "medium-lose-writes" => &["hosts", "for_s"],
        "confirm-dead" => &["hosts", "force"],
        "partition" => &["groups", "network"],
        "cut" => &["from", "to", "network"],
        "link-down" | "link-up" => &["hosts", "network"],
        "packet-loss" => &["hosts", "share", "network"],
        "duplicate" => &["share"],
        "network-delay" => &["latency_s", "jitter_s"],
        "heal" | "arm" | "release-brake" => &[],
        "storage-loss" => &["hosts", "vm_storage"],
        "storage-slow" => &["hosts", "latency_s"],
        "vm-crash" | "vm-shutdown-inside" | "vm-hang" => &["vm"],
        "vm-start-fails" => &["vm", "hosts"],
        "start-slow" => &["latency_s"],
        "migrate" => &["vm", "to"],
        "set" => &["path", "value"],
        "clock-rate" => &["hosts", "ppm"],
        "disarm" => &["for_s"],
        other => {
            let words = [&WORDS[..], &FURTHER_WORDS[..]].concat().join(", ");
            return Err(format!("{other:?} is no event; there are {words}"));
        }
    })
}

struct Read<'a> {
    fields: &'a EventFields,
}

impl Read<'_> {
    fn only(&self, allowed: &[&str]) -> Result<(), String> {
        let surplus = self.fields.given().into_iter().find(|given| !allowed.contains(given));
        surplus.map_or(Ok(()), |field| Err(format!("has no field `{field}`")))
    }

    fn hosts(&self) -> Result<Hosts, String> {
        self.perhaps_hosts().ok_or_else(|| lacks("hosts"))
    }

    fn perhaps_hosts(&self) -> Option<Hosts> {
        self.fields.hosts.as_ref().map(super::fields::Names::list)
    }

    fn one_host(&self, field: &str) -> Result<String, String> {
        let names = self.fields.to.as_ref().ok_or_else(|| lacks(field))?.list();
        match <[String; 1]>::try_from(names) {
            Ok([name]) => Ok(name),
            Err(_) => Err(format!("`{field}` is one host")),
        }
    }

    fn networks(&self) -> Vec<String> {
        self.fields.network.as_ref().map(super::fields::Names::list).unwrap_or_default()
    }

    fn vm(&self) -> Result<String, String> {
        self.fields.vm.clone().ok_or_else(|| lacks("vm"))
    }

    fn share(&self) -> Result<u32, String> {
        share("share", self.fields.share.ok_or_else(|| lacks("share"))?)
    }

    fn latency(&self) -> Result<Duration, String> {
        span("latency_s", self.fields.latency_s.ok_or_else(|| lacks("latency_s"))?)
    }

    fn lasts(&self) -> Result<Duration, String> {
        self.perhaps_lasts()?.ok_or_else(|| lacks("for_s"))
    }

    fn perhaps_lasts(&self) -> Result<Option<Duration>, String> {
        self.perhaps_span("for_s", self.fields.for_s)
    }

    #[expect(clippy::unused_self, reason = "reads like its siblings")]
    fn perhaps_span(&self, name: &str, given: Option<Number>) -> Result<Option<Duration>, String> {
        given.map(|given| span(name, given)).transpose()
    }

    fn ppm(&self) -> Result<i32, String> {
        let ppm = self.fields.ppm.ok_or_else(|| lacks("ppm"))?;
        i32::try_from(ppm)
            .ok()
            .filter(|ppm| ppm.abs() <= 500_000)
            .ok_or_else(|| "ppm: at most half as fast again, or half as slow".to_owned())
    }
}

fn lacks(field: &str) -> String {
    format!("lacks the field `{field}`")
}
