//! What has happened to a pool, as control planes and agents tell it: `{"kind": "vm-started", "vm": "db1", "host": "h07"}`. Like a
//! pool document it is read fast, and read again slowly to find everything that is wrong with it.
use crate::dto::name::Name;
use crate::dto::pool::faults;
use crate::dto::pool::json::{Fields, Reader};
use crate::dto::pool::{Amounts, Fault, FaultKind, HostDocument, VmDocument};
use crate::served::Fact;
use jiff::Timestamp;
use lifeboat_model::spec::{self, HostState};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// The most events in one request.
pub const MOST_EVENTS: usize = 1000;

/// An event that was told.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// Its kind, as it is spelt.
    pub kind: &'static str,
    /// What has happened.
    pub fact: Fact,
    /// When, if that was told.
    pub at: Option<Timestamp>,
    /// What was told, for the log.
    pub data: Map<String, Value>,
}

/// What a kind of event says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Says {
    /// A VM, described.
    VmDescribed,
    /// A VM and the host where it runs.
    Runs,
    /// A VM.
    Stopped,
    /// A VM.
    Suspended,
    /// A VM.
    Crashed,
    /// A VM.
    VmRemoved,
    /// A VM and the host where it goes.
    Migrates,
    /// A VM.
    Stays,
    /// A VM and its memory.
    VmMemory,
    /// A VM and what it has of countable resources.
    VmResources,
    /// A host.
    HostUp,
    /// A host.
    HostState(HostState),
    /// A host, described.
    HostDescribed,
    /// A host.
    HostRemoved,
    /// A host and its memory.
    HostMemory,
    /// A host and a storage.
    Storage(bool),
    /// A host and a network.
    Network(bool),
}

/// Every kind of event.
pub const KINDS: [(&str, Says); 26] = [
    ("vm-created", Says::VmDescribed),
    ("vm-changed", Says::VmDescribed),
    ("vm-started", Says::Runs),
    ("vm-resumed", Says::Runs),
    ("vm-stopped", Says::Stopped),
    ("vm-suspended", Says::Suspended),
    ("vm-crashed", Says::Crashed),
    ("vm-removed", Says::VmRemoved),
    ("migration-begun", Says::Migrates),
    ("migration-ended", Says::Runs),
    ("migration-aborted", Says::Stays),
    ("vm-memory", Says::VmMemory),
    ("vm-resources", Says::VmResources),
    ("host-up", Says::HostUp),
    ("host-down", Says::HostState(HostState::Dead)),
    ("host-fenced", Says::HostState(HostState::Fenced)),
    ("host-enabled", Says::HostState(HostState::Live)),
    ("host-disabled", Says::HostState(HostState::Disabled)),
    ("host-maintenance", Says::HostState(HostState::Maintenance)),
    ("host-added", Says::HostDescribed),
    ("host-removed", Says::HostRemoved),
    ("host-memory", Says::HostMemory),
    ("storage-plugged", Says::Storage(true)),
    ("storage-unplugged", Says::Storage(false)),
    ("network-plugged", Says::Network(true)),
    ("network-unplugged", Says::Network(false)),
];

impl Says {
    /// The fields that it has beside `kind` and `at`.
    pub fn fields(self) -> &'static [&'static str] {
        match self {
            Self::VmDescribed
            | Self::Stopped
            | Self::Suspended
            | Self::Crashed
            | Self::VmRemoved
            | Self::Stays => &["kind", "at", "vm"],
            Self::Runs | Self::Migrates => &["kind", "at", "vm", "host"],
            Self::VmMemory => &["kind", "at", "vm", "memory_mib"],
            Self::VmResources => &["kind", "at", "vm", "resources"],
            Self::HostUp | Self::HostState(_) | Self::HostDescribed | Self::HostRemoved => {
                &["kind", "at", "host"]
            }
            Self::HostMemory => &["kind", "at", "host", "memory_mib"],
            Self::Storage(_) => &["kind", "at", "host", "storage"],
            Self::Network(_) => &["kind", "at", "host", "network"],
        }
    }
}

/// Reads one event or an array of them.
///
/// # Errors
/// Everything that is wrong with them, each with its JSON pointer.
pub fn read(body: &[u8]) -> Result<Vec<Told>, Vec<Fault>> {
    let fault = |kind| vec![Fault { pointer: String::new(), kind }];
    let not_json = |error: serde_json::Error| fault(FaultKind::Syntax(error.to_string()));
    let is_list = body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[');
    if !is_list {
        let event: &RawValue = serde_json::from_slice(body).map_err(not_json)?;
        return one(event, "").map(|told| vec![told]);
    }
    let events: Vec<&RawValue> = serde_json::from_slice(body).map_err(not_json)?;
    if events.len() > MOST_EVENTS {
        let too_many = spec::Fault::TooMany { count: events.len(), most: MOST_EVENTS };
        return Err(fault(FaultKind::Unsound(too_many)));
    }
    let (mut all, mut faults) = (Vec::with_capacity(events.len()), Vec::new());
    for (position, event) in events.into_iter().enumerate() {
        match one(event, &format!("/{position}")) {
            Ok(told) => all.push(told),
            Err(wrong) => faults.extend(wrong),
        }
    }
    if faults.is_empty() { Ok(all) } else { Err(faults) }
}

fn one(event: &RawValue, at: &str) -> Result<Told, Vec<Fault>> {
    let read = fast(event).map_or_else(|| slow(event, at), Ok)?;
    let (kind, fact, when) = read;
    let mut data: Map<String, Value> = serde_json::from_str(event.get()).unwrap_or_default();
    data.retain(|field, _| !matches!(field.as_str(), "kind" | "at" | "id" | "by"));
    if let Some(when) = when {
        data.insert("happened".to_owned(), when.to_string().into());
    }
    Ok(Told { kind, fact, at: when, data })
}

type Read = (&'static str, Fact, Option<Timestamp>);

/// An event with whatever fields.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Event<'a> {
    #[serde(borrow)]
    kind: Name<'a>,
    #[serde(borrow)]
    at: Option<Name<'a>>,
    #[serde(borrow)]
    vm: Option<&'a RawValue>,
    #[serde(borrow)]
    host: Option<&'a RawValue>,
    #[serde(borrow)]
    storage: Option<Name<'a>>,
    #[serde(borrow)]
    network: Option<Name<'a>>,
    memory_mib: Option<u64>,
    #[serde(borrow)]
    resources: Option<Amounts<'a>>,
}

/// The event, if it is as it should be.
fn fast(event: &RawValue) -> Option<Read> {
    let Event { kind, at, vm, host, storage, network, memory_mib, resources } =
        serde_json::from_str(event.get()).ok()?;
    let (kind, says) = *KINDS.iter().find(|(word, _)| *word == kind.as_str())?;
    let has = |field| says.fields().contains(&field);
    let fits = vm.is_some() == has("vm")
        && host.is_some() == has("host")
        && storage.is_some() == has("storage")
        && network.is_some() == has("network")
        && memory_mib.is_some() == has("memory_mib")
        && resources.is_some() == has("resources");
    let at = match at {
        Some(at) => Some(at.as_str().parse::<Timestamp>().ok()?),
        None => None,
    };
    if !fits {
        return None;
    }
    let text =
        |raw: Option<&RawValue>| serde_json::from_str::<Name<'_>>(raw?.get()).ok().map(Name::into_owned);
    let fact = match says {
        Says::VmDescribed => {
            Fact::VmDescribed(Box::new(serde_json::from_str::<VmDocument<'_>>(vm?.get()).ok()?.into()))
        }
        Says::HostDescribed => {
            Fact::HostDescribed(Box::new(serde_json::from_str::<HostDocument<'_>>(host?.get()).ok()?.into()))
        }
        Says::Runs => Fact::VmRuns { vm: text(vm)?, host: text(host)? },
        Says::Stopped => Fact::VmStopped { vm: text(vm)? },
        Says::Suspended => Fact::VmSuspended { vm: text(vm)? },
        Says::Crashed => Fact::VmCrashed { vm: text(vm)? },
        Says::VmRemoved => Fact::VmRemoved { vm: text(vm)? },
        Says::Migrates => Fact::MigrationBegun { vm: text(vm)?, host: text(host)? },
        Says::Stays => Fact::MigrationAborted { vm: text(vm)? },
        Says::VmMemory => Fact::VmMemory { vm: text(vm)?, memory_mib: memory_mib? },
        Says::VmResources => {
            let resources = resources?.0.into_iter().map(|(name, amount)| (name.into_owned(), amount));
            Fact::VmResources { vm: text(vm)?, resources: resources.collect() }
        }
        Says::HostUp => Fact::HostUp { host: text(host)? },
        Says::HostState(state) => Fact::HostState { host: text(host)?, state },
        Says::HostRemoved => Fact::HostRemoved { host: text(host)? },
        Says::HostMemory => Fact::HostMemory { host: text(host)?, memory_mib: memory_mib? },
        Says::Storage(plugged) => {
            Fact::Storage { host: text(host)?, storage: storage?.into_owned(), plugged }
        }
        Says::Network(plugged) => {
            Fact::Network { host: text(host)?, network: network?.into_owned(), plugged }
        }
    };
    Some((kind, fact, at))
}

/// Everything that is wrong with an event; what it says, should there be nothing.
fn slow(event: &RawValue, at: &str) -> Result<Read, Vec<Fault>> {
    let mut reader = Reader::default();
    let every = &["kind", "at", "vm", "host", "memory_mib", "resources", "storage", "network"];
    let mut look = Reader::default();
    let fields = &mut look.fields(event, at, every);
    let word = look.required(fields, "kind", Reader::string);
    let known = word.as_deref().and_then(|word| KINDS.iter().find(|(kind, _)| *kind == word));
    let Some((kind, says)) = known.copied() else {
        if let Some(found) = word {
            let expected = KINDS.map(|(kind, _)| format!("{kind:?}")).join(", ");
            look.add(format!("{at}/kind"), FaultKind::UnknownWord { found, expected });
        }
        return Err(look.faults);
    };
    let fields = &mut reader.fields(event, at, says.fields());
    reader.optional(fields, "kind", Reader::string);
    let when = reader.nullable(fields, "at", |reader, value, at| {
        let text = reader.string(value, at)?;
        let read = text.parse::<Timestamp>();
        if let Err(error) = &read {
            let words = format!("must be a time such as 2026-11-22T04:00:00Z: {error}");
            reader.add(at, FaultKind::Unsound(spec::Fault::Unreadable(words)));
        }
        read.ok()
    });
    let fact = fact(&mut reader, fields, says);
    if reader.faults.is_empty() { Ok((kind, fact, when)) } else { Err(reader.faults) }
}

fn fact<'d>(reader: &mut Reader, fields: &mut Fields<'d>, says: Says) -> Fact {
    let name = |reader: &mut Reader, fields: &mut Fields<'d>, field| {
        reader.required(fields, field, Reader::string).unwrap_or_default()
    };
    let memory = |reader: &mut Reader, fields: &mut Fields<'d>| {
        reader.required(fields, "memory_mib", Reader::number).unwrap_or_default()
    };
    match says {
        Says::VmDescribed => {
            let vm = reader.required(fields, "vm", |reader, value, at| Some(faults::vm(reader, value, at)));
            Fact::VmDescribed(Box::new(vm.unwrap_or_default()))
        }
        Says::HostDescribed => {
            let read = |reader: &mut Reader, value, at: &str| Some(faults::host(reader, value, at));
            Fact::HostDescribed(Box::new(reader.required(fields, "host", read).unwrap_or_default()))
        }
        Says::Runs => Fact::VmRuns { vm: name(reader, fields, "vm"), host: name(reader, fields, "host") },
        Says::Stopped => Fact::VmStopped { vm: name(reader, fields, "vm") },
        Says::Suspended => Fact::VmSuspended { vm: name(reader, fields, "vm") },
        Says::Crashed => Fact::VmCrashed { vm: name(reader, fields, "vm") },
        Says::VmRemoved => Fact::VmRemoved { vm: name(reader, fields, "vm") },
        Says::Migrates => {
            Fact::MigrationBegun { vm: name(reader, fields, "vm"), host: name(reader, fields, "host") }
        }
        Says::Stays => Fact::MigrationAborted { vm: name(reader, fields, "vm") },
        Says::VmMemory => {
            Fact::VmMemory { vm: name(reader, fields, "vm"), memory_mib: memory(reader, fields) }
        }
        Says::VmResources => Fact::VmResources {
            vm: name(reader, fields, "vm"),
            resources: reader.required(fields, "resources", faults::amounts).unwrap_or_default(),
        },
        Says::HostUp => Fact::HostUp { host: name(reader, fields, "host") },
        Says::HostState(state) => Fact::HostState { host: name(reader, fields, "host"), state },
        Says::HostRemoved => Fact::HostRemoved { host: name(reader, fields, "host") },
        Says::HostMemory => {
            Fact::HostMemory { host: name(reader, fields, "host"), memory_mib: memory(reader, fields) }
        }
        Says::Storage(plugged) => Fact::Storage {
            host: name(reader, fields, "host"),
            storage: name(reader, fields, "storage"),
            plugged,
        },
        Says::Network(plugged) => Fact::Network {
            host: name(reader, fields, "host"),
            network: name(reader, fields, "network"),
            plugged,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(body: &str) -> Vec<Fact> {
        read(body.as_bytes()).expect("sound").into_iter().map(|told| told.fact).collect()
    }

    fn faults(body: &str) -> Vec<(String, &'static str)> {
        let faults = read(body.as_bytes()).expect_err("faulty");
        faults.into_iter().map(|fault| (fault.pointer, fault.kind.code())).collect()
    }

    fn sample(kind: &str, says: Says) -> String {
        let field = |field: &&str| match (*field, says) {
            ("kind", _) => format!("\"kind\": \"{kind}\""),
            ("at", _) => "\"at\": \"2026-11-22T04:00:00Z\"".to_owned(),
            ("vm", Says::VmDescribed) => "\"vm\": {\"id\": \"v\", \"memory_mib\": 7}".to_owned(),
            ("host", Says::HostDescribed) => "\"host\": {\"id\": \"h\", \"memory_mib\": 7}".to_owned(),
            ("memory_mib", _) => "\"memory_mib\": 7".to_owned(),
            ("resources", _) => "\"resources\": {\"vcpus\": 2}".to_owned(),
            (name, _) => format!("\"{name}\": \"x\""),
        };
        format!("{{{}}}", says.fields().iter().map(field).collect::<Vec<_>>().join(", "))
    }

    #[test]
    fn both_readers_understand_every_kind_alike() {
        for (kind, says) in KINDS {
            let event = RawValue::from_string(sample(kind, says)).expect("JSON");
            let quick = fast(&event).unwrap_or_else(|| panic!("{kind}"));
            assert_eq!(slow(&event, "").expect("sound"), quick, "{kind}");
        }
    }

    #[test]
    fn one_or_many_come_in_order() {
        let stop = |vm: &str| Fact::VmStopped { vm: vm.to_owned() };
        assert_eq!(facts(r#"{"kind":"vm-stopped","vm":"a"}"#), [stop("a")]);
        assert_eq!(
            facts(r#" [{"kind":"vm-stopped","vm":"a"},{"kind":"vm-stopped","vm":"b"}]"#),
            [stop("a"), stop("b")]
        );
        assert_eq!(facts("[]"), []);
    }

    #[test]
    fn everything_that_is_wrong_is_told_with_its_place() {
        let body = r#"[{"kind":"vm-stopped","vm":"a"},{"kind":"vm-started","vm":7,"hots":"b"},{"kind":"explode"},{"vm":"a"},
            {"kind":"vm-created","vm":{"id":"x","memory_mib":-1}},{"kind":"vm-stopped","vm":"a","at":"yesterday"},3]"#;
        let expected = [
            ("/1/hots", "unknown-field"),
            ("/1/vm", "wrong-type"),
            ("/1/host", "missing"),
            ("/2/kind", "unknown-word"),
            ("/3/kind", "missing"),
            ("/4/vm/memory_mib", "bad-number"),
            ("/5/at", "unreadable"),
            ("/6", "wrong-type"),
        ];
        assert_eq!(faults(body), expected.map(|(pointer, code)| (pointer.to_owned(), code)));
        assert_eq!(faults("{"), [(String::new(), "not-json")]);
        let many = vec![r#"{"kind":"vm-stopped","vm":"a"}"#; MOST_EVENTS + 1].join(",");
        assert_eq!(faults(&format!("[{many}]")), [(String::new(), "too-many")]);
    }

    #[test]
    fn what_is_logged_is_what_was_told() {
        let told =
            read(br#"{"kind":"vm-started","vm":"a","host":"b","at":"2026-11-22T04:00:00Z"}"#).expect("sound");
        let data = Value::Object(told[0].data.clone());
        assert_eq!(data, serde_json::json!({"vm": "a", "host": "b", "happened": "2026-11-22T04:00:00Z"}));
    }
}
