//! What can be done to a VM.
use super::route;
use super::verbs::Verb;
use crate::cli::Status;
use crate::cli::assign::assignments;
use crate::cli::change::{Change, How, make};
use crate::cli::described::described;
use crate::cli::fields::word;
use crate::cli::output::Output;
use crate::cli::session::Session;
use crate::cli::trouble::Trouble;
use serde_json::{Value, json};

/// Does what `verb` says. Verbs that only show something are not for here.
pub(super) fn run(
    session: &Session,
    verb: &Verb,
    json: bool,
    output: &mut Output<'_>,
) -> Result<Status, Trouble> {
    let (change, how) = change(session, verb)?;
    Ok(make(session, &change, &how, json, output)?.status)
}

fn change(session: &Session, verb: &Verb) -> Result<(Change, How), Trouble> {
    let act = |vm: &str, action: &str, body: Value, done: String| {
        Ok::<_, Trouble>(Change::post(route(session, vm, &format!("/actions/{action}"))?, body, done))
    };
    let patch = |vm: &str, body: Value, done: String| {
        Ok::<_, Trouble>(Change::patch(route(session, vm, "")?, body, done))
    };
    Ok(match verb {
        Verb::Create { file, how } => {
            let (name, body) = described(file, "VM")?;
            let change = Change::put(route(session, &name, "")?, body, format!("VM {name} is known"));
            (change.new_only(), how.into())
        }
        Verb::Remove { vm, how } => {
            (Change::delete(route(session, vm, "")?, format!("VM {vm} is forgotten")), how.into())
        }
        Verb::Start { vm, on, how } => (
            act(vm, "start", placed(on.as_deref()), format!("VM {vm} starts{}", place(on.as_deref())))?,
            how.into(),
        ),
        Verb::Resume { vm, on, how } => (
            act(vm, "resume", placed(on.as_deref()), format!("VM {vm} is resumed{}", place(on.as_deref())))?,
            how.into(),
        ),
        Verb::Stop { vm, lift_protection, yes, how } => {
            if !lift_protection {
                refuse_if_protected(session, vm)?;
            }
            let done = if *lift_protection { "stops, and is not protected any more" } else { "stops" };
            let body = json!({"lift_protection": lift_protection});
            let how = if *lift_protection { How::dangerous(*yes, how) } else { how.into() };
            (act(vm, "stop", body, format!("VM {vm} {done}"))?, how)
        }
        Verb::Suspend { vm, how } => {
            (act(vm, "suspend", json!({}), format!("VM {vm} is suspended"))?, how.into())
        }
        Verb::Migrate { vm, to, end, abort, how } => {
            let (action, done) = match (end, abort) {
                (true, _) => ("end-migration", format!("VM {vm} has arrived{}", place(to.as_deref()))),
                (_, true) => ("abort-migration", format!("the migration of VM {vm} is given up")),
                _ => ("migrate", format!("VM {vm} migrates to {}", to.as_deref().unwrap_or_default())),
            };
            (act(vm, action, placed(to.as_deref()), done)?, how.into())
        }
        Verb::Protect { vm, priority, how } => {
            let word = priority.word();
            let done = if word.is_empty() {
                format!("VM {vm} is not protected any more")
            } else {
                format!("VM {vm} has the restart priority {word}")
            };
            (patch(vm, json!({"restart_priority": word}), done)?, how.into())
        }
        Verb::Order { vm, order, how } => {
            (patch(vm, json!({"order": order}), format!("VM {vm} restarts in order {order}"))?, how.into())
        }
        Verb::Delay { vm, seconds, how } => {
            let done = format!("{seconds} s pass after VM {vm} before the next order begins");
            (patch(vm, json!({"start_delay_s": seconds}), done)?, how.into())
        }
        Verb::Set { vm, fields, how } => {
            (patch(vm, assignments(fields)?, format!("VM {vm} has {}", fields.join(", ")))?, how.into())
        }
        Verb::List { .. }
        | Verb::Show { .. }
        | Verb::Diagnose { .. }
        | Verb::Readiness { .. }
        | Verb::Monitor { .. } => {
            return Err(Trouble::Answer("a change: this verb makes none"));
        }
    })
}

fn placed(host: Option<&str>) -> Value {
    host.map_or_else(|| json!({}), |host| json!({"host": host}))
}

fn place(host: Option<&str>) -> String {
    host.map_or_else(String::new, |host| format!(" on {host}"))
}

/// A protected VM that is stopped is one that has to be restarted. Whoever stops it for good means something else.
fn refuse_if_protected(session: &Session, vm: &str) -> Result<(), Trouble> {
    let described = session.get(&route(session, vm, "")?)?;
    if word(&described, "restart_priority") != "restart" {
        return Ok(());
    }
    Err(Trouble::Unwise {
        what: format!("VM {vm} is protected: it would be restarted as soon as it has stopped"),
        step: format!(
            "lifeboat vm stop {vm} --lift-protection stops it and lifts its protection in the same step"
        ),
    })
}
