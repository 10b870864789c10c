//! `lifeboat generate`: a pool made from a seed, to try Lifeboat on, to test with, to measure on.
use super::output::Output;
use super::trouble::Trouble;
use super::{Status, file};
use crate::dto;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use lifeboat_generate::{Family, Recipe, Room, generate};
use std::io::{self, Write};
use std::path::PathBuf;

const EXAMPLES: &str = "Examples:
  A pool like a public cloud's, compressed:
    lifeboat generate cloud --hosts 64 --vms 2048 --seed 7 -o cloud.json.gz
  One that just cannot survive four failures by volume, straight into the planner:
    lifeboat generate homog --hosts 64 --vms 4096 --failures 4 --slack -5 | lifeboat plan -
  The same command gives the same pool on every machine.";

/// Make a pool from a seed
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// What the pool looks like
    #[arg(value_name = "FAMILY", value_parser = families())]
    family: Family,
    /// How many hosts
    #[arg(long, value_name = "N", default_value_t = 16)]
    hosts: u32,
    /// How many VMs
    #[arg(long, value_name = "N", default_value_t = 256)]
    vms: u32,
    /// Every draw follows from it
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Free memory, in per cent more (or, below 0, less) than the target number of failures needs by volume
    /// [default: drawn around 0]
    #[arg(long, value_name = "PERCENT", allow_hyphen_values = true, conflicts_with = "fill", value_parser = permille)]
    slack: Option<i32>,
    /// Share of the memory that is used, in per cent, instead of a slack
    #[arg(long, value_name = "PERCENT", value_parser = permille)]
    fill: Option<i32>,
    /// The number of failures that the pool shall just survive [default: one that suits the hosts]
    #[arg(long, value_name = "N")]
    failures: Option<u32>,
    /// Write to this file, gzip-compressed if it ends in .gz [default: standard output]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(super) fn run(arguments: &Arguments, output: &mut Output<'_>) -> Result<Status, Trouble> {
    let spec = generate(&recipe(arguments))?;
    let write = |writer: &mut dyn Write| {
        dto::pool::write(&spec, &mut *writer).map_err(io::Error::from)?;
        writer.write_all(b"\n")
    };
    if let Some(path) = &arguments.output {
        file::save(path, write)?;
    } else {
        let mut document = Vec::new();
        write(&mut document).map_err(Trouble::Output)?;
        output.text(&String::from_utf8_lossy(&document)).map_err(Trouble::Output)?;
    }
    Ok(Status::Answered)
}

fn recipe(arguments: &Arguments) -> Recipe {
    let Arguments { family, hosts, vms, seed, failures, .. } = *arguments;
    let room = match (arguments.slack, arguments.fill) {
        (Some(permille), _) => Room::Slack(permille),
        // Below 0 is out of range, which the recipe says.
        (None, Some(permille)) => Room::Fill(u32::try_from(permille).unwrap_or(0)),
        (None, None) => Room::Drawn,
    };
    Recipe { room, failures, ..Recipe::new(family, hosts, vms, seed) }
}

/// The families by name, each with what its pools look like.
fn families() -> impl TypedValueParser<Value = Family> {
    let values = Family::ALL.map(|family| PossibleValue::new(family.name()).help(family.describe()));
    PossibleValuesParser::new(values).try_map(|name| name.parse::<Family>())
}

/// Per cent, to a tenth, as thousandths.
fn permille(text: &str) -> Result<i32, String> {
    let percent: f64 = text.parse().map_err(|_| "must be a number of per cent".to_owned())?;
    let permille = (percent * 10.0).round();
    // Far wider than what a recipe takes, which has its own words for it.
    if (-1e6..=1e6).contains(&permille) { Ok(permille as i32) } else { Err("is out of range".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn per_cent_are_read_to_a_tenth() {
        assert_eq!(["5", "-2.5", "0.04", "100"].map(permille), [Ok(50), Ok(-25), Ok(0), Ok(1000)]);
        assert!(permille("much").is_err() && permille("1e30").is_err() && permille("NaN").is_err());
    }
}
