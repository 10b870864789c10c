//! `lifeboat completions`: what makes a shell complete commands and options.
use super::Status;
use super::output::Output;
use super::trouble::Trouble;
use clap_complete::{Shell, generate};

/// Print a script that completes commands and options in a shell
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  lifeboat completions bash > ~/.local/share/bash-completion/completions/lifeboat
  lifeboat completions zsh > ~/.zfunc/_lifeboat
  lifeboat completions fish > ~/.config/fish/completions/lifeboat.fish")]
pub(super) struct Arguments {
    /// The shell
    shell: Shell,
}

pub(super) fn run(arguments: &Arguments, output: &mut Output<'_>) -> Result<Status, Trouble> {
    let mut script = Vec::new();
    generate(arguments.shell, &mut super::command(), "lifeboat", &mut script);
    output.text(&String::from_utf8_lossy(&script)).map_err(Trouble::Output)?;
    Ok(Status::Answered)
}
