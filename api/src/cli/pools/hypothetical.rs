//! `lifeboat pool compute-max`: how many failures the pool would survive.
use super::show::both;
use crate::cli::Status;
use crate::cli::fields::details;
use crate::cli::output::Output;
use crate::cli::session::Session;
use crate::cli::style::{STRONG, names, styled};
use crate::cli::trouble::Trouble;
use crate::cli::vms::Priority;
use crate::client::{Call, Method};
use crate::dto::verdict::ToleranceAnswer;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::fmt::Write as _;

pub(super) fn run(
    session: &Session,
    with: &[(String, Priority)],
    json: bool,
    output: &mut Output<'_>,
) -> Result<Status, Trouble> {
    let priorities: Map<String, Value> =
        with.iter().map(|(vm, priority)| (vm.clone(), priority.word().into())).collect();
    let body = json!({"restart_priorities": priorities}).to_string();
    let call = Call::question(Method::Post, session.route("/hypothetical")?).with_json(body.as_bytes());
    let answer = session.client().ask(&call)?.json()?;
    if json {
        output.json(&answer)
    } else {
        let bounds = |field: &str| answer.get(field).and_then(|told| ToleranceAnswer::deserialize(told).ok());
        let tolerance = bounds("tolerance").ok_or(Trouble::Answer("readable bounds"))?;
        let vms: Vec<&str> = with.iter().map(|(vm, _)| vm.as_str()).collect();
        let what = if vms.is_empty() { "as it is".to_owned() } else { format!("with {} so", names(&vms, 8)) };
        let heading = format!("{}  {what} survives so many host failures", styled(STRONG, session.pool()?));
        let mut text = format!("{heading}\n\n{}", details(&both(&tolerance)));
        if let (Some(now), false) = (bounds("now"), vms.is_empty()) {
            let _ = write!(text, "\nAs it is now\n\n{}", details(&both(&now)));
        }
        output.text(&text)
    }
    .map_err(Trouble::Output)?;
    Ok(Status::Answered)
}
