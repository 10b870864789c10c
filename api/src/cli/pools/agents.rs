//! What is asked of a pool's agents and of its coordinator.
use crate::cli::Status;
use crate::cli::change::{Change, have_done, would};
use crate::cli::output::Output;
use crate::cli::session::Session;
use crate::cli::trouble::Trouble;
use serde_json::json;

/// What can be asked of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    HandOver,
    Reset,
    ReleaseBrake,
    RotateKey,
    RotateAuthority,
}

impl Wish {
    /// The action, what it would do, and what is said when it is on its way.
    fn words(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::HandOver => (
                "hand-over",
                "Another host would decide for the pool; the service is away for a few seconds meanwhile.",
                "another host takes over",
            ),
            Self::Reset => (
                "reset-coordinator",
                "The coordinator's process would end and begin anew; the service is away for a few seconds meanwhile.",
                "the coordinator begins anew",
            ),
            Self::ReleaseBrake => (
                "release-brake",
                "VMs that are held back by the mass-failure brake would restart at once.",
                "the brake is released",
            ),
            Self::RotateKey => (
                "rotate-key",
                "The agents would make a new heartbeat key, and use it as soon as all of them have it.",
                "a new heartbeat key is on its way",
            ),
            Self::RotateAuthority => (
                "rotate-authority",
                "A new certificate authority would be made; every host would get a certificate of it, and then the old one would be believed no more. Clients need the new one: tls/authorities.pem of any host.",
                "a new authority is on its way; `lifeboat events` shows its steps",
            ),
        }
    }
}

pub(super) fn tell(
    session: &Session,
    wish: Wish,
    yes: bool,
    json: bool,
    output: &mut Output<'_>,
) -> Result<Status, Trouble> {
    let (action, what, done) = wish.words();
    if !yes {
        return would(what, output);
    }
    let change = Change::post(session.route(&format!("/actions/{action}"))?, json!({}), done.to_owned());
    have_done(session, &change, json, output)
}
