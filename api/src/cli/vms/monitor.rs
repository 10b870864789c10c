//! `lifeboat vm monitor`: what is done when a guest answers no more.
use super::route;
use crate::cli::Status;
use crate::cli::change::{Change, have_done};
use crate::cli::output::Output;
use crate::cli::session::Session;
use crate::cli::trouble::Trouble;
use serde_json::{Value, json};

/// How a guest is watched.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct Monitoring {
    /// Watch it no more
    #[arg(long, conflicts_with_all = ["silent_for", "grace", "resets", "window"])]
    off: bool,
    /// Without a heartbeat and without activity on disks and networks for so long [default: 60]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..=86_400))]
    silent_for: Option<u32>,
    /// After its start it is left alone for so long [default: 240]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(0..=86_400))]
    grace: Option<u32>,
    /// Resets within the window; then it is restarted elsewhere [default: 3]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=100))]
    resets: Option<u32>,
    /// The window [default: 3600]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..=86_400))]
    window: Option<u32>,
}

impl Monitoring {
    fn body(&self) -> Value {
        let mut body = json!({"watched": !self.off});
        for (field, value) in [
            ("silent_for_s", self.silent_for),
            ("grace_s", self.grace),
            ("resets", self.resets),
            ("window_s", self.window),
        ] {
            if let Some(value) = value {
                body[field] = value.into();
            }
        }
        body
    }
}

pub(super) fn run(
    session: &Session,
    vm: &str,
    how: &Monitoring,
    json: bool,
    output: &mut Output<'_>,
) -> Result<Status, Trouble> {
    let done = if how.off { "is not watched any more" } else { "is watched" };
    let change =
        Change::put(route(session, vm, "/monitor")?, how.body(), format!("the guest of VM {vm} {done}"));
    have_done(session, &change, json, output)
}
