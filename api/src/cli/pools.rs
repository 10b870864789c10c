//! `lifeboat pool`: the pools of a service.
mod documents;
mod ha;
mod hypothetical;
mod settings;
mod show;
mod verbs;

pub(super) use verbs::Arguments;

use super::Status;
use super::fields::{number, text};
use super::listing::{ListArguments, Listing};
use super::output::Output;
use super::session::{Session, pool_name};
use super::trouble::Trouble;
use super::watch::Watching;
use serde_json::Value;
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
        Verb::ComputeMax { with } => hypothetical::run(&session, with, json, output),
        Verb::Preconditions { watch } => ha::preconditions(&session, *watch, json, output),
        Verb::EnableHa { storage, timeout_s, how } => {
            ha::enable(&session, storage.as_deref(), *timeout_s, how, json, output)
        }
        Verb::DisableHa { how } => ha::disable(&session, how, json, output),
        Verb::EmergencyDisable { how } => ha::emergency(&session, how, json, output),
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
        header: ["pool", "HA", "hosts", "VMs", "protected", "tolerates", "target", "status", "plan"],
        row: &|pool| {
            [
                pool_name(pool).unwrap_or_default(),
                show::ha_state(pool),
                number(pool, "hosts").to_string(),
                number(pool, "vms").to_string(),
                text(pool, "protected"),
                show::tolerates(pool),
                text(pool, "effective_target"),
                show::status(pool),
                show::plan_age(pool),
            ]
        },
    };
    listing.show(session, json, if watching { &Watching::Now } else { &Watching::Once }, output)
}

/// A field of an object in an object.
fn inner<'v>(value: &'v Value, outer: &str, field: &str) -> Option<&'v Value> {
    value.get(outer)?.get(field)
}
