//! The promises. Each function takes a store that nobody leads and in which nothing is kept.
mod backups;
mod batches;
mod order;
mod terms;

use lifeboat_store::{Batch, Candidate, Key, Options, Record, Store, StoreAddress, Term};
use std::time::Duration;

/// Where stores of one kind are, so that a case can open as many as it needs.
pub(crate) trait Kind {
    /// The address of a store that is not there yet.
    fn fresh(&self) -> StoreAddress;
    /// Opens it, from another process as it were.
    fn open(&self, address: &StoreAddress) -> Box<dyn Store>;
    /// What opening one needs to know.
    fn options(&self) -> Options {
        Options::default()
    }
}

/// One promise, tried on stores of a kind.
pub(crate) type Case = fn(&dyn Kind);

/// Every promise, and the case that holds it.
pub(crate) const CASES: &[(&str, Case)] = &[
    ("what was put is there", batches::what_was_put_is_there),
    ("the writes of a batch take effect in their order", batches::writes_take_effect_in_their_order),
    ("forgetting below a key spares its neighbours", batches::forgetting_below_a_key_spares_its_neighbours),
    ("a batch of thousands is whole", batches::a_batch_of_thousands_is_whole),
    ("a batch beyond the limits is refused whole", batches::a_batch_beyond_the_limits_is_refused_whole),
    ("the store's own records are out of reach", batches::its_own_records_are_out_of_reach),
    (
        "what was acknowledged is there when it is opened again",
        batches::what_was_acknowledged_survives_reopening,
    ),
    ("records come in the order of their keys", order::records_come_in_the_order_of_their_keys),
    ("a scan goes on where the last one ended", order::a_scan_goes_on_where_the_last_one_ended),
    ("a scan stays below its prefix", order::a_scan_stays_below_its_prefix),
    ("terms only rise", terms::terms_only_rise),
    ("a term that was resigned writes no more", terms::a_resigned_term_writes_no_more),
    ("a superseded term writes no more", terms::a_superseded_term_writes_no_more),
    ("who leads is known while somebody leads", terms::who_leads_is_known),
    ("a backup comes back whole", backups::a_backup_comes_back_whole),
    ("a backup is of one moment while others write", backups::a_backup_is_of_one_moment),
    ("a damaged backup is refused and leaves nothing", backups::a_damaged_backup_leaves_nothing),
    ("a backup is not restored over anything", backups::a_backup_is_not_restored_over_anything),
    ("terms go on beyond those of the backup", backups::terms_go_on_beyond_those_of_the_backup),
];

pub(crate) fn candidate(name: &str) -> Candidate {
    Candidate { name: name.to_owned(), address: format!("https://{name}:7878") }
}

/// Leads, which succeeds at once where nobody else does.
pub(crate) fn lead(store: &dyn Store) -> Term {
    store.campaign(&candidate("a"), Duration::from_secs(10)).expect("a campaign").expect("nobody else leads")
}

pub(crate) fn key(name: &str) -> Key {
    Key::of(&["test", name])
}

pub(crate) fn puts<'a>(records: impl IntoIterator<Item = (&'a str, &'a str)>) -> Batch {
    let mut batch = Batch::default();
    for (name, value) in records {
        batch.put(key(name), value.as_bytes().to_vec());
    }
    batch
}

/// Everything that a store keeps.
pub(crate) fn everything(store: &dyn Store) -> Vec<Record> {
    store.scan(&Key::of(&[]), None, usize::MAX).expect("a scan")
}

pub(crate) fn names(records: &[Record]) -> Vec<String> {
    records.iter().map(|record| record.key.names().last().unwrap_or_default().to_owned()).collect()
}
