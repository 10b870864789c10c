//! Commands: an own program is run for each message, for instance one that brings a standby host on line.
//!
//! No shell stands between: the program is named by an absolute path and gets its arguments as they are written. It reads the
//! message as JSON on standard input and as variables `LIFEBOAT_…`; of the service's own environment it sees nothing.
//! Exit status 0 means done, 100 means that trying again is of no use, anything else is tried again. What runs too
//! long is asked to end (SIGTERM) and then killed, with everything in its process group; so is what it leaves behind.
mod child;
mod settings;

pub use settings::CommandSettings;

use crate::channel::{Channel, Failure, Receipt};
use crate::{Message, bound, payload};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

/// By this exit status a command says that trying again is of no use.
const GIVE_UP: i32 = 100;
/// Where programs are looked for by the command.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A command channel, ready to run.
pub struct Exec {
    name: String,
    program: PathBuf,
    arguments: Vec<String>,
    timeout: Duration,
    grace: Duration,
}

impl Channel for Exec {
    fn name(&self) -> &str {
        &self.name
    }

    fn target(&self) -> String {
        self.program.display().to_string()
    }

    fn deliver(&self, message: &Message) -> Result<Receipt, Failure> {
        let mut said = serde_json::to_vec(&payload::body(message, &self.name, None))
            .map_err(|error| Failure::lasting(format!("the message cannot be written as JSON: {error}")))?;
        said.push(b'\n');
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).current_dir("/").env_clear().env("PATH", PATH);
        command.envs(variables(message, &self.name));
        let ended = child::run(command, &said, self.timeout, self.grace)
            .map_err(|error| Failure::passing(format!("{}: {error}", self.program.display())))?;
        let output = bound::line(&bound::text(&String::from_utf8_lossy(&ended.output), 2000), 500);
        tracing::info!(channel = self.name, took = ?ended.took, ending = %ended.ending, output, "command ended");
        let said = if output.is_empty() { String::new() } else { format!(": {output}") };
        let reason = format!("{} {}{said}", self.program.display(), ended.ending);
        match ended.ending {
            child::Ending::Exit(0) => {
                Ok(Receipt(format!("exit status 0 after {:.1} s{said}", ended.took.as_secs_f64())))
            }
            child::Ending::Exit(GIVE_UP) => Err(Failure::lasting(reason)),
            child::Ending::Exit(_) | child::Ending::Signal(_) | child::Ending::TooLong(_) => {
                Err(Failure::passing(reason))
            }
        }
    }
}

/// The message as variables: a command that needs no more than these need not read JSON.
fn variables(message: &Message, channel: &str) -> Vec<(&'static str, String)> {
    let mut variables = vec![
        ("LIFEBOAT_CHANNEL", channel.to_owned()),
        ("LIFEBOAT_TYPE", message.code().to_owned()),
        ("LIFEBOAT_MESSAGE", message.id()),
        ("LIFEBOAT_AT", message.at().to_string()),
        ("LIFEBOAT_SEVERITY", message.severity().code().to_owned()),
        ("LIFEBOAT_TEXT", message.headline()),
    ];
    if let Some(pool) = message.pool() {
        variables.push(("LIFEBOAT_POOL", pool.to_owned()));
    }
    if let Message::Alert { alert } = message {
        variables.push(("LIFEBOAT_ALERT", alert.id.clone()));
        variables.push(("LIFEBOAT_KIND", alert.kind.clone()));
        variables.push(("LIFEBOAT_SUBJECT_KIND", alert.subject.kind().to_owned()));
        variables.push(("LIFEBOAT_SUBJECT", alert.subject.id().unwrap_or_default().to_owned()));
        variables.push(("LIFEBOAT_RECOVERED", if alert.recovered { "1" } else { "0" }.to_owned()));
    }
    for (_, value) in &mut variables {
        *value = bound::line(value, 1000);
    }
    variables
}
