//! Single transactions, for those who keep records of their own in an etcd: no terms, no leases.
use super::client::Client;
use super::effects::beyond;
use super::wire::{Bytes, Decision, Demand, Number, Operation, Put, Range, Transaction};
use crate::{Options, StoreError};

/// A way to an etcd.
#[derive(Debug)]
pub struct Transactions {
    client: Client,
    timeout: std::time::Duration,
}

/// What stands under a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The key.
    pub key: Vec<u8>,
    /// What stands there.
    pub value: Vec<u8>,
    /// The revision at which it was last put.
    pub mod_revision: i64,
}

/// What is put under a key.
pub type ToPut<'a> = (&'a str, &'a [u8]);

impl Transactions {
    /// To the etcd with these endpoints, each `host:port`. Nothing is asked of it yet.
    ///
    /// # Errors
    /// [`StoreError::CannotOpen`] if a certificate, key or password cannot be read.
    pub fn new(endpoints: &[String], tls: bool, options: &Options) -> Result<Self, StoreError> {
        Ok(Self { client: Client::new(endpoints, tls, options)?, timeout: options.timeout })
    }

    /// One transaction: if the guard's key was last put at that revision (0: if there is no such key), or there is no guard, puts
    /// `put_if`; in any case puts `put`; then reads everything whose key begins with `prefix`. Says whether the guard held.
    ///
    /// # Errors
    /// If it may not have taken effect; it may have all the same, or will later.
    pub fn transact(
        &self,
        guard: Option<(&str, i64)>,
        put_if: &[ToPut<'_>],
        put: &[ToPut<'_>],
        prefix: &str,
    ) -> Result<(bool, Vec<Standing>), StoreError> {
        let transaction = transaction(guard, put_if, put, prefix);
        let decision: Decision = self.client.call_within(self.timeout, "kv/txn", &transaction)?.said;
        let guard_held = decision.succeeded;
        let found = decision.found().last().unwrap_or_default();
        let standing = found.into_iter().map(|kept| Standing {
            key: kept.key.0,
            value: kept.value.0,
            mod_revision: kept.mod_revision.0,
        });
        Ok((guard_held, standing.collect()))
    }
}

fn transaction(
    guard: Option<(&str, i64)>,
    put_if: &[ToPut<'_>],
    put: &[ToPut<'_>],
    prefix: &str,
) -> Transaction {
    let bytes = |text: &str| Bytes(text.as_bytes().to_vec());
    let puts = |puts: &[ToPut<'_>]| -> Vec<Operation> {
        let one =
            |(key, value): &ToPut<'_>| Put { key: bytes(key), value: Bytes(value.to_vec()), lease: None };
        puts.iter().map(one).map(Operation::Put).collect()
    };
    let end = Some(Bytes(beyond(prefix.as_bytes())));
    let read = Operation::Range(Range { key: bytes(prefix), end, ..Range::default() });
    let demand =
        |(key, revision): (&str, i64)| Demand::ChangedIn { key: bytes(key), mod_revision: Number(revision) };
    let always = [puts(put), vec![read]].concat();
    Transaction {
        compare: guard.map(demand).into_iter().collect(),
        success: [puts(put_if), always.clone()].concat(),
        failure: always,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guard_decides_what_is_put_and_the_reading_comes_last_either_way() {
        let asked = transaction(Some(("p/h1", 7)), &[("p/h1", b"new")], &[], "p/");
        let json = serde_json::to_value(&asked).expect("it has a JSON form");
        assert_eq!(json["compare"][0]["target"], "MOD");
        assert_eq!(json["compare"][0]["mod_revision"], "7");
        assert_eq!(json["success"].as_array().map(Vec::len), Some(2));
        assert_eq!(json["failure"].as_array().map(Vec::len), Some(1));
        // "p/" to before "p0": all keys that begin with "p/".
        for reading in [&json["success"][1], &json["failure"][0]] {
            assert_eq!(reading["request_range"]["key"], "cC8=", "{json}");
            assert_eq!(reading["request_range"]["range_end"], "cDA=", "{json}");
        }
    }
}
