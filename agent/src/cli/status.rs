//! `lifeboat-agent status`.
use super::output::Output;
use super::{Surroundings, Trouble};
use crate::socket::{Ask, client};
use serde_json::Value;

/// Show how this host and its pool stand, as its agent sees it
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  lifeboat-agent status\n  lifeboat-agent status --json")]
pub struct Status {
    /// As JSON
    #[arg(long)]
    json: bool,
}

impl Status {
    pub(super) fn carry_out(self, around: &Surroundings, output: &mut Output<'_>) -> Result<(), Trouble> {
        let status = client::ask(&around.config()?.host.socket(), &Ask::Status)?;
        if self.json {
            return Ok(output.say(&status)?);
        }
        for line in lines(&status) {
            output.say(line)?;
        }
        Ok(())
    }
}

/// The status for people.
fn lines(status: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = |name: &str, what: String| lines.push(format!("{name:<14}{what}"));
    line("host", format!("{} of pool {}", word(&status["host"]), word(&status["pool"])));
    line("phase", phase(status));
    line("lease", lease(status));
    line("watchdog", word(&status["watchdog"]["state"]));
    line("leader", leader(status));
    for (name, value) in status["threads"].as_object().into_iter().flatten() {
        line(name, inline(value));
    }
    if status["late"]["times"].as_u64().unwrap_or(0) > 0 {
        line("late", inline(&status["late"]));
    }
    lines.push(String::new());
    lines.push(format!(
        "{:<20} {:<12} {:<10} {:<8} {:<9} {}",
        "HOST", "STANDING", "PHASE", "MEDIUM", "CARRIER", "SILENT"
    ));
    for host in status["hosts"].as_array().into_iter().flatten() {
        lines.push(format!(
            "{:<20} {:<12} {:<10} {:<8} {:<9} {}",
            word(&host["host"]),
            word(&host["standing"]),
            word(&host["phase"]),
            works(&host["medium_works"]),
            works(&host["carrier"]),
            host["silent_ms"].as_u64().map_or_else(|| "-".into(), |ms| format!("{ms} ms")),
        ));
    }
    lines
}

fn phase(status: &Value) -> String {
    let mut said = word(&status["phase"]);
    if status["disarmed"] == true {
        said += ", disarmed";
    }
    if status["may_power_off"] == true {
        said += ", may be powered off";
    }
    if status["emergency_disabled"] == true {
        said +=
            "; HIGH AVAILABILITY IS OFF ON THIS HOST: `lifeboat-agent emergency-disable --undo` ends that";
    }
    said
}

fn lease(status: &Value) -> String {
    status["lease_left_ms"].as_u64().map_or_else(|| "none".into(), |ms| format!("{ms} ms left"))
}

fn leader(status: &Value) -> String {
    let here = if status["leads_term"].is_null() { "" } else { ", its coordinator runs here" };
    format!("{}{here}", word(&status["leader"]))
}

fn works(value: &Value) -> &'static str {
    match value.as_bool() {
        Some(true) => "yes",
        Some(false) => "NO",
        None => "-",
    }
}

fn word(value: &Value) -> String {
    match value {
        Value::Null => "-".into(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn inline(value: &Value) -> String {
    match value {
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| format!("{name} {}", inline(value)))
            .collect::<Vec<_>>()
            .join(", "),
        Value::Array(values) => values.iter().map(inline).collect::<Vec<_>>().join("; "),
        other => word(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_status_is_shown_as_a_table_of_hosts() {
        let shown = lines(&json!({
            "host": "h01", "pool": "prod", "phase": "member", "lease_left_ms": 4800, "leader": "h02",
            "watchdog": {"state": "armed"}, "threads": {"medium": {"works": true, "last_ms": 2}},
            "hosts": [{"host": "h01", "standing": "member", "phase": "member", "medium_works": false, "carrier": true}],
        }))
        .join("\n");
        assert!(shown.contains("4800 ms left"), "{shown}");
        assert!(shown.contains("last_ms 2, works true"), "{shown}");
        assert!(shown.contains("NO"), "a medium that does not work stands out: {shown}");
    }
}
