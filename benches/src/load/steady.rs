//! Lifecycle events and admission checks at a steady rate, each from connections of its own.
use super::client::{Client, Trouble};
use super::report::Times;
use super::{Service, age, target};
use hyper::Method;
use lifeboat::clock::Stopwatch;
use lifeboat_model::{HostIndex, Pool, VmIndex};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    service: Service,
    /// The pool document
    #[arg(long)]
    document: PathBuf,
    /// For how long
    #[arg(long, default_value_t = 30)]
    seconds: u64,
    /// Lifecycle events a second, one a request unless --batch says more
    #[arg(long, default_value_t = 2000)]
    events: u32,
    /// Events in one request
    #[arg(long, default_value_t = 1)]
    batch: u32,
    /// Admission checks a second
    #[arg(long, default_value_t = 1000)]
    checks: u32,
    /// Of a thousand checks, how many start a VM without naming a host
    #[arg(long, default_value_t = 0)]
    unplaced_permille: u32,
    /// Connections that tell events, and as many that ask
    #[arg(long, default_value_t = 48)]
    connections: u32,
}

/// What one connection saw.
#[derive(Default)]
struct Seen {
    times: Times,
    refused: usize,
    first_refusal: Option<String>,
}

/// What one connection does.
#[derive(Clone, Copy)]
enum Job {
    Events { batch: u32 },
    Checks { unplaced_permille: u32 },
}

pub(crate) async fn run(arguments: &Arguments) -> Result<String, Trouble> {
    let pool = Arc::new(target::import(&arguments.service, &arguments.document).await?);
    let length = Duration::from_secs(arguments.seconds);
    let (stop, stopped) = watch::channel(false);
    let ages = tokio::spawn(age::watch(arguments.service.clone(), stopped));
    let batch = arguments.batch.max(1);
    let lanes = |job: Job, per_second: u32| {
        let lanes = arguments.connections.min(per_second).max(1);
        (0..lanes)
            .filter(|_| per_second > 0)
            .map(|lane| {
                let every = Duration::from_secs(1) * lanes / per_second;
                let work = Lane { job, number: lane, of: lanes, every, length, pool: Arc::clone(&pool) };
                tokio::spawn(work.run(arguments.service.clone()))
            })
            .collect::<Vec<_>>()
    };
    let telling = lanes(Job::Events { batch }, arguments.events / batch);
    let asking = lanes(Job::Checks { unplaced_permille: arguments.unplaced_permille }, arguments.checks);
    let (mut events, mut checks) = (Seen::default(), Seen::default());
    for (lanes, seen) in [(telling, &mut events), (asking, &mut checks)] {
        for lane in lanes {
            seen.append(lane.await??);
        }
    }
    stop.send_replace(true);
    let mut ages = ages.await??;
    #[expect(clippy::cast_precision_loss, reason = "counts of one run")]
    let rate = |seen: &Seen| seen.times.count() as f64 / length.as_secs_f64();
    let share = 100 * ages.open / ages.times.count().max(1);
    Ok([
        format!("{} hosts, {} VMs, {} s", pool.hosts().len(), pool.vms().len(), arguments.seconds),
        format!("events   {:.0}/s, {}", rate(&events) * f64::from(batch), events.figures()),
        format!("checks   {:.0}/s, {}", rate(&checks), checks.figures()),
        format!("plan age {}; {share} % of the verdicts seen were open", ages.times.figures()),
    ]
    .join("\n"))
}

impl Seen {
    fn append(&mut self, other: Self) {
        self.times.append(other.times);
        self.refused += other.refused;
        self.first_refusal = self.first_refusal.take().or(other.first_refusal);
    }

    fn figures(&mut self) -> String {
        let mut text = self.times.figures();
        if let Some(first) = &self.first_refusal {
            text = format!("{text}; {} refused, the first: {first}", self.refused);
        }
        text
    }
}

/// One connection and its share of the VMs: no two tell contradicting things of one VM.
struct Lane {
    job: Job,
    number: u32,
    of: u32,
    every: Duration,
    length: Duration,
    pool: Arc<Pool>,
}

impl Lane {
    async fn run(self, service: Service) -> Result<Seen, Trouble> {
        let mut client = Client::connect(&service.server).await?;
        let mut draw = StdRng::seed_from_u64(u64::from(self.number));
        let mine: Vec<VmIndex> =
            self.pool.vm_indices().skip(self.number as usize).step_by(self.of as usize).collect();
        let mut stopped: Option<VmIndex> = None;
        let path = match self.job {
            Job::Events { .. } => format!("/v1/pools/{}/events", service.pool),
            Job::Checks { .. } => format!("/v1/pools/{}/check", service.pool),
        };
        let mut seen = Seen::default();
        let started = time::Instant::now();
        let mut ticks = time::interval_at(started + self.every * self.number / self.of, self.every);
        ticks.set_missed_tick_behavior(time::MissedTickBehavior::Burst);
        let run = Stopwatch::start();
        while !run.has_reached(self.length) {
            let due = ticks.tick().await;
            let body = match self.job {
                Job::Events { batch: 1 } => self.event(&mut draw, &mine, &mut stopped),
                Job::Events { batch } => {
                    (0..batch).map(|_| self.event(&mut draw, &mine, &mut stopped)).collect::<Vec<_>>().into()
                }
                Job::Checks { unplaced_permille } => self.question(&mut draw, &mine, unplaced_permille),
            };
            let (status, answer) = client.send(Method::POST, &path, serde_json::to_vec(&body)?).await?;
            seen.times.note(due.elapsed());
            if status != 200 {
                seen.refused += 1;
                let told = String::from_utf8_lossy(&answer[..answer.len().min(300)]).into_owned();
                seen.first_refusal.get_or_insert(format!("{status} {told}"));
            }
        }
        Ok(seen)
    }

    /// A VM stops, or the one that was stopped starts again where it was.
    fn event(&self, draw: &mut StdRng, mine: &[VmIndex], stopped: &mut Option<VmIndex>) -> Value {
        if let Some(vm) = stopped.take() {
            let home = self.pool.runs_on(vm).map_or("", |host| self.pool.host_id(host));
            return json!({"kind": "vm-started", "vm": self.pool.vm_id(vm), "host": home});
        }
        let vm = mine[draw.random_range(0..mine.len())];
        if draw.random_ratio(1, 4) {
            let memory_mib = self.pool.demand_of(vm)[0] - self.pool.vm(vm).overhead_mib;
            return json!({"kind": "vm-memory", "vm": self.pool.vm_id(vm), "memory_mib": memory_mib});
        }
        *stopped = Some(vm);
        json!({"kind": "vm-stopped", "vm": self.pool.vm_id(vm)})
    }

    fn question(&self, draw: &mut StdRng, mine: &[VmIndex], unplaced_permille: u32) -> Value {
        let host = self.pool.host_id(HostIndex::new(draw.random_range(0..self.pool.hosts().len())));
        let vm = self.pool.vm_id(mine[draw.random_range(0..mine.len())]);
        let new = json!({"id": "asked", "memory_mib": 1024 << draw.random_range(0..5), "restart_priority": "restart"});
        if draw.random_ratio(unplaced_permille.min(1000), 1000) {
            return json!({"start-new": {"vm": new}});
        }
        match draw.random_range(0..3) {
            0 => json!({"start-new": {"vm": new, "host": host}}),
            1 => json!({"restart-priority": {"vm": vm, "restart_priority": "restart"}}),
            _ => json!({"vm-memory": {"vm": vm, "memory_mib": 1024 << draw.random_range(0..5)}}),
        }
    }
}
