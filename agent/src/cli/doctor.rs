//! `lifeboat-agent doctor`: what to mend on this host before it joins.
use super::output::Output;
use super::{Surroundings, Trouble};
use crate::config::hypervisor::Kind;
use crate::config::{Hypervisor, MediumSection, NetworkSection, WatchdogSection};
use crate::doctor::{Finding, Judgement, Subject, examine};
use crate::enrol::arguments::NetworkArgument;
use crate::enrol::medium;
use crate::identity::files;
use lifeboat_link::Roster;
use lifeboat_link::join::MediumPlace;
use std::path::Path;

/// Check this host: clock, watchdog, networks, storage, hypervisor, limits; and say what to mend
///
/// By its configuration where it has one. Before it joins a pool: by these arguments, which are those of `init` and `join`.
#[derive(Clone, Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  lifeboat-agent doctor\n  lifeboat-agent doctor --medium statefile:/dev/shared1 --network hb0=10.0.0.1:7946,eth0"
)]
pub struct Doctor {
    /// As JSON
    #[arg(long)]
    json: bool,
    /// A heartbeat network, as NAME=ADDRESS:PORT,INTERFACE; once for each
    #[arg(long = "network", value_name = "NETWORK")]
    networks: Vec<NetworkArgument>,
    /// What carries the pool's records: statefile:/dev/…[?offset=BYTES], or etcds://host:port,…
    #[arg(long)]
    medium: Option<String>,
    /// The watchdog: device:/dev/watchdog, supervisor:SOCKET, or none
    #[arg(long)]
    watchdog: Option<String>,
    /// What runs VMs here: libvirt, process, exec or none
    #[arg(long)]
    hypervisor: Option<String>,
}

impl Doctor {
    pub(super) fn carry_out(&self, around: &Surroundings, output: &mut Output<'_>) -> Result<(), Trouble> {
        let (subject, roster) = self.subject(around, output)?;
        let findings = examine(&subject, roster.as_ref(), Path::new("/sys"), Path::new("/proc"));
        if self.json {
            let json =
                serde_json::to_string_pretty(&findings).map_err(|fault| Trouble::Other(fault.to_string()))?;
            output.say(json)?;
        } else {
            for line in lines(&findings) {
                output.say(line)?;
            }
        }
        let refused = findings.iter().filter(|finding| finding.judgement == Judgement::Refuse).count();
        if refused == 0 {
            return Ok(());
        }
        Err(Trouble::Other(format!(
            "this host must not join as it is: {refused} to mend, marked with `refuse`"
        )))
    }
}

impl Doctor {
    /// What is looked at, and the roster that this host has.
    fn subject(
        &self,
        around: &Surroundings,
        output: &mut Output<'_>,
    ) -> Result<(Subject, Option<Roster>), Trouble> {
        let says = !self.networks.is_empty()
            || [&self.medium, &self.watchdog, &self.hypervisor].iter().any(|said| said.is_some());
        if !says && around.config_path.exists() {
            let config = around.config()?;
            let kept = files::read_json::<Roster>(&config.host.state_directory.join("roster.json"));
            // A host that has not joined has none.
            return Ok((config.into(), kept.ok().flatten()));
        }
        let given = self.given().map_err(Trouble::Other)?;
        if given.networks.is_empty() || given.medium.is_none() {
            output.note(
                "what is not named is not looked at: --network and --medium, as this host would join by",
            );
        }
        Ok((given, None))
    }

    fn given(&self) -> Result<Subject, String> {
        let network = |given: &NetworkArgument| NetworkSection {
            name: given.name.clone(),
            interface: given.interface.clone(),
            listen: given.listen,
            gateway: None,
        };
        let medium = match self.medium.as_deref().map(medium::parse).transpose() {
            Ok(Some(MediumPlace::Statefile { path, offset })) => {
                Some(MediumSection::Statefile { path, offset })
            }
            Ok(_) => None,
            Err(fault) => return Err(fault.to_string()),
        };
        let kind = match self.hypervisor.as_deref() {
            None | Some("libvirt") => Kind::Libvirt,
            Some("process") => Kind::Process,
            Some("exec") => Kind::Exec,
            Some("none") => Kind::None,
            Some(other) => return Err(format!("--hypervisor {other:?} is libvirt, process, exec or none")),
        };
        Ok(Subject {
            name: String::new(),
            networks: self.networks.iter().map(network).collect(),
            medium,
            watchdog: self.watchdog.as_deref().map_or_else(|| Ok(WatchdogSection::default()), watchdog)?,
            hypervisor: Hypervisor { kind, ..Hypervisor::default() },
            fence_agents: Vec::new(),
        })
    }
}

fn watchdog(text: &str) -> Result<WatchdogSection, String> {
    match text.split_once(':') {
        Some(("device", path)) if path.starts_with('/') => Ok(WatchdogSection::Device { path: path.into() }),
        Some(("supervisor", path)) if path.starts_with('/') => {
            Ok(WatchdogSection::Supervisor { path: path.into() })
        }
        None if text == "none" => Ok(WatchdogSection::None { allow_none: true }),
        _ => Err(format!("--watchdog {text:?} is device:PATH, supervisor:PATH or none")),
    }
}

fn lines(findings: &[Finding]) -> Vec<String> {
    let wide = findings.iter().map(|finding| finding.check.chars().count()).max().unwrap_or_default();
    let line = |finding: &Finding| {
        let word = match finding.judgement {
            Judgement::Ok => "ok",
            Judgement::Warn => "warn",
            Judgement::Refuse => "refuse",
        };
        let mut line = format!("{word:<7} {:<wide$}  {}", finding.check, finding.found);
        if !finding.mend.is_empty() {
            line = format!("{line}\n        {:<wide$}  -> {}", "", finding.mend);
        }
        line
    };
    findings.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_without_a_configuration_is_looked_at_by_the_arguments_that_it_would_join_by() {
        let folder = tempfile::tempdir().expect("a folder");
        let around = Surroundings { config_path: folder.path().join("agent.toml") };
        let (mut said, mut noted) = (Vec::new(), Vec::new());
        let doctor = Doctor {
            json: true,
            networks: vec!["hb0=127.0.0.1:7946,no-such-link".parse().expect("a network")],
            medium: Some(format!("statefile:{}", folder.path().join("nothing").display())),
            watchdog: Some(format!("device:{}", folder.path().join("none").display())),
            hypervisor: Some("process".into()),
        };
        let refused = doctor
            .carry_out(&around, &mut Output::new(&mut said, &mut noted))
            .expect_err("there is nothing of all this");
        assert!(refused.to_string().contains("3 to mend"), "{refused}");
        let findings: Vec<serde_json::Value> = serde_json::from_slice(&said).expect("it is JSON");
        for check in ["network hb0", "statefile", "watchdog"] {
            let found = findings.iter().find(|finding| finding["check"] == check);
            assert_eq!(found.map(|finding| &finding["judgement"]), Some(&"refuse".into()), "{check}");
        }
        let wrong = Doctor { watchdog: Some("cat".into()), ..doctor };
        assert!(wrong.given().is_err_and(|fault| fault.contains("device:PATH")));
    }
}
