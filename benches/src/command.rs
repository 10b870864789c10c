//! The whole program, measured from outside: wall time from its start to its end, and the most memory that it
//! held.
use flate2::{Compression, write::GzEncoder};
use lifeboat::clock::Stopwatch;
use lifeboat::dto;
use lifeboat_generate::{Recipe, generate};
use nix::sys::resource::{UsageWho, getrusage};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

/// The argument with which the report starts itself to weigh one run; see [`weigh`].
pub const WEIGH: &str = "--weigh";

/// Why the program could not be measured.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// There is no such program, or it cannot be started.
    #[error("cannot run {}: build it with `cargo build --release -p lifeboat`", path.display())]
    CannotRun {
        /// The program.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It ran, and said that something is wrong.
    #[error("{} ended with {status}", path.display())]
    Failed {
        /// The program.
        path: PathBuf,
        /// How it ended.
        status: ExitStatus,
    },
    /// A pool could not be written, or a weight not read.
    #[error("cannot prepare the measurement")]
    Preparation(#[from] io::Error),
}

/// Writes the pool of a recipe as a compressed document.
///
/// # Errors
/// If the file cannot be written.
pub fn write_pool(recipe: &Recipe, path: &Path) -> io::Result<()> {
    let spec = generate(recipe).map_err(io::Error::other)?;
    let mut file = GzEncoder::new(io::BufWriter::new(File::create(path)?), Compression::default());
    dto::pool::write(&spec, &mut file).map_err(io::Error::from)?;
    io::Write::flush(&mut file.finish()?)
}

/// How long `lifeboat plan POOL --json` takes from start to end.
///
/// # Errors
/// If it cannot be run, or does not succeed.
pub fn plan_time(program: &Path, pool: &Path) -> Result<Duration, CommandError> {
    let watch = Stopwatch::start();
    run(program, pool)?;
    Ok(watch.elapsed())
}

fn run(program: &Path, pool: &Path) -> Result<(), CommandError> {
    let status = Command::new(program)
        .arg("plan")
        .arg(pool)
        .arg("--json")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .map_err(|source| CommandError::CannotRun { path: program.to_owned(), source })?;
    if status.success() { Ok(()) } else { Err(CommandError::Failed { path: program.to_owned(), status }) }
}

/// The most memory that one run held, in KiB. The kernel counts over all children of a process, and a child
/// inherits the weight of its parent until it is a program of its own; so the report starts itself once more,
/// as small as it is then, and lets that one run the program and say what it weighed.
///
/// # Errors
/// If either cannot be run.
pub fn peak_kib(program: &Path, pool: &Path) -> Result<u64, CommandError> {
    let scales = std::env::current_exe()?;
    let weighed = Command::new(&scales).arg(WEIGH).arg(program).arg(pool).output()?;
    let said = String::from_utf8_lossy(&weighed.stdout);
    match said.trim().parse() {
        Ok(kib) if weighed.status.success() => Ok(kib),
        _ => Err(CommandError::Failed { path: program.to_owned(), status: weighed.status }),
    }
}

/// Runs the program and gives the most memory that it held, in KiB: what [`peak_kib`] starts.
///
/// # Errors
/// If it cannot be run.
pub fn weigh(program: &Path, pool: &Path) -> Result<i64, CommandError> {
    run(program, pool)?;
    Ok(getrusage(UsageWho::RUSAGE_CHILDREN).map_err(io::Error::from)?.max_rss())
}

/// The program that was built with this one.
pub fn beside() -> Option<PathBuf> {
    let program = std::env::current_exe().ok()?.with_file_name("lifeboat");
    program.exists().then_some(program)
}
