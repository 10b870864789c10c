//! `lifeboat demo`: the service with a simulated pool of real VM sizes, in real time, on one machine and without any set-up.
//! Hosts can be killed, networks split and disks taken away by a word, and what becomes of it is shown.
//!
//! ```text
//!   prompt, HTTP, script ─► Conductor (a thread, the clock) ─► Driver ─► Live (lifeboat-simulator)
//!                                 │                              ├─► Facts ─► the service's pool ─► Verdict
//!                                 └─► Scene ◄────────────────────┴─► Story
//!                                       └─► screen ─► terminal, lines, picture
//! ```
//!
//! The simulated pool runs the product's own agents and coordinator, with their codecs and their encryption; the service is the
//! product's own too, and hears only what such a pool would tell it. [`driver`] and whatever it uses are pure: threads,
//! clock, sockets and streams are in [`conductor`], [`service`] and [`terminal`].
pub mod command;
pub mod conductor;
pub mod driver;
pub mod facts;
pub mod paint;
pub mod pool;
pub mod remote;
pub mod routes;
pub mod scene;
pub mod screen;
pub mod script;
pub mod service;
pub mod sink;
pub mod story;
pub mod terminal;

use crate::cli::file;
use crate::cli::output::Output;
use crate::cli::trouble::Trouble;
use command::{Command, CommandError};
use conductor::Conductor;
use driver::Driver;
use lifeboat_model::Pool;
use pool::Recipe;
use screen::Size;
use script::{ScriptError, Step};
use service::{DemoService, ServiceError};
use std::io;
use std::path::{Path, PathBuf};

/// What the demo is to be.
#[derive(Clone, Debug)]
pub struct DemoSettings {
    /// Its pool.
    pub recipe: Recipe,
    /// How fast the pool's time runs: [`SPEEDS`].
    pub speed: f64,
    /// What is to happen when.
    pub script: Option<String>,
    /// When it ends by itself.
    pub lasts: Option<String>,
    /// Where to listen; none: on the usual port, or any other if that is taken.
    pub port: Option<u16>,
    /// Where the last view is drawn into.
    pub svg: Option<PathBuf>,
}

/// How fast the pool's time may run.
pub const SPEEDS: std::ops::RangeInclusive<f64> = 0.1..=20.0;

/// Why there is no demo.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The time runs too fast or too slowly.
    #[error("--speed {0} is beyond what there is: {low} to {high}", low = SPEEDS.start(), high = SPEEDS.end())]
    Speed(f64),
    /// The script makes no sense.
    #[error("--script cannot be followed")]
    Script(#[from] ScriptError),
    /// `--for` makes no sense.
    #[error("--for cannot be understood")]
    Lasts(#[source] CommandError),
    /// The service does not start.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// The simulated pool does not start.
    #[error("the simulated pool cannot be started")]
    Pool(#[source] io::Error),
}

/// Columns of the picture.
const PICTURE: usize = 112;
/// Rows of the picture at most.
const MOST_ROWS: usize = 48;

/// Runs the demo until somebody ends it.
///
/// # Errors
/// If it cannot begin, or what is shown cannot be written.
pub fn run(settings: &DemoSettings, output: &mut Output<'_>) -> Result<(), Trouble> {
    let pool = made(settings.recipe);
    let script = script(settings, &pool)?;
    if !SPEEDS.contains(&settings.speed) {
        return Err(DemoError::Speed(settings.speed).into());
    }
    let mut service = DemoService::start(settings.port, pool.clone()).map_err(DemoError::from)?;
    let shown = scene::Service { url: service.url(), speed: settings.speed, late: false };
    let seed = settings.recipe.seed;
    let begin = move || {
        let live = driver::form(pool, seed).map_err(|error| error.to_string())?;
        Ok(Driver::new(live, script))
    };
    let sink = service.sink();
    let (conductor, thread) = Conductor::start(begin, Box::new(sink), shown).map_err(DemoError::Pool)?;
    let (inputs, heard) = terminal::inputs();
    let routes = routes::routes(conductor.clone(), service.guard());
    service.serve(routes, inputs.clone()).map_err(DemoError::from)?;
    terminal::read_lines(inputs).map_err(DemoError::Pool)?;
    let ended = terminal::show(&conductor, &heard, output).map_err(Trouble::Output);
    // Whatever happened to the terminal: the pool ends first, then the service.
    drop(conductor.say("quit"));
    drop(thread.join());
    service.end();
    if let Some(path) = &settings.svg {
        draw(&conductor, path)?;
    }
    ended
}

fn made(recipe: Recipe) -> Pool {
    Pool::new(&recipe.pool()).expect("the recipe makes pools that are right, and its test says so")
}

fn script(settings: &DemoSettings, pool: &Pool) -> Result<Vec<Step>, DemoError> {
    let mut script = script::parse(settings.script.as_deref().unwrap_or_default(), pool)?;
    if let Some(lasts) = &settings.lasts {
        let at = command::seconds(lasts).map_err(DemoError::Lasts)?;
        script.push(Step { at, line: "quit".to_owned(), command: Command::Quit });
        script.sort_by_key(|step| step.at);
    }
    Ok(script)
}

/// Draws the last view into a file.
fn draw(conductor: &Conductor, path: &Path) -> Result<(), Trouble> {
    let rows = screen::draw(&conductor.scene(), Size { columns: PICTURE, rows: MOST_ROWS });
    let picture = paint::svg(&screen::without_gap(rows), PICTURE, "What lifeboat demo shows");
    file::save(path, |writer| writer.write_all(picture.as_bytes()))
}

#[cfg(test)]
mod tests;
