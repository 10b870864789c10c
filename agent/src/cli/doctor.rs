//! `lifeboat-agent doctor`: what to mend on this host before it joins.
use super::output::Output;
use super::{Surroundings, Trouble};
use crate::doctor::{Finding, Judgement, examine};
use crate::identity::files;
use lifeboat_link::Roster;
use std::path::Path;

/// Check this host: clock, watchdog, networks, storage, hypervisor, limits; and say what to mend
#[derive(Clone, Debug, clap::Args)]
pub struct Doctor {
    /// As JSON
    #[arg(long)]
    json: bool,
}

impl Doctor {
    pub(super) fn carry_out(&self, around: &Surroundings, output: &mut Output<'_>) -> Result<(), Trouble> {
        let config = around.config()?;
        let kept = files::read_json::<Roster>(&config.host.state_directory.join("roster.json"));
        // A host that has not joined has none.
        let roster = kept.ok().flatten();
        let findings = examine(&config, roster.as_ref(), Path::new("/sys"), Path::new("/proc"));
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
