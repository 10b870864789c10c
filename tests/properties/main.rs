//! Everything that the planner promises, on thousands of tiny pools, against the oracle.
//!
//! `CASES=1000000 cargo test --release -p lifeboat-tests --test properties` soaks; `SEED=17 CASES=1` repeats one.
use lifeboat_model::spec::PoolSpec;
use lifeboat_tests::judge::{Facts, judge};
use lifeboat_tests::shrink::shrink;
use lifeboat_tests::tiny;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Tiny pools in the ordinary run.
const CASES: u64 = 3000;

#[test]
fn the_planner_keeps_its_promises_on_tiny_pools() {
    let first = number("SEED", 0);
    let cases = number("CASES", CASES);
    let threads = std::thread::available_parallelism().map_or(1, usize::from) as u64;
    let judged: Vec<(Facts, Option<Failure>)> = std::thread::scope(|scope| {
        let seeds = |worker| (first..first + cases).filter(move |seed| seed % threads == worker);
        let workers: Vec<_> =
            (0..threads).map(|worker| scope.spawn(move || judge_all(seeds(worker)))).collect();
        workers.into_iter().map(|worker| worker.join().expect("panics of the planner are caught")).collect()
    });
    let mut facts = Facts::default();
    for (found, failure) in judged {
        facts.add(&found);
        if let Some(Failure { seed, smallest, complaint }) = failure {
            panic!(
                "seed {seed}: {complaint}\nsmallest pool found: {smallest:#?}\n\
                 repeat: SEED={seed} CASES=1 cargo test -p lifeboat-tests --test properties"
            );
        }
    }
    println!("{facts:?}");
    let share = |name| facts.of(name) * 1000 / facts.of("pools");
    assert_eq!(facts.of("simultaneous open"), 0, "a tiny pool's simultaneous tolerance is open: {facts:?}");
    assert!(share("sequential open") <= 10, "sequential tolerance is open too often: {facts:?}");
    assert!(share("beyond the oracle") <= 10, "the oracle gave up too often: {facts:?}");
}

struct Failure {
    seed: u64,
    smallest: PoolSpec,
    complaint: String,
}

/// Judges the pools of these seeds until one fails, and shrinks that.
fn judge_all(seeds: impl Iterator<Item = u64>) -> (Facts, Option<Failure>) {
    let mut facts = Facts::default();
    for seed in seeds {
        let spec = tiny::pool(seed);
        if let Ok(found) = judged(&spec) {
            facts.add(&found);
        } else {
            let (smallest, complaint) = shrink(&spec, &|candidate| judged(candidate).err());
            return (facts, Some(Failure { seed, smallest, complaint }));
        }
    }
    (facts, None)
}

/// A panic in the planner is a broken promise as well.
fn judged(spec: &PoolSpec) -> Result<Facts, String> {
    catch_unwind(AssertUnwindSafe(|| judge(spec))).unwrap_or_else(|panic| {
        let words = panic.downcast_ref::<String>().cloned();
        let words = words.or_else(|| panic.downcast_ref::<&str>().map(|&words| words.into()));
        Err(format!("panic: {}", words.unwrap_or_default()))
    })
}

#[expect(
    clippy::disallowed_methods,
    reason = "the door through which a soak says how many cases and from which seed"
)]
fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}
