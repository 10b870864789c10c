//! `lifeboat schema`: what belongs in a pool document, as JSON Schema.
use super::Status;
use super::output::Output;
use super::trouble::Trouble;
use crate::dto::schema;

/// Print the JSON Schema of the pool document
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  lifeboat schema > pool.schema.json\n  lifeboat schema --of certificate")]
pub(super) struct Arguments {
    /// Which document or answer
    #[arg(long, value_name = "WHAT", default_value = "pool", value_enum)]
    of: schema::Kind,
}

pub(super) fn run(arguments: &Arguments, output: &mut Output<'_>) -> Result<Status, Trouble> {
    output.json(&schema::of(arguments.of)).map_err(Trouble::Output)?;
    Ok(Status::Answered)
}
