//! What the service says of the pool's tolerance, and when that is worth a sentence: when it has changed and has come
//! to rest. Between the first and the last VM of a restart it may change with each.
use super::Tone;
use crate::cli::style::count;
use lifeboat_planner::Assessment;
use std::time::Duration;

/// A verdict of the service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Failures proven survivable, one after another; none: not even the present state holds.
    pub proven: Option<u32>,
    /// The fewest failures that are known not to be.
    pub refuted: Option<u32>,
    /// HFTT.
    pub target: u32,
    /// The target less hosts in maintenance.
    pub effective_target: u32,
    /// Whether the effective target is not proven.
    pub overcommitted: bool,
    /// Why not one failure more, in words.
    pub witness: Option<String>,
    /// How long the search took.
    pub took: Duration,
    /// The revision of the pool that it speaks of.
    pub revision: u64,
}

impl Verdict {
    /// What an assessment says.
    pub fn of(assessment: &Assessment, revision: u64, took: Duration) -> Self {
        Self {
            proven: assessment.tolerance.sequential.proven,
            refuted: assessment.tolerance.sequential.refuted,
            target: assessment.target,
            effective_target: assessment.effective_target,
            overcommitted: assessment.overcommitted,
            witness: assessment.witness.as_ref().map(|witness| witness.reason.clone()),
            took,
            revision,
        }
    }

    /// The proven tolerance, in a word.
    pub fn tolerance(&self) -> String {
        self.proven.map_or_else(|| "none".to_owned(), |proven| proven.to_string())
    }
}

/// A verdict that has not changed for so long is told.
const RESTS: Duration = Duration::from_millis(700);

/// The verdicts that came, and the one that was told last.
#[derive(Debug, Default)]
pub(super) struct Verdicts {
    told: Option<Verdict>,
    newest: Option<(Duration, Verdict)>,
}

impl Verdicts {
    pub(super) fn seen(&mut self, at: Duration, verdict: &Verdict) {
        let same =
            |known: &Verdict| known.proven == verdict.proven && known.overcommitted == verdict.overcommitted;
        match &mut self.newest {
            Some((_, known)) if same(known) => known.clone_from(verdict),
            newest => *newest = Some((at, verdict.clone())),
        }
    }

    /// What is to be said by now, and of when.
    pub(super) fn settled(&mut self, now: Duration) -> Option<(Duration, Tone, String)> {
        let (at, verdict) = self.newest.as_ref().filter(|(at, _)| now >= *at + RESTS)?;
        let said = match self.told.replace(verdict.clone()) {
            Some(before) => sentence(&before, verdict),
            None => Some(first(verdict)),
        };
        said.map(|(tone, text)| (*at, tone, text))
    }
}

fn first(verdict: &Verdict) -> (Tone, String) {
    let text = format!(
        "the service has proven: tolerance {}, target {}; any {} may fail, one after another, and all protected VMs \
         still find room",
        verdict.tolerance(),
        verdict.target,
        count(verdict.proven.unwrap_or(0) as usize, "host"),
    );
    (Tone::Quiet, text)
}

fn sentence(before: &Verdict, after: &Verdict) -> Option<(Tone, String)> {
    let target = if after.effective_target == after.target {
        format!("target {}", after.target)
    } else {
        format!("target {}, {} in maintenance", after.target, after.target - after.effective_target)
    };
    let change = format!("tolerance {} → {}", before.tolerance(), after.tolerance());
    match (before.overcommitted, after.overcommitted) {
        (false, true) => Some((Tone::Bad, format!("OVERCOMMITTED: {change}, {target}"))),
        (true, false) => Some((Tone::Good, format!("no longer overcommitted: {change}, {target}"))),
        _ if before.proven == after.proven => None,
        _ if before.proven > after.proven => Some((Tone::Warn, format!("{change} ({target})"))),
        _ => Some((Tone::Good, format!("{change} ({target})"))),
    }
}
