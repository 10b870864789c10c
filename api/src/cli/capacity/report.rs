//! What `lifeboat capacity` tells people.
use crate::cli::standing::line;
use crate::cli::style::{BAD, GOOD, OPEN, QUIET, STRONG, count, elapsed, names, section, styled, wrapped};
use crate::dto::capacity::CapacityAnswer;
use std::fmt::Write as _;

pub(super) fn text(answer: &CapacityAnswer<'_>, width: Option<u16>) -> String {
    let mut text = format!("{}  {}\n\n", styled(STRONG, answer.pool), line(&answer.before));
    let Some(fits) = answer.fits else {
        let _ =
            writeln!(text, "  {}", styled(BAD, "The target does not hold as it is: see lifeboat repair."));
        return text;
    };
    let more = styled(GOOD, format_args!("{} more", count(fits as usize, "VM")));
    let bound = match answer.refuted {
        Some(refuted) if refuted == fits + 1 => "and no more, wherever they are put".to_owned(),
        Some(refuted) => {
            format!("{refuted} do not, wherever they are put; between them it is {}", styled(OPEN, "open"))
        }
        None => format!("how many do not is {}", styled(OPEN, "open")),
    };
    let fit = if fits == 1 { "fits" } else { "fit" };
    let sentence = if (fits, answer.refuted) == (0, Some(1)) {
        styled(BAD, "not one more fits, wherever it is put")
    } else {
        format!("{more} {fit}; {bound}")
    };
    let _ = writeln!(text, "  {sentence}");
    let _ = writeln!(text, "  with them the pool {}", line(&answer.after));
    if let Some(witness) = &answer.witness {
        let failed = names(&witness.failed_hosts, 8);
        let why = format!("With one more, if {failed} failed: {}", witness.reason);
        let _ = writeln!(text, "\n{}", wrapped(&why, width));
    }
    let rows = answer.placement.iter().map(|placed| [placed.host.to_owned(), placed.count.to_string()]);
    section(&mut text, "Where they go", ["host", "VMs"], rows, width);
    if answer.unfinished {
        let sentence = "The search ended before it was through: --time-limit and --ration allow more.";
        let _ = writeln!(text, "\n  {}", styled(OPEN, sentence));
    }
    let _ = writeln!(text, "\n{}", styled(QUIET, format_args!("{} of search", elapsed(answer.elapsed_us))));
    text
}
