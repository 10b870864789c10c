//! A recorded trace of VMs that come and go, told to a pool as fast as it takes it. VMs are placed here, on the host with most
//! room; those that no host has room for are left out and counted. In the end the published verdict must be the one that a
//! fresh search gives for the exported document.
use super::Service;
use super::client::{Client, Trouble};
use super::report::Times;
use flate2::read::GzDecoder;
use hyper::Method;
use lifeboat::clock::Stopwatch;
use lifeboat::dto;
use lifeboat_planner::{Limits, assess};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    service: Service,
    /// The trace: a line of JSON for each VM that comes or goes
    #[arg(long)]
    trace: PathBuf,
    /// Hosts of the pool
    #[arg(long, default_value_t = 64)]
    hosts: usize,
    /// Memory of each, in MiB
    #[arg(long, default_value_t = 262_144)]
    host_mib: u64,
    /// Events in one request
    #[arg(long, default_value_t = 20)]
    batch: usize,
    /// Lines of the tolerance curve
    #[arg(long, default_value_t = 20)]
    lines: usize,
}

/// A line of the trace.
#[derive(Debug, Deserialize)]
struct Line {
    at_s: u64,
    op: Op,
    vm: String,
    #[serde(default)]
    memory_mib: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Op {
    Start,
    Stop,
}

/// Where everything is, as told.
struct Placed {
    free: Vec<u64>,
    vms: BTreeMap<String, (usize, u64)>,
    left_out: usize,
}

pub(crate) async fn run(arguments: &Arguments) -> Result<String, Trouble> {
    let trace: Vec<Line> = BufReader::new(GzDecoder::new(File::open(&arguments.trace)?))
        .lines()
        .map(|line| Ok(serde_json::from_str(&line?)?))
        .collect::<Result<_, Trouble>>()?;
    let service = &arguments.service;
    let mut client = Client::connect(&service.server).await?;
    let pool_path = format!("/v1/pools/{}", service.pool);
    let (status, answer) =
        client.send(Method::PUT, &pool_path, serde_json::to_vec(&empty_pool(arguments))?).await?;
    if !(200..300).contains(&status) {
        return Err(format!("the import was refused: {status} {}", String::from_utf8_lossy(&answer)).into());
    }
    let mut placed =
        Placed { free: vec![arguments.host_mib; arguments.hosts], vms: BTreeMap::new(), left_out: 0 };
    let mut text = String::from("   trace s   VMs  proven in turn  at once  target\n");
    let (clock, mut times, mut told) = (Stopwatch::start(), Times::default(), 0);
    let mut waiting = Vec::new();
    let every = trace.len().div_ceil(arguments.lines.max(1));
    for (number, line) in trace.iter().enumerate() {
        waiting.extend(placed.event(line));
        let last = number + 1 == trace.len();
        if waiting.len() >= arguments.batch || last {
            told += waiting.len();
            let body = serde_json::to_vec(&std::mem::take(&mut waiting))?;
            let sent = Stopwatch::start();
            let (status, answer) = client.send(Method::POST, &format!("{pool_path}/events"), body).await?;
            times.note(sent.elapsed());
            if status != 200 {
                return Err(
                    format!("events were refused: {status} {}", String::from_utf8_lossy(&answer)).into()
                );
            }
        }
        if number % every == 0 || last {
            let verdict = client.get(&format!("{pool_path}/tolerance")).await?;
            let proven = |notion: &str| verdict["tolerance"][notion]["proven"].clone();
            let _ = writeln!(
                text,
                "{:>10} {:>5} {:>15} {:>8}  {}",
                line.at_s,
                placed.vms.len(),
                proven("sequential").to_string(),
                proven("simultaneous").to_string(),
                verdict["target_status"].as_str().unwrap_or_default()
            );
        }
    }
    let elapsed = clock.elapsed();
    #[expect(clippy::cast_precision_loss, reason = "a count of events")]
    let rate = told as f64 / elapsed.as_secs_f64();
    let _ = writeln!(
        text,
        "{told} events in {:.2} s: {rate:.0}/s; requests of {}: {}; {} VMs left out for want of room",
        elapsed.as_secs_f64(),
        arguments.batch,
        times.figures(),
        placed.left_out
    );
    text.push_str(&compare(&mut client, &pool_path).await?);
    Ok(text)
}

/// The published verdict, once it speaks of the newest state, against a fresh search on the exported document.
async fn compare(client: &mut Client, pool_path: &str) -> Result<String, Trouble> {
    let published = loop {
        let verdict = client.get(&format!("{pool_path}/tolerance")).await?;
        if verdict["up_to_date"] == true && verdict["provisional"] == false {
            break verdict;
        }
        tokio::task::yield_now().await;
    };
    let (_, document) = client.send(Method::GET, pool_path, Vec::new()).await?;
    let pool = dto::pool::read(&document).map_err(|faults| format!("the export is wrong: {faults:?}"))?;
    let fresh = assess(&pool, &Limits::default());
    let fresh = serde_json::to_value(dto::verdict::PlanAnswer::new(&pool, &fresh, 0))?;
    let same = ["tolerance", "pending_placement", "target_status", "overcommitted"]
        .iter()
        .all(|field| published[field] == fresh[field]);
    if same {
        Ok(format!("final verdict: the same as a fresh search's: {}", fresh["tolerance"]))
    } else {
        Err(format!(
            "final verdict {} but a fresh search says {}",
            published["tolerance"], fresh["tolerance"]
        )
        .into())
    }
}

fn empty_pool(arguments: &Arguments) -> Value {
    let hosts: Vec<Value> = (0..arguments.hosts)
        .map(|host| json!({"id": name(host), "memory_mib": arguments.host_mib}))
        .collect();
    json!({
        "format": "lifeboat.pool/v1", "id": arguments.service.pool, "hosts": hosts, "vms": [],
        "settings": {"host_failures_to_tolerate": 2}
    })
}

fn name(host: usize) -> String {
    format!("h{:02}", host + 1)
}

impl Placed {
    fn event(&mut self, line: &Line) -> Option<Value> {
        if line.op == Op::Stop {
            let (host, memory_mib) = self.vms.remove(&line.vm)?;
            self.free[host] += memory_mib;
            return Some(json!({"kind": "vm-removed", "vm": line.vm}));
        }
        let (host, free) =
            self.free.iter().copied().enumerate().max_by_key(|&(host, free)| (free, usize::MAX - host))?;
        if free < line.memory_mib {
            self.left_out += 1;
            return None;
        }
        self.free[host] -= line.memory_mib;
        self.vms.insert(line.vm.clone(), (host, line.memory_mib));
        Some(json!({"kind": "vm-created", "vm": {
            "id": line.vm, "memory_mib": line.memory_mib, "host": name(host), "restart_priority": "restart"
        }}))
    }
}
