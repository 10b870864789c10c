//! The page about the command line: every command that it names is one, and every command has help with examples.
use crate::{lifeboat, root};
use lifeboat::cli::{self, Status};
use std::fs;
use tempfile::tempdir;

/// The commands in the rows of the page's tables: code that begins with `lifeboat`.
fn named() -> Vec<String> {
    let page = fs::read_to_string(root().join("docs/cli.md")).expect("the page is there");
    let rows = page.lines().filter(|line| line.starts_with('|'));
    let code = rows.flat_map(|row| row.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>());
    code.filter(|code| code.starts_with("lifeboat ")).collect()
}

#[test]
fn every_command_that_the_page_names_is_one() {
    let named = named();
    assert!(named.len() > 60, "{}", named.len());
    for command in named {
        let words = command.replace("'…'", "why").replace('…', "x");
        let parsed = cli::command().try_get_matches_from(words.split_whitespace());
        assert!(
            parsed.is_ok(),
            "{command}: {}",
            parsed.err().map(|error| error.to_string()).unwrap_or_default()
        );
    }
}

#[test]
fn every_command_of_the_reference_product_has_its_own() {
    let page = fs::read_to_string(root().join("docs/cli.md")).expect("the page is there");
    for command in [
        "pool-ha-enable",
        "pool-ha-disable",
        "pool-ha-prevent-restarts-for",
        "pool-ha-compute-max-host-failures-to-tolerate",
        "pool-ha-compute-hypothetical-max-host-failures-to-tolerate",
        "pool-ha-compute-vm-failover-plan",
        "host-emergency-ha-disable",
        "pool-emergency-transition-to-master",
        "pool-emergency-reset-master",
        "pool-recover-slaves",
        "pool-designate-new-master",
        "pool-sync-database",
        "host-is-in-emergency-mode",
        "host-declare-dead",
        "host-forget",
        "host-disable",
        "host-enable",
        "host-evacuate",
        "host-shutdown",
        "host-reboot",
        "host-get-vms-which-prevent-evacuation",
        "host-ha-xapi-healthcheck",
        "diagnostic-vm-status",
        "pool-enable-redo-log",
        "pool-disable-redo-log",
        "ha-restart-priority",
        "order",
        "start-delay",
        "shutdown-delay",
        "ha-host-failures-to-tolerate",
        "ha-allow-overcommit",
        "ha-reboot-vm-on-internal-shutdown",
        "default_ha_timeout",
    ] {
        let row = page.lines().find(|line| line.starts_with("| `") && line.contains(command));
        assert!(row.is_some(), "{command} is not in the table");
    }
}

#[test]
fn every_command_has_help_with_an_example() {
    fn below(command: &clap::Command, path: &str, seen: &mut usize) {
        // The verbs of the configuration are one another's examples.
        for inner in command.get_subcommands().filter(|_| command.get_name() != "config") {
            let path = format!("{path} {}", inner.get_name());
            let help = lifeboat(&format!("{path} --help"));
            assert_eq!(help.status, Status::Answered, "{path}");
            assert!(help.out.contains("Example"), "{path}");
            *seen += 1;
            below(inner, &path, seen);
        }
    }
    let mut seen = 0;
    below(&cli::command(), "lifeboat", &mut seen);
    assert!(seen > 80, "{seen}");
}

#[test]
fn what_people_read_first_reads_well() {
    insta::assert_snapshot!(lifeboat("lifeboat --help").out);
    insta::assert_snapshot!(lifeboat("lifeboat pool --help").out);
    insta::assert_snapshot!(lifeboat("lifeboat host evacuate --help").out);
    insta::assert_snapshot!(lifeboat("lifeboat vm stop --help").out);
}

#[test]
fn shells_complete_every_noun() {
    for shell in ["bash", "zsh", "fish"] {
        let script = lifeboat(&format!("lifeboat completions {shell}"));
        assert_eq!(script.status, Status::Answered);
        assert!(script.out.contains("confirm-dead") && script.out.contains("token-file"), "{shell}");
    }
}

#[test]
fn every_command_has_a_manual_page() {
    let folder = tempdir().expect("a folder");
    let run = lifeboat(&format!("lifeboat man {}", folder.path().display()));
    assert_eq!(run.status, Status::Answered, "{}", run.err);
    let page = fs::read_to_string(folder.path().join("lifeboat-host-evacuate.1")).expect("the page is there");
    assert!(page.contains("Examples:") && page.contains(".TH"), "{page}");
    assert!(folder.path().join("lifeboat.1").exists());
}
