//! What a failure tells: what was expected, the record, and what the agents wrote.
use super::Pool;
use crate::clock::until;
use std::fmt::Write;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

/// Lines of the record that are printed; all are in the report's file.
const RECORD_LINES: usize = 150;
/// Lines of an agent's log that are printed.
const LOG_LINES: usize = 40;

impl Pool {
    /// Waits until something holds.
    ///
    /// # Panics
    /// If it does not in time, or if a guest ran twice.
    pub fn expect(&self, what: &str, within: Duration, holds: impl FnMut() -> bool) {
        let held = until(within, holds);
        self.none_ran_twice();
        if !held {
            self.fail(&format!("{what} (within {:.1} s)", within.as_secs_f64()));
        }
        self.lab.recorder.note(&format!("as expected: {what}"));
    }

    /// Something holds now.
    ///
    /// # Panics
    /// If it does not.
    pub fn holds(&self, what: &str, held: bool) {
        self.none_ran_twice();
        if !held {
            self.fail(what);
        }
    }

    /// No guest ever ran twice.
    ///
    /// # Panics
    /// If one did.
    pub fn none_ran_twice(&self) {
        let violations = self.lab.recorder.record().violations.clone();
        if !violations.is_empty() {
            self.fail(&format!("no guest runs twice, but {violations:?}"));
        }
    }

    /// Tells all that is known, and ends the test.
    ///
    /// # Panics
    /// Always.
    pub fn fail(&self, expected: &str) -> ! {
        self.lab.recorder.note(&format!("NOT AS EXPECTED: {expected}"));
        let kept = self.keep_report(expected);
        let mut text = format!("expected: {expected}\nall of it: {}\n\n", kept.display());
        let record = self.lab.recorder.record().timeline();
        let _ = writeln!(text, "the record, in seconds:\n{}", tail(&record, RECORD_LINES));
        for host in &self.lab.hosts {
            let log = fs::read_to_string(host.folder().join("agent.log")).unwrap_or_default();
            let _ = writeln!(text, "agent of {}:\n{}", host.name(), tail(&log, LOG_LINES));
        }
        panic!("{text}");
    }

    /// Keeps the record and all logs where they outlive the lab.
    pub fn keep_report(&self, why: &str) -> PathBuf {
        let folder = self.programs.pid_1.with_file_name("hosts").join(format!(
            "{}-{}",
            self.lab.ledger.name(),
            self.lab.recorder.time() as u64
        ));
        // A report that cannot be kept is printed in part all the same.
        let _ = fs::create_dir_all(&folder);
        let _ = fs::write(folder.join("expected"), why);
        let _ = fs::write(folder.join("record"), self.lab.recorder.record().timeline());
        for host in &self.lab.hosts {
            for file in ["agent.log", "libvirtd.log", "console"] {
                let _ = fs::copy(host.folder().join(file), folder.join(format!("{}-{file}", host.name())));
            }
            let status = self.tell(host, &serde_json::json!({ "ask": "status" }));
            let status = status.map_or_else(|fault| fault, |status| format!("{status:#}"));
            let _ = fs::write(folder.join(format!("{}-status.json", host.name())), status);
        }
        for path in ["", "/hosts?limit=1000", "/vms?limit=1000", "/alerts"] {
            if let Some(answer) = self.ask("GET", path, None) {
                let name = path.trim_start_matches('/').split('?').next().unwrap_or_default();
                let _ = fs::write(folder.join(format!("api-{name}.json")), format!("{:#}", answer.body));
            }
        }
        folder
    }
}

fn tail(text: &str, most: usize) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(most)..].join("\n")
}
