//! An etcd cluster as its clients see it: keys with revisions, and transactions that happen at one moment.
use lifeboat_protocol::medium::{Answer, KeyValue, Request};
use std::collections::BTreeMap;

/// The keys and values.
#[derive(Debug, Default)]
pub struct Etcd {
    revision: i64,
    keys: BTreeMap<String, (Vec<u8>, i64)>,
}

impl Etcd {
    /// Carries out one transaction; another request fails.
    pub fn carry_out(&mut self, request: Request) -> Answer {
        let Request::Transaction { guard, put_if, put, get_prefix } = request else { return Answer::Failed };
        let guard_held = guard.is_none_or(|(key, revision)| self.modified(&key) == revision);
        // One transaction is one revision, whatever it writes.
        let written = put_if.into_iter().filter(|_| guard_held).chain(put);
        let mut next = self.revision;
        for (key, value) in written {
            next = self.revision + 1;
            self.keys.insert(key, (value, next));
        }
        self.revision = next;
        let range = self.keys.range(get_prefix.clone()..);
        let values = range
            .take_while(|(key, _)| key.starts_with(&get_prefix))
            .map(|(key, (value, mod_revision))| KeyValue {
                key: key.clone(),
                value: value.clone(),
                mod_revision: *mod_revision,
            })
            .collect();
        Answer::Transaction { guard_held, values }
    }

    fn modified(&self, key: &str) -> i64 {
        self.keys.get(key).map_or(0, |(_, revision)| *revision)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(etcd: &mut Etcd, guard: Option<(&str, i64)>, key: &str) -> (bool, Vec<(String, i64)>) {
        let request = Request::Transaction {
            guard: guard.map(|(key, revision)| (key.to_owned(), revision)),
            put_if: vec![(key.to_owned(), vec![1])],
            put: Vec::new(),
            get_prefix: "p/".to_owned(),
        };
        let Answer::Transaction { guard_held, values } = etcd.carry_out(request) else {
            panic!("a transaction")
        };
        (guard_held, values.into_iter().map(|value| (value.key, value.mod_revision)).collect())
    }

    #[test]
    fn of_two_writers_that_saw_the_same_revision_one_wins() {
        let mut etcd = Etcd::default();
        assert_eq!(put(&mut etcd, Some(("p/a", 0)), "p/a"), (true, vec![("p/a".to_owned(), 1)]));
        assert_eq!(put(&mut etcd, Some(("p/a", 0)), "p/a"), (false, vec![("p/a".to_owned(), 1)]));
        assert_eq!(put(&mut etcd, Some(("p/a", 1)), "p/a"), (true, vec![("p/a".to_owned(), 2)]));
        let (held, seen) = put(&mut etcd, None, "q");
        assert!(held);
        assert_eq!(seen, [("p/a".to_owned(), 2)], "only what is below the prefix is read");
    }
}
