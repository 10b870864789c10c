//! Plans every shared pool and compares the answers with what is known: counts by family, and by name whatever is
//! not exact.
use crate::truth::{self, Truth};
use crate::{certificate, clock, shared};
use core::num::NonZeroUsize;
use lifeboat_model::verdict::Bounds;
use lifeboat_planner::{Limits, assess};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

/// Where the limit is in work units, this much time ends a pool all the same.
const SAFETY_NET: Duration = Duration::from_secs(20);

/// How long one pool may take.
#[derive(Clone, Copy, Debug)]
pub enum Limit {
    /// Work units: the same bounds every time.
    Work(u64),
    /// On the wall.
    Time(Duration),
}

/// What became of one pool.
#[derive(Clone, Debug)]
pub struct Row {
    /// Its name.
    pub name: String,
    /// Its family: that of `truth.json`, else the name's first word.
    pub family: String,
    /// The bounds at once.
    pub simultaneous: Bounds,
    /// The bounds in turn.
    pub sequential: Bounds,
    /// Whatever must never be: a wrong verdict, a certificate that is refused.
    pub wrong: Vec<String>,
    /// What is known.
    pub truth: Option<Truth>,
    /// Work units used.
    pub work: u64,
    /// How long it took.
    pub elapsed: Duration,
    /// How long the check of the certificate took.
    pub check_elapsed: Duration,
}

impl Row {
    /// Nothing is open in either notion, and they agree.
    pub fn exact_and_equal(&self) -> bool {
        self.simultaneous.is_exact()
            && self.sequential.is_exact()
            && self.simultaneous.proven == self.sequential.proven
    }
}

/// Plans every pool of a folder whose name begins so.
///
/// # Panics
/// If a pool cannot be read, or the planner or the checker panics.
pub fn run(folder: &Path, prefix: &str, limit: Limit, workers: usize) -> Vec<Row> {
    let truth = if folder.join("truth.json").exists() { truth::read(folder) } else { BTreeMap::new() };
    let mut pools = shared::pools(folder);
    pools.retain(|(name, _)| name.starts_with(prefix));
    let work = |worker: usize| {
        let mine = pools.iter().skip(worker).step_by(workers);
        mine.map(|(name, path)| row(name, path, truth.get(name), limit)).collect::<Vec<_>>()
    };
    let mut rows: Vec<Row> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..workers).map(|worker| scope.spawn(move || work(worker))).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("a pool that can be planned")).collect()
    });
    rows.sort_by(|a, b| a.name.cmp(&b.name));
    rows
}

fn row(name: &str, path: &Path, truth: Option<&Truth>, limit: Limit) -> Row {
    let pool = shared::pool(path);
    let started = clock::now();
    let most = if let Limit::Time(most) = limit { most } else { SAFETY_NET };
    let stop = move || started.elapsed() >= most;
    let answer = assess(
        &pool,
        &Limits {
            work: if let Limit::Work(units) = limit { Some(units) } else { None },
            stop: Some(&stop),
            threads: NonZeroUsize::MIN,
            ..Limits::default()
        },
    );
    let elapsed = started.elapsed();
    let checking = clock::now();
    let mut wrong = truth.map(|truth| truth.contradictions(&answer)).unwrap_or_default();
    wrong.extend(certificate::verify(&pool, &answer).err());
    let family = name.split('-').next().unwrap_or_default().to_owned();
    Row {
        name: name.to_owned(),
        family: truth.map_or(family, |truth| truth.family.clone()),
        simultaneous: answer.tolerance.simultaneous,
        sequential: answer.tolerance.sequential,
        wrong,
        truth: truth.cloned(),
        work: answer.work,
        elapsed,
        check_elapsed: checking.elapsed(),
    }
}

/// What is counted over rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Pools.
    pub pools: usize,
    /// Of these, with the simultaneous tolerance exact.
    pub simultaneous_exact: usize,
    /// With the sequential tolerance exact.
    pub sequential_exact: usize,
    /// With both exact and equal.
    pub exact_and_equal: usize,
    /// Proven at once below what the reference rightly answers.
    pub below_reference: usize,
    /// Proven in turn below what the reference rightly answers.
    pub below_reference_in_turn: usize,
    /// With a wrong verdict or a refused certificate.
    pub wrong: usize,
}

/// Counts rows.
pub fn count<'r>(rows: impl IntoIterator<Item = &'r Row>) -> Counts {
    let mut counts = Counts::default();
    for row in rows {
        let (reference, in_turn) = row.truth.as_ref().map_or((None, None), Truth::reference);
        counts.pools += 1;
        counts.simultaneous_exact += usize::from(row.simultaneous.is_exact());
        counts.sequential_exact += usize::from(row.sequential.is_exact());
        counts.exact_and_equal += usize::from(row.exact_and_equal());
        counts.below_reference += usize::from(row.simultaneous.proven < reference);
        counts.below_reference_in_turn += usize::from(row.sequential.proven < in_turn);
        counts.wrong += usize::from(!row.wrong.is_empty());
    }
    counts
}

/// The table by family, then by name whatever is not exact or below the reference.
pub fn table(rows: &[Row]) -> String {
    let mut text = String::from("family        pools  at once  in turn  both =  < reference  wrong\n");
    let mut families: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
    for row in rows {
        families.entry(&row.family).or_default().push(row);
    }
    let all = ("all", rows.iter().collect::<Vec<_>>());
    for (family, rows) in families.into_iter().chain([all]) {
        let counts = count(rows);
        let _ = writeln!(
            text,
            "{family:<12} {:>6} {:>8} {:>8} {:>7} {:>12} {:>6}",
            counts.pools,
            counts.simultaneous_exact,
            counts.sequential_exact,
            counts.exact_and_equal,
            counts.below_reference,
            counts.wrong
        );
    }
    for row in rows {
        let below = count([row]).below_reference + count([row]).below_reference_in_turn > 0;
        if !row.exact_and_equal() || below || !row.wrong.is_empty() {
            text += &line(row);
        }
    }
    text
}

fn line(row: &Row) -> String {
    let span = |bounds: Bounds| {
        let word = |bound: Option<u32>| bound.map_or("-".to_owned(), |bound| bound.to_string());
        format!("[{}, {})", word(bounds.proven), word(bounds.refuted))
    };
    let known = row.truth.as_ref().map_or(String::new(), |truth| {
        let ((a, b), (c, d)) = (truth.simultaneous, truth.sequential);
        format!("truth {a}..{b} and {c}..{d}, reference {}", truth.reference_max)
    });
    format!(
        "{:<40} {:>8} {:>8} {:>9} us  {known} {}\n",
        row.name,
        span(row.simultaneous),
        span(row.sequential),
        row.elapsed.as_micros(),
        row.wrong.join("; ")
    )
}
