//! Changes that the service is asked to make. It judges each of them first. What is dangerous is only judged unless
//! `--yes` says to carry it out; what the service refuses is shown as `lifeboat check` shows it, and made all the same
//! only with `--force` and a reason, which are recorded.
use super::Status;
use super::check::report;
use super::fields::{flag, list, shown, word};
use super::output::Output;
use super::session::Session;
use super::standing::line;
use super::style::{BAD, GOOD, OPEN, STRONG, styled, wrapped};
use super::trouble::Trouble;
use crate::client::{Call, ClientError, Method};
use crate::dto::admission::AdmissionAnswer;
use serde::Deserialize;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Steps of a remedy beyond which the rest is counted.
const MOST_STEPS: usize = 6;

/// Whether a warning is overridden.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Warnings")]
pub(super) struct ForceArguments {
    /// Do it although the service warns; who did and why is recorded
    #[arg(long, requires = "reason")]
    force: bool,
    /// Why it is done all the same
    #[arg(long, value_name = "TEXT", requires = "force")]
    reason: Option<String>,
}

/// For what is usually harmless.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct OrdinaryArguments {
    /// Only judge it: change nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    force: ForceArguments,
}

/// For what is dangerous.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct DangerousArguments {
    /// Do it; without this it is only judged, and nothing changes
    #[arg(long)]
    pub(super) yes: bool,
    #[command(flatten)]
    force: ForceArguments,
}

/// How a change is made.
#[derive(Clone, Debug)]
pub(super) struct How {
    /// Judge it, change nothing.
    pub(super) judge_only: bool,
    /// What makes it do so.
    hint: &'static str,
    force: ForceArguments,
}

impl How {
    /// Done although it cannot be judged, for this reason.
    pub(super) fn forced(reason: String) -> Self {
        Self { judge_only: false, hint: "", force: ForceArguments { force: true, reason: Some(reason) } }
    }

    /// What is dangerous in one of its ways only: in that one it takes `--yes`.
    pub(super) fn dangerous(yes: bool, ordinary: &OrdinaryArguments) -> Self {
        Self { judge_only: !yes, hint: "--yes does it", force: ordinary.force.clone() }
    }
}

impl From<&OrdinaryArguments> for How {
    fn from(arguments: &OrdinaryArguments) -> Self {
        Self {
            judge_only: arguments.dry_run,
            hint: "without --dry-run it is done",
            force: arguments.force.clone(),
        }
    }
}

impl From<&DangerousArguments> for How {
    fn from(arguments: &DangerousArguments) -> Self {
        Self { judge_only: !arguments.yes, hint: "--yes does it", force: arguments.force.clone() }
    }
}

/// A change.
#[derive(Debug)]
pub(super) struct Change {
    /// How.
    pub(super) method: Method,
    /// Where.
    pub(super) route: String,
    /// With what.
    pub(super) body: Option<Value>,
    /// What has been done when it is done: `host h03 is disabled`.
    pub(super) done: String,
    /// Only if there is nothing there yet.
    only_new: bool,
    /// Only if it is still of this version.
    version: Option<String>,
}

impl Change {
    /// Does something.
    pub(super) fn post(route: String, body: Value, done: String) -> Self {
        Self { method: Method::Post, route, body: Some(body), done, only_new: false, version: None }
    }

    /// Changes some of something.
    pub(super) fn patch(route: String, body: Value, done: String) -> Self {
        Self { method: Method::Patch, route, body: Some(body), done, only_new: false, version: None }
    }

    /// Makes something be so.
    pub(super) fn put(route: String, body: Value, done: String) -> Self {
        Self { method: Method::Put, route, body: Some(body), done, only_new: false, version: None }
    }

    /// The same, but only if there is nothing there yet.
    pub(super) fn new_only(self) -> Self {
        Self { only_new: true, ..self }
    }

    /// The same, but only if it is still of this version.
    pub(super) fn of_version(self, version: Option<&str>) -> Self {
        Self { version: version.map(str::to_owned), ..self }
    }

    /// Removes something.
    pub(super) fn delete(route: String, done: String) -> Self {
        Self { method: Method::Delete, route, body: None, done, only_new: false, version: None }
    }
}

/// What came of a change.
pub(super) struct Made {
    /// How the verb ends.
    pub(super) status: Status,
    /// The task that carries it out, where it takes long.
    pub(super) task: Option<String>,
}

/// Has a change made, or only judged, and says what came of it.
pub(super) fn make(
    session: &Session,
    change: &Change,
    how: &How,
    json: bool,
    output: &mut Output<'_>,
) -> Result<Made, Trouble> {
    let answer = match send(session, change, how) {
        Ok(answer) => answer,
        Err(ClientError::Refused(problem)) if problem.status == 409 && problem.admission.is_some() => {
            let admission = problem.admission.clone().unwrap_or_default();
            if json {
                let told = json!({"done": false, "code": problem.code, "detail": problem.detail, "admission": admission});
                output.json(&told).map_err(Trouble::Output)?;
            } else {
                output.text(&warning(&admission, output.width())?).map_err(Trouble::Output)?;
                output.note(&refusal(&problem.code));
            }
            return Ok(Made { status: Status::Overcommitted, task: None });
        }
        // Refused as things are, without a judgement: scripts see what they see where admission refuses.
        Err(error @ ClientError::Refused(_)) if error.status() == Some(409) => {
            output.trouble(&error.into());
            return Ok(Made { status: Status::Overcommitted, task: None });
        }
        Err(error) => return Err(error.into()),
    };
    let admission = answer.get("admission").filter(|admission| !admission.is_null());
    let warned = admission.is_some_and(|admission| !flag(admission, "allowed"));
    let task = answer.get("task").filter(|task| !task.is_null()).map(|task| shown(Some(task)));
    let status = if warned && how.judge_only { Status::Overcommitted } else { Status::Answered };
    if json {
        output.json(&answer).map_err(Trouble::Output)?;
    } else if how.judge_only {
        output.text(&judged(admission, change, how.hint, output.width())?).map_err(Trouble::Output)?;
    } else {
        output.text(&done(&answer, admission, change, task.as_deref())?).map_err(Trouble::Output)?;
    }
    Ok(Made { status, task })
}

/// Sends a change that is to be judged.
fn send(session: &Session, change: &Change, how: &How) -> Result<Value, ClientError> {
    let query = [
        ("check", how.judge_only.then_some("only")),
        ("force", how.force.force.then_some("true")),
        ("reason", how.force.reason.as_deref()),
    ];
    ask(session, change, &query)
}

/// Has a change made that nobody judges, and gives what the service answers.
pub(super) fn tell(session: &Session, change: &Change) -> Result<Value, ClientError> {
    ask(session, change, &[])
}

/// Has a change made that nobody judges, and says that it is done.
pub(super) fn have_done(
    session: &Session,
    change: &Change,
    json: bool,
    output: &mut Output<'_>,
) -> Result<Status, Trouble> {
    let answer = tell(session, change)?;
    if json {
        output.json(&answer)
    } else {
        output.text(&format!("{}: {}\n", styled(GOOD, "done"), change.done))
    }
    .map_err(Trouble::Output)?;
    Ok(Status::Answered)
}

/// Says what a change that nobody judges would do, where `--yes` was not given.
pub(super) fn would(what: &str, output: &mut Output<'_>) -> Result<Status, Trouble> {
    let hint = styled(STRONG, "Nothing has been changed; --yes does it.");
    output.text(&format!("{}\n\n{hint}\n", wrapped(what, output.width()))).map_err(Trouble::Output)?;
    Ok(Status::Answered)
}

/// Sends it, with a key of its own: however often it is sent, it is made once.
fn ask(session: &Session, change: &Change, query: &[(&str, Option<&str>)]) -> Result<Value, ClientError> {
    let body = change.body.as_ref().map(Value::to_string);
    let call = Call::change(change.method, &*change.route, key()).with_query(query);
    let call = if change.only_new { call.with("if-none-match", "*") } else { call };
    let call = match &change.version {
        Some(version) => call.with("if-match", version),
        None => call,
    };
    let call = match &body {
        Some(body) => call.with_json(body.as_bytes()),
        None => call,
    };
    session.client().ask(&call)?.json()
}

/// A key that no other change has.
fn key() -> String {
    let mut bytes = [0; 16];
    // Without randomness the key is only not unique between two programs that lack it at the same time.
    if getrandom::fill(&mut bytes).is_err() {
        bytes[..4].copy_from_slice(&std::process::id().to_le_bytes());
    }
    bytes.iter().fold("cli-".to_owned(), |mut key, byte| {
        let _ = write!(key, "{byte:02x}");
        key
    })
}

/// The warning as `lifeboat check` shows it.
fn warning(told: &Value, width: Option<u16>) -> Result<String, Trouble> {
    let admission = AdmissionAnswer::deserialize(told).map_err(|_| Trouble::Answer("a readable warning"))?;
    let mut text = report::text(&admission, width);
    remedies(&mut text, told, width);
    Ok(text)
}

/// What would restore the target once the change is made, as far as the service has looked.
fn remedies(text: &mut String, admission: &Value, width: Option<u16>) {
    let remedies = list(admission, "remedies");
    if remedies.is_empty() {
        return;
    }
    let _ = writeln!(text, "\n{}", styled(STRONG, "What would restore the target then, each verified"));
    for remedy in remedies {
        let steps = list(remedy, "steps");
        let told: Vec<&str> = steps.iter().map(|step| word(step, "text")).take(MOST_STEPS).collect();
        let more = steps.len().saturating_sub(told.len());
        let more = if more == 0 { String::new() } else { format!("; and {more} more") };
        let _ = writeln!(text, "{}", wrapped(&format!("- {}{more}", told.join("; ")), width));
    }
    let note = word(admission, "remedies_note");
    if !note.is_empty() {
        let _ = writeln!(text, "{}", wrapped(note, width));
    }
}

fn refusal(code: &str) -> String {
    let mut text = format!("{} nothing has been changed\n", styled(BAD, "refused:"));
    if code != "cannot-be-done" {
        text.push_str("next: --force --reason TEXT does it all the same, and is recorded\n");
    }
    text
}

fn judged(
    admission: Option<&Value>,
    change: &Change,
    hint: &str,
    width: Option<u16>,
) -> Result<String, Trouble> {
    let mut text = match admission {
        Some(admission) => warning(admission, width)?,
        None => format!("  nothing speaks against it: then {}\n", change.done),
    };
    let _ = writeln!(text, "\n{}", styled(STRONG, format_args!("Nothing has been changed; {hint}.")));
    Ok(text)
}

fn done(
    answer: &Value,
    admission: Option<&Value>,
    change: &Change,
    task: Option<&str>,
) -> Result<String, Trouble> {
    let forced = if flag(answer, "forced") { styled(OPEN, " (forced, and recorded)") } else { String::new() };
    let mut text = match task {
        Some(task) => format!("{}: task {task} is under way{forced}\n", styled(GOOD, "begun")),
        None => format!("{}: {}{forced}\n", styled(GOOD, "done"), change.done),
    };
    if let Some(admission) = admission {
        let admission =
            AdmissionAnswer::deserialize(admission).map_err(|_| Trouble::Answer("a readable judgement"))?;
        let _ = writeln!(text, "  the pool {}", line(&admission.after));
        for vm in &admission.newly_unprotectable {
            let _ = writeln!(text, "  {} {vm} is not protected any more", styled(OPEN, "warning:"));
        }
        for broken in &admission.newly_broken_rules {
            let _ = writeln!(text, "  {} rule {} is broken", styled(OPEN, "warning:"), broken.group);
        }
    }
    if let Some(task) = task {
        let _ = writeln!(text, "next: lifeboat task show {task} --watch");
    }
    Ok(text)
}
