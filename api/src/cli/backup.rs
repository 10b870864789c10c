//! `lifeboat backup`: everything that the service keeps, in one file, while it goes on.
use super::Status;
use super::output::Output;
use super::session::ServiceArguments;
use super::style::{GOOD, styled};
use super::trouble::Trouble;
use crate::client::Call;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Keep a copy of everything that the service keeps
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  lifeboat backup lifeboat-2026-11-22.backup")]
pub(super) struct Arguments {
    /// A new file, which nobody else can read
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    service: ServiceArguments,
}

pub(super) fn run(arguments: &Arguments, output: &mut Output<'_>) -> Result<Status, Trouble> {
    let session = arguments.service.open()?;
    let reply = session.client().ask(&Call::get("/v1/backup"))?;
    let path = &arguments.file;
    keep(path, reply.body()).map_err(|source| Trouble::Unwritable { path: path.clone(), source })?;
    let (size, file) = (reply.body().len(), path.display());
    output.text(&format!("{}: {size} bytes in {file}\n", styled(GOOD, "done"))).map_err(Trouble::Output)?;
    Ok(Status::Answered)
}

fn keep(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(content)?;
    file.sync_all()
}
