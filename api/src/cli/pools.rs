//! `lifeboat pool`: the pools of a service.
mod agents;
mod documents;
mod ha;
mod hypothetical;
mod restarts;
mod rolling;
mod settings;
mod show;
mod verbs;

pub(super) use verbs::Arguments;

use super::Status;
use super::fields::text;
use super::listing::{ListArguments, Listing};
use super::output::Output;
use super::session::{Session, pool_name};
use super::trouble::Trouble;
use super::watch::Watching;
use verbs::Verb;

pub(super) fn run(arguments: &Arguments, output: &mut Output<'_>) -> Result<Status, Trouble> {
    let session = arguments.service.open()?;
    let json = arguments.json;
    match &arguments.verb {
        Verb::List { how_much, watch } => list(&session, *how_much, *watch, json, output),
        Verb::Show { watch } => show::summary(&session, *watch, json, output),
        Verb::Tolerance { watch } => show::tolerance(&session, *watch, json, output),
        Verb::Export { file } => documents::export(&session, file, output),
        Verb::Import { file, yes } => {
            let named = arguments.service.pool.as_deref();
            documents::import(&session, named, file, *yes, json, output)
        }
        Verb::Delete { name, yes } => documents::delete(&session, name, *yes, json, output),
        Verb::Settings { watch } => settings::show(&session, *watch, json, output),
        Verb::SetHftt { hftt, how } => settings::set_hftt(&session, *hftt, how, json, output),
        Verb::Set { fields, how } => settings::set(&session, fields, how, json, output),
        Verb::RestartSettings { fields } => restarts::run(&session, fields, json, output),
        Verb::ComputeMax { with } => hypothetical::run(&session, with, json, output),
        Verb::Preconditions { watch } => ha::preconditions(&session, *watch, json, output),
        Verb::EnableHa { storage, timeout_s, how } => {
            ha::enable(&session, storage.as_deref(), *timeout_s, how, json, output)
        }
        Verb::DisableHa { how } => ha::disable(&session, how, json, output),
        Verb::EmergencyDisable { yes, reason } => {
            ha::emergency(&session, *yes, reason.as_deref(), json, output)
        }
        Verb::HandOver { yes } => agents::tell(&session, agents::Wish::HandOver, *yes, json, output),
        Verb::ResetCoordinator { yes } => agents::tell(&session, agents::Wish::Reset, *yes, json, output),
        Verb::ReleaseBrake { yes } => agents::tell(&session, agents::Wish::ReleaseBrake, *yes, json, output),
        Verb::RotateKey { yes } => agents::tell(&session, agents::Wish::RotateKey, *yes, json, output),
        Verb::RotateAuthority { yes } => {
            agents::tell(&session, agents::Wish::RotateAuthority, *yes, json, output)
        }
        Verb::RollingReboot(asked) => rolling::run(&session, asked, json, output),
        Verb::Admission { policy, yes } => ha::admission(&session, *policy, *yes, json, output),
    }
}

fn list(
    session: &Session,
    how_much: ListArguments,
    watching: bool,
    json: bool,
    output: &mut Output<'_>,
) -> Result<Status, Trouble> {
    let listing = Listing {
        route: "/v1/pools".to_owned(),
        noun: "pool",
        how_much,
        header: ["pool", "hosts", "VMs", "protected", "tolerates", "target", "status", "verdict"],
        row: &|pool| {
            [
                pool_name(pool).unwrap_or_default(),
                show::count_of(pool, "hosts", "total"),
                show::count_of(pool, "vms", "total"),
                show::count_of(pool, "vms", "protected"),
                show::tolerates(pool),
                text(pool, "effective_target"),
                show::status(pool),
                show::age(pool),
            ]
        },
    };
    listing.show(session, json, if watching { &Watching::Now } else { &Watching::Once }, output)
}
