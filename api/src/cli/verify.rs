//! `lifeboat verify`: re-checks a certificate with the checker, which shares no code with the planner.
use super::output::Output;
use super::pool::load;
use super::style::{BAD, GOOD, STRONG, count, styled};
use super::trouble::Trouble;
use super::{Status, certificate};
use lifeboat_check::{Accepted, Limits, verify};
use std::fmt::Write as _;
use std::path::PathBuf;

const EXAMPLES: &str = "Examples:
  lifeboat plan pool.json --certificate p.cert     keep what stands behind the verdict
  lifeboat verify pool.json p.cert                 exit status 0 accepted, 4 refused, 1 unusable";

/// Check a certificate independently of the planner
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// The pool document, plain or gzip-compressed; `-` reads standard input
    #[arg(value_name = "POOL")]
    pool: PathBuf,
    /// The certificate that `lifeboat plan --certificate` wrote
    #[arg(value_name = "CERTIFICATE")]
    certificate: PathBuf,
}

pub(super) fn run(arguments: &Arguments, output: &mut Output<'_>) -> Result<Status, Trouble> {
    let pool = load(&arguments.pool)?;
    let certificate = certificate::load(&arguments.certificate, &pool)?;
    match verify(&pool, &certificate, &Limits::default()) {
        Ok(accepted) => {
            output.text(&claims(pool.id(), &accepted)).map_err(Trouble::Output)?;
            Ok(Status::Answered)
        }
        Err(refusal) => {
            output.note(&format!("{} {refusal}\n", styled(BAD, "refused:")));
            Ok(Status::Refused)
        }
    }
}

fn claims(pool: &str, accepted: &Accepted) -> String {
    let mut text = format!(
        "{}  certificate {}, {}\n",
        styled(STRONG, pool),
        styled(GOOD, "accepted"),
        count(accepted.claims.len(), "claim")
    );
    for claim in &accepted.claims {
        let _ = writeln!(text, "  {claim}");
    }
    text
}
