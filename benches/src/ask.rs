//! One question to the planner, timed. This is the only file that calls it.
use crate::corpus::Case;
use lifeboat::clock::Stopwatch;
use lifeboat_model::certificate::{Proof, Proven};
use lifeboat_model::change::Change;
use lifeboat_model::spec::{Guarantee, RestartPriority};
use lifeboat_model::verdict::Bounds;
use lifeboat_model::{HostIndex, HostSet, Pool, VmIndex};
use lifeboat_planner::{Assessment, Limits, admission, assess, assess_at_once, restart_plan};
use std::time::Duration;

/// Work for an answer that a measurement starts from.
const BEFORE_WORK: u64 = 2_000_000;

/// What is asked of each pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// The exact tolerance for failures at once, up to that many; none: all.
    AtOnce(Option<u32>),
    /// The exact tolerance in both notions, up to that many failures.
    InTurn(u32),
    /// Both notions, as far as they go.
    Everything,
    /// May this VM start, move, stop? Several changes for each pool.
    Change,
    /// The restart plan for as many failures as are proven survivable. Several sets for each pool.
    Restart,
}

/// One question answered.
#[derive(Clone, Copy, Debug)]
pub struct Answer {
    /// How long it took.
    pub time: Duration,
    /// Whether nothing that was asked stayed open.
    pub exact: bool,
    /// Whether linear tests decided, without a search.
    pub linear: bool,
}

/// Changes, or failure sets, that are asked about for each pool.
const QUESTIONS: u64 = 4;

impl Ask {
    /// Puts the question to one pool. What is only set-up is not timed.
    pub fn put(self, case: &Case, limit: Duration) -> Vec<Answer> {
        match self {
            Self::AtOnce(_) | Self::InTurn(_) | Self::Everything => vec![self.tolerance(&case.pool, limit)],
            Self::Change => changes(case, limit),
            Self::Restart => restarts(case, limit),
        }
    }

    fn tolerance(self, pool: &Pool, limit: Duration) -> Answer {
        let (time, assessment) = timed(limit, |limits| self.assess(pool, limits));
        let exact = match self {
            Self::AtOnce(most) => is_decided(assessment.tolerance.simultaneous, most),
            Self::InTurn(most) => is_decided(assessment.tolerance.sequential, Some(most)),
            _ => assessment.tolerance.simultaneous.is_exact() && assessment.tolerance.sequential.is_exact(),
        };
        Answer { time, exact, linear: is_linear(&assessment) }
    }

    /// The assessment that answers the question.
    pub fn assess(self, pool: &Pool, limits: &Limits<'_>) -> Assessment {
        match self {
            Self::AtOnce(max_failures) => assess_at_once(pool, &Limits { max_failures, ..*limits }),
            Self::InTurn(most) => assess(pool, &Limits { max_failures: Some(most), ..*limits }),
            _ => assess(pool, limits),
        }
    }
}

/// The median of a few runs, each from the bare pool: more where one run is short.
pub fn timed<T>(limit: Duration, run: impl Fn(&Limits<'_>) -> T) -> (Duration, T) {
    let once = || {
        let watch = Stopwatch::start();
        let stop = || watch.has_reached(limit);
        let answer = run(&Limits { stop: Some(&stop), ..Limits::default() });
        (watch.elapsed(), answer)
    };
    let (first, answer) = once();
    let more = match first.as_micros() {
        0..2_000 => 4,
        2_000..50_000 => 2,
        _ => 0,
    };
    let mut times: Vec<Duration> = (0..more).map(|_| once().0).chain([first]).collect();
    times.sort_unstable();
    (times[times.len() / 2], answer)
}

/// Whether the bounds meet, or settle all that was asked.
fn is_decided(bounds: Bounds, most: Option<u32>) -> bool {
    bounds.is_exact() || most.is_some_and(|most| bounds.proven.is_some_and(|proven| proven >= most))
}

/// Whether what is proven rests on linear tests alone: proof trees of one node.
pub fn is_linear(assessment: &Assessment) -> bool {
    let one_node = |proven: &Option<Proven>| match proven {
        Some(Proven { proof: Proof::Tree(tree), .. }) => tree.nodes.len() <= 1,
        _ => true,
    };
    one_node(&assessment.certificate.simultaneous_proven)
        && one_node(&assessment.certificate.sequential_proven)
}

/// May this change be made? Asked with the present assessment at hand, as the service has it.
fn changes(case: &Case, limit: Duration) -> Vec<Answer> {
    let Case { pool, seed } = case;
    let before = assess(
        pool,
        &Limits { max_failures: Some(pool.effective_target()), work: Some(BEFORE_WORK), ..Limits::default() },
    );
    (0..QUESTIONS)
        .filter_map(|question| {
            let change = change(pool, seed * QUESTIONS + question)?;
            let (time, answer) =
                timed(limit, |limits| admission::check(pool, Some(&before), &change, limits));
            let answer = answer.ok()?;
            let most = Some(pool.effective_target());
            let after = assess(
                &answer.pool_after,
                &Limits { max_failures: most, work: Some(BEFORE_WORK), ..Limits::default() },
            );
            Some(Answer { time, exact: !answer.open, linear: is_linear(&after) })
        })
        .collect()
}

/// A change that users make: a VM moves to the emptiest host, or stops, or becomes protected.
pub fn change(pool: &Pool, draw: u64) -> Option<Change> {
    let free = pool.free();
    let room = |host: &HostIndex| free[host.get() * pool.resources().len()];
    let vms = pool.vms().len() as u64;
    let vm = VmIndex::new((draw.wrapping_mul(0x9E37_79B9_7F4A_7C15) % vms) as usize);
    let home = pool.runs_on(vm)?;
    let emptiest = pool.target_hosts().iter().filter(|&host| host != home).max_by_key(room)?;
    Some(if draw % 4 == 3 { Change::Stop { vm } } else { Change::EndMigration { vm, to: emptiest } })
}

/// Plans for sets of as many hosts as are proven survivable under the pool's guarantee, at most four.
fn restarts(case: &Case, limit: Duration) -> Vec<Answer> {
    let Case { pool, seed } = case;
    let before =
        assess(pool, &Limits { max_failures: Some(4), work: Some(BEFORE_WORK), ..Limits::default() });
    let bounds = match pool.settings().guarantee {
        Guarantee::Sequential => before.tolerance.sequential,
        Guarantee::Simultaneous => before.tolerance.simultaneous,
    };
    let failures = bounds.proven.unwrap_or(0).min(4);
    if failures == 0 {
        return Vec::new();
    }
    (0..QUESTIONS)
        .map(|question| {
            let failed = failed(pool, failures, seed * QUESTIONS + question);
            let (time, plan) = timed(limit, |limits| restart_plan(pool, &failed, &before, limits));
            let whole = plan
                .unplaced
                .iter()
                .all(|left| pool.vm(left.vm).restart_priority != RestartPriority::Restart);
            Answer { time, exact: whole, linear: true }
        })
        .collect()
}

/// A set of so many hosts that can fail.
pub fn failed(pool: &Pool, failures: u32, draw: u64) -> HostSet {
    let mut left: Vec<HostIndex> = pool.failable_hosts().iter().collect();
    let mut state = draw;
    let chosen = (0..failures).filter_map(|_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (!left.is_empty()).then(|| left.swap_remove((state >> 33) as usize % left.len()))
    });
    HostSet::of(pool.hosts().len(), chosen)
}
