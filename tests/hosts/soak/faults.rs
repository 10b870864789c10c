//! Random faults on a pool, from a seed: one or two at once, for a while, then all is healed and fallen hosts are switched on. After every
//! round all must be members and all guests up; no guest may ever run twice; and only those hosts may fall that the design says may.
use super::draw::Draw;
use super::results::{self, Outcome, STALL_S};
use super::{Fault, Wishes, say};
use lifeboat_lab::clock::now;
use lifeboat_lab::device;
use lifeboat_lab::host::{Host, Unit};
use lifeboat_lab::network::{HEARTBEATS, NETWORKS};
use lifeboat_lab::pool::{self, Pool};
use lifeboat_lab::programs::Programs;
use rustix::process::Signal;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

/// Failures after which there is nothing more to learn.
const MOST_FAILURES: usize = 5;

/// What can happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    PowerLoss,
    CoordinatorLoss,
    TwoLosePower,
    AgentKilled,
    AgentPausedBriefly,
    AgentPausedLong,
    ServiceKilled,
    ServicePaused,
    LibvirtdKilled,
    LibvirtdPaused,
    DiskLostByOne,
    DiskLostByAll,
    DiskStalls,
    OneCable,
    AllCables,
    Split,
    OneWay,
    FramesLost,
}

const KINDS: [Kind; 18] = [
    Kind::PowerLoss,
    Kind::CoordinatorLoss,
    Kind::TwoLosePower,
    Kind::AgentKilled,
    Kind::AgentPausedBriefly,
    Kind::AgentPausedLong,
    Kind::ServiceKilled,
    Kind::ServicePaused,
    Kind::LibvirtdKilled,
    Kind::LibvirtdPaused,
    Kind::DiskLostByOne,
    Kind::DiskLostByAll,
    Kind::DiskStalls,
    Kind::OneCable,
    Kind::AllCables,
    Kind::Split,
    Kind::OneWay,
    Kind::FramesLost,
];

impl Kind {
    /// Whether hosts may fall that are not named when this comes together with a disk that is out of reach: storage outranks numbers.
    fn silences(self) -> bool {
        !matches!(
            self,
            Self::ServiceKilled
                | Self::ServicePaused
                | Self::LibvirtdKilled
                | Self::LibvirtdPaused
                | Self::DiskLostByOne
                | Self::DiskLostByAll
                | Self::DiskStalls
                | Self::OneCable
        )
    }

    fn takes_disks(self) -> bool {
        matches!(self, Self::DiskLostByOne | Self::DiskLostByAll | Self::DiskStalls)
    }
}

/// What came of it so far.
#[derive(Default)]
struct Tally {
    rounds: usize,
    faults: usize,
    falls: usize,
    restarts: usize,
    stalls: usize,
    failures: Vec<String>,
}

/// Lets faults happen for so long.
pub(crate) fn run(programs: &Programs, wishes: &Wishes) -> Result<(), Fault> {
    let (minutes, seed) = (wishes.number("minutes", 30)?, wishes.number("seed", 1)?);
    let pool = pool::Wishes {
        hosts: wishes.number("hosts", 8)? as usize,
        vms: wishes.number("vms", 16)? as usize,
        timeout_s: wishes.number("timeout", 5)?,
        bmc: false,
        // Everybody fails again and again here, and guests have to have a place all the same.
        quarantine: 0,
    };
    let end = now() + Duration::from_secs(60 * minutes);
    let mut tally = Tally::default();
    let mut draw = Draw::from_seed(seed);
    while now() < end && tally.failures.len() < MOST_FAILURES {
        let failed =
            catch_unwind(AssertUnwindSafe(|| on_one_pool(programs, pool, end, &mut draw, &mut tally)));
        let why = match failed {
            Ok(Ok(())) => continue,
            Ok(Err(fault)) => fault.to_string(),
            Err(panic) => panic.downcast_ref::<String>().cloned().unwrap_or_else(|| "it panicked".into()),
        };
        let why = why.lines().take(2).collect::<Vec<_>>().join("; ");
        say(&format!("round {}: FAILED: {why}", tally.rounds));
        tally.failures.push(format!("round {}: {why}", tally.rounds));
    }
    let failed = !tally.failures.is_empty();
    results::add(
        &wishes.results(),
        &Outcome::Faults {
            seed,
            hosts: pool.hosts,
            vms: pool.vms,
            timeout_s: pool.timeout_s,
            minutes,
            rounds: tally.rounds,
            faults: tally.faults,
            falls: tally.falls,
            restarts: tally.restarts,
            stalls: tally.stalls,
            failures: tally.failures,
        },
    )?;
    if failed { Err("not all rounds ended as they should".into()) } else { Ok(()) }
}

fn on_one_pool(
    programs: &Programs,
    wishes: pool::Wishes,
    end: std::time::Instant,
    draw: &mut Draw,
    tally: &mut Tally,
) -> Result<(), Fault> {
    let mut pool = Pool::form(programs, wishes)?;
    let began = pool.lab.recorder.time();
    while now() < end {
        tally.rounds += 1;
        round(&mut pool, draw, tally);
    }
    let record = pool.lab.recorder.record();
    tally.restarts += record.begun_since(began).len();
    tally.stalls += record.stalls.iter().filter(|stall| stall.lasted > STALL_S).count();
    Ok(())
}

/// One or two faults, a while, and what must hold afterwards.
fn round(pool: &mut Pool, draw: &mut Draw, tally: &mut Tally) {
    let moment = pool.lab.recorder.time();
    let kinds = {
        let number = 1 + usize::from(draw.below(3) == 0);
        draw.some(&KINDS, number)
    };
    let mut may_fall = BTreeSet::new();
    say(&format!("round {}: {kinds:?}", tally.rounds));
    pool.lab.recorder.note(&format!("ROUND {}: {kinds:?}", tally.rounds));
    for kind in &kinds {
        tally.faults += 1;
        may_fall.extend(happen(pool, *kind, draw));
    }
    let anybody = kinds.iter().any(|kind| kind.silences()) && kinds.iter().any(|kind| kind.takes_disks());
    let both_cut = kinds
        .iter()
        .filter(|kind| matches!(kind, Kind::Split | Kind::OneWay | Kind::AllCables | Kind::FramesLost))
        .count()
        > 1;
    let lasts = Duration::from_millis(3_000 + 500 * draw.below(44) as u64);
    let until = pool.lab.recorder.time() + lasts.as_secs_f64();
    pool.expect("the faults last", lasts * 2, || pool.lab.recorder.time() > until);
    for host in &pool.lab.hosts {
        host.signal(Unit::Libvirtd, Signal::CONT);
        host.signal(Unit::Agent, Signal::CONT);
    }
    pool.make_whole();
    let record = pool.lab.recorder.record();
    let fallen: BTreeSet<String> =
        record.fell_since(moment).iter().map(|(_, host)| (*host).to_owned()).collect();
    drop(record);
    tally.falls += fallen.len();
    let allowed = anybody || both_cut || fallen.is_subset(&may_fall);
    pool.holds(&format!("with {kinds:?} these may fall: {may_fall:?}; not {fallen:?}"), allowed);
}

/// Lets one thing happen; who may fall by it.
fn happen(pool: &mut Pool, kind: Kind, draw: &mut Draw) -> Vec<String> {
    let on: Vec<Host> = pool.on().into_iter().cloned().collect();
    let Some(host) = draw.one(&on) else { return Vec::new() };
    let name = host.name().to_owned();
    let leader = pool.leader().cloned();
    pool.lab.recorder.note(&format!("{kind:?} on {name}"));
    match kind {
        Kind::PowerLoss => {
            pool.lab.switch_off(&host);
            vec![name]
        }
        Kind::CoordinatorLoss => {
            let leader = leader.unwrap_or(host);
            pool.lab.switch_off(&leader);
            vec![leader.name().into()]
        }
        Kind::TwoLosePower => {
            let two = draw.some(&on, 2);
            for host in &two {
                pool.lab.switch_off(host);
            }
            two.iter().map(|host| host.name().into()).collect()
        }
        Kind::AgentKilled => {
            host.signal(Unit::Agent, Signal::KILL);
            Vec::new()
        }
        Kind::AgentPausedBriefly => {
            host.signal(Unit::Agent, Signal::STOP);
            let until = pool.lab.recorder.time() + pool.timeout().as_secs_f64() / 3.0;
            pool.expect("a third of T passes", pool.timeout(), || pool.lab.recorder.time() > until);
            host.signal(Unit::Agent, Signal::CONT);
            Vec::new()
        }
        Kind::AgentPausedLong => {
            host.signal(Unit::Agent, Signal::STOP);
            vec![name]
        }
        Kind::ServiceKilled | Kind::ServicePaused => {
            let signal = if kind == Kind::ServiceKilled { Signal::KILL } else { Signal::STOP };
            if let Some(service) = leader.unwrap_or(host).service() {
                service.signal(signal);
            }
            Vec::new()
        }
        Kind::LibvirtdKilled => {
            host.signal(Unit::Libvirtd, Signal::KILL);
            Vec::new()
        }
        Kind::LibvirtdPaused => {
            host.signal(Unit::Libvirtd, Signal::STOP);
            Vec::new()
        }
        Kind::DiskLostByOne => {
            pool.holds("a disk can be taken", device::lose(&host.spec.device, true).is_ok());
            Vec::new()
        }
        Kind::DiskLostByAll => {
            for host in &on {
                pool.holds("a disk can be taken", device::lose(&host.spec.device, true).is_ok());
            }
            Vec::new()
        }
        Kind::DiskStalls => {
            pool.holds(
                "a disk can be stalled",
                device::stall(&host.spec.group, &host.spec.device, true).is_ok(),
            );
            Vec::new()
        }
        Kind::OneCable | Kind::AllCables => {
            let networks: &[&str] = if kind == Kind::OneCable { &HEARTBEATS[..1] } else { &NETWORKS };
            for network in networks {
                pool.wires(|wires| wires.link(host.spec.number, network, false));
            }
            if kind == Kind::OneCable { Vec::new() } else { vec![name] }
        }
        Kind::Split => split(pool, &on, draw),
        Kind::OneWay => {
            let other = draw.one(&on).unwrap_or_else(|| host.clone());
            if other.spec.number != host.spec.number {
                pool.wires(|wires| wires.cut(host.spec.number, other.spec.number));
            }
            vec![name, other.name().into()]
        }
        Kind::FramesLost => {
            for network in HEARTBEATS {
                pool.wires(|wires| wires.lose(host.spec.number, network, 20));
            }
            vec![name]
        }
    }
}

/// Splits the hosts in two; the smaller side may fall, and of two halves either.
fn split(pool: &mut Pool, on: &[Host], draw: &mut Draw) -> Vec<String> {
    let size = 1 + draw.below(on.len() / 2);
    let side = draw.some(on, size);
    let numbers: Vec<usize> = side.iter().map(|host| host.spec.number).collect();
    let rest: Vec<usize> = pool
        .lab
        .hosts
        .iter()
        .map(|host| host.spec.number)
        .filter(|number| !numbers.contains(number))
        .collect();
    pool.wires(|wires| wires.partition(&[&numbers, &rest]));
    let may = if numbers.len() * 2 >= on.len() { on } else { &side };
    may.iter().map(|host| host.name().to_owned()).collect()
}
