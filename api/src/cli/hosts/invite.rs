//! `lifeboat host invite`: a one-time token, on standard output and nowhere else.
use crate::cli::Status;
use crate::cli::change::{Change, tell};
use crate::cli::fields::{text, word};
use crate::cli::output::Output;
use crate::cli::session::Session;
use crate::cli::trouble::Trouble;
use serde_json::json;

pub(super) fn run(
    session: &Session,
    host: Option<&str>,
    hours: u32,
    json: bool,
    output: &mut Output<'_>,
) -> Result<Status, Trouble> {
    let body = json!({"host": host, "expires_in_s": hours * 3600});
    let answer = tell(session, &Change::post(session.route("/invitations")?, body, String::new()))?;
    let token = word(&answer, "token").to_owned();
    if token.is_empty() {
        return Err(Trouble::Answer("an invitation"));
    }
    if json {
        output.json(&answer).map_err(Trouble::Output)?;
        return Ok(Status::Answered);
    }
    let until = answer.get("invitation").map(|invitation| text(invitation, "expires_at")).unwrap_or_default();
    let server = session.client().servers().next().map(ToString::to_string).unwrap_or_default();
    output.note(&format!(
        "a token for one host, until {until}; shown this once. On that host, which asks for it:\n  \
         lifeboat-agent join --server {server} --pool {} --host {} \\\n    \
         --network NAME=ADDRESS:PORT,INTERFACE --api https://ADDRESS:PORT\n",
        session.pool()?,
        host.unwrap_or("NAME"),
    ));
    output.text(&format!("{token}\n")).map_err(Trouble::Output)?;
    Ok(Status::Answered)
}
