//! A thread for each VM that is a command: it waits for the end of its first process, ends what is left of the VM, and says so.
use super::{Asked, Ending, Event, Inner, ending};
use crate::clock;
use crate::hypervisor::processes::{self, Process};
use lifeboat_protocol::order::StopCause;
use rustix::process::Pid;
use std::process::{Child, ExitStatus};
use std::sync::Arc;
use std::time::Duration;

/// How often the end of one that is nobody's child here is looked for.
const LOOKS: Duration = Duration::from_hours(1);

/// Minds one that was started here.
pub(super) fn mind(inner: &Arc<Inner>, vm: &str, mut child: Child) {
    let leader = Pid::from_child(&child);
    spawn(inner, vm, Some(leader), move || child.wait().ok());
}

/// Minds one that an earlier agent started.
pub(super) fn adopt(inner: &Arc<Inner>, vm: &str, leader: Option<Pid>) {
    let held = leader.and_then(|leader| Process::of(leader, processes::alive));
    if inner.vms().known.get(vm).is_some_and(|vm| vm.record.ended.is_some()) {
        return;
    }
    spawn(inner, vm, leader, move || {
        while held.as_ref().is_some_and(|leader| !leader.ends_within(LOOKS)) {}
        None
    });
}

fn spawn(
    inner: &Arc<Inner>,
    vm: &str,
    leader: Option<Pid>,
    wait: impl FnOnce() -> Option<ExitStatus> + Send + 'static,
) {
    let (inner, vm) = (Arc::clone(inner), vm.to_owned());
    let spawned = crate::thread::spawn("vm", move || {
        let status = wait();
        // The number of the group may be another's soon, now that its leader is reaped: from here on the mark decides.
        let _ = leader;
        while !inner.end_all_of(&vm) {
            tracing::warn!(vm, "its first process is over, but others of it do not end");
            clock::wait(Duration::from_secs(1));
        }
        over(&inner, &vm, status);
    });
    if let Err(fault) = spawned {
        tracing::error!(%fault, "no thread to mind a VM; its end will not be seen");
    }
}

fn over(inner: &Arc<Inner>, vm: &str, status: Option<ExitStatus>) {
    let ended = {
        let mut vms = inner.vms();
        let Some(known) = vms.known.get_mut(vm) else { return };
        let asked = known.asked.take();
        let ended = match asked {
            Some(Asked::Stop) => Ending::Here(StopCause::Stopped),
            Some(Asked::Reset) => Ending::Here(StopCause::Crashed),
            None => ending(status),
        };
        known.record.end(ended);
        if let Err(fault) = known.record.keep(&inner.directory) {
            tracing::warn!(vm, %fault, "its record cannot be kept");
        }
        let definition = known.record.definition.clone();
        if asked == Some(Asked::Reset) && inner.launch(&mut vms, vm, &definition).is_ok() {
            drop(vms);
            inner.tell(&Event::Rebooted(vm.to_owned()));
            return;
        }
        ended
    };
    inner.tell(&Event::Ended(vm.to_owned(), ended));
}
