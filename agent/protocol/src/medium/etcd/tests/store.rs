//! etcd in memory, as far as the medium uses it.
use crate::medium::explore::{Store, mix};
use crate::medium::{Answer, KeyValue, Request, Snapshot, Step, etcd};
use crate::medium::{EtcdMedium, Medium, PoolId};
use crate::{Configuration, Status};
use alloc::{collections::BTreeMap, string::String, vec::Vec};
use lifeboat_model::HostIndex;

pub(super) const POOL: PoolId = PoolId([0xab; 16]);

#[derive(Clone, Debug)]
pub(super) struct Etcd {
    pub(super) keys: BTreeMap<String, (Vec<u8>, i64)>,
    revision: i64,
    /// Failed transactions that may yet take effect.
    late: Vec<Request>,
}

impl Etcd {
    pub(super) fn new(hosts: usize) -> Self {
        let mut store = Self { keys: BTreeMap::new(), revision: 1, late: Vec::new() };
        store.serve(&etcd::format(POOL, hosts));
        store
    }

    fn put(&mut self, puts: &[(String, Vec<u8>)]) {
        for (key, value) in puts {
            self.keys.insert(key.clone(), (value.clone(), self.revision));
        }
    }
}

impl Store for Etcd {
    fn serve(&mut self, request: &Request) -> Answer {
        let Request::Transaction { guard, put_if, put, get_prefix } = request else { return Answer::Failed };
        let revision = |key| self.keys.get(key).map_or(0, |(_, revision)| *revision);
        let guard_held = guard.as_ref().is_none_or(|(key, expected)| revision(key) == *expected);
        let changes = guard_held && !put_if.is_empty() || !put.is_empty();
        self.revision += i64::from(changes);
        if guard_held {
            self.put(put_if);
        }
        self.put(put);
        let under = self.keys.iter().filter(|(key, _)| key.starts_with(get_prefix));
        let value = |(key, (value, revision)): (&String, &(Vec<u8>, i64))| KeyValue {
            key: key.clone(),
            value: value.clone(),
            mod_revision: *revision,
        };
        Answer::Transaction { guard_held, values: under.map(value).collect() }
    }

    /// A part of a transaction is the whole, later.
    fn tear(&mut self, request: &Request) -> bool {
        self.late.push(request.clone());
        true
    }

    fn serve_late(&self, _: &Request, _: &Self, _: &[&Request], _: u64) -> Option<Answer> {
        None
    }

    fn by_itself(&self) -> Vec<Self> {
        let after = |position| {
            let mut store = self.clone();
            let request = store.late.remove(position);
            store.serve(&request);
            store
        };
        (0..self.late.len()).map(after).collect()
    }

    fn fingerprint(&self) -> u64 {
        let bytes = |sum, bytes: &[u8]| bytes.iter().fold(sum, |sum, &byte| mix(sum, byte.into()));
        let late = self.late.iter().fold(0, |sum, request| match request {
            Request::Transaction { guard: Some((key, revision)), put_if, .. } => put_if
                .iter()
                .fold(bytes(mix(sum, *revision as u64), key.as_bytes()), |sum, (_, value)| bytes(sum, value)),
            _ => mix(sum, 1),
        });
        self.keys.iter().fold(mix(late, self.revision as u64), |sum, (key, (value, revision))| {
            mix(bytes(bytes(sum, key.as_bytes()), value), *revision as u64)
        })
    }
}

/// Runs one cycle to its end with nothing in between.
pub(super) fn cycle(
    medium: &mut EtcdMedium,
    store: &mut Etcd,
    own: &Status,
    proposal: Option<&Configuration>,
) -> (usize, Step) {
    let mut request = medium.begin(own, proposal);
    let mut requests = 1;
    loop {
        match medium.answered(store.serve(&request)) {
            Step::Next(next) => request = next,
            end => return (requests, end),
        }
        requests += 1;
    }
}

/// The snapshot of a cycle that succeeds.
pub(super) fn snapshot(
    medium: &mut EtcdMedium,
    store: &mut Etcd,
    own: &Status,
    proposal: Option<&Configuration>,
) -> Snapshot {
    match cycle(medium, store, own, proposal).1 {
        Step::Done(snapshot) => snapshot,
        other => panic!("the cycle ended in {other:?}"),
    }
}

pub(super) fn medium(host: u16, hosts: usize) -> EtcdMedium {
    EtcdMedium::new(POOL, HostIndex(host), hosts)
}
