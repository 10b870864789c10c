//! `lifeboat man`: a manual page for every command.
use super::Status;
use super::output::Output;
use super::style::{GOOD, count, styled};
use super::trouble::Trouble;
use std::fs;
use std::path::PathBuf;

/// Write a manual page for every command into a folder
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  lifeboat man ~/.local/share/man/man1 && man lifeboat-pool-import")]
pub(super) struct Arguments {
    /// The folder; it is made if it is not there
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

pub(super) fn run(arguments: &Arguments, output: &mut Output<'_>) -> Result<Status, Trouble> {
    let folder = &arguments.folder;
    let unwritable = |source| Trouble::Unwritable { path: folder.clone(), source };
    fs::create_dir_all(folder).map_err(unwritable)?;
    clap_mangen::generate_to(super::command(), folder).map_err(unwritable)?;
    let pages = fs::read_dir(folder).map_err(unwritable)?.count();
    let said = format!("{}: {} in {}\n", styled(GOOD, "done"), count(pages, "page"), folder.display());
    output.text(&said).map_err(Trouble::Output)?;
    Ok(Status::Answered)
}
