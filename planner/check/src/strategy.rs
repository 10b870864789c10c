//! Sequential refutations: an adversary who has an answer to every placement.
use crate::Why;
use crate::budget::Budget;
use crate::placements::Placements;
use crate::problem::Problem;
use crate::refutation::fails_at_once;
use crate::state::State;
use alloc::vec::Vec;
use lifeboat_model::certificate::Strategy;

/// Whether the adversary wins with so many failures, whatever the policy.
pub(crate) fn wins(
    problem: &Problem,
    failures: u32,
    strategy: &Strategy,
    budget: &mut Budget,
) -> Result<(), Why> {
    if failures as usize > problem.failable.len() {
        return Err(Why::MoreThanHosts { failures, hosts: problem.failable.len() as u32 });
    }
    Game { state: State::new(problem), dead: 0 }.wins(failures as usize, strategy, budget)
}

struct Game<'p> {
    state: State<'p>,
    dead: usize,
}

impl Game<'_> {
    /// Judges the adversary's move with so many failures left. The depth is that of the failures.
    fn wins(&mut self, left: usize, strategy: &Strategy, budget: &mut Budget) -> Result<(), Why> {
        match strategy {
            Strategy::AtOnce(refuted) if refuted.failed.is_empty() => Err(Why::FailureSet),
            Strategy::AtOnce(refuted) => fails_at_once(&mut self.state, refuted, self.dead, left, budget),
            Strategy::Fail { host, answers } => {
                let problem = self.state.problem;
                let can_fail = host.get() < problem.hosts
                    && problem.failable.contains(*host)
                    && self.state.is_alive(host.get())
                    && left > 0;
                if !can_fail {
                    return Err(Why::CannotFail(*host));
                }
                let mut items: Vec<usize> =
                    self.state.items_on(host.get()).map(|item| item as usize).collect();
                items.sort_unstable();
                budget.spend(16 * items.len())?;
                self.state.fail(host.get());
                self.dead += 1;
                let mut answers = answers.iter();
                let mut placements = Placements::new(&self.state, &items, false);
                while placements.next(&mut self.state, u64::MAX, budget)? {
                    let answer = answers.next().ok_or(Why::Answers)?;
                    self.wins(left - 1, answer, budget)?;
                }
                if answers.next().is_some() {
                    return Err(Why::Answers);
                }
                self.dead -= 1;
                self.state.revive(host.get());
                Ok(())
            }
        }
    }
}
