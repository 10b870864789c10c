//! How long a verb may search, and how it shows that it does. The planner is told when to stop through
//! [`Limits`]; the clock behind that is here.
use super::output::Output;
use crate::clock::Stopwatch;
use indicatif::{ProgressBar, ProgressStyle};
use lifeboat_model::verdict::Notion;
use lifeboat_planner::{Limits, Progress};
use std::num::NonZeroUsize;
use std::sync::OnceLock;
use std::thread;
use std::time::Duration;

/// Bounds of a search.
#[derive(Clone, Debug, clap::Args)]
pub struct SearchArguments {
    /// Examine no more than this many failures
    #[arg(long = "max", value_name = "N")]
    pub max_failures: Option<u32>,
    /// Stop after this long and say what is still open
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    pub time_limit: Duration,
    /// Stop after this much work: the same input then gets the same answer everywhere
    #[arg(long, value_name = "N")]
    pub work_limit: Option<u64>,
    /// Threads to search with; the answer does not depend on it [default: one a core]
    #[arg(long, value_name = "N")]
    pub threads: Option<NonZeroUsize>,
}

impl SearchArguments {
    /// Runs a search within the bounds. `share` of the time limit is for it, counted from the start of
    /// `clock`; the rest is for what comes after.
    pub fn run<T>(
        &self,
        clock: &Stopwatch,
        share: f64,
        output: &Output<'_>,
        search: impl FnOnce(&Limits<'_>) -> T,
    ) -> T {
        let deadline = self.time_limit.mul_f64(share);
        let stop = || clock.has_reached(deadline);
        let spinner = Spinner { clock: *clock, bar: OnceLock::new() };
        let progress = |progress: Progress| spinner.show(progress);
        let answer = search(&Limits {
            max_failures: self.max_failures,
            work: self.work_limit,
            threads: self
                .threads
                .or_else(|| thread::available_parallelism().ok())
                .unwrap_or(NonZeroUsize::MIN),
            stop: Some(&stop),
            progress: if output.shows_progress() { Some(&progress) } else { None },
        });
        spinner.clear();
        answer
    }
}

/// A number of seconds, whole or not.
pub(super) fn seconds(text: &str) -> Result<Duration, String> {
    text.parse()
        .ok()
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .ok_or_else(|| "must be a number of seconds, 0 or more".to_owned())
}

/// What moves on the terminal while a search takes long. Quick ones never show it.
struct Spinner {
    clock: Stopwatch,
    bar: OnceLock<ProgressBar>,
}

impl Spinner {
    /// Short enough to be no annoyance, long enough not to flicker.
    const PATIENCE: Duration = Duration::from_millis(300);

    fn show(&self, progress: Progress) {
        if !self.clock.has_reached(Self::PATIENCE) {
            return;
        }
        let bar = self.bar.get_or_init(|| {
            let style = ProgressStyle::with_template("{spinner} {msg} ({elapsed})");
            ProgressBar::new_spinner().with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()))
        });
        bar.set_message(sentence(&progress));
        bar.tick();
    }

    fn clear(&self) {
        if let Some(bar) = self.bar.get() {
            bar.finish_and_clear();
        }
    }
}

fn sentence(progress: &Progress) -> String {
    let notion = match progress.notion {
        Notion::Simultaneous => "at once",
        Notion::Sequential => "one after the other",
    };
    let known = |word: &str, bound: Option<u32>| bound.map(|n| format!(", {n} {word}")).unwrap_or_default();
    format!(
        "{} failures {notion}{}{}",
        progress.failures,
        known("proven", progress.proven),
        known("refuted", progress.refuted)
    )
}
