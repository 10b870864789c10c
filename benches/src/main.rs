//! The report that the product's figures come from: every row of the table, the whole program from outside,
//! and how time grows. `README.md` beside this crate says how to run it.
#![expect(clippy::cast_precision_loss, reason = "a weight in KiB is far below 2^52")]
use clap::Parser;
use lifeboat_benches::command::{self, CommandError};
use lifeboat_benches::corpus::Extent;
use lifeboat_benches::growth::{self, Series};
use lifeboat_benches::report::{Line, table};
use lifeboat_benches::rows::{Bound, ROWS};
use lifeboat_benches::statistics::Distribution;
use lifeboat_generate::{Family, Recipe};
use serde::Serialize;
use std::error::Error;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

/// Measures the planner: medians, tails and the share of exact answers by family, one thread
#[derive(Debug, Parser)]
struct Arguments {
    /// Pools of each made family; fewer than 200 are a trial, not a figure
    #[arg(long, default_value_t = 200)]
    pools: u32,
    /// Only rows whose question or pools contain this
    #[arg(long)]
    only: Option<String>,
    /// Seconds after which a question is left open
    #[arg(long, default_value_t = 10.0)]
    limit: f64,
    /// The folder with real pools; they are left out where it is not there
    #[arg(long, default_value = "../shared/pools")]
    shared: PathBuf,
    /// The program to measure from outside; the one beside this one unless given
    #[arg(long)]
    command: Option<PathBuf>,
    /// Writes the report as JSON
    #[arg(long)]
    json: Option<PathBuf>,
    /// Measures growth too and draws it as SVG
    #[arg(long)]
    plot: Option<PathBuf>,
    /// Seeds for each point of the growth plot
    #[arg(long, default_value_t = 7)]
    growth_seeds: u64,
    /// Exits with status 1 if a bound is missed
    #[arg(long)]
    check: bool,
}

#[derive(Debug, Serialize)]
struct Report {
    machine: String,
    pools_per_family: u32,
    limit_s: f64,
    lines: Vec<Line>,
    peak_memory_kib: Option<u64>,
    growth: Vec<Series>,
}

/// The whole command may hold this much for the largest pool: 100 MiB.
const MOST_KIB: u64 = 100 * 1024;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().is_some_and(|first| first == command::WEIGH) {
        let [program, pool] = [(); 2].map(|()| PathBuf::from(arguments.next().unwrap_or_default()));
        return match command::weigh(&program, &pool) {
            Ok(kib) if writeln!(io::stdout(), "{kib}").is_ok() => ExitCode::SUCCESS,
            _ => ExitCode::FAILURE,
        };
    }
    match run(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            let _ = writeln!(io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Measures, prints, writes; whether everything that is checked holds.
fn run(arguments: &Arguments) -> Result<bool, Box<dyn Error>> {
    let limit = Duration::from_secs_f64(arguments.limit);
    let mut lines = rows(arguments, limit)?;
    let outside = if wanted(arguments, OUTSIDE, "whole command") { whole_command(arguments)? } else { None };
    let peak_memory_kib = outside.map(|(line, kib)| {
        lines.push(line);
        kib
    });
    let growth = match &arguments.plot {
        Some(path) => {
            let series = growth::measure(arguments.growth_seeds, limit);
            growth::draw(&series, path)?;
            series
        }
        None => Vec::new(),
    };
    let report = Report {
        machine: machine(),
        pools_per_family: arguments.pools,
        limit_s: arguments.limit,
        lines,
        peak_memory_kib,
        growth,
    };
    print(&report)?;
    if let Some(path) = &arguments.json {
        serde_json::to_writer_pretty(io::BufWriter::new(File::create(path)?), &report)?;
    }
    let kept = report.lines.iter().flat_map(|line| &line.bounds).all(|bound| bound.kept)
        && report.peak_memory_kib.is_none_or(|kib| kib < MOST_KIB);
    Ok(kept || !arguments.check)
}

fn wanted(arguments: &Arguments, pools: &str, question: &str) -> bool {
    arguments.only.as_deref().is_none_or(|only| pools.contains(only) || question.contains(only))
}

fn rows(arguments: &Arguments, limit: Duration) -> io::Result<Vec<Line>> {
    let extent = Extent { shared: arguments.shared.clone(), pools: arguments.pools };
    let mut lines = Vec::new();
    for row in ROWS.iter().filter(|row| wanted(arguments, row.name, &row.ask.words())) {
        writeln!(io::stderr(), "{}: {}", row.ask.words(), row.name)?;
        let answers: Vec<_> = row.corpus.cases(&extent).flat_map(|case| row.ask.put(&case, limit)).collect();
        lines.extend(Line::of(row, &answers));
    }
    Ok(lines)
}

const OUTSIDE: &str = "homog, hetero, heavytail 64x4096 .json.gz";

/// `lifeboat plan` from start to end, and its peak memory on the largest pool; nothing where there is no
/// program to run.
fn whole_command(arguments: &Arguments) -> Result<Option<(Line, u64)>, CommandError> {
    let Some(program) = arguments.command.clone().or_else(command::beside) else { return Ok(None) };
    let folder = tempfile::tempdir()?;
    let pool = folder.path().join("pool.json.gz");
    let mut times = Vec::new();
    for seed in 0..u64::from(arguments.pools.min(40)) {
        let family = [Family::Homog, Family::Hetero, Family::Heavytail][seed as usize % 3];
        command::write_pool(&Recipe::new(family, 64, 4096, seed), &pool)?;
        times.push(median_of_runs(&program, &pool)?);
    }
    let bounds = [Bound { permille: 500, most_us: 30_000 }];
    let line = Line::of_times(OUTSIDE, "whole command", &bounds, &Distribution::of(times));
    command::write_pool(&Recipe::new(Family::Hetero, 1024, 65_536, 1), &pool)?;
    let kib = command::peak_kib(&program, &pool)?;
    Ok(line.map(|line| (line, kib)))
}

fn median_of_runs(program: &Path, pool: &Path) -> Result<Duration, CommandError> {
    // The first run finds the file and the program cold; it is not counted.
    command::plan_time(program, pool)?;
    let runs: Result<Vec<Duration>, CommandError> =
        (0..5).map(|_| command::plan_time(program, pool)).collect();
    Ok(Distribution::of(runs?).quantile(500).unwrap_or_default())
}

/// The processor's own name, where the system tells it.
fn machine() -> String {
    let told = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = told.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let cores = std::thread::available_parallelism().map_or(1, core::num::NonZero::get);
    format!("{}, {cores} cores", name.map_or("unknown processor", |(_, name)| name))
}

fn print(report: &Report) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "{}; {} pools a family; {} s a question",
        report.machine, report.pools_per_family, report.limit_s
    )?;
    writeln!(out, "{}", table(&report.lines))?;
    if let Some(kib) = report.peak_memory_kib {
        let word = if kib < MOST_KIB { "kept" } else { "MISSED" };
        writeln!(
            out,
            "peak memory of the whole command, hetero 1024x65536: {:.1} MiB (< 100 MiB: {word})",
            kib as f64 / 1024.0
        )?;
    }
    for series in &report.growth {
        let exponent = series.exponent.map_or("none fits".to_owned(), growth::round);
        writeln!(out, "growth with {:?}, {}: exponent {exponent}", series.axis, series.family)?;
    }
    Ok(())
}
