//! The test that matters most: whatever is accepted is true. Tiny pools, certificates made up for them, and an
//! oracle that tries everything. `CASES` in the build's environment sets how many cases are tried.
mod draw;
mod forge;
mod judge;
mod pools;
mod tight;
mod truth;

use draw::Draw;
use judge::Tally;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;
use tight::Sort;

/// What the certificates made up here must be accepted for, so that agreement is not for want of acceptance.
const SORTS: [&str; 20] = [
    "at once: any fit",
    "at once: at root",
    "at once: slots",
    "at once: fixed order",
    "at once: branch",
    "at once: packing",
    "in turn: any fit",
    "in turn: slots",
    "in turn: fixed order",
    "in turn: branch",
    "in turn: packing",
    "no survivor",
    "liveness",
    "values",
    "separation",
    "exhaustion",
    "cases",
    "broken",
    "strategy: at once",
    "strategy: answers",
];

#[test]
fn whatever_is_accepted_is_true() {
    let cases = cases();
    let mut tally = Tally::default();
    for seed in 0..cases {
        from_seed(seed, |draw| judge::case(draw, &mut tally));
    }
    for sort in SORTS {
        let accepted = tally.accepted.get(sort).copied().unwrap_or(0) as u64;
        assert!(accepted * 1000 >= cases, "only {accepted} of {sort:?} in {tally:#?}");
    }
    assert!(tally.tired * 200 < tally.certificates, "{tally:#?}");
    println!("{tally:#?}");
}

#[test]
fn a_proof_holds_where_it_barely_holds() {
    let cases = cases() / 3;
    let mut sorts: BTreeMap<Sort, u64> = BTreeMap::new();
    for seed in 0..cases {
        if let Some(sort) = from_seed(seed, tight::case) {
            *sorts.entry(sort).or_default() += 1;
        }
    }
    assert_eq!(sorts.len(), 5, "{sorts:#?}");
    assert!(sorts.values().all(|&proven| proven * 50 > cases), "{sorts:#?}");
    println!("{sorts:#?}");
}

/// How many cases each test tries; more by `CASES` when the tests are built.
fn cases() -> u64 {
    option_env!("CASES").map_or(3000, |cases| cases.parse().expect("CASES is a number"))
}

fn from_seed<T>(seed: u64, case: impl FnOnce(&mut Draw<'_>) -> T) -> T {
    let mut stream = ChaCha8Rng::seed_from_u64(seed);
    let mut choose = |count: usize| stream.random_range(0..count);
    case(&mut Draw(&mut choose))
}
