//! The sequential notion as a game on a tiny pool: an adversary lets hosts fail, a policy places what was on them.
//! Where the adversary wins whatever the policy does, n is refuted; its strategy is the certificate. The game is
//! exponential, so it is played only where few items and hosts make it short.
use crate::problem::{Position, Problem, Rank};
use crate::search::packing::{Effort, Packed, pack};
use crate::search::work::Meter;
use crate::state::State;
use lifeboat_model::certificate::{Refuted, SequentialRefuted, Strategy};
use lifeboat_model::verdict::{Notion, ReasonCode, Witness};
use lifeboat_model::{HostIndex, Pool};

/// Hosts up to which the game is played.
const MOST_HOSTS: usize = 8;
/// Items up to which the game is played.
const MOST_ITEMS: usize = 16;
/// Nodes of the game.
const MOST_NODES: u64 = 60_000;
/// Largest strategy, in answers.
const MOST_ANSWERS: usize = 50_000;

/// Looks for the least n from `from` to `to` that no policy survives in turn.
pub(crate) fn refute(
    problem: &Problem<'_>,
    from: usize,
    to: usize,
    meter: &mut Meter<'_>,
) -> Option<SequentialRefuted> {
    if problem.failable.len() > MOST_HOSTS || problem.items.len() > MOST_ITEMS {
        return None;
    }
    let root = State::initial(problem);
    (from.max(2)..=to).find_map(|n| {
        let mut game = Game { problem, nodes: 0, answers: 0 };
        let strategy = game.attack(&root, n, meter).ok()??;
        Some(SequentialRefuted { failures: n as u32, strategy })
    })
}

/// The game ran out of nodes.
struct TooLong;

struct Game<'g, 'p> {
    problem: &'g Problem<'p>,
    nodes: u64,
    answers: usize,
}

impl Game<'_, '_> {
    /// The adversary's winning strategy with k failures left; `None` where it has none.
    fn attack(
        &mut self,
        state: &State,
        k: usize,
        meter: &mut Meter<'_>,
    ) -> Result<Option<Strategy>, TooLong> {
        if k == 0 {
            return Ok(None);
        }
        if let Some(refuted) = self.at_once(state, k, meter)? {
            return Ok(Some(Strategy::AtOnce(refuted)));
        }
        if k == 1 {
            return Ok(None);
        }
        for &position in &self.problem.failable {
            if !state.is_alive(position) {
                continue;
            }
            let mut next = state.clone();
            let mut orphans: Vec<Rank> = Vec::new();
            next.fail(self.problem, position, &mut orphans);
            orphans.sort_unstable_by_key(|&rank| self.problem.items[rank as usize].vm);
            let mut answers = Vec::new();
            if self.answer_all(&mut next, &orphans, k - 1, &mut answers, meter)? {
                self.answers += answers.len();
                if self.answers > MOST_ANSWERS {
                    return Err(TooLong);
                }
                return Ok(Some(Strategy::Fail { host: self.problem.host[usize::from(position)], answers }));
            }
        }
        Ok(None)
    }

    /// Whether the adversary has an answer to every placement; the placements are met in canonical order: items by
    /// lowest VM, hosts by index.
    fn answer_all(
        &mut self,
        state: &mut State,
        orphans: &[Rank],
        k: usize,
        answers: &mut Vec<Strategy>,
        meter: &mut Meter<'_>,
    ) -> Result<bool, TooLong> {
        self.nodes += 1;
        if self.nodes > MOST_NODES || !meter.spend(1) {
            return Err(TooLong);
        }
        let Some((&rank, rest)) = orphans.split_first() else {
            return Ok(match self.attack(state, k, meter)? {
                Some(strategy) => {
                    answers.push(strategy);
                    true
                }
                None => false,
            });
        };
        let mut takers: Vec<usize> = state.takers(self.problem, rank).collect();
        takers.sort_unstable_by_key(|&position| self.problem.host[position]);
        for position in takers {
            state.put(self.problem, rank, position);
            let won = self.answer_all(state, rest, k, answers, meter);
            state.take_back(self.problem);
            if !won? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// A set of at most k hosts that is not survived at once from here.
    fn at_once(
        &mut self,
        state: &State,
        k: usize,
        meter: &mut Meter<'_>,
    ) -> Result<Option<Refuted>, TooLong> {
        let alive: Vec<Position> =
            self.problem.failable.iter().copied().filter(|&position| state.is_alive(position)).collect();
        for mask in 1u32..1 << alive.len() {
            if mask.count_ones() as usize > k {
                continue;
            }
            self.nodes += 1;
            if self.nodes > MOST_NODES {
                return Err(TooLong);
            }
            let set: Vec<Position> =
                (0..alive.len()).filter(|&i| mask >> i & 1 == 1).map(|i| alive[i]).collect();
            match pack(self.problem, state, &set, Effort::Thorough, meter) {
                Packed::Placed(_) => {}
                Packed::Refuted(refutation) => {
                    let mut failed: Vec<HostIndex> =
                        set.iter().map(|&position| self.problem.host[usize::from(position)]).collect();
                    failed.sort_unstable();
                    return Ok(Some(Refuted { failed, refutation }));
                }
                Packed::Unknown => return Err(TooLong),
            }
        }
        Ok(None)
    }
}

/// The witness of a strategy: the first host to fail, or the set that fails at once.
pub(crate) fn witness(pool: &Pool, refuted: &SequentialRefuted) -> Witness {
    let (failed_hosts, reason) = match &refuted.strategy {
        Strategy::AtOnce(refuted) => {
            (refuted.failed.clone(), "these hosts failing at once are not survived".to_owned())
        }
        Strategy::Fail { host, answers } => (
            vec![*host],
            format!(
                "if {} fails first, each of the {} ways to restart its VMs leaves a state in which {} more failures \
                 are not survived",
                pool.host_id(*host),
                answers.len(),
                refuted.failures - 1
            ),
        ),
    };
    let vms = pool
        .vm_indices()
        .filter(|&vm| {
            pool.vm(vm).restart_priority == lifeboat_model::spec::RestartPriority::Restart
                && pool.runs_on(vm).is_some_and(|host| failed_hosts.contains(&host))
        })
        .collect();
    Witness {
        notion: Notion::Sequential,
        failures: refuted.failures,
        failed_hosts,
        vms,
        resource: None,
        reason_code: ReasonCode::NotTogether,
        reason,
    }
}
