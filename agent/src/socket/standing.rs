//! How things stand, as JSON.
use super::server::Server;
use crate::wiring::Standing;
use lifeboat_model::HostIndex;
use lifeboat_protocol::configuration::Standing as Agreed;
use lifeboat_protocol::status::{Phase, Silence};
use serde_json::{Value, json};
use std::time::Duration;

/// The status of this host and of its pool as it sees it.
pub(super) fn of(server: &Server, patience: Duration) -> Result<Value, String> {
    let context = &server.context;
    let roster = context.roster.now();
    let name = |host: HostIndex| context.roster.name(host);
    let mut status = json!({
        "host": context.config.host.name,
        "pool": roster.pool,
        "boot": context.boot.0,
        "process": context.process.0,
        "version": env!("CARGO_PKG_VERSION"),
        "roster": roster.version,
        "emergency_disabled": server.disabled,
        "threads": context.board.read(),
    });
    if server.disabled {
        status["phase"] = "disabled".into();
        return Ok(status);
    }
    let standing = context.inbox.ask(patience).ok_or("the protocol's thread does not answer")?;
    let known = standing.adopted.as_ref();
    status["phase"] = phase(standing.phase).into();
    status["lease_left_ms"] = standing.lease_left.map(|left| left.as_millis() as u64).into();
    status["disarmed"] = standing.disarmed.into();
    status["configuration"] = known.map(|known| known.number.0).into();
    status["term"] = known.map(|known| known.epoch.0).into();
    status["timeout_ms"] = known.map(|known| known.timeout.as_millis() as u64).into();
    status["braked"] = known.map(|known| known.braked).into();
    status["leader"] = known.map(|known| name(known.leader)).into();
    status["leads_term"] = standing.coordinator_term.map(|term| term.0).into();
    status["may_power_off"] = standing.thread.may_power_off.into();
    status["watchdog"] = json!({ "state": standing.thread.watchdog, "armed": standing.thread.armed });
    status["late"] =
        json!({ "times": standing.thread.late, "most_ms": standing.thread.latest.as_millis() as u64 });
    status["datagrams"] = json!({
        "received": standing.thread.received, "sent": standing.thread.sent, "unsent": standing.thread.unsent,
    });
    let hosts = (0..roster.hosts.len()).filter(|host| !roster.hosts[*host].removed);
    status["hosts"] = hosts.map(|host| host_line(server, &standing, HostIndex::new(host))).collect();
    Ok(status)
}

fn host_line(server: &Server, standing: &Standing, host: HostIndex) -> Value {
    let known = standing.adopted.as_ref();
    let said = standing.peers.get(host.get()).and_then(Option::as_ref);
    let silence = said.and_then(|said| said.silence.get(server.context.me.get()).copied());
    json!({
        "host": server.context.roster.name(host),
        "standing": known.map(|known| agreed(known.standing(host))),
        "phase": said.map(|said| phase(said.phase)),
        "medium_works": said.map(|said| said.medium_works),
        "carrier": said.map(|said| said.carrier),
        "silent_ms": silence.filter(|silence| *silence != Silence::FOREVER).map(|silence| silence.span().as_millis() as u64),
        "quarantined": known.and_then(|known| known.hosts.get(host.get())).is_some_and(|entry| entry.quarantined),
        "newest_key": said.map(|said| said.newest_key),
    })
}

fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::Starting => "starting",
        Phase::Joining => "joining",
        Phase::Member => "member",
        Phase::Leaving => "leaving",
        Phase::FencingSelf => "fencing-self",
        Phase::Fenced => "fenced",
        Phase::Left => "left",
    }
}

fn agreed(standing: Agreed) -> &'static str {
    match standing {
        Agreed::Out => "out",
        Agreed::Member { .. } => "member",
        Agreed::Fencing { .. } => "fencing",
        Agreed::Fenced { .. } => "fenced",
    }
}
