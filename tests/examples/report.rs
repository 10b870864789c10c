//! Prints how the planner does on the shared pools: `cargo run --release -p lifeboat-tests --example report --
//! [SECONDS|UNITSw] [FOLDER] [PREFIX]`, by default one second a pool over all of `../shared/pools/public`; `200000w` is
//! a limit of 200,000 work units.
use lifeboat_tests::report::{Limit, run, table};
use lifeboat_tests::shared;
use std::io::Write;
use std::time::Duration;

fn main() -> std::io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let limit = arguments.next().unwrap_or_else(|| "1".into());
    let limit = match limit.strip_suffix('w') {
        Some(units) => Limit::Work(units.parse().map_err(std::io::Error::other)?),
        None => Limit::Time(Duration::from_secs_f64(limit.parse().map_err(std::io::Error::other)?)),
    };
    let folder = arguments.next().unwrap_or_else(|| "public".into());
    let prefix = arguments.next().unwrap_or_default();
    let mut out = std::io::stdout().lock();
    let Some(path) = shared::folder(&folder) else {
        return writeln!(out, "there is no ../shared/pools/{folder}");
    };
    let rows = run(&path, &prefix, limit, 1);
    let mut times: Vec<Duration> = rows.iter().map(|row| row.elapsed).collect();
    times.sort_unstable();
    let checks: Duration = rows.iter().map(|row| row.check_elapsed).sum();
    write!(out, "{}", table(&rows))?;
    let at =
        |share: usize| times.get(times.len().saturating_sub(1) * share / 100).copied().unwrap_or_default();
    writeln!(
        out,
        "median {:?}, 90 % {:?}, slowest {:?}; all checks together {checks:?}",
        at(50),
        at(90),
        at(100)
    )
}
