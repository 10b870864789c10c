//! How fast a store commits: `cargo run --release -p lifeboat-store --example speed -- ADDRESS`. The store must be one
//! that may be filled with rubbish.
use lifeboat_store::{Batch, Candidate, Key, Options, Store, StoreAddress, StoreError, open};
use std::time::{Duration, Instant};

/// Batches of each size.
const BATCHES: u32 = 500;
/// About what a VM takes.
const RECORD_BYTES: usize = 300;

#[expect(clippy::print_stdout, reason = "its answer")]
fn main() -> Result<(), StoreError> {
    let address = std::env::args().nth(1).unwrap_or_default();
    let address: StoreAddress = address.parse()?;
    let store = open(&address, &Options { lease: Duration::from_mins(5), ..Options::default() })?;
    let us = Candidate { name: "speed".to_owned(), address: String::new() };
    let Some(term) = store.campaign(&us, Duration::from_secs(10))? else {
        return Err(StoreError::InUse(address.to_string()));
    };
    for records in [1, 100, 5_000_u32] {
        let batches = if records > 100 { BATCHES / 25 } else { BATCHES };
        let took = (0..batches).map(|number| time(&*store, term, &batch(number, records)));
        let mut took = took.collect::<Result<Vec<Duration>, StoreError>>()?;
        let all: Duration = took.iter().sum();
        took.sort_unstable();
        let at = |part: usize| took[(took.len() - 1) * part / 100].as_secs_f64() * 1e3;
        println!(
            "{address}: batches of {records}: {:.0} commits/s, {:.0} records/s; median {:.1} ms, 99 % within {:.1} ms",
            f64::from(batches) / all.as_secs_f64(),
            f64::from(batches * records) / all.as_secs_f64(),
            at(50),
            at(99),
        );
    }
    store.resign(term)
}

#[expect(clippy::disallowed_methods, reason = "it measures time")]
fn time(store: &dyn Store, term: lifeboat_store::Term, batch: &Batch) -> Result<Duration, StoreError> {
    let start = Instant::now();
    store.commit(term, batch)?;
    Ok(start.elapsed())
}

fn batch(number: u32, records: u32) -> Batch {
    let mut batch = Batch::default();
    for record in 0..records {
        batch.put(
            Key::numbered(&["speed"], u64::from((number * records + record) % 20_000)),
            vec![b'x'; RECORD_BYTES],
        );
    }
    batch
}
