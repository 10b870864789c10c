//! How long failover takes, measured in simulation: the tables of docs/liveness.md, as Markdown.
//! `cargo run --release -p lifeboat-simulator --example measure [SEEDS] [MOST_HOSTS]`; 50 seeds and 64 hosts unless told otherwise.
//!
//! Each seed draws the hosts' clocks and phases, and the moment of the failure within a second, so that it meets leases,
//! heartbeats and cycles at every point of their periods.
use core::time::Duration;
use lifeboat_simulator::run::Prepared;
use lifeboat_simulator::scenario::{Action, Event, Generate, PoolSource};
use lifeboat_simulator::trace::{Line, Trace};
use lifeboat_simulator::{NoDocuments, Scenario};
use std::io::Write;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// What is measured: from the failure, or from the evidence, to what.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Measure {
    PowerLoss,
    CoordinatorLost,
    SplitFenced,
    SplitStarted,
    Evidence,
}

const MEASURES: [(Measure, &str); 5] = [
    (Measure::PowerLoss, "power loss → first start"),
    (Measure::CoordinatorLost, "coordinator lost → first start"),
    (Measure::SplitFenced, "split → losers fenced"),
    (Measure::SplitStarted, "split → first start"),
    (Measure::Evidence, "evidence at hand → first start"),
];

/// When the BMC speaks, counted from the power loss.
const EVIDENCE_AFTER: Duration = Duration::from_secs(2);

fn main() -> std::io::Result<()> {
    let mut arguments = std::env::args().skip(1).map(|argument| argument.parse().unwrap_or(50));
    let seeds = arguments.next().unwrap_or(50);
    let most_hosts = arguments.next().unwrap_or(64);
    let mut out = std::io::stdout().lock();
    for (title, network, medium) in [
        ("Network delay 1 ms, medium latency 2 ms", 1, 2),
        ("Network delay 50 ms, medium latency 250 ms: the edge of what the bounds allow for", 50, 250),
    ] {
        writeln!(out, "{title}; median / longest of {seeds} seeds, in seconds.\n")?;
        table(&mut out, seeds, most_hosts, Duration::from_millis(network), Duration::from_millis(medium))?;
    }
    Ok(())
}

fn table(
    out: &mut impl Write,
    seeds: u64,
    most_hosts: u64,
    network: Duration,
    medium: Duration,
) -> std::io::Result<()> {
    let headings: Vec<&str> = MEASURES.iter().map(|(_, heading)| *heading).collect();
    writeln!(out, "| T | hosts | {} |", headings.join(" | "))?;
    writeln!(out, "| --- | --- |{}", " --- |".repeat(MEASURES.len()))?;
    for timeout in [15, 5] {
        let bounds: Vec<String> = MEASURES.iter().map(|(measure, _)| bound(*measure, timeout)).collect();
        writeln!(out, "| {timeout} s | *bound* | {} |", bounds.join(" | "))?;
        for hosts in [3, 16, 64].into_iter().filter(|hosts| u64::from(*hosts) <= most_hosts) {
            let cells: Vec<String> = MEASURES
                .iter()
                .map(|(measure, _)| {
                    let mut spans = measured(*measure, timeout, hosts, seeds, network, medium);
                    spans.sort_unstable();
                    cell(&spans)
                })
                .collect();
            writeln!(out, "| | {hosts} | {} |", cells.join(" | "))?;
            out.flush()?;
        }
    }
    writeln!(out)
}

fn bound(measure: Measure, timeout: u64) -> String {
    match measure {
        Measure::PowerLoss => format!("{}", timeout + 3),
        Measure::CoordinatorLost | Measure::SplitStarted => format!("{}", timeout + 5),
        Measure::SplitFenced => format!("{timeout} + 1.0"),
        Measure::Evidence => "2".to_owned(),
    }
}

/// Median and longest; a run in which it never happened is told apart.
fn cell(sorted: &[Option<Duration>]) -> String {
    let missing = sorted.iter().filter(|span| span.is_none()).count();
    let present: Vec<f64> = sorted.iter().flatten().map(Duration::as_secs_f64).collect();
    let (Some(longest), Some(median)) = (present.last(), present.get(present.len() / 2)) else {
        return "never".to_owned();
    };
    let never = if missing > 0 { format!(", {missing} × never") } else { String::new() };
    format!("{median:.2} / {longest:.2}{never}")
}

/// One span a seed, on all cores.
fn measured(
    measure: Measure,
    timeout: u64,
    hosts: u32,
    seeds: u64,
    network: Duration,
    medium: Duration,
) -> Vec<Option<Duration>> {
    let next = AtomicU64::new(0);
    let spans = Mutex::new(Vec::new());
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds {
                        break;
                    }
                    let span = one(measure, timeout, hosts, seed, network, medium);
                    spans.lock().expect("no worker panics while it holds the lock").push(span);
                }
            });
        }
    });
    spans.into_inner().expect("no worker panics while it holds the lock")
}

fn one(
    measure: Measure,
    timeout: u64,
    hosts: u32,
    seed: u64,
    network: Duration,
    medium: Duration,
) -> Option<Duration> {
    // A step that is no simple fraction of any period, so that 50 seeds spread over all phases.
    let failure = Duration::from_secs(10) + Duration::from_micros(seed * 618_034 % 1_000_000);
    let generate = Generate { hosts, vms: 2 * hosts, ..Generate::default() };
    let mut scenario = Scenario::quiet(PoolSource::Generate(generate));
    scenario.settings.timeout_s = Some(timeout);
    scenario.world.network_latency = network;
    scenario.world.medium_latency = medium;
    scenario.world.clock_ppm = 200;
    scenario.events = events(measure, hosts, failure);
    scenario.end = Some(failure + Duration::from_secs(timeout + 10));
    let read = |_: &Path| Err("a generated pool has no file".to_owned());
    let prepared = Prepared::new(&scenario, &NoDocuments, &read).expect("a generated pool is in order");
    let outcome = prepared.run(seed, &mut lifeboat_simulator::Nobody).expect("a healthy pool forms");
    let begins = outcome.formed + failure;
    let span = span_of(measure, &outcome.trace, hosts)?;
    let from = if measure == Measure::Evidence { begins + EVIDENCE_AFTER } else { begins };
    Some(span.since(from))
}

/// The losing side of a split: a third, with the coordinator.
fn losers(hosts: u32) -> u32 {
    hosts / 3
}

fn events(measure: Measure, hosts: u32, failure: Duration) -> Vec<Event> {
    let name = |host: u32| format!("h{host}");
    let last = vec![name(hosts)];
    let at = |at, action| Event { at, action };
    match measure {
        Measure::PowerLoss => vec![at(failure, Action::PowerOff { hosts: last })],
        Measure::CoordinatorLost => {
            vec![at(failure, Action::PowerOff { hosts: vec!["coordinator".to_owned()] })]
        }
        Measure::SplitFenced | Measure::SplitStarted => {
            let side = |hosts: core::ops::RangeInclusive<u32>| hosts.map(name).collect::<Vec<_>>();
            let groups = vec![side(1..=losers(hosts)), side(losers(hosts) + 1..=hosts)];
            vec![at(failure, Action::Partition { groups, networks: Vec::new() })]
        }
        Measure::Evidence => vec![
            at(failure, Action::PowerOff { hosts: last.clone() }),
            at(failure + EVIDENCE_AFTER, Action::BmcConfirmsOff { hosts: last }),
        ],
    }
}

/// The moment that ends the span; none if it did not come.
fn span_of(measure: Measure, trace: &Trace, hosts: u32) -> Option<lifeboat_simulator::At> {
    let entries = trace.since_formed();
    if measure == Measure::SplitFenced {
        let fenced = entries.iter().filter(|entry| matches!(entry.line, Line::Fenced { .. }));
        let all = fenced.clone().count() == losers(hosts) as usize;
        return fenced.map(|entry| entry.at).max().filter(|_| all);
    }
    let first = entries.iter().find(|entry| matches!(entry.line, Line::StartCommand { .. }));
    first.map(|entry| entry.at)
}
