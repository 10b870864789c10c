//! The program `lifeboat`: hands its arguments and streams to the library.
use anstream::{AutoStream, ColorChoice};
use lifeboat::cli::{self, output::Output};
use std::io::{self, BufWriter, IsTerminal};
use std::process::ExitCode;
use terminal_size::{Width, terminal_size_of};

fn main() -> ExitCode {
    let (stdout, stderr) = (io::stdout(), io::stderr());
    let width = terminal_size_of(&stdout).map(|(Width(columns), _)| columns);
    let live = stderr.is_terminal();
    // Where colours are unwanted, so is everything else that is no text.
    let screen = stdout.is_terminal() && AutoStream::choice(&stdout) != ColorChoice::Never;
    let mut answers = BufWriter::new(AutoStream::auto(stdout.lock()));
    let mut notes = AutoStream::auto(stderr);
    let output = Output::new(&mut answers, &mut notes).with_width(width).with_progress(live);
    let mut output = output.with_screen(screen);
    ExitCode::from(cli::run(std::env::args_os(), &mut output).code())
}
