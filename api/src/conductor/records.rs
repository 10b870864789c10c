//! What the coordinator keeps, as it lies in the store: by name, since numbers are those of one term.
//!
//! ```text
//!   conductor/<pool>/term, tolerance
//!   conductor/<pool>/{should-run,place}/<vm>            priorities are the pool document's alone
//!   conductor/<pool>/host/<number>                      hosts keep their place in the roster for ever
//!   conductor/<pool>/alert/<kind>/<pool | host | vm | group>/<which>
//!   conductor/<pool>/definition/<vm>                    what a VM is made of
//!   conductor/<pool>/restarts, {readiness,monitor}/<vm> what operators have chosen
//!   conductor/<pool>/roster
//!   conductor/<pool>/rotation                           the next authority, while it is changed
//! ```
use super::authority::Kept as Authorities;
use super::choices::{Choice, Choices};
use super::names::Names;
use lifeboat_coordinator::alert::{AlertId, AlertKind, Subject};
use lifeboat_coordinator::record::{Duty, Place, Record};
use lifeboat_link::Roster;
use lifeboat_link::join::FOUNDING;
use lifeboat_link::note::VmFacts;
use lifeboat_model::{GroupIndex, HostIndex, Pool};
use lifeboat_store::{Batch, Key, Record as Kept};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Where all of it lies.
pub const CONDUCTOR: &str = "conductor";

/// What a VM is made of, as its host last said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Definition {
    /// What its hypervisor said.
    pub facts: VmFacts,
    /// The host that said it, by its place in the roster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<usize>,
    /// While something keeps it on one host: where an operator allowed it before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed_before: Option<Vec<String>>,
}

#[derive(Serialize, Deserialize)]
struct KeptTerm {
    epoch: u64,
    host: usize,
}

#[derive(Serialize, Deserialize)]
struct KeptAlert {
    epoch: u64,
    number: u64,
    open: bool,
}

#[derive(Serialize, Deserialize)]
struct KeptDuty {
    duty: String,
    boot: Option<u64>,
}

#[derive(Serialize, Deserialize)]
struct KeptTolerance {
    level: Option<u32>,
    before_drop: Option<u32>,
}

/// Everything that is kept of a pool's conducting.
#[derive(Clone, Debug, Default)]
pub struct All {
    /// The coordinator's records.
    pub records: Vec<Record>,
    /// What VMs are made of.
    pub definitions: BTreeMap<String, Definition>,
    /// What operators have chosen.
    pub choices: Choices,
}

/// Writes records of the coordinator's. Of VMs that `served`, the pool's document, does not have, nothing is kept.
pub fn put(batch: &mut Batch, names: &Names, document: &Pool, served: &Pool, records: &[Record]) {
    let is_gone = |record: &Record| match *record {
        Record::ShouldRun { vm, .. } | Record::Place { vm, .. } => {
            names.vm_id(vm).is_none_or(|vm| served.find_vm(vm).is_none())
        }
        _ => false,
    };
    for record in records.iter().filter(|record| !is_gone(record)) {
        // What has no name any more need not be known to the next term either.
        if let Some((path, value)) = spelt(names, document, record) {
            batch.put(key(document.id(), &path), value);
        }
    }
}

/// What is kept of VMs, each under its name.
const OF_VMS: [&str; 6] = ["should-run", "place", "priority", "definition", "readiness", "monitor"];

/// Forgets all that is kept of a VM: another one may get its name.
pub fn forget_vm(batch: &mut Batch, pool: &str, vm: &str) {
    for what in OF_VMS {
        batch.delete(key(pool, &[what, vm]));
    }
}

/// The VMs of which something is kept and that the pool does not have.
pub fn strangers(kept: &[Kept], pool: &Pool) -> BTreeSet<String> {
    let of = |record: &Kept| match record.key.names().skip(2).collect::<Vec<_>>().as_slice() {
        [what, vm] if OF_VMS.contains(what) && pool.find_vm(vm).is_none() => Some((*vm).to_owned()),
        _ => None,
    };
    kept.iter().filter_map(of).collect()
}

/// Writes what a VM is made of.
pub fn put_definition(batch: &mut Batch, pool: &str, vm: &str, definition: &Definition) {
    batch.put(key(pool, &["definition", vm]), json(definition));
}

/// Writes the roster.
pub fn put_roster(batch: &mut Batch, roster: &Roster) {
    batch.put(roster_key(&roster.pool), json(roster));
}

/// Writes which authorities there are.
pub fn put_authorities(batch: &mut Batch, pool: &str, kept: &Authorities) {
    batch.put(Key::of(&[FOUNDING]), json(&kept.founding));
    match &kept.rotation {
        Some(rotation) => batch.put(rotation_key(pool), json(rotation)),
        None => batch.delete(rotation_key(pool)),
    }
}

/// Where a change of the authority of a pool lies.
pub fn rotation_key(pool: &str) -> Key {
    key(pool, &["rotation"])
}

/// Where the roster of a pool lies.
pub fn roster_key(pool: &str) -> Key {
    key(pool, &["roster"])
}

/// Where something of a pool's conducting lies.
pub(super) fn key(pool: &str, path: &[impl AsRef<str>]) -> Key {
    let names: Vec<&str> = [CONDUCTOR, pool].into_iter().chain(path.iter().map(AsRef::as_ref)).collect();
    Key::of(&names)
}

/// Where all of a pool's conducting lies.
pub fn prefix(pool: &str) -> Key {
    Key::of(&[CONDUCTOR, pool])
}

fn spelt(names: &Names, document: &Pool, record: &Record) -> Option<(Vec<String>, Vec<u8>)> {
    let path = |parts: &[&str]| parts.iter().map(|&part| part.to_owned()).collect::<Vec<String>>();
    Some(match *record {
        Record::Term { epoch, host } => (path(&["term"]), json(&KeptTerm { epoch, host: host.get() })),
        Record::ShouldRun { vm, should_run } => (path(&["should-run", names.vm_id(vm)?]), json(&should_run)),
        Record::Place { vm, place } => {
            let hosts: Vec<usize> = match place {
                Place::Nowhere => Vec::new(),
                Place::On(host) => vec![host.get()],
                Place::Moving { from, to } => vec![from.get(), to.get()],
            };
            (path(&["place", names.vm_id(vm)?]), json(&hosts))
        }
        // The pool's document says it, durably, before the coordinator is told. A second home would contradict it after a crash.
        Record::Priority { .. } => return None,
        Record::Host { host, duty, boot } => {
            let kept = KeptDuty { duty: duty_word(duty).to_owned(), boot };
            (path(&["host", &host.get().to_string()]), json(&kept))
        }
        Record::Alert { id: AlertId { epoch, number }, kind, subject, open } => {
            let (about, which) = match subject {
                Subject::Pool => ("pool", "-".to_owned()),
                Subject::Host(host) => ("host", host.get().to_string()),
                Subject::Vm(vm) => ("vm", names.vm_id(vm)?.to_owned()),
                Subject::Group(group) => ("group", document.groups().get(group.get())?.id.clone()),
            };
            (path(&["alert", kind.code(), about, &which]), json(&KeptAlert { epoch, number, open }))
        }
        Record::Tolerance { level, before_drop } => {
            (path(&["tolerance"]), json(&KeptTolerance { level, before_drop }))
        }
    })
}

/// Reads what is kept. `names` and `document` are the new term's; what speaks of something that it does not know is left out.
pub fn read(kept: &[Kept], names: &Names, document: &Pool) -> All {
    let mut all = All::default();
    for record in kept {
        let path: Vec<&str> = record.key.names().skip(2).collect();
        if let ["definition", vm] = path.as_slice() {
            if let Ok(definition) = serde_json::from_slice(&record.value) {
                all.definitions.insert((*vm).to_owned(), definition);
            }
            continue;
        }
        if let Some(choice) = Choice::read(&path, &record.value) {
            all.choices.take(choice);
            continue;
        }
        if let ["invitation", _] = path.as_slice() {
            // The concern of whoever lets hosts join.
            continue;
        }
        let known = understood(&path, &record.value, names, document);
        if known.is_none() {
            tracing::warn!(
                ?path,
                "what was kept of this is left out: nothing here is called so, or another version wrote it"
            );
        }
        all.records.extend(known);
    }
    all
}

fn understood(path: &[&str], value: &[u8], names: &Names, document: &Pool) -> Option<Record> {
    Some(match path {
        ["term"] => {
            let KeptTerm { epoch, host } = parsed(value)?;
            Record::Term { epoch, host: HostIndex::new(host) }
        }
        ["should-run", vm] => Record::ShouldRun { vm: names.vm(vm)?, should_run: parsed(value)? },
        ["place", vm] => {
            let hosts: Vec<usize> = parsed(value)?;
            let place = match *hosts.as_slice() {
                [] => Place::Nowhere,
                [host] => Place::On(HostIndex::new(host)),
                [from, to] => Place::Moving { from: HostIndex::new(from), to: HostIndex::new(to) },
                _ => return None,
            };
            Record::Place { vm: names.vm(vm)?, place }
        }
        ["host", number] => {
            let KeptDuty { duty: word, boot } = parsed(value)?;
            let duty = DUTIES.into_iter().find(|duty| duty_word(*duty) == word)?;
            Record::Host { host: host_of(number, names)?, duty, boot }
        }
        ["alert", kind, about, which] => {
            let KeptAlert { epoch, number, open } = parsed(value)?;
            let subject = match *about {
                "pool" => Subject::Pool,
                "host" => Subject::Host(host_of(which, names)?),
                "vm" => Subject::Vm(names.vm(which)?),
                "group" => {
                    let position = document.groups().iter().position(|group| group.id == *which)?;
                    Subject::Group(GroupIndex::new(position))
                }
                _ => return None,
            };
            let id = AlertId { epoch, number };
            Record::Alert { id, kind: AlertKind::of_code(kind)?, subject, open }
        }
        ["tolerance"] => {
            let KeptTolerance { level, before_drop } = parsed(value)?;
            Record::Tolerance { level, before_drop }
        }
        _ => return None,
    })
}

fn host_of(number: &str, names: &Names) -> Option<HostIndex> {
    let position: usize = number.parse().ok()?;
    (position < names.hosts()).then(|| HostIndex::new(position))
}

const DUTIES: [Duty; 5] = [Duty::Enabled, Duty::Disabled, Duty::Maintenance, Duty::Leaving, Duty::Rebooting];

const fn duty_word(duty: Duty) -> &'static str {
    match duty {
        Duty::Enabled => "enabled",
        Duty::Disabled => "disabled",
        Duty::Maintenance => "maintenance",
        Duty::Leaving => "leaving",
        Duty::Rebooting => "rebooting",
    }
}

pub(super) fn parsed<T: for<'d> Deserialize<'d>>(value: &[u8]) -> Option<T> {
    serde_json::from_slice(value).ok()
}

pub(super) fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("records are maps with text keys, lists and words")
}

#[cfg(test)]
mod tests {
    use super::super::names::tests::roster;
    use super::*;
    use lifeboat_model::PoolSpec;
    use lifeboat_model::spec::{GroupSpec, HostSpec, Rule, RuleMode, VmSpec};
    use lifeboat_store::Write;

    fn document() -> (Names, Pool) {
        let mut names = Names::of(&roster(&["h1", "h2"]));
        let vm = |id: &str| VmSpec { id: id.to_owned(), memory_mib: 1, ..VmSpec::default() };
        let host = |id: &str| HostSpec { id: id.to_owned(), memory_mib: 9, ..HostSpec::default() };
        let group = GroupSpec {
            id: "apart".to_owned(),
            rule: Rule::AntiAffinity,
            mode: RuleMode::Required,
            vms: vec!["a".to_owned(), "b".to_owned()],
        };
        let spec = PoolSpec {
            id: "prod".to_owned(),
            hosts: vec![host("h1"), host("h2")],
            vms: vec![vm("a"), vm("b")],
            groups: vec![group],
            ..PoolSpec::default()
        };
        names.number("a");
        names.number("b");
        (names, Pool::new(&spec).expect("a pool"))
    }

    fn every_record() -> Vec<Record> {
        let (vm, other) = (lifeboat_model::VmIndex::new(0), lifeboat_model::VmIndex::new(1));
        let (here, there) = (HostIndex::new(0), HostIndex::new(1));
        let mut records = vec![
            Record::Term { epoch: 7, host: there },
            Record::ShouldRun { vm, should_run: true },
            Record::Place { vm, place: Place::On(here) },
            Record::Place { vm: other, place: Place::Moving { from: here, to: there } },
            Record::Tolerance { level: Some(2), before_drop: None },
        ];
        records.extend(DUTIES.map(|duty| Record::Host { host: there, duty, boot: Some(5) }));
        let subjects =
            [Subject::Pool, Subject::Host(there), Subject::Vm(other), Subject::Group(GroupIndex::new(0))];
        for kind in AlertKind::ALL {
            let id = AlertId { epoch: 7, number: 3 };
            records.extend(subjects.map(|subject| Record::Alert { id, kind, subject, open: true }));
        }
        records
    }

    #[test]
    fn every_record_is_what_it_was_after_being_kept_and_read() {
        let (names, document) = document();
        for record in every_record() {
            let mut batch = Batch::default();
            put(&mut batch, &names, &document, &document, &[record]);
            let [Write::Put(kept)] = batch.writes.as_slice() else { panic!("one write for {record:?}") };
            assert_eq!(read(std::slice::from_ref(kept), &names, &document).records, [record]);
        }
    }

    #[test]
    fn priorities_are_the_documents_alone() {
        let (names, document) = document();
        let mut batch = Batch::default();
        let vm = lifeboat_model::VmIndex::new(0);
        let priority = lifeboat_model::spec::RestartPriority::Unprotected;
        put(&mut batch, &names, &document, &document, &[Record::Priority { vm, priority }]);
        assert!(batch.writes.is_empty());
    }

    #[test]
    fn numbers_of_vms_are_those_of_one_term() {
        let (names, document) = document();
        let mut batch = Batch::default();
        let placed = |vm| Record::Place { vm, place: Place::On(HostIndex::new(0)) };
        put(&mut batch, &names, &document, &document, &[placed(lifeboat_model::VmIndex::new(0))]);
        let [Write::Put(kept)] = batch.writes.as_slice() else { panic!("one write") };
        let mut next = Names::of(&roster(&["h1", "h2"]));
        next.number("new");
        next.number("a");
        let found = read(std::slice::from_ref(kept), &next, &document).records;
        assert_eq!(found, [placed(lifeboat_model::VmIndex::new(1))]);
    }

    #[test]
    fn what_was_written_by_somebody_else_is_left_out() {
        let (names, document) = document();
        let strange = |path: &[&str], value: &str| Kept { key: key("prod", path), value: value.into() };
        let kept = [
            strange(&["place", "a"], "[1,2,3]"),
            strange(&["place", "nobody"], "[]"),
            strange(&["host", "9"], r#"{"duty": "enabled", "boot": null}"#),
            strange(&["host", "x"], r#"{"duty": "enabled", "boot": null}"#),
            strange(&["priority", "a"], "\"restart\""),
            strange(&["what"], "{}"),
            strange(&["term"], "{"),
        ];
        assert_eq!(read(&kept, &names, &document).records, []);
    }
}
