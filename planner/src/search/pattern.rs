//! The pattern bound (Gilmore and Gomory): the strongest bound of the form "the items are worth more than the
//! hosts can hold" (`Refutation::Values`). It looks for item values u that maximise Σ u − Σ_r K_r(u), where K_r is
//! the most valuable filling of host r; a positive maximum refutes, and is one exactly where the linear relaxation
//! over fillings is infeasible. Found by cutting planes: a floating-point linear program proposes values, a knapsack
//! finds for each host the filling that they overlook, until none is. The proposal is rounded to integers and
//! counts only if it refutes exactly there: the solver steers, integers decide.
//!
//! One resource that can bind (memory), every item eligible everywhere.
use super::work::Meter;
use crate::problem::{Position, Problem, Rank};
use crate::state::State;
use lifeboat_model::certificate::Refutation;
use microlp::{ComparisonOp, OptimizationDirection, Problem as Program, Solution, Variable};

/// Rounds of cutting planes.
const ROUNDS: usize = 60;
/// Distinct sizes and hosts up to which the bound is tried: beyond, the linear program takes too long.
const MOST_SIZES: usize = 400;
/// Totals kept in one knapsack.
const MOST_TOTALS: usize = 20_000;
/// Integer value that stands for 1.0.
const SCALE: f64 = 1_000_000.0;

/// Values that refute, if the bound does.
pub(crate) fn refute(
    problem: &Problem<'_>,
    state: &State,
    items: &[Rank],
    meter: &mut Meter<'_>,
) -> Option<Refutation> {
    let question = Question::new(problem, state, items);
    if question.sizes.len() > MOST_SIZES || question.sizes.is_empty() || question.rooms.is_empty() {
        return None;
    }
    let values = question.find_values(meter)?;
    let mut named: Vec<_> = items
        .iter()
        .filter_map(|&rank| {
            let size = problem.demand_of(rank)[0];
            let value = values[question.sizes.iter().position(|&(s, _)| s == size)?];
            (value > 0).then_some((problem.items[rank as usize].vm, value as u64))
        })
        .collect();
    named.sort_unstable();
    let mut surrogate = vec![0; problem.width];
    surrogate[0] = 1;
    Some(Refutation::Values { surrogate, values: named })
}

/// Distinct sizes and rooms with how many there are of each.
struct Question {
    sizes: Vec<(i64, u32)>,
    rooms: Vec<(i64, u32)>,
}

/// Totals of a knapsack none of which another beats: size, value, the item taken last and the total before it.
struct Totals<V> {
    points: Vec<(i64, V)>,
}

impl Question {
    fn new(problem: &Problem<'_>, state: &State, items: &[Rank]) -> Self {
        let count = |mut amounts: Vec<i64>| {
            amounts.sort_unstable_by(|a, b| b.cmp(a));
            let mut counted: Vec<(i64, u32)> = Vec::new();
            for amount in amounts.into_iter().filter(|&amount| amount > 0) {
                match counted.last_mut() {
                    Some((last, count)) if *last == amount => *count += 1,
                    _ => counted.push((amount, 1)),
                }
            }
            counted
        };
        Self {
            sizes: count(items.iter().map(|&rank| problem.demand_of(rank)[0]).collect()),
            rooms: count(
                (0..problem.targets)
                    .filter(|&p| state.is_alive(p as Position))
                    .map(|p| state.free[p * problem.width])
                    .collect(),
            ),
        }
    }

    /// Cutting planes from values = sizes.
    fn find_values(&self, meter: &mut Meter<'_>) -> Option<Vec<i64>> {
        let largest = real(self.rooms[0].0);
        let mut program = Program::new(OptimizationDirection::Maximize);
        let worth: Vec<Variable> = self
            .sizes
            .iter()
            .map(|&(size, count)| program.add_var(f64::from(count), (0.0, 2.0 * real(size) / largest)))
            .collect();
        let held: Vec<Variable> = self
            .rooms
            .iter()
            .map(|&(room, count)| program.add_var(-f64::from(count), (0.0, 4.0 * real(room) / largest)))
            .collect();
        let mut values: Vec<f64> = self.sizes.iter().map(|&(size, _)| real(size) / largest).collect();
        let mut best = (f64::NEG_INFINITY, values.clone());
        let mut solution: Option<Solution> = None;
        let mut cuts: Vec<Vec<(usize, u32)>> = Vec::new();
        let mut proposed_held = vec![0.0; held.len()];
        for round in 0..ROUNDS {
            let knapsack = self.fillings(&values, meter)?;
            let gained: f64 =
                self.sizes.iter().zip(&values).map(|(&(_, n), v)| f64::from(n) * v).sum::<f64>()
                    - self.rooms.iter().zip(&knapsack).map(|(&(_, n), (k, _))| f64::from(n) * k).sum::<f64>();
            if gained > best.0 {
                best = (gained, values.clone());
            }
            if gained > 1e-4 {
                let rounded: Vec<i64> = values.iter().map(|v| (v * SCALE).floor() as i64).collect();
                if self.refutes(&rounded, meter) {
                    return Some(rounded);
                }
            }
            let mut added = 0;
            for (host, (value, filling)) in knapsack.into_iter().enumerate() {
                if round > 0 && value <= proposed_held[host] + 1e-7 {
                    continue;
                }
                added += 1;
                let mut row: Vec<(Variable, f64)> = vec![(held[host], 1.0)];
                row.extend(filling.iter().map(|&(size, count)| (worth[size], -f64::from(count))));
                match solution.take() {
                    None => program.add_constraint(row, ComparisonOp::Ge, 0.0),
                    Some(before) => {
                        solution =
                            before.add_constraint(row, ComparisonOp::Ge, 0.0).ok()?.into_solution().ok();
                        solution.as_ref()?;
                    }
                }
                cuts.push(filling);
            }
            if added == 0 || !meter.spend(200 + cuts.len() as u64 * 4) {
                return None;
            }
            let solved = match solution.take() {
                Some(solved) => solved,
                None => program.solve().ok()?.into_solution().ok()?,
            };
            if solved.objective() < 1e-5 {
                return None;
            }
            // Stay near the best values seen: proposals at the far ends of the box are seldom useful.
            let share = if round < 3 { 1.0 } else { 0.5 };
            for (index, &variable) in worth.iter().enumerate() {
                values[index] = share * solved.var_value(variable).max(0.0) + (1.0 - share) * best.1[index];
            }
            for (index, &variable) in held.iter().enumerate() {
                proposed_held[index] = solved.var_value(variable);
            }
            solution = Some(solved);
        }
        None
    }

    /// For each distinct room the most valuable filling.
    #[expect(clippy::type_complexity, reason = "value and filling, once")]
    fn fillings(&self, values: &[f64], meter: &mut Meter<'_>) -> Option<Vec<(f64, Vec<(usize, u32)>)>> {
        let totals = self.totals(values, meter)?;
        Some(
            self.rooms
                .iter()
                .map(|&(room, _)| {
                    let stages = &totals;
                    let mut at = stages[stages.len() - 1].points.partition_point(|&(size, _)| size <= room);
                    let mut point = if at == 0 { (0, 0.0) } else { stages[stages.len() - 1].points[at - 1] };
                    let value = point.1;
                    let mut filling: Vec<(usize, u32)> = Vec::new();
                    let copies = self.copies();
                    for stage in (0..copies.len()).rev() {
                        let before = &stages[stage].points;
                        at = before.partition_point(|&(size, _)| size <= point.0);
                        let kept = at > 0 && before[at - 1].1 >= point.1;
                        if kept {
                            point = before[at - 1];
                            continue;
                        }
                        let size = copies[stage];
                        let rest = point.0 - self.sizes[size].0;
                        at = before.partition_point(|&(size, _)| size <= rest);
                        point = if at == 0 { (0, 0.0) } else { before[at - 1] };
                        match filling.last_mut() {
                            Some((last, count)) if *last == size => *count += 1,
                            _ => filling.push((size, 1)),
                        }
                    }
                    (value, filling)
                })
                .collect(),
        )
    }

    /// One entry for each item that could be in a filling: its size index.
    fn copies(&self) -> Vec<usize> {
        let largest = self.rooms[0].0;
        self.sizes
            .iter()
            .enumerate()
            .flat_map(|(index, &(size, count))| {
                core::iter::repeat_n(index, count.min((largest / size) as u32) as usize)
            })
            .collect()
    }

    /// Unbeaten totals after each further item (Nemhauser and Ullmann), the first with none.
    fn totals<V>(&self, values: &[V], meter: &mut Meter<'_>) -> Option<Vec<Totals<V>>>
    where
        V: Copy + PartialOrd + core::ops::Add<Output = V> + Default,
    {
        let largest = self.rooms[0].0;
        let mut stages = vec![Totals { points: vec![(0, V::default())] }];
        for index in self.copies() {
            let before = &stages[stages.len() - 1].points;
            let points = with_one_more(before, self.sizes[index].0, values[index], largest);
            if points.len() > MOST_TOTALS || !meter.spend(points.len() as u64 / 200) {
                return None;
            }
            stages.push(Totals { points });
        }
        Some(stages)
    }

    /// Whether integer values refute exactly.
    fn refutes(&self, values: &[i64], meter: &mut Meter<'_>) -> bool {
        let Some(totals) = self.totals(values, meter) else { return false };
        let Some(last) = totals.last() else { return false };
        let needed: i64 = self.sizes.iter().zip(values).map(|(&(_, n), v)| i64::from(n) * v).sum();
        let most: i64 = self
            .rooms
            .iter()
            .map(|&(room, n)| {
                let at = last.points.partition_point(|&(size, _)| size <= room);
                i64::from(n) * if at == 0 { 0 } else { last.points[at - 1].1 }
            })
            .sum();
        needed > most
    }
}

fn with_one_more<V>(totals: &[(i64, V)], size: i64, value: V, room: i64) -> Vec<(i64, V)>
where
    V: Copy + PartialOrd + core::ops::Add<Output = V>,
{
    let mut merged: Vec<(i64, V)> = Vec::with_capacity(totals.len() * 2);
    let (mut old, mut new) = (0, 0);
    while old < totals.len() || new < totals.len() {
        let with = totals.get(new).map(|&(s, v)| (s + size, v + value)).filter(|&(s, _)| s <= room);
        let without = totals.get(old).copied();
        let next = match (without, with) {
            (Some(a), Some(b)) if a.0 < b.0 || (a.0 == b.0 && a.1 >= b.1) => {
                old += 1;
                a
            }
            (_, Some(b)) => {
                new += 1;
                b
            }
            (Some(a), None) => {
                old += 1;
                new = totals.len();
                a
            }
            (None, None) => break,
        };
        if merged.last().is_none_or(|last| next.1 > last.1) {
            merged.push(next);
        }
    }
    merged
}

/// An amount as the linear program sees it; what comes of it is re-verified in integers.
#[expect(clippy::cast_precision_loss, reason = "amounts are at most 2^40")]
fn real(amount: i64) -> f64 {
    amount as f64
}
