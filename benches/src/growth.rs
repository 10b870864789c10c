//! How time grows with hosts, VMs and failures: measured, fitted and drawn on log axes.
use crate::ask::{Ask, timed};
use crate::corpus::made;
use crate::report;
use crate::statistics::{Distribution, exponent, micros};
use lifeboat_generate::{Family, Recipe};
use plotters::coord::Shift;
use plotters::prelude::*;
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Axis {
    /// Hosts, with as many VMs.
    Hosts,
    /// VMs on as many hosts.
    Vms,
    /// The number of failures whose boundary the pool hugs.
    Failures,
}

/// One line of the plot.
#[derive(Clone, Debug, Serialize)]
pub struct Series {
    /// What grows.
    pub axis: Axis,
    /// The pools.
    pub family: &'static str,
    /// What was measured, in ascending order of what grows.
    pub points: Vec<Point>,
    /// The b of the power a·x^b closest to the points that are not open; none where none is close.
    pub exponent: Option<f64>,
}

/// One point of a line.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Point {
    /// How much.
    pub of: f64,
    /// The median time in microseconds.
    pub median_us: f64,
    /// Half of the pools or more were left open at the limit: the time is the limit's, not the planner's.
    pub open: bool,
}

const FAMILIES: [Family; 4] = [Family::Homog, Family::Hetero, Family::Heavytail, Family::Cloud];
const COLOURS: [RGBColor; 4] =
    [RGBColor(0, 114, 178), RGBColor(213, 94, 0), RGBColor(0, 158, 115), RGBColor(136, 84, 160)];

/// Room above the lines for the legend, as a factor on the longest time.
const HEADROOM: f64 = 80.0;

impl Axis {
    const ALL: [Self; 3] = [Self::Hosts, Self::Vms, Self::Failures];

    fn values(self) -> &'static [u32] {
        match self {
            Self::Hosts => &[16, 32, 64, 128, 256, 512, 1024],
            Self::Vms => &[512, 1024, 2048, 4096, 8192, 16_384, 32_768, 65_536],
            Self::Failures => &[1, 2, 3, 4, 6, 8, 12, 16],
        }
    }

    fn recipe(self, family: Family, value: u32, seed: u64) -> Recipe {
        let recipe = match self {
            Self::Hosts => Recipe::new(family, value, 16_384, seed).failures((value / 16).clamp(1, 4)),
            Self::Vms => Recipe::new(family, 64, value, seed).failures(4),
            Self::Failures => Recipe::new(family, 64, 4096, seed).failures(value),
        };
        // As cloud pools are met, they survive many more failures than this.
        if family == Family::Cloud { recipe.slack(50) } else { recipe }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Hosts => "hosts (16,384 VMs)",
            Self::Vms => "VMs (64 hosts)",
            Self::Failures => "failures that just survive (64 hosts, 4,096 VMs)",
        }
    }
}

/// Measures every series: the median over that many seeds of the time to the exact tolerance at once.
pub fn measure(seeds: u64, limit: Duration) -> Vec<Series> {
    let ask = Ask::AtOnce(None);
    let point = |axis: Axis, family: Family, value: u32| {
        let answers: Vec<(Duration, bool)> = (0..seeds)
            .map(|seed| {
                let pool = made(&axis.recipe(family, value, seed));
                let (time, assessment) = timed(limit, |limits| ask.assess(&pool, limits));
                (time, assessment.tolerance.simultaneous.is_exact())
            })
            .collect();
        let open = 2 * answers.iter().filter(|(_, exact)| !exact).count() >= answers.len();
        let times = Distribution::of(answers.into_iter().map(|(time, _)| time).collect());
        Some(Point { of: f64::from(value), median_us: micros(times.quantile(500)?), open })
    };
    Axis::ALL
        .into_iter()
        .flat_map(|axis| {
            FAMILIES.map(|family| {
                let points: Vec<Point> =
                    axis.values().iter().filter_map(|&value| point(axis, family, value)).collect();
                let settled: Vec<(f64, f64)> = points
                    .iter()
                    .filter(|point| !point.open)
                    .map(|point| (point.of, point.median_us))
                    .collect();
                Series { axis, family: family.name(), exponent: exponent(&settled), points }
            })
        })
        .collect()
}

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
#[error("cannot draw {}: {reason}", path.display())]
pub struct DrawError {
    path: PathBuf,
    reason: String,
}

/// Draws the series as an SVG, one panel an axis.
///
/// # Errors
/// If the file cannot be written.
pub fn draw(series: &[Series], path: &Path) -> Result<(), DrawError> {
    let failed = |reason: String| DrawError { path: path.to_owned(), reason };
    let area = SVGBackend::new(path, (1260, 440)).into_drawing_area();
    area.fill(&WHITE).map_err(|error| failed(error.to_string()))?;
    let (head, body) = area.split_vertically(34);
    let style = ("sans-serif", 17).into_font().color(&BLACK);
    head.draw_text("Median time to the tolerance, one thread (white dots: half of the pools or more left open at the time limit)", &style, (14, 9))
        .map_err(|error| failed(error.to_string()))?;
    let times = series.iter().flat_map(|series| series.points.iter().map(|point| point.median_us));
    let (low, high) = times.fold((f64::MAX, 1.0), |(low, high): (f64, f64), us| (low.min(us), high.max(us)));
    for (axis, panel) in Axis::ALL.into_iter().zip(body.split_evenly((1, 3))) {
        let of_axis: Vec<&Series> = series.iter().filter(|series| series.axis == axis).collect();
        draw_panel(&panel, axis, &of_axis, (low / 1.5, high * HEADROOM)).map_err(failed)?;
    }
    area.present().map_err(|error| failed(error.to_string()))
}

fn draw_panel(
    panel: &DrawingArea<SVGBackend<'_>, Shift>,
    axis: Axis,
    series: &[&Series],
    (low, high): (f64, f64),
) -> Result<(), String> {
    let said = |error: DrawingAreaErrorKind<_>| format!("{error}");
    let values = axis.values();
    let (first, last) = (f64::from(values[0]), f64::from(values[values.len() - 1]));
    let marks: Vec<f64> = values.iter().map(|&value| f64::from(value)).collect();
    let decades: Vec<f64> = (0..9).map(|power| 10_f64.powi(power)).filter(|&us| us < high / 1.3).collect();
    let mut chart = ChartBuilder::on(panel)
        .margin(10)
        .x_label_area_size(46)
        .y_label_area_size(64)
        .build_cartesian_2d(
            (first / 1.2..last * 1.2).log_scale().with_key_points(marks),
            (low..high).log_scale().with_key_points(decades),
        )
        .map_err(said)?;
    chart
        .configure_mesh()
        .max_light_lines(0)
        .bold_line_style(RGBColor(225, 225, 225))
        .x_desc(axis.title())
        .x_label_formatter(&|value| thousands(*value))
        .y_label_formatter(&|us| report::time(*us).replace(".0 ", " ").replace(".00 ", " "))
        .label_style(("sans-serif", 12))
        .axis_desc_style(("sans-serif", 14))
        .draw()
        .map_err(said)?;
    for (series, colour) in series.iter().zip(COLOURS) {
        let slope = series.exponent.map_or("no one power".to_owned(), |b| format!("grows as x^{}", round(b)));
        chart
            .draw_series(LineSeries::new(
                series.points.iter().map(|point| (point.of, point.median_us)),
                colour.stroke_width(2),
            ))
            .map_err(said)?
            .label(format!("{}: {slope}", series.family))
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)));
        chart
            .draw_series(series.points.iter().map(|point| {
                let fill = if point.open { WHITE } else { colour };
                let dot =
                    EmptyElement::at((point.of, point.median_us)) + Circle::new((0, 0), 4, colour.filled());
                dot + Circle::new((0, 0), 3, fill.filled())
            }))
            .map_err(said)?;
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .background_style(WHITE.mix(0.85))
        .label_font(("sans-serif", 13))
        .draw()
        .map_err(said)
}

/// Two decimals, and no minus before zero.
pub fn round(exponent: f64) -> String {
    format!("{:.2}", (exponent * 100.0).round() / 100.0 + 0.0)
}

fn thousands(value: f64) -> String {
    let value = value.round() as u64;
    if value >= 1000 { format!("{},{:03}", value / 1000, value % 1000) } else { value.to_string() }
}
