//! Jobs, each done by a thread of its own until its outcome is certain. What the hypervisor leaves unknown is asked again here, for as long
//! as it takes: whoever ordered it is told only what is so.
use super::machine::{Done, Job};
use super::shell::Host;
use crate::clock;
use crate::hypervisor::{Fault, Guest, GuestState, Hypervisor, reach};
use lifeboat_protocol::order::Gate;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::Duration;

/// How soon what was not certain is asked again.
const AGAIN: Duration = Duration::from_secs(1);
/// A start that a hypervisor did not answer may sit in its queue: for this long it is watched that nothing comes of it.
const UNHEARD: Duration = Duration::from_secs(2);
/// How long a guest may take to pass its gate; after that the coordinator has long given up.
const GATE_WITHIN: Duration = Duration::from_mins(30);
/// How much evidence is kept of one VM.
const MOST_EVIDENCE: usize = 5;

/// Does a job.
pub(super) fn work(host: &Host, job: Job) -> Done {
    let hypervisor = &*host.hypervisor;
    match job {
        Job::Look => Done::Look(hypervisor.guests().map_err(|fault| {
            tracing::warn!(%fault, "nobody knows what runs here");
            hypervisor.traces()
        })),
        Job::Start { vm, definition } => Done::Start(start(host, &vm, &definition)),
        Job::Settle { vm } => Done::Settle(settle(host, &vm)),
        Job::Stop { vm } => {
            stop(host, &vm);
            Done::Stop
        }
        Job::Migrate { vm, to } => Done::Migrate(migrate(host, &vm, &(host.name_of)(to))),
        Job::Gate { vm, gate } => Done::Gate(gate_passed(host, &vm, gate)),
        Job::Facts { vm } => Done::Facts(hypervisor.facts(&vm)),
        Job::Host => Done::Host(hypervisor.describe().ok(), host.site.losses()),
        Job::Tame => Done::Tame(hypervisor.tame().unwrap_or_default()),
        Job::Revive => {
            match hypervisor.revive() {
                Ok(()) => tracing::warn!("the hypervisor's service was restarted, as it did not answer"),
                Err(fault) => {
                    tracing::error!(%fault, "the hypervisor's service does not answer, and was not restarted");
                }
            }
            Done::Revive
        }
        Job::KillAll => {
            kill_all(host);
            Done::KillAll
        }
        Job::Pulses { vms } => Done::Pulses(hypervisor.pulses(&vms).ok()),
        Job::Reset { vm } => {
            keep_evidence(host, &vm);
            Done::Reset(hypervisor.reset(&vm).map_err(|fault| fault.to_string()))
        }
        Job::StopIll { vm } => {
            keep_evidence(host, &vm);
            stop(host, &vm);
            Done::Stop
        }
    }
}

/// Whether the hypervisor knows for certain that it runs here, or that it does not.
fn certain(hypervisor: &dyn Hypervisor, vm: &str) -> Option<GuestState> {
    let guests: Vec<Guest> = hypervisor.guests().ok()?;
    let state = guests.into_iter().find(|guest| guest.vm == vm).map(|guest| guest.state);
    match state {
        None => Some(GuestState::Stopped(None)),
        Some(GuestState::Unknown | GuestState::Arriving) => None,
        known => known,
    }
}

fn start(host: &Host, vm: &str, definition: &str) -> Result<Vec<String>, String> {
    // Should this agent be killed, the next one knows that it may run.
    host.starts.begin(vm).map_err(|fault| format!("that it is being started cannot be noted: {fault}"))?;
    let begun = begin(host, vm, definition);
    if !host.permit.closed() {
        host.starts.end(vm);
    }
    begun
}

fn begin(host: &Host, vm: &str, definition: &str) -> Result<Vec<String>, String> {
    match host.hypervisor.start(vm, definition, &host.permit) {
        Ok(remarks) => return Ok(remarks),
        Err(Fault::Refused(why)) => return Err(why),
        Err(fault) => tracing::warn!(vm, %fault, "nobody knows whether it was started"),
    }
    clock::wait(AGAIN);
    match certain_at_last(host, vm) {
        Some(true) => Ok(Vec::new()),
        Some(false) => Err("the hypervisor did not answer in time; it does not run now".into()),
        None => Err("all VMs of this host are being stopped".into()),
    }
}

/// Whether it runs now, when nobody knows what comes of a start; none: all VMs are being stopped.
fn certain_at_last(host: &Host, vm: &str) -> Option<bool> {
    while !host.permit.closed() {
        match certain(&*host.hypervisor, vm) {
            Some(state) if state.runs() => return Some(true),
            Some(_) if host.hypervisor.stop(vm).is_ok() => {
                clock::wait(UNHEARD);
                if certain(&*host.hypervisor, vm).is_some_and(|state| !state.may_run()) {
                    return Some(false);
                }
            }
            _ => {}
        }
        clock::wait(AGAIN);
    }
    // Everything is being killed; that is certain when the protocol is told.
    host.unheard.store(true, Ordering::SeqCst);
    None
}

/// Whether a VM runs that an earlier agent was starting when it was killed.
fn settle(host: &Host, vm: &str) -> bool {
    host.hypervisor.end_half_started(vm);
    let runs = certain_at_last(host, vm);
    if runs.is_some() {
        host.starts.end(vm);
    }
    runs.unwrap_or(false)
}

fn stop(host: &Host, vm: &str) {
    while let Err(fault) = host.hypervisor.stop(vm) {
        tracing::warn!(vm, %fault, "it is not certain that it was stopped; tried again");
        if host.permit.closed() {
            return;
        }
        clock::wait(AGAIN);
    }
}

fn migrate(host: &Host, vm: &str, to: &str) -> Result<(), String> {
    let why = match host.hypervisor.migrate(vm, to) {
        Ok(()) => return Ok(()),
        Err(Fault::Refused(why)) => return Err(why),
        Err(Fault::Silent(why)) => why,
    };
    tracing::warn!(vm, to, why, "nobody knows whether it has moved");
    while !host.permit.closed() {
        clock::wait(AGAIN);
        match certain(&*host.hypervisor, vm) {
            // It stayed, or ended here.
            Some(
                GuestState::Running
                | GuestState::DiskFailed
                | GuestState::Stopped(Some(crate::hypervisor::Ending::Here(_))),
            ) => return Err(why),
            Some(GuestState::Stopped(_)) => return Ok(()),
            _ => {}
        }
    }
    Err("all VMs of this host are being stopped".into())
}

/// Whatever it takes, for as long as it takes.
fn kill_all(host: &Host) {
    loop {
        // Starts that were under way have given up, or are among what is killed.
        let killed = host.hypervisor.kill_all();
        let starting = host.starting();
        match killed {
            Ok(()) if starting == 0 => {
                // One that ended between the two may have left something, and one that was given up may be carried out yet.
                if host.unheard.swap(false, Ordering::SeqCst) {
                    clock::wait(UNHEARD);
                }
                if host.hypervisor.kill_all().is_ok() {
                    return;
                }
            }
            Ok(()) => tracing::warn!(starting, "VMs were being started; all are killed again"),
            Err(fault) => tracing::error!(%fault, "VMs may run still; they are killed again"),
        }
        clock::wait(Duration::from_millis(200));
    }
}

fn gate_passed(host: &Host, vm: &str, gate: Gate) -> bool {
    let until = clock::now() + GATE_WITHIN;
    while clock::now() < until && !host.permit.closed() {
        let passed = match gate {
            Gate::Started => true,
            Gate::GuestAgent => host.hypervisor.guest_answers(vm).unwrap_or(false),
            Gate::Tcp { port } => address(host, vm).is_some_and(|address| reach::tcp(address, port)),
            Gate::Http { port } => address(host, vm).is_some_and(|address| reach::http(address, port)),
        };
        if passed {
            return true;
        }
        clock::wait(AGAIN);
    }
    false
}

fn address(host: &Host, vm: &str) -> Option<std::net::IpAddr> {
    host.hypervisor.address(vm).ok().flatten()
}

/// Keeps what shows the state of a VM, and lets go of the oldest.
fn keep_evidence(host: &Host, vm: &str) {
    let of_vm = host.evidence.join(super::kept::plain(vm));
    let number = clock::wall().duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_secs();
    let directory = of_vm.join(number.to_string());
    let kept = fs::create_dir_all(&directory)
        .map_err(|fault| fault.to_string())
        .and_then(|()| host.hypervisor.evidence(vm, &directory).map_err(|fault| fault.to_string()));
    if let Err(why) = kept {
        tracing::warn!(vm, why, "no evidence of its state is kept");
    }
    prune(&of_vm);
}

fn prune(of_vm: &Path) {
    let mut all: Vec<PathBuf> =
        fs::read_dir(of_vm).into_iter().flatten().flatten().map(|e| e.path()).collect();
    all.sort();
    for old in all.iter().rev().skip(MOST_EVIDENCE) {
        let _ = fs::remove_dir_all(old);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_the_evidence_the_newest_is_kept() {
        let folder = tempfile::tempdir().expect("a folder");
        for number in 1_000_000..1_000_009 {
            fs::create_dir(folder.path().join(number.to_string())).expect("a folder");
        }
        prune(folder.path());
        let mut left: Vec<_> = fs::read_dir(folder.path()).expect("it is there").flatten().collect();
        left.sort_by_key(fs::DirEntry::file_name);
        assert_eq!(left.len(), MOST_EVIDENCE);
        assert_eq!(left[0].file_name(), "1000004");
    }
}
