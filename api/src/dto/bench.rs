//! What `lifeboat bench` measured, as JSON.
use schemars::JsonSchema;
use serde::Serialize;
use std::time::Duration;

/// How long each step took on one pool.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Bench")]
pub struct BenchAnswer<'a> {
    /// The pool's id.
    pub pool: &'a str,
    /// How many hosts it has.
    pub hosts: usize,
    /// How many VMs it has.
    pub vms: usize,
    /// Whether the time or work limit left nothing of the verdict open.
    pub exact: bool,
    /// The steps, in the order in which a verdict is reached.
    pub steps: Vec<StepAnswer>,
}

/// One step, run a few times.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Step")]
pub struct StepAnswer {
    /// What was done.
    pub step: &'static str,
    /// How often.
    pub runs: usize,
    /// The shortest run, in nanoseconds.
    pub fastest_ns: u64,
    /// Half of the runs took no longer.
    pub median_ns: u64,
    /// The longest run.
    pub slowest_ns: u64,
}

impl StepAnswer {
    /// Sums up runs; none if there were none.
    pub fn of(step: &'static str, mut times: Vec<Duration>) -> Option<Self> {
        times.sort_unstable();
        let ns = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        Some(Self {
            step,
            runs: times.len(),
            fastest_ns: ns(*times.first()?),
            median_ns: ns(times[(times.len() - 1) / 2]),
            slowest_ns: ns(*times.last()?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_runs_take_no_longer_than_the_median() {
        let times = [5, 1, 3, 4].map(Duration::from_nanos).to_vec();
        let step = StepAnswer::of("a step", times).expect("four runs");
        assert_eq!((step.runs, step.fastest_ns, step.median_ns, step.slowest_ns), (4, 1, 3, 5));
        assert!(StepAnswer::of("a step", Vec::new()).is_none());
    }
}
