//! The machine's own tools, run with a time limit.
use std::io::Write;
use std::process::{Command, Output, Stdio};

/// No tool that the lab uses takes longer, in seconds; longer is a fault of the machine.
const LIMIT_S: &str = "30";

/// A tool did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[error("`{line}` failed with {status}: {output}")]
pub struct Failed {
    line: String,
    status: String,
    output: String,
}

/// A tool with its arguments, ended after [`LIMIT_S`].
pub fn tool(program: &str) -> Command {
    let mut command = Command::new("timeout");
    command.args(["-k", "1", LIMIT_S, program]).env("LC_ALL", "C").stdin(Stdio::null());
    command
}

/// Runs a command to its end; what it wrote.
///
/// # Errors
/// If it fails.
pub fn run(command: &mut Command) -> Result<String, Failed> {
    let line = format!("{command:?}");
    let output = command.output().map_err(|fault| Failed {
        line: line.clone(),
        status: "no start".into(),
        output: fault.to_string(),
    })?;
    judged(line, &output)
}

/// Runs a line of words, for which a shell is not needed.
///
/// # Errors
/// If it fails.
pub fn line(words: &str) -> Result<String, Failed> {
    let mut words = words.split_whitespace();
    run(tool(words.next().unwrap_or_default()).args(words))
}

/// Runs a line of words and gives it this to read.
///
/// # Errors
/// If it fails.
pub fn fed(words: &str, input: &str) -> Result<String, Failed> {
    let line = words.to_owned();
    let mut words = words.split_whitespace();
    let mut command = tool(words.next().unwrap_or_default());
    command.args(words).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let failed = |fault: std::io::Error| Failed {
        line: line.clone(),
        status: "no start".into(),
        output: fault.to_string(),
    };
    let mut child = command.spawn().map_err(failed)?;
    if let Some(mut stdin) = child.stdin.take() {
        // A tool that reads no more says why in its output.
        let _ = stdin.write_all(input.as_bytes());
    }
    let output = child.wait_with_output().map_err(failed)?;
    judged(format!("{line} <<< {input}"), &output)
}

fn judged(line: String, output: &Output) -> Result<String, Failed> {
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(text);
    }
    text.push_str(&String::from_utf8_lossy(&output.stderr));
    Err(Failed { line, status: output.status.to_string(), output: text })
}
