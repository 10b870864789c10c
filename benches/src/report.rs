//! What was measured, as a table for people and as JSON for everything else.
use crate::ask::Answer;
use crate::rows::{Bound, Row};
use crate::statistics::{Distribution, Summary, micros};
use comfy_table::{CellAlignment, Table, presets::NOTHING};
use serde::Serialize;

/// One line of the report.
#[derive(Clone, Debug, Serialize)]
pub struct Line {
    /// Which pools.
    pub pools: String,
    /// Which question.
    pub question: String,
    /// How often it was asked.
    pub asked: usize,
    /// The share of answers that left nothing open.
    pub exact: f64,
    /// The share that linear tests decided.
    pub linear: f64,
    /// How long it took.
    #[serde(flatten)]
    pub times: Summary,
    /// The bounds, and whether each is kept.
    pub bounds: Vec<Kept>,
}

/// A bound, held against what was measured.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Kept {
    /// The bound.
    #[serde(flatten)]
    pub bound: Bound,
    /// What was measured.
    pub measured_us: f64,
    /// Whether it is kept.
    pub kept: bool,
}

impl Line {
    /// Sums up the answers to one row; none where there were no pools.
    pub fn of(row: &Row, answers: &[Answer]) -> Option<Self> {
        let share = |holds: fn(&Answer) -> bool| {
            answers.iter().filter(|answer| holds(answer)).count() as f64 / answers.len() as f64
        };
        let times = Distribution::of(answers.iter().map(|answer| answer.time).collect());
        Some(Self {
            pools: row.name.to_owned(),
            question: row.ask.words(),
            asked: answers.len(),
            exact: share(|answer| answer.exact),
            linear: share(|answer| answer.linear),
            times: times.summary()?,
            bounds: keep(row.bounds, &times),
        })
    }

    /// A line of times alone.
    pub fn of_times(pools: &str, question: &str, bounds: &[Bound], times: &Distribution) -> Option<Self> {
        Some(Self {
            pools: pools.to_owned(),
            question: question.to_owned(),
            asked: times.len(),
            exact: 1.0,
            linear: 1.0,
            times: times.summary()?,
            bounds: keep(bounds, times),
        })
    }
}

fn keep(bounds: &[Bound], times: &Distribution) -> Vec<Kept> {
    let kept = |&bound: &Bound| {
        let measured_us = micros(times.quantile(bound.permille.into())?);
        Some(Kept { bound, measured_us, kept: measured_us <= bound.most_us as f64 })
    };
    bounds.iter().filter_map(kept).collect()
}

/// The lines as a table.
pub fn table(lines: &[Line]) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header([
        "question", "pools", "asked", "exact", "linear", "median", "p95", "p99", "max", "bounds",
    ]);
    for line in lines {
        let times = line.times;
        table.add_row([
            line.question.clone(),
            line.pools.clone(),
            line.asked.to_string(),
            percent(line.exact),
            percent(line.linear),
            time(times.median_us),
            time(times.p95_us),
            time(times.p99_us),
            time(times.max_us),
            line.bounds.iter().map(verdict).collect::<Vec<_>>().join(", "),
        ]);
    }
    for column in 2..9 {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.to_string()
}

fn verdict(kept: &Kept) -> String {
    let name = match kept.bound.permille {
        500 => "median".to_owned(),
        permille => format!("p{}", permille / 10),
    };
    let word = if kept.kept { "kept" } else { "MISSED" };
    format!("{name} <= {}: {word}", time(kept.bound.most_us as f64))
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// A time in the unit that suits it.
pub fn time(us: f64) -> String {
    match us {
        ..100.0 => format!("{us:.1} us"),
        ..1_000.0 => format!("{us:.0} us"),
        ..100_000.0 => format!("{:.2} ms", us / 1e3),
        ..1_000_000.0 => format!("{:.0} ms", us / 1e3),
        _ => format!("{:.2} s", us / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ask::Ask;
    use crate::corpus::Corpus;
    use std::time::Duration;

    #[test]
    fn a_bound_is_kept_or_missed_by_its_own_quantile() {
        const BOUNDS: &[Bound] =
            &[Bound { permille: 500, most_us: 50 }, Bound { permille: 990, most_us: 98 }];
        let row = Row {
            name: "pools",
            corpus: Corpus::Real { folder: "none", prefix: "none" },
            ask: Ask::AtOnce(None),
            bounds: BOUNDS,
        };
        let answers: Vec<Answer> = (1..=100)
            .map(|us| Answer { time: Duration::from_micros(us), exact: us % 4 != 0, linear: us <= 10 })
            .collect();
        let line = Line::of(&row, &answers).expect("there are answers");
        assert_eq!((line.exact, line.linear), (0.75, 0.1));
        assert_eq!(line.bounds.iter().map(|kept| kept.kept).collect::<Vec<_>>(), [true, false]);
        let table = table(&[line]);
        assert!(
            table.contains("median <= 50.0 us: kept") && table.contains("p99 <= 98.0 us: MISSED"),
            "{table}"
        );
        assert!(Line::of(&row, &[]).is_none());
    }

    #[test]
    fn times_are_shown_in_the_unit_that_suits_them() {
        assert_eq!(
            [12.34, 999.0, 1500.0, 250_000.0, 2_500_000.0].map(time),
            ["12.3 us", "999 us", "1.50 ms", "250 ms", "2.50 s"]
        );
    }
}
