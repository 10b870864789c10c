//! One thing of a pool document on its own: a host, a VM, a storage, a network, a rule, the settings. It is read by the same
//! eyes as in a document, with every fault; pointers lead from the thing itself.
use super::faults;
use super::json::Reader;
use super::{
    Fault, FaultKind, GroupDocument, HostDocument, NetworkDocument, SettingsDocument, StorageDocument,
    VmDocument,
};
use lifeboat_model::spec::{self, GroupSpec, HostSpec, SettingsSpec, StorageSpec, VmSpec};
use serde_json::value::RawValue;
use std::collections::BTreeSet;

/// What was read, and what could not be.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading<T> {
    /// What is described, with something harmless where it could not be read.
    pub is: T,
    /// What is wrong with it.
    pub faults: Vec<Fault>,
}

/// A thing that can be read on its own.
pub trait One: Sized {
    /// Reads a well-formed document.
    ///
    /// # Errors
    /// Where it is not one.
    fn fast(text: &[u8]) -> serde_json::Result<Self>;
    /// Reads whatever is there, and notes what is wrong.
    fn slow(text: &RawValue) -> (Self, Vec<Fault>);
    /// The name that it gives itself; none for what has no name.
    fn id(&mut self) -> Option<&mut String>;
}

macro_rules! one {
    ($($spec:ty, $document:ty, $read:path, $from:expr, $id:expr;)*) => {$(
        impl One for $spec {
            fn fast(text: &[u8]) -> serde_json::Result<Self> {
                serde_json::from_slice::<$document>(text).map($from)
            }
            fn slow(text: &RawValue) -> (Self, Vec<Fault>) {
                let mut reader = Reader::default();
                let is = $read(&mut reader, text, "");
                (is, reader.faults)
            }
            fn id(&mut self) -> Option<&mut String> {
                let id: fn(&mut $spec) -> Option<&mut String> = $id;
                id(self)
            }
        }
    )*};
}

/// A network is described by its name alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkSpec(pub String);

fn network(reader: &mut Reader, value: &RawValue, at: &str) -> NetworkSpec {
    NetworkSpec(faults::network(reader, value, at))
}

one! {
    HostSpec, HostDocument<'_>, faults::host, Into::into, |host| Some(&mut host.id);
    VmSpec, VmDocument<'_>, faults::vm, Into::into, |vm| Some(&mut vm.id);
    GroupSpec, GroupDocument<'_>, faults::group, Into::into, |group| Some(&mut group.id);
    SettingsSpec, SettingsDocument<'_>, faults::settings, Into::into, |_| None;
    StorageSpec, StorageDocument<'_>, faults::storage,
        |document| StorageSpec { id: document.id.into_owned(), shared: document.shared },
        |storage| Some(&mut storage.id);
    NetworkSpec, NetworkDocument<'_>, network,
        |document| NetworkSpec(document.id.into_owned()), |network| Some(&mut network.0);
}

impl<T: One> Reading<T> {
    /// Reads `body` as the thing that is called `name` by whoever sent it. It need not repeat its name, but may not give
    /// itself another.
    ///
    /// # Errors
    /// If the body is no JSON.
    pub fn named(body: &[u8], name: &str) -> Result<Self, Vec<Fault>> {
        let mut reading = Self::of(body)?;
        let Some(id) = reading.is.id() else { return Ok(reading) };
        let missing = |fault: &Fault| fault.pointer == "/id" && fault.kind == FaultKind::Missing;
        if reading.faults.iter().any(missing) {
            reading.faults.retain(|fault| !missing(fault));
        } else if id != name && !reading.faults.iter().any(|fault| fault.pointer == "/id") {
            let words = format!("must be {name:?}, the name in the path: a thing keeps its name");
            let kind = FaultKind::Unsound(spec::Fault::Unreadable(words));
            reading.faults.push(Fault { pointer: "/id".to_owned(), kind });
        }
        name.clone_into(id);
        Ok(reading)
    }

    /// Reads `body`.
    ///
    /// # Errors
    /// If it is no JSON.
    pub fn of(body: &[u8]) -> Result<Self, Vec<Fault>> {
        if let Ok(is) = T::fast(body) {
            return Ok(Self { is, faults: Vec::new() });
        }
        let text: &RawValue = serde_json::from_slice(body).map_err(|error| {
            vec![Fault { pointer: String::new(), kind: FaultKind::Syntax(error.to_string()) }]
        })?;
        let (is, faults) = T::slow(text);
        Ok(Self { is, faults })
    }
}

/// Everything that is wrong with a thing: what could not be read, and what the pool finds wrong that does not only follow from
/// that. Pointers into `place` of the pool document lead from the thing itself.
pub fn all_faults(unread: Vec<Fault>, place: &str, found: Vec<Fault>) -> Vec<Fault> {
    let mut all = unread;
    let unread: BTreeSet<String> = all.iter().map(|fault| fault.pointer.clone()).collect();
    let own = found.into_iter().map(|mut fault| {
        if let Some(inside) = fault.pointer.strip_prefix(place).filter(|rest| rest.starts_with('/')) {
            fault.pointer = inside.to_owned();
        }
        fault
    });
    all.extend(own.filter(|fault| !faults::is_consequence(fault, &unread)));
    all.sort_by(|left, right| left.pointer.cmp(&right.pointer));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(body: &str) -> Reading<HostSpec> {
        Reading::named(body.as_bytes(), "h").expect("JSON")
    }

    #[test]
    fn a_thing_need_not_repeat_its_name_but_may_not_change_it() {
        assert_eq!(host(r#"{"memory_mib":7}"#), host(r#"{"id":"h","memory_mib":7}"#));
        assert_eq!(host(r#"{"memory_mib":7}"#).faults, []);
        let renamed = host(r#"{"id":"g","memory_mib":7}"#);
        assert_eq!((renamed.is.id.as_str(), renamed.faults[0].pointer.as_str()), ("h", "/id"));
    }

    #[test]
    fn every_fault_is_told_with_its_place_in_the_thing() {
        let reading = host(r#"{"memory":7,"reserved_mib":-1,"resources":{"vcpus":"many"}}"#);
        let pointers: Vec<&str> = reading.faults.iter().map(|fault| fault.pointer.as_str()).collect();
        assert_eq!(pointers, ["/memory", "/memory_mib", "/reserved_mib", "/resources/vcpus"]);
    }

    #[test]
    fn what_the_pool_finds_wrong_is_told_beside_it() {
        let found = |pointer: &str| Fault {
            pointer: pointer.to_owned(),
            kind: FaultKind::Unsound(spec::Fault::OutOfRange { value: 9, low: 0, high: 8 }),
        };
        let reading = host(r#"{"memory_mib":"x","cpu_level":70000}"#);
        let faults = all_faults(
            reading.faults,
            "/hosts/3",
            vec![found("/hosts/3/cpu_level"), found("/hosts/3/memory_mib"), found("/hosts/31/id")],
        );
        let pointers: Vec<&str> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
        assert_eq!(pointers, ["/cpu_level", "/hosts/31/id", "/memory_mib"]);
    }

    #[test]
    fn what_is_no_json_is_refused() {
        assert_eq!(Reading::<VmSpec>::of(b"{").expect_err("cut short")[0].kind.code(), "not-json");
    }
}
