//! Calls of `virsh`, each with a time limit, and what its refusals mean.
use crate::config::hypervisor::Hypervisor;
use crate::hypervisor::Fault;
use crate::hypervisor::command::{Run, run};
use std::time::Duration;

/// The command line of libvirt, at one URI.
#[derive(Clone, Debug)]
pub struct Virsh {
    base: Vec<String>,
    answer: Duration,
}

impl Virsh {
    /// As it is configured.
    pub fn new(section: &Hypervisor) -> Self {
        let program = section.virsh.to_string_lossy().into_owned();
        Self {
            base: vec![program, "--quiet".into(), "--connect".into(), section.uri.clone()],
            answer: Duration::from_millis(section.answer_within_ms),
        }
    }

    /// A question that is answered at once, or not at all.
    ///
    /// # Errors
    /// If it is not answered, or refused.
    pub fn ask(&self, arguments: &[&str]) -> Result<String, Fault> {
        self.call(arguments, b"", self.answer, &|| false)
    }

    /// Any call.
    ///
    /// # Errors
    /// If there is no answer in time, or a refusal.
    pub fn call(
        &self,
        arguments: &[&str],
        input: &[u8],
        within: Duration,
        given_up: &dyn Fn() -> bool,
    ) -> Result<String, Fault> {
        let arguments = arguments.iter().map(|argument| (*argument).to_owned());
        let command: Vec<String> = self.base.iter().cloned().chain(arguments).collect();
        let said = run(&Run { command: &command, input, within, given_up });
        let said = said.map_err(|mute| Fault::Silent(mute.to_string()))?;
        if said.status.success() {
            return Ok(String::from_utf8_lossy(&said.output).into_owned());
        }
        Err(fault(&said.errors, said.status.code().is_none()))
    }

    /// What prints events as they come.
    pub(super) fn event_command(&self) -> Vec<String> {
        // With keepalives: else a daemon that hangs looks like one that has nothing to tell.
        let rest = [
            "--keepalive-interval",
            "2",
            "--keepalive-count",
            "3",
            "event",
            "--all",
            "--loop",
            "--timestamp",
        ];
        self.base.iter().cloned().chain(rest.map(String::from)).collect()
    }
}

/// What an error means.
fn fault(errors: &str, killed: bool) -> Fault {
    let words = words(errors);
    // Of these nobody knows what became of the request.
    let silent = [
        "failed to connect to the hypervisor",
        "client socket is closed",
        "Disconnected from",
        "keepalive timeout",
        "Cannot recv data",
        "Cannot write data",
        "End of file while reading data",
        "cannot acquire state change lock",
        "Timed out during operation",
        "reply was lost",
    ];
    if killed || silent.iter().any(|known| words.contains(known)) {
        Fault::Silent(words)
    } else {
        Fault::Refused(words)
    }
}

/// An error's lines as one, without what is in each.
fn words(errors: &str) -> String {
    let lines = errors.lines().map(|line| line.trim().trim_start_matches("error:").trim());
    let text = lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join("; ");
    if text.is_empty() { "virsh gives no reason".to_owned() } else { text.chars().take(500).collect() }
}

/// Whether a refusal says that there is nothing to be stopped.
pub(super) fn is_not_running(why: &str) -> bool {
    ["domain is not running", "failed to get domain", "Domain not found"]
        .iter()
        .any(|known| why.contains(known))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_daemon_that_is_away_has_refused_nothing() {
        let away = "error: failed to connect to the hypervisor\nerror: Failed to connect socket to '/run/x': Connection refused";
        assert!(matches!(fault(away, false), Fault::Silent(_)));
        let gone = "error: Disconnected from qemu:///system due to end of file\nerror: Failed to start domain 'a'\nerror: End of file while reading data: Input/output error";
        assert!(matches!(fault(gone, false), Fault::Silent(_)));
        let busy = "error: Failed to destroy domain 'a'\nerror: Timed out during operation: cannot acquire state change lock (held by monitor=remoteDispatchDomainCreate)";
        assert!(matches!(fault(busy, false), Fault::Silent(_)));
        assert!(matches!(fault("", true), Fault::Silent(_)));
    }

    #[test]
    fn a_refusal_is_told_in_its_own_words() {
        let no = "error: Failed to start domain 'a'\nerror: Cannot access storage file '/x': No such file or directory";
        let words = "Failed to start domain 'a'; Cannot access storage file '/x': No such file or directory";
        assert_eq!(fault(no, false), Fault::Refused(words.into()));
        let off = fault(
            "error: Failed to destroy domain 'a'\nerror: Requested operation is not valid: domain is not running",
            false,
        );
        assert!(matches!(off, Fault::Refused(why) if is_not_running(&why)));
    }
}
