//! An expectation's fields into what is expected.
use super::fields::{ExpectFields, Names};
use crate::scenario::{Expected, HostWord};

/// What the fields beside `by_s` say: each kind has its own set of them.
pub(super) fn expected(fields: &ExpectFields) -> Result<Expected, String> {
    let given = given(fields);
    match given.as_slice() {
        ["vm", "on_any"] => Ok(Expected::VmRuns {
            vm: text(fields.vm.as_ref()),
            on_any: fields.on_any.as_ref().map(Names::list),
        }),
        ["vm", "running"] => {
            let vm = text(fields.vm.as_ref());
            if fields.running == Some(true) {
                Ok(Expected::VmRuns { vm, on_any: None })
            } else {
                Ok(Expected::VmHalted { vm })
            }
        }
        ["vm", "on_any", "running"] if fields.running == Some(true) => Ok(Expected::VmRuns {
            vm: text(fields.vm.as_ref()),
            on_any: fields.on_any.as_ref().map(Names::list),
        }),
        ["vms_running"] => Ok(Expected::VmsRunning(fields.vms_running.unwrap_or_default())),
        ["first_start_of_vm"] => Ok(Expected::FirstStart { vm: text(fields.first_start_of_vm.as_ref()) }),
        ["host", "state"] => Ok(Expected::Host {
            host: text(fields.host.as_ref()),
            state: state(&text(fields.state.as_ref()))?,
        }),
        ["fenced"] => Ok(Expected::Fenced(fields.fenced.as_ref().map(Names::list).unwrap_or_default())),
        ["coordinator_any"] => {
            Ok(Expected::CoordinatorAny(fields.coordinator_any.as_ref().map(Names::list).unwrap_or_default()))
        }
        ["alert"] => Ok(Expected::Alert { kind: text(fields.alert.as_ref()), absent: false }),
        ["alert", "absent"] => {
            Ok(Expected::Alert { kind: text(fields.alert.as_ref()), absent: fields.absent == Some(true) })
        }
        [] => Err("nothing is expected".to_owned()),
        other => Err(format!(
            "{} do not make an expectation; there are vm with on_any, vm with running, vms_running, first_start_of_vm, \
             host with state, fenced, coordinator_any, and alert with or without absent",
            other.join(" and ")
        )),
    }
}

fn state(word: &str) -> Result<HostWord, String> {
    match word {
        "live" => Ok(HostWord::Live),
        "fenced" => Ok(HostWord::Fenced),
        "rejoined" => Ok(HostWord::Rejoined),
        "off" => Ok(HostWord::Off),
        other => Err(format!("state {other:?} is none of live, fenced, rejoined, off")),
    }
}

fn given(fields: &ExpectFields) -> Vec<&'static str> {
    let all = [
        ("vm", fields.vm.is_some()),
        ("on_any", fields.on_any.is_some()),
        ("running", fields.running.is_some()),
        ("vms_running", fields.vms_running.is_some()),
        ("first_start_of_vm", fields.first_start_of_vm.is_some()),
        ("host", fields.host.is_some()),
        ("state", fields.state.is_some()),
        ("fenced", fields.fenced.is_some()),
        ("coordinator_any", fields.coordinator_any.is_some()),
        ("alert", fields.alert.is_some()),
        ("absent", fields.absent.is_some()),
    ];
    all.into_iter().filter_map(|(name, given)| given.then_some(name)).collect()
}

fn text(field: Option<&String>) -> String {
    field.cloned().unwrap_or_default()
}
