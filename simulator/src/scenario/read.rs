//! Reading a scenario: TOML into tables with every field that there is, then each event and expectation with the
//! fields of its own kind, so that a field too many is as clear an error as one too few.
mod action;
mod expected;
mod fields;

use super::{Event, Expectation, Generate, PoolSettings, PoolSource, Scenario, ScenarioError, WorldSettings};
use crate::documents::Documents;
use crate::time::seconds;
use core::time::Duration;
use fields::{EventFields, ExpectFields, File, GenerateFields, Named, SettingsFields, WorldFields};
use lifeboat_model::spec::{Guarantee, Medium, StorageLoss};
use lifeboat_protocol::settings::Quarantine;

pub(super) fn scenario(text: &str, documents: &dyn Documents) -> Result<Scenario, ScenarioError> {
    let file: File = toml::from_str(text)
        .map_err(|error| ScenarioError::Unreadable(error.to_string().trim_end().to_owned()))?;
    let line = |position: usize| text.get(..position).unwrap_or(text).matches('\n').count() + 1;
    let at = |line: usize, part: String| move |fault: String| ScenarioError::Senseless { line, part, fault };

    let settings = file.settings.unwrap_or_default();
    let mut events = Vec::new();
    for (position, spanned) in file.event.into_iter().enumerate() {
        let begins = line(spanned.span().start);
        let fields = spanned.into_inner();
        let part = format!("event {} ({})", position + 1, fields.action);
        events.push(event(&fields).map_err(at(begins, part))?);
    }
    let mut expectations = Vec::new();
    for (position, spanned) in file.expect.into_iter().enumerate() {
        let begins = line(spanned.span().start);
        let part = format!("expect {}", position + 1);
        expectations.push(expectation(&spanned.into_inner()).map_err(at(begins, part))?);
    }
    let whole = |part: &str| at(1, part.to_owned());
    Ok(Scenario {
        pool: pool(file.pool, file.generate, file.document, documents).map_err(whole("pool"))?,
        settings: pool_settings(settings).map_err(whole("settings"))?,
        world: world_settings(&file.world.unwrap_or_default()).map_err(whole("world"))?,
        events,
        expectations,
        end: file.end_s.map(|end| span("end_s", end)).transpose().map_err(whole("end_s"))?,
    })
}

fn pool(
    file: Option<String>,
    generate: Option<GenerateFields>,
    document: Option<String>,
    documents: &dyn Documents,
) -> Result<PoolSource, String> {
    match (file, generate, document) {
        (Some(path), None, None) => Ok(PoolSource::File(path.into())),
        (None, Some(fields), None) => {
            let usual = Generate::default();
            let made = Generate {
                hosts: fields.hosts.unwrap_or(usual.hosts),
                vms: fields.vms.unwrap_or(usual.vms),
                vm_mib: fields.vm_mib.unwrap_or(usual.vm_mib),
                host_mib: fields.host_mib.unwrap_or(usual.host_mib),
            };
            if made.hosts == 0 {
                Err("generate.hosts must be at least 1".to_owned())
            } else {
                Ok(PoolSource::Generate(made))
            }
        }
        (None, None, Some(text)) => {
            documents.read(text.as_bytes()).map(|pool| PoolSource::Document(Box::new(pool)))
        }
        (None, None, None) => Err("a scenario needs `pool = \"file\"` or a table [generate]".to_owned()),
        _ => Err("`pool`, [generate] and `document` exclude one another".to_owned()),
    }
}

fn pool_settings(fields: SettingsFields) -> Result<PoolSettings, String> {
    let networks = fields.networks;
    if networks.as_ref().is_some_and(|networks| networks.is_empty() || networks.len() > 8) {
        return Err("networks: 1 to 8 heartbeat networks".to_owned());
    }
    if fields.timeout_s.is_some_and(|timeout| !(3..=300).contains(&timeout)) {
        return Err("timeout_s must be 3 to 300".to_owned());
    }
    Ok(PoolSettings {
        timeout_s: fields.timeout_s,
        host_failures_to_tolerate: fields.host_failures_to_tolerate,
        guarantee: fields.guarantee.as_deref().map(guarantee).transpose()?,
        brake_permille: fields.brake.map(brake).transpose()?.flatten(),
        storage_loss: fields.storage_loss.as_deref().map(storage_loss).transpose()?,
        gateway: fields.gateway.map(|gateway| !matches!(gateway, Named::Flag(false))),
        quarantine: fields.quarantine.map(quarantine).transpose()?,
        medium: fields.medium.as_deref().map(medium).transpose()?,
        networks,
        etcd_members: fields.etcd_members,
    })
}

fn guarantee(word: &str) -> Result<Guarantee, String> {
    match word {
        "sequential" => Ok(Guarantee::Sequential),
        "simultaneous" => Ok(Guarantee::Simultaneous),
        other => Err(format!("guarantee {other:?} is neither \"sequential\" nor \"simultaneous\"")),
    }
}

fn storage_loss(word: &str) -> Result<StorageLoss, String> {
    match word {
        "medium" => Ok(StorageLoss::Medium),
        "majority" => Ok(StorageLoss::Majority),
        other => Err(format!("storage_loss {other:?} is neither \"medium\" nor \"majority\"")),
    }
}

fn medium(word: &str) -> Result<Medium, String> {
    match word {
        "statefile" => Ok(Medium::Statefile),
        "etcd" => Ok(Medium::Etcd),
        other => Err(format!("medium {other:?} is neither \"statefile\" nor \"etcd\"")),
    }
}

/// A share of the hosts; 0 and `false` switch the brake off.
fn brake(share: fields::Number) -> Result<Option<u64>, String> {
    let permille = (share.value() * 1000.0).round();
    if (0.0..=1000.0).contains(&permille) {
        Ok(Some(permille as u64).filter(|permille| *permille > 0))
    } else {
        Err("brake is a share of the hosts, from 0.001 to 1".to_owned())
    }
}

fn quarantine(given: fields::QuarantineFields) -> Result<Quarantine, String> {
    let usual = Quarantine::default();
    let (failures, decay) = match given {
        fields::QuarantineFields::Flag(true) => (None, None),
        // So many failures that none reaches it.
        fields::QuarantineFields::Flag(false) => (Some(255), None),
        fields::QuarantineFields::Failures(failures) => (Some(failures), None),
        fields::QuarantineFields::Table(table) => (table.failures, table.decay_s),
    };
    let failures = failures
        .map(u8::try_from)
        .transpose()
        .ok()
        .flatten()
        .or(failures.is_none().then_some(usual.failures));
    Ok(Quarantine {
        failures: failures.filter(|failures| *failures > 0).ok_or("quarantine: 1 to 255 failures")?,
        decay: decay.map(|decay| span("quarantine.decay_s", decay)).transpose()?.unwrap_or(usual.decay),
    })
}

fn world_settings(fields: &WorldFields) -> Result<WorldSettings, String> {
    let usual = WorldSettings::default();
    let or = |name, given: Option<fields::Number>, usual| given.map_or(Ok(usual), |given| span(name, given));
    Ok(WorldSettings {
        vm_boot: or("vm_boot_s", fields.vm_boot_s, usual.vm_boot)?,
        host_boot: or("host_boot_s", fields.host_boot_s, usual.host_boot)?,
        process_restart: or("process_restart_s", fields.process_restart_s, usual.process_restart)?,
        network_latency: or("network_latency_s", fields.network_latency_s, usual.network_latency)?,
        network_jitter: or("network_jitter_s", fields.network_jitter_s, usual.network_jitter)?,
        packet_loss: fields.packet_loss.map_or(Ok(0), |given| share("packet_loss", given))?,
        duplicates: fields.duplicates.map_or(Ok(0), |given| share("duplicates", given))?,
        medium_latency: or("medium_latency_s", fields.medium_latency_s, usual.medium_latency)?,
        medium_jitter: or("medium_jitter_s", fields.medium_jitter_s, usual.medium_jitter)?,
        migration: or("migration_s", fields.migration_s, usual.migration)?,
        clock_ppm: fields.clock_ppm.unwrap_or(usual.clock_ppm),
    })
}

fn event(fields: &EventFields) -> Result<Event, String> {
    Ok(Event { at: span("at_s", fields.at_s)?, action: action::action(fields)? })
}

fn expectation(fields: &ExpectFields) -> Result<Expectation, String> {
    Ok(Expectation { by: span("by_s", fields.by_s)?, expected: expected::expected(fields)? })
}

/// A span in seconds.
fn span(name: &str, given: fields::Number) -> Result<Duration, String> {
    seconds(given.value()).ok_or_else(|| format!("{name} is not a number of seconds from 0 on"))
}

/// A share from 0 to 1, in a million.
fn share(name: &str, given: fields::Number) -> Result<u32, String> {
    let share = given.value();
    if (0.0..=1.0).contains(&share) {
        Ok((share * 1e6).round() as u32)
    } else {
        Err(format!("{name} is a share from 0 to 1"))
    }
}
