//! This boot of the host ends: by a reset, by the configured ways, one after the other, since whichever returns has not worked; or in good
//! order, once it was emptied and has left.
use crate::clock;
use crate::config::Reset;
use crate::context::Context;
use crate::hypervisor::command::is_installed;
use lifeboat_protocol::command::FenceReason;
use rustix::system::{RebootCommand, reboot};
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

const TRIGGER: &str = "/proc/sysrq-trigger";
/// Which processes this one can see, and what that is where it can see all of the machine's.
const PROCESSES: &str = "/proc/self/ns/pid";
const ALL_PROCESSES: &str = "pid:[4026531836]";
/// How long a way has to work.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often a command is asked whether it has ended.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// How this boot of the host ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// At once.
    Reset(FenceReason),
    /// By the configured command, which ends everything in order.
    Reboot,
}

/// Starts the thread that resets or reboots this host when it is told to.
///
/// # Errors
/// If there can be no more threads.
pub fn start(context: &Context) -> io::Result<Sender<End>> {
    let (sender, told): (_, Receiver<End>) = channel();
    let ways = context.config.fence.reset.clone();
    for way in &ways {
        if let Reset::Command(words) = way
            && let Some(program) = words.first().filter(|program| !is_installed(program))
        {
            tracing::error!(program, "[fence] reset names it, and it is not installed: it resets nothing");
        }
    }
    let command = context.config.host.reboot.clone();
    let kernel = Kernel { trigger: TRIGGER.into(), processes: PROCESSES.into() };
    // Its own thread from the beginning: when it is needed, no thread may be had any more.
    crate::thread::spawn("reset", move || {
        let Ok(end) = told.recv() else { return };
        if end == End::Reboot {
            return reboot_in_order(&command);
        }
        tracing::error!(?end, "resetting this host");
        loop {
            for way in &ways {
                attempt(way, &kernel);
            }
            clock::wait(PATIENCE);
        }
    })?;
    Ok(sender)
}

/// Nothing is in a hurry: this host is no member any more, and it runs no VM.
fn reboot_in_order(command: &[String]) {
    tracing::warn!(?command, "this host has left and boots anew");
    while let Err(fault) = run(command) {
        tracing::error!(?command, %fault, "this does not boot the host anew; it is tried again");
        clock::wait(PATIENCE);
    }
}

/// What the kernel is told by.
struct Kernel {
    trigger: PathBuf,
    processes: PathBuf,
}

impl Kernel {
    /// Resets the machine; where this host is only a part of one (a container, a test), that is nobody's right.
    fn reset(&self) -> io::Result<()> {
        if fs::read_link(&self.processes)?.as_os_str() != ALL_PROCESSES {
            return Err(io::Error::other(
                "this host is a container: sysrq would reset the machine that it is on",
            ));
        }
        OpenOptions::new().write(true).open(&self.trigger)?.write_all(b"b")
    }
}

/// Tries a way. That it returns says that it has not worked, or not yet.
fn attempt(way: &Reset, kernel: &Kernel) {
    match told(way, kernel) {
        Ok(()) => clock::wait(PATIENCE),
        Err(fault) => {
            tracing::error!(?way, %fault, "this way does not reset the host; the next one is tried");
        }
    }
}

/// Tells whatever is to reset the host.
fn told(way: &Reset, kernel: &Kernel) -> io::Result<()> {
    match way {
        Reset::Sysrq => kernel.reset(),
        Reset::Reboot => reboot(RebootCommand::Restart).map_err(io::Error::from),
        // It has been left without food already.
        Reset::Watchdog => Ok(()),
        Reset::Command(words) => run(words),
    }
}

fn run(words: &[String]) -> io::Result<()> {
    let (program, arguments) = words.split_first().ok_or(io::ErrorKind::InvalidInput)?;
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null());
    let mut child: Child = command.spawn()?;
    let until = clock::now() + PATIENCE;
    loop {
        if let Some(status) = child.try_wait()? {
            return if status.success() {
                Ok(())
            } else {
                Err(io::Error::other(format!("it ended with {status}")))
            };
        }
        if clock::now() >= until {
            child.kill()?;
            child.wait()?;
            return Err(io::ErrorKind::TimedOut.into());
        }
        clock::wait(LOOK_EVERY);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reboot_that_does_not_work_is_tried_until_it_does() {
        let directory = tempfile::tempdir().expect("there is room");
        let done = directory.path().join("done");
        reboot_in_order(&["touch".into(), done.display().to_string()]);
        assert!(done.exists());
    }

    #[test]
    fn the_kernel_is_told_by_one_letter() {
        let directory = tempfile::tempdir().expect("there is room");
        let trigger = directory.path().join("trigger");
        std::fs::write(&trigger, "").expect("it can be made");
        let processes = directory.path().join("processes");
        std::os::unix::fs::symlink(ALL_PROCESSES, &processes).expect("it can be made");
        told(&Reset::Sysrq, &Kernel { trigger: trigger.clone(), processes: processes.clone() })
            .expect("it takes it");
        assert_eq!(std::fs::read(&trigger).expect("it is there"), b"b");
        let missing = Kernel { trigger: directory.path().join("missing"), processes };
        assert!(told(&Reset::Sysrq, &missing).is_err(), "then the next way is tried");
    }

    #[test]
    fn a_host_that_is_a_container_does_not_reset_the_machine_that_it_is_on() {
        let directory = tempfile::tempdir().expect("there is room");
        let (trigger, processes) = (directory.path().join("trigger"), directory.path().join("processes"));
        std::fs::write(&trigger, "").expect("it can be made");
        std::os::unix::fs::symlink("pid:[4026532000]", &processes).expect("it can be made");
        let fault =
            told(&Reset::Sysrq, &Kernel { trigger: trigger.clone(), processes }).expect_err("it is a part");
        assert!(fault.to_string().contains("container"), "{fault}");
        assert_eq!(std::fs::read(&trigger).expect("it is there"), b"");
    }

    #[test]
    fn a_command_that_fails_or_is_missing_is_a_way_that_does_not_work() {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        assert!(run(&words("true")).is_ok());
        assert!(run(&words("false")).is_err());
        assert!(run(&words("/no/such/program")).is_err());
        assert!(run(&[]).is_err());
    }
}
