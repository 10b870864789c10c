//! One device, and how the program for it is spoken to: lines `key=value` on its standard input, an exit status as its answer.
//! Secrets are read from their files for each call; they are in no argument, no log, and no answer.
use crate::config::FenceAgent;
use crate::hypervisor::command::{self, Run};
use std::collections::BTreeMap;
use std::fmt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a program may take. Those of fence-agents wait 20 s for the power to change by themselves.
pub const USUAL_LIMIT: Duration = Duration::from_mins(1);
/// How much of what a program says is told on.
const MOST_SAID: usize = 400;

/// What a device is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// To switch off.
    Off,
    /// To switch on.
    On,
    /// Which it is.
    Status,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Off => "off",
            Self::On => "on",
            Self::Status => "status",
        })
    }
}

/// What it answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It has switched.
    Done,
    /// It is on.
    IsOn,
    /// It is off.
    IsOff,
    /// Nothing that could be relied on.
    Unknown(String),
}

/// A device.
#[derive(Clone, PartialEq, Eq)]
pub struct Device {
    /// The program.
    pub agent: String,
    /// Whether the host is switched on again after it was fenced.
    pub power_on: bool,
    /// How long the program may take.
    pub limit: Duration,
    parameters: BTreeMap<String, String>,
    parameter_files: BTreeMap<String, PathBuf>,
}

impl fmt::Debug for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Device").field("agent", &self.agent).finish_non_exhaustive()
    }
}

impl From<&FenceAgent> for Device {
    fn from(agent: &FenceAgent) -> Self {
        Self {
            agent: agent.agent.clone(),
            power_on: agent.power_on,
            limit: USUAL_LIMIT,
            parameters: agent.parameters.clone(),
            parameter_files: agent.parameter_files.clone(),
        }
    }
}

/// For each device its lane: those of one address, as the outlets of one power strip, are in one.
pub fn lanes(devices: &[Device]) -> Vec<usize> {
    let lane = |(position, device): (usize, &Device)| {
        let same = |other: &Device| device.address().is_some() && other.address() == device.address();
        devices.iter().position(same).unwrap_or(position)
    };
    devices.iter().enumerate().map(lane).collect()
}

impl Device {
    /// Program, address and port; none if it has no address that is known.
    fn address(&self) -> Option<(&str, &str, Option<&str>)> {
        let of = |keys: &[&str]| keys.iter().find_map(|key| self.parameters.get(*key)).map(String::as_str);
        Some((self.agent.as_str(), of(&["ip", "ipaddr"])?, of(&["ipport"])))
    }

    /// Files with secrets that others than their owner can read.
    pub fn exposed(&self) -> impl Iterator<Item = &Path> {
        let exposed = |path: &&PathBuf| path.metadata().is_ok_and(|found| found.mode() & 0o077 != 0);
        self.parameter_files.values().filter(exposed).map(PathBuf::as_path)
    }

    /// Runs the program; waits for it, or until it is given up.
    pub fn run(&self, action: Action, given_up: &dyn Fn() -> bool) -> Answer {
        let (input, secrets) = match self.input(action) {
            Ok(input) => input,
            Err(why) => return Answer::Unknown(why),
        };
        let command = [self.agent.clone()];
        let run = Run { command: &command, input: input.as_bytes(), within: self.limit, given_up };
        match command::run(&run) {
            Ok(said) => {
                let mut words = said.errors;
                words.push_str(&String::from_utf8_lossy(&said.output));
                judge(action, said.status.code(), &without(words, &secrets))
            }
            Err(mute) => Answer::Unknown(mute.to_string()),
        }
    }

    /// What the program reads, and what of it nobody else should.
    fn input(&self, action: Action) -> Result<(String, Vec<String>), String> {
        let mut lines = format!("action={action}\n");
        let mut secrets = Vec::new();
        for (key, value) in &self.parameters {
            line(&mut lines, key, value)?;
        }
        for (key, path) in &self.parameter_files {
            let text = std::fs::read_to_string(path)
                .map_err(|fault| format!("{key} cannot be read from {}: {fault}", path.display()))?;
            let value = text.trim_end_matches(['\r', '\n']);
            line(&mut lines, key, value)?;
            secrets.push(value.to_owned());
        }
        Ok((lines, secrets))
    }
}

fn line(to: &mut String, key: &str, value: &str) -> Result<(), String> {
    // A line's end in a value would begin another parameter: another action, say.
    let plain = !key.is_empty()
        && key != "action"
        && !key.contains(['\n', '\r', '='])
        && !value.contains(['\n', '\r']);
    if !plain {
        return Err(format!(
            "the parameter {key:?} cannot be told: it is `action`, or has more than one line"
        ));
    }
    to.push_str(key);
    to.push('=');
    to.push_str(value);
    to.push('\n');
    Ok(())
}

/// What an exit status says, with the words that belong to it: many programs end with 2 that were only misused.
fn judge(action: Action, status: Option<i32>, said: &str) -> Answer {
    match (action, status) {
        (Action::Status, Some(0)) if said.contains("Status: ON") => Answer::IsOn,
        (Action::Status, Some(2)) if said.contains("Status: OFF") => Answer::IsOff,
        (Action::Status, Some(0 | 2)) => {
            Answer::Unknown(format!("neither \"Status: ON\" nor \"Status: OFF\": {said}"))
        }
        (Action::Off | Action::On, Some(0)) => Answer::Done,
        (_, Some(status)) => Answer::Unknown(format!("exit status {status}: {said}")),
        (_, None) => Answer::Unknown(format!("it was killed: {said}")),
    }
}

fn without(mut said: String, secrets: &[String]) -> String {
    for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
        said = said.replace(secret, "…");
    }
    let mut said: String = said.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((cut, _)) = said.char_indices().nth(MOST_SAID) {
        said.truncate(cut);
    }
    said
}

#[cfg(test)]
mod tests;
