//! The test that matters most: whatever is accepted is true. Tiny pools, certificates made up for them, and an
//! oracle that tries everything. `CASES` in the build's environment sets how many cases are tried.
mod draw;
mod forge;
mod judge;
mod pools;
mod truth;

use draw::Draw;
use judge::Tally;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// What the certificates made up here must be accepted for, so that agreement is not for want of acceptance.
const SORTS: [&str; 19] = [
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
    let cases: u64 = option_env!("CASES").map_or(4000, |cases| cases.parse().expect("CASES is a number"));
    let mut tally = Tally::default();
    for seed in 0..cases {
        let mut stream = ChaCha8Rng::seed_from_u64(seed);
        let mut choose = |count: usize| stream.random_range(0..count);
        judge::case(&mut Draw(&mut choose), &mut tally);
    }
    for sort in SORTS {
        let accepted = tally.accepted.get(sort).copied().unwrap_or(0) as u64;
        assert!(accepted * 1000 >= cases, "only {accepted} of {sort:?} in {tally:#?}");
    }
    println!("{tally:#?}");
}
