//! The program `lifeboat-agent`: hands its arguments and streams to the library.
use lifeboat_agent::cli::{self, output::Output};
use std::io;
use std::process::ExitCode;

fn main() -> ExitCode {
    let (mut answers, mut notes) = (io::stdout(), io::stderr());
    let mut output = Output::new(&mut answers, &mut notes);
    ExitCode::from(cli::run(std::env::args_os(), &mut output))
}
