//! Quantiles of measured times, and slopes of straight lines through them.
use serde::Serialize;
use std::time::Duration;

/// Measured times, ascending.
#[derive(Clone, Debug, Default)]
pub struct Distribution(Vec<Duration>);

impl Distribution {
    /// Of these times, in any order.
    pub fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        Self(times)
    }

    /// The least time that so many thousandths of all do not exceed (nearest rank); none: nothing measured.
    pub fn quantile(&self, permille: usize) -> Option<Duration> {
        let rank = (self.0.len() * permille).div_ceil(1000).max(1);
        self.0.get(rank - 1).copied()
    }

    /// How many were measured.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing was measured.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The figures that reports show.
    pub fn summary(&self) -> Option<Summary> {
        Some(Summary {
            median_us: micros(self.quantile(500)?),
            p95_us: micros(self.quantile(950)?),
            p99_us: micros(self.quantile(990)?),
            max_us: micros(self.quantile(1000)?),
        })
    }
}

/// What is shown of a distribution, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// Half of all take no longer.
    pub median_us: f64,
    /// 95 % take no longer.
    pub p95_us: f64,
    /// 99 % take no longer.
    pub p99_us: f64,
    /// None takes longer.
    pub max_us: f64,
}

/// A time in microseconds, for display and for fits.
pub fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// The exponent b of the power a·x^b that lies closest to the points on log axes; none for fewer than three, or
/// where some point is off by more than a factor of three: then no one power describes them.
pub fn exponent(points: &[(f64, f64)]) -> Option<f64> {
    if points.len() < 3 {
        return None;
    }
    let logs: Vec<(f64, f64)> = points.iter().map(|&(x, y)| (x.ln(), y.ln())).collect();
    let count = logs.len() as f64;
    let (mean_x, mean_y) =
        logs.iter().fold((0.0, 0.0), |(x, y), point| (x + point.0 / count, y + point.1 / count));
    let spread: f64 = logs.iter().map(|(x, _)| (x - mean_x).powi(2)).sum();
    let joint: f64 = logs.iter().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
    let exponent = joint / spread;
    let off = |(x, y): &(f64, f64)| (y - mean_y - exponent * (x - mean_x)).abs();
    logs.iter().all(|point| off(point) <= 3_f64.ln()).then_some(exponent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_one_of_the_times_and_no_smaller_than_its_share() {
        let of = Distribution::of((1..=200).rev().map(Duration::from_micros).collect());
        let at = |permille| of.quantile(permille).expect("not empty").as_micros();
        assert_eq!((at(500), at(950), at(990), at(1000)), (100, 190, 198, 200));
        assert_eq!(
            Distribution::of(vec![Duration::from_micros(7)]).quantile(990),
            Some(Duration::from_micros(7))
        );
        assert_eq!(Distribution::default().quantile(500), None);
    }

    #[test]
    fn the_exponent_of_a_power_is_found() {
        let points: Vec<(f64, f64)> = (1..9).map(|x| (f64::from(x), 3.0 * f64::from(x).powf(1.5))).collect();
        assert!((exponent(&points).expect("eight points") - 1.5).abs() < 1e-9);
        assert_eq!(exponent(&points[..2]), None);
        let leap = [(1.0, 1.0), (2.0, 2.0), (4.0, 400.0), (8.0, 8.0)];
        assert_eq!(exponent(&leap), None, "no one power is near to all of these");
    }
}
