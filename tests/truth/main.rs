//! The planner against what is known of the shared pools, where they are there: no wrong verdict, every bound with a
//! certificate that the checker accepts, and no fewer exact answers than once were reached.
//!
//! The limit is in work units, so that the counts are the same on every machine.
//! `cargo run --release -p lifeboat-tests --example report` prints the whole table, by the clock.
use lifeboat_tests::report::{Limit, Row, count, run, table};
use lifeboat_tests::shared;

/// Work units for one pool.
const WORK: u64 = 200_000;

/// Plans the pools of a folder; none where it is not there.
fn rows(folder: &str) -> Vec<Row> {
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let rows =
        shared::folder(folder).map(|folder| run(&folder, "", Limit::Work(WORK), workers)).unwrap_or_default();
    let wrong: Vec<&Row> = rows.iter().filter(|row| !row.wrong.is_empty()).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    rows
}

#[test]
fn public_pools_are_answered_truly_and_nearly_all_exactly() {
    let rows = rows("public");
    if rows.is_empty() {
        return;
    }
    let counts = count(&rows);
    println!("{}", table(&rows));
    assert_eq!(counts.pools, 221);
    assert_eq!(
        counts.below_reference,
        0,
        "below what the reference planner rightly answers:\n{}",
        table(&rows)
    );
    assert!(counts.simultaneous_exact >= 180, "{counts:?}\n{}", table(&rows));
    assert!(counts.exact_and_equal >= 120, "{counts:?}\n{}", table(&rows));
}

#[test]
fn pools_made_of_production_data_are_answered_with_certificates() {
    for folder in ["huawei", "azure"] {
        let rows = rows(folder);
        println!("{}", table(&rows));
        for row in &rows {
            assert!(row.simultaneous.proven.is_some(), "{}: not even 0 is proven", row.name);
            assert!(row.simultaneous.refuted.is_some(), "{}: nothing is refuted", row.name);
        }
    }
}
