//! `lab-soak`: what takes too long for `cargo test`. `measure` times how fast guests come back, many times each, and adds a line to a file
//! for each run; `faults` has random faults happen to eight hosts from a seed; `page` makes a page of what the file has. A file that has
//! some runs already gets those that are missing. `.ci/soak-hosts` calls them in turn.
mod draw;
mod faults;
mod measure;
mod page;
mod results;

use lifeboat_lab::programs::Programs;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

/// Why something was not done.
pub(crate) type Fault = Box<dyn std::error::Error>;

const USAGE: &str = "measure results=FILE [runs=20] [timeouts=5,15] [cases=power-loss,coordinator,partition,evidence], \
                     faults results=FILE [minutes=30] [seed=1] [hosts=8] [vms=16] [timeout=5], or page results=FILE";

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let verb = words.next().unwrap_or_default();
    let wishes = Wishes {
        given: words
            .filter_map(|word| word.split_once('=').map(|(a, b)| (a.to_owned(), b.to_owned())))
            .collect(),
    };
    let done = match verb.as_str() {
        "measure" => programs().and_then(|programs| measure::run(&programs, &wishes)),
        "faults" => programs().and_then(|programs| faults::run(&programs, &wishes)),
        "page" => page::print(&wishes),
        _ => Err(USAGE.into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            say(&format!("lab-soak {verb}: {fault}"));
            ExitCode::FAILURE
        }
    }
}

/// What was asked for, as `name=value`.
pub(crate) struct Wishes {
    given: BTreeMap<String, String>,
}

impl Wishes {
    pub(crate) fn text(&self, name: &str, usual: &str) -> String {
        self.given.get(name).map_or_else(|| usual.to_owned(), Clone::clone)
    }

    pub(crate) fn number(&self, name: &str, usual: u64) -> Result<u64, Fault> {
        Ok(self.text(name, &usual.to_string()).parse().map_err(|_| format!("{name} is a number"))?)
    }

    pub(crate) fn results(&self) -> PathBuf {
        self.text("results", "soak-hosts.jsonl").into()
    }
}

/// The programs that lie beside this one.
fn programs() -> Result<Programs, Fault> {
    let own = std::env::current_exe()?;
    Ok(Programs::in_folder(own.parent().ok_or("this program lies nowhere")?)?)
}

/// A line for whoever waits.
pub(crate) fn say(line: &str) {
    // Nobody may be there to read it.
    let _ = writeln!(std::io::stderr(), "{line}");
}
