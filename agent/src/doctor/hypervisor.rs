//! libvirt: whether it answers, and whether it starts VMs behind the pool's back.
use super::{Finding, Subject};
use crate::config::hypervisor::Kind;
use crate::hypervisor::command::{Run, run};
use std::time::Duration;

const CHECK: &str = "libvirt";

pub(super) fn look(subject: &Subject) -> Vec<Finding> {
    let section = &subject.hypervisor;
    if section.kind != Kind::Libvirt {
        return Vec::new();
    }
    let virsh = |words: &[&str]| {
        let mut command = vec![section.virsh.display().to_string(), "-c".into(), section.uri.clone()];
        command.extend(words.iter().map(|word| (*word).to_owned()));
        run(&Run { command: &command, input: b"", within: Duration::from_secs(10), given_up: &|| false })
    };
    let version = match virsh(&["version", "--daemon"]) {
        Ok(said) if said.status.success() => String::from_utf8_lossy(&said.output).into_owned(),
        Ok(said) => {
            return vec![Finding::refuse(
                CHECK,
                in_a_line(&said.errors),
                "start libvirtd, or set uri in [hypervisor]",
            )];
        }
        Err(mute) => {
            return vec![Finding::refuse(CHECK, mute.to_string(), "install libvirt-clients, start libvirtd")];
        }
    };
    let running =
        version.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it answers").to_owned();
    let mut findings = vec![Finding::ok(CHECK, running)];
    if let Ok(said) = virsh(&["list", "--all", "--autostart", "--name"]) {
        let text = String::from_utf8_lossy(&said.output).into_owned();
        let names: Vec<&str> = text.lines().map(str::trim).filter(|name| !name.is_empty()).collect();
        findings.push(if names.is_empty() {
            Finding::ok("autostart", "libvirt starts no VM by itself")
        } else {
            Finding::refuse(
                "autostart",
                format!("libvirt starts by itself: {}", names.join(", ")),
                "virsh autostart --disable each: after a failure it may run elsewhere",
            )
        });
    }
    findings
}

/// What virsh complains of, line by line, each beginning with the same word.
fn in_a_line(errors: &str) -> String {
    let lines = errors.lines().map(|line| line.trim().trim_start_matches("error: "));
    lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complaints_of_several_lines_are_one_finding_in_one_line() {
        let said = "error: failed to connect to the hypervisor\nerror: Failed to connect socket\n";
        assert_eq!(in_a_line(said), "failed to connect to the hypervisor; Failed to connect socket");
    }
}
