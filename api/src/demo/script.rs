//! What is to happen when, without anybody at the prompt: `at 5s kill h07; at 30s quit`.
use super::command::{Command, CommandError, seconds};
use lifeboat_model::Pool;
use std::time::Duration;

/// Something that is to happen.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// When, counted from when the pool has formed, in the pool's time.
    pub at: Duration,
    /// What was written.
    pub line: String,
    /// What it says.
    pub command: Command,
}

/// Why a script was not understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScriptError {
    /// A part that does not say when.
    #[error("{0:?} does not say when: write `at 5s kill h07; at 30s quit`")]
    NoTime(String),
    /// A part that makes no sense.
    #[error("{part:?}")]
    Command {
        /// The part.
        part: String,
        /// Why.
        #[source]
        source: CommandError,
    },
}

/// Reads a script: parts between semicolons or lines, done in the order of their times.
///
/// # Errors
/// The first part that is not understood.
pub fn parse(text: &str, pool: &Pool) -> Result<Vec<Step>, ScriptError> {
    let parts = text.split([';', '\n']).map(str::trim).filter(|part| !part.is_empty());
    let mut steps = parts.map(|part| step(part, pool)).collect::<Result<Vec<_>, _>>()?;
    steps.sort_by_key(|step| step.at);
    Ok(steps)
}

fn step(part: &str, pool: &Pool) -> Result<Step, ScriptError> {
    let no_time = || ScriptError::NoTime(part.to_owned());
    let wrong = |source| ScriptError::Command { part: part.to_owned(), source };
    let rest = part.strip_prefix("at ").ok_or_else(no_time)?;
    let (at, line) = rest.trim_start().split_once(char::is_whitespace).ok_or_else(no_time)?;
    let at = seconds(at).map_err(wrong)?;
    let command = Command::parse(line, pool).map_err(wrong)?;
    Ok(Step { at, line: line.trim().to_owned(), command })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::pool::Recipe;

    fn parsed(text: &str) -> Result<Vec<Step>, ScriptError> {
        let spec = Recipe { hosts: 8, vms: 16, seed: 1 }.pool();
        parse(text, &Pool::new(&spec).expect("the recipe's pools are right"))
    }

    #[test]
    fn steps_are_done_in_the_order_of_their_times() {
        let steps = parsed("at 30s quit; at 5s kill h07\nat 5.5 heal;").expect("it is a script");
        let told: Vec<(u128, &str)> = steps.iter().map(|step| (step.at.as_millis(), &*step.line)).collect();
        assert_eq!(told, [(5_000, "kill h07"), (5_500, "heal"), (30_000, "quit")]);
    }

    #[test]
    fn what_is_not_understood_is_told() {
        assert_eq!(parsed("kill h07"), Err(ScriptError::NoTime("kill h07".to_owned())));
        assert_eq!(parsed("at 5s"), Err(ScriptError::NoTime("at 5s".to_owned())));
        assert!(matches!(parsed("at 5s kill h77"), Err(ScriptError::Command { .. })));
        assert!(matches!(parsed("at noon quit"), Err(ScriptError::Command { .. })));
    }
}
