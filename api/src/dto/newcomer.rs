//! A VM or a host in a document of its own: one that the pool does not have yet. It is written as it would
//! stand in a pool document, and faults are found by the same eyes.
use super::pool::{Fault, FaultKind, HostDocument, VmDocument, read};
use lifeboat_model::spec::{HostSpec, VmSpec};
use serde::Deserialize;
use serde::de::IgnoredAny;

/// Reads a VM.
///
/// # Errors
/// Everything that is wrong with it, each with its JSON pointer; never an empty list.
pub fn read_vm(document: &[u8]) -> Result<VmSpec, Vec<Fault>> {
    part::<VmDocument<'_>>(document, "vms").map(VmSpec::from)
}

/// Reads a host.
///
/// # Errors
/// Everything that is wrong with it, each with its JSON pointer; never an empty list.
pub fn read_host(document: &[u8]) -> Result<HostSpec, Vec<Fault>> {
    part::<HostDocument<'_>>(document, "hosts").map(HostSpec::from)
}

fn part<'d, T: Deserialize<'d>>(document: &'d [u8], section: &str) -> Result<T, Vec<Fault>> {
    let text = document.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(document);
    serde_json::from_slice(text).map_err(|error| {
        let faults = faults(text, section);
        let syntax = || vec![Fault { pointer: String::new(), kind: FaultKind::Syntax(error.to_string()) }];
        if faults.is_empty() { syntax() } else { faults }
    })
}

/// What is wrong with the part where it stands in a pool document that is right otherwise. What it refers to is
/// in another document, so what is amiss there is not looked for.
fn faults(text: &[u8], section: &str) -> Vec<Fault> {
    if serde_json::from_slice::<IgnoredAny>(text).is_err() {
        return Vec::new();
    }
    let other = if section == "vms" { "hosts" } else { "vms" };
    let head = format!(r#"{{"format":"lifeboat.pool/v1","id":"part","{other}":[],"{section}":["#);
    let whole = [head.as_bytes(), text, b"]}"].concat();
    let place = format!("/{section}/0");
    let Err(faults) = read(&whole) else { return Vec::new() };
    faults
        .into_iter()
        .filter(|fault| !matches!(fault.kind, FaultKind::Unsound(_)))
        .filter_map(|fault| {
            let pointer = fault.pointer.strip_prefix(&place)?.to_owned();
            Some(Fault { pointer, kind: fault.kind })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vm_is_read_as_it_would_stand_in_a_pool() {
        let vm = read_vm(br#"{"id":"web","memory_mib":2048,"restart_priority":"restart"}"#).expect("right");
        assert_eq!((vm.id.as_str(), vm.memory_mib), ("web", 2048));
        let host = read_host(br#"{"id":"h9","memory_mib":4096,"resources":{"vcpus":8}}"#).expect("right");
        assert_eq!(host.resources, [("vcpus".to_owned(), 8)]);
    }

    #[test]
    fn every_fault_is_told_with_its_place_in_the_part() {
        let faults =
            read_vm(br#"{"id":"web","memory":2048,"order":-1,"power_state":"asleep"}"#).expect_err("wrong");
        let told: Vec<(&str, &str)> =
            faults.iter().map(|fault| (fault.pointer.as_str(), fault.kind.code())).collect();
        for pointer in ["/memory", "/memory_mib", "/order", "/power_state"] {
            assert!(told.iter().any(|(at, _)| *at == pointer), "{pointer} is not in {told:?}");
        }
        assert_eq!(read_vm(b"{").expect_err("cut short").len(), 1);
    }
}
