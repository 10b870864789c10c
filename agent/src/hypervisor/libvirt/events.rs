//! The events that `virsh event --all --loop --timestamp` prints: a line each.
use super::domain::Known;
use crate::clock;
use crate::hypervisor::command::{do_not_wait, end, wait_for};
use crate::hypervisor::{Ending, Event, Listener};
use lifeboat_protocol::order::StopCause;
use rustix::event::{PollFd, PollFlags};
use std::io::Read;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How long `virsh` may take to subscribe: a second look then finds what happened meanwhile.
const SUBSCRIBES: Duration = Duration::from_millis(500);
/// How soon it is started again.
const AGAIN: Duration = Duration::from_secs(1);
/// How often it is asked whether anybody still wants events.
const ASKS: Duration = Duration::from_secs(1);
/// A line that is longer is none.
const MOST_LINE: usize = 16 << 10;

/// Reads events in a thread of its own, for as long as they are wanted.
pub(super) fn watch(
    command: Vec<String>,
    known: Arc<Mutex<Known>>,
    wanted: Box<dyn Fn() -> bool + Send>,
    listener: Listener,
) {
    let spawned = crate::thread::spawn("events", move || {
        while wanted() {
            if let Ok((child, output)) = spawn(&command) {
                let listened = listen(output, &known, &wanted, &listener);
                end(child);
                if !listened {
                    return;
                }
            }
            if !listener(Event::Broken) {
                return;
            }
            clock::wait(AGAIN);
        }
    });
    if let Err(fault) = spawned {
        tracing::error!(%fault, "no thread for libvirt's events; changes are found later");
    }
}

fn spawn(command: &[String]) -> std::io::Result<(Child, ChildStdout)> {
    use std::os::unix::process::CommandExt;
    let mut child = Command::new(command.first().map_or("virsh", String::as_str))
        .args(command.get(1..).unwrap_or_default())
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()?;
    let output = child.stdout.take();
    let ready = output.ok_or(std::io::ErrorKind::BrokenPipe.into()).and_then(|output| {
        do_not_wait(&output)?;
        Ok(output)
    });
    match ready {
        Ok(output) => Ok((child, output)),
        Err(fault) => {
            end(child);
            Err(fault)
        }
    }
}

/// Reads events until the stream breaks off; false: nobody wants them any more.
fn listen(
    mut output: ChildStdout,
    known: &Mutex<Known>,
    wanted: &dyn Fn() -> bool,
    listener: &dyn Fn(Event) -> bool,
) -> bool {
    let mut waiting = Vec::new();
    let mut subscribed = false;
    loop {
        let longest = if subscribed { ASKS } else { SUBSCRIBES };
        let mut ready = [PollFd::new(&output, PollFlags::IN)];
        if wait_for(&mut ready, longest).is_err() {
            return true;
        }
        let quiet = ready[0].revents().is_empty();
        if !wanted() {
            return false;
        }
        if quiet {
            if !subscribed && !listener(Event::Connected) {
                return false;
            }
            subscribed = true;
            continue;
        }
        let mut part = [0; 4096];
        match output.read(&mut part) {
            Ok(0) => return true,
            Ok(count) => waiting.extend_from_slice(&part[..count]),
            Err(fault) if fault.kind() == std::io::ErrorKind::WouldBlock => continue,
            Err(_) => return true,
        }
        while let Some(end) = waiting.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = waiting.drain(..=end).collect();
            let event = read(&String::from_utf8_lossy(&line), &|name| {
                known.lock().unwrap_or_else(PoisonError::into_inner).vm_named(name)
            });
            if event.is_some_and(|event| !listener(event)) {
                return false;
            }
        }
        if waiting.len() > MOST_LINE {
            return true;
        }
    }
}

/// The event that a line tells; none: one that does not matter here.
fn read(line: &str, vm_named: &dyn Fn(&str) -> Option<String>) -> Option<Event> {
    let (_, rest) = line.trim_end().split_once("event '")?;
    let (kind, rest) = rest.split_once("' for domain '")?;
    // A name may have a quote in it: what follows its end is a colon, or nothing.
    let (name, what) = match rest.split_once("': ") {
        Some((name, what)) => (name, what),
        None => (rest.strip_suffix('\'')?, ""),
    };
    let Some(vm) = vm_named(name) else { return Some(Event::Connected) };
    Some(match kind {
        "lifecycle" => lifecycle(vm, what)?,
        "io-error" | "io-error-reason" if what.contains(" pause") || what.contains(" report") => {
            Event::DiskFailed { vm, what: what.to_owned() }
        }
        "reboot" => Event::Rebooted(vm),
        "watchdog" => Event::Watchdog(vm),
        "agent-lifecycle" => Event::GuestAgent { vm, connected: what.contains("'connected'") },
        _ => return None,
    })
}

fn lifecycle(vm: String, what: &str) -> Option<Event> {
    let (main, detail) = what.split_once(' ').unwrap_or((what, ""));
    let here = |cause| Ending::Here(cause);
    Some(match (main, detail) {
        ("Defined", _) => Event::Defined(vm),
        ("Undefined", _) => Event::Undefined(vm),
        ("Started" | "Resumed", "Migrated") => Event::Arrived(vm),
        ("Started" | "Resumed" | "Suspended" | "PMSuspended", _) => Event::Changed(vm),
        ("Stopped", "Shutdown") => Event::Ended(vm, here(StopCause::ShutDownInside)),
        ("Stopped", "Migrated") => Event::Ended(vm, Ending::Left),
        ("Stopped", "Failed" | "Crashed") | ("Crashed", _) => Event::Ended(vm, here(StopCause::Crashed)),
        ("Stopped", _) => Event::Ended(vm, here(StopCause::Stopped)),
        // Announces the end; the end itself comes next.
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(line: &str) -> Option<Event> {
        read(line, &|name| Some(name.to_owned()))
    }

    #[test]
    fn the_lines_of_virsh_are_understood() {
        let at = "2026-11-22 07:30:24.815+0000: ";
        let ended = |vm: &str, cause| Some(Event::Ended(vm.into(), Ending::Here(cause)));
        let cases = [
            ("event 'lifecycle' for domain 'tr': Stopped Failed", ended("tr", StopCause::Crashed)),
            ("event 'lifecycle' for domain 'vm 2': Stopped Destroyed", ended("vm 2", StopCause::Stopped)),
            (
                "event 'lifecycle' for domain 'it's': Stopped Shutdown",
                ended("it's", StopCause::ShutDownInside),
            ),
            (
                "event 'lifecycle' for domain 'a': Stopped Migrated",
                Some(Event::Ended("a".into(), Ending::Left)),
            ),
            ("event 'lifecycle' for domain 'a': Resumed Migrated", Some(Event::Arrived("a".into()))),
            ("event 'lifecycle' for domain 'a': Defined Updated", Some(Event::Defined("a".into()))),
            ("event 'lifecycle' for domain 'a': Shutdown Finished after guest request", None),
            ("event 'reboot' for domain 'a'", Some(Event::Rebooted("a".into()))),
            ("event 'watchdog' for domain 'a': reset", Some(Event::Watchdog("a".into()))),
            (
                "event 'io-error' for domain 'a': /srv/a.img (virtio-disk0) pause",
                Some(Event::DiskFailed { vm: "a".into(), what: "/srv/a.img (virtio-disk0) pause".into() }),
            ),
            (
                "event 'agent-lifecycle' for domain 'a': state: 'connected' reason: 'channel event'",
                Some(Event::GuestAgent { vm: "a".into(), connected: true }),
            ),
            ("event 'balloon-change' for domain 'a': 2048KiB", None),
            ("nonsense", None),
        ];
        for (line, event) in cases {
            assert_eq!(told(&format!("{at}{line}\n")), event, "{line}");
        }
    }

    #[test]
    fn an_event_of_a_vm_that_is_not_known_asks_for_a_look() {
        let line = "event 'lifecycle' for domain 'new': Started Booted";
        assert_eq!(read(line, &|_| None), Some(Event::Connected));
    }
}
