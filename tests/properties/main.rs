//! Everything that the planner promises, on thousands of tiny pools, against the oracle.
//!
//! `tests/soak` runs a million of them; `SEED=17 CASES=1` repeats one. Where promises are broken, one pool of each
//! kind of complaint is shrunk and printed.
use lifeboat_model::spec::PoolSpec;
use lifeboat_tests::judge::{Facts, judge};
use lifeboat_tests::shrink::shrink;
use lifeboat_tests::tiny;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Tiny pools in the ordinary run.
const CASES: u64 = 3000;
/// Kinds of complaint that are shrunk and printed.
const MOST_KINDS: usize = 8;

#[test]
fn the_planner_keeps_its_promises_on_tiny_pools() {
    let first = number("SEED", 0);
    let cases = number("CASES", CASES);
    let threads = std::thread::available_parallelism().map_or(1, usize::from) as u64;
    // Shrinking meets the same panic a thousand times: it is kept, not printed.
    let printing = std::panic::take_hook();
    std::panic::set_hook(Box::new(|panic| LAST_PANIC.set(panic.to_string())));
    let mut judged = Judged::default();
    std::thread::scope(|scope| {
        let seeds = |worker| (first..first + cases).filter(move |seed| seed % threads == worker);
        let workers: Vec<_> =
            (0..threads).map(|worker| scope.spawn(move || judge_all(seeds(worker)))).collect();
        for worker in workers {
            judged.add(worker.join().expect("panics of the planner are caught"));
        }
    });
    let complaints: Vec<String> =
        judged.first_of_kind.iter().take(MOST_KINDS).map(|(kind, &seed)| explain(kind, seed)).collect();
    std::panic::set_hook(printing);
    let facts = judged.facts;
    println!("{facts:?}");
    assert!(complaints.is_empty(), "{} of {cases} pools:\n{}", judged.failed, complaints.join("\n"));
    let share = |name| facts.of(name) * 1000 / facts.of("pools");
    assert_eq!(facts.of("simultaneous open"), 0, "a tiny pool's simultaneous tolerance is open: {facts:?}");
    assert!(share("sequential open") <= 10, "sequential tolerance is open too often: {facts:?}");
    assert!(share("beyond the oracle") <= 10, "the oracle gave up too often: {facts:?}");
}

/// What came of many pools.
#[derive(Default)]
struct Judged {
    facts: Facts,
    failed: u64,
    first_of_kind: BTreeMap<String, u64>,
}

impl Judged {
    fn add(&mut self, other: Self) {
        self.facts.add(&other.facts);
        self.failed += other.failed;
        for (kind, seed) in other.first_of_kind {
            let first = self.first_of_kind.entry(kind).or_insert(seed);
            *first = seed.min(*first);
        }
    }
}

/// Judges the pools of these seeds.
fn judge_all(seeds: impl Iterator<Item = u64>) -> Judged {
    let mut judged = Judged::default();
    for seed in seeds {
        match judge_or_catch(&tiny::pool(seed)) {
            Ok(facts) => judged.facts.add(&facts),
            Err(complaint) => {
                judged.failed += 1;
                judged.first_of_kind.entry(kind(&complaint)).or_insert(seed);
            }
        }
    }
    judged
}

/// A complaint without what differs from pool to pool.
fn kind(complaint: &str) -> String {
    let mut depth = 0;
    let outside = |&character: &char| {
        depth += i32::from(matches!(character, '[' | '{' | '('));
        let outside = depth == 0 && !character.is_ascii_digit();
        depth -= i32::from(matches!(character, ']' | '}' | ')'));
        outside
    };
    complaint.chars().filter(outside).take(90).collect()
}

/// The smallest pool that still earns this kind of complaint, and how to repeat it.
fn explain(kind_of_complaint: &str, seed: u64) -> String {
    let same =
        |spec: &PoolSpec| judge_or_catch(spec).err().filter(|complaint| kind(complaint) == kind_of_complaint);
    let (smallest, complaint) = shrink(&tiny::pool(seed), &same);
    let mut document = Vec::new();
    lifeboat::dto::pool::write(&smallest, &mut document).expect("memory does not fail");
    let document = String::from_utf8_lossy(&document);
    let repeat = format!("SEED={seed} CASES=1 cargo test -p lifeboat-tests --test properties");
    format!("* {complaint}\n  {document}\n  {repeat}\n")
}

thread_local! {
    /// What the last panic of this thread said, and where.
    static LAST_PANIC: RefCell<String> = const { RefCell::new(String::new()) };
}

/// A panic in the planner is a broken promise as well.
fn judge_or_catch(spec: &PoolSpec) -> Result<Facts, String> {
    catch_unwind(AssertUnwindSafe(|| judge(spec)))
        .unwrap_or_else(|_| Err(LAST_PANIC.with_borrow(Clone::clone)))
}

#[expect(
    clippy::disallowed_methods,
    reason = "the door through which a soak says how many cases and from which seed"
)]
fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}
