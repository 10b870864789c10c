//! `lifeboat-agent disarm`.
use super::output::Output;
use super::{Surroundings, Trouble};
use crate::socket::{Ask, client};

/// The longest span, in seconds.
const LONGEST: u64 = 18 * 3600;

/// Disarm the pool for a while: nobody fences, nothing restarts. Asked of the agent that leads; the time ends by itself
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  lifeboat-agent disarm --for 1h")]
pub struct Disarm {
    /// For how long: 90s, 30m, 1h; at most 18 hours
    #[arg(long = "for", value_name = "SPAN", value_parser = seconds)]
    lasts_s: u64,
}

/// The seconds in a span; a number alone is one of seconds.
fn seconds(span: &str) -> Result<u64, String> {
    let (number, unit) = span.split_at(span.find(|c: char| !c.is_ascii_digit()).unwrap_or(span.len()));
    let factor = match unit {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => return Err(format!("{unit:?} is no unit: s, m or h")),
    };
    let seconds = number.parse::<u64>().ok().and_then(|number| number.checked_mul(factor));
    seconds.filter(|seconds| (1..=LONGEST).contains(seconds)).ok_or_else(|| "1s to 18h".to_owned())
}

impl Disarm {
    pub(super) fn carry_out(self, around: &Surroundings, output: &mut Output<'_>) -> Result<(), Trouble> {
        let ask = Ask::Disarm { lasts_s: self.lasts_s };
        let said = client::ask(&around.config()?.host.socket(), &ask)?;
        Ok(output.say(client::in_words(&said))?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_a_number_with_a_unit() {
        for (text, expected) in [("90", 90), ("90s", 90), ("30m", 1800), ("1h", 3600), ("18h", 64_800)] {
            assert_eq!(seconds(text), Ok(expected), "{text}");
        }
        for wrong in ["", "h", "0s", "19h", "1d", "1h30m", "-5", "99999999999999999999h"] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
    }
}
