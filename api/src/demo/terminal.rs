//! The demo at a terminal: the scene above, the prompt below, drawn anew where it has changed. The line that is typed belongs
//! to the terminal, which echoes and edits it as it does everywhere; only whole lines come here. Where nobody looks, the
//! story is printed line by line instead.
use super::conductor::{self, Conductor};
use super::paint;
use super::scene::Scene;
use super::screen::{self, Size};
use crate::cli::output::Output;
use crate::cli::style::{QUIET, STRONG, styled};
use std::fmt::Write as _;
use std::io::{self, BufRead};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;
use terminal_size::{Height, Width, terminal_size};

/// What comes from outside.
#[derive(Debug)]
pub enum Input {
    /// A line that was typed.
    Line(String),
    /// The process is told to end.
    End,
}

/// How often the screen is looked at.
const FRAME: Duration = Duration::from_millis(100);
/// Rows that belong to the prompt: itself, and the answer below it.
const PROMPT_ROWS: usize = 2;
const USUAL: Size = Size { columns: 80, rows: 24 };
/// Sentences that are said again when the screen has been left.
const LAST: usize = 12;

const ENTER: &str = "\x1b[?1049h\x1b[2J";
const LEAVE: &str = "\x1b[?1049l";
const CLEAR_LINE: &str = "\x1b[K";
const KEEP_CURSOR: &str = "\x1b7";
const BACK_TO_CURSOR: &str = "\x1b8";

/// Reads lines from standard input in a thread of its own, which ends with the process: reading cannot be broken off.
///
/// # Errors
/// If there can be no further thread.
pub fn read_lines(lines: Sender<Input>) -> io::Result<()> {
    let read = move || {
        for line in io::stdin().lock().lines() {
            let Ok(line) = line else { return };
            if lines.send(Input::Line(line)).is_err() {
                return;
            }
        }
    };
    thread::Builder::new().name("prompt".to_owned()).spawn(read).map(drop)
}

/// Shows the pool until it is no more or the process is told to end.
///
/// # Errors
/// Those of standard output.
pub fn show(conductor: &Conductor, inputs: &Receiver<Input>, output: &mut Output<'_>) -> io::Result<()> {
    if output.is_screen() {
        on_screen(conductor, inputs, output)
    } else {
        in_lines(conductor, inputs, output)
    }
}

/// Where nobody looks: a line for each sentence.
fn in_lines(conductor: &Conductor, inputs: &Receiver<Input>, output: &mut Output<'_>) -> io::Result<()> {
    let mut last = 0;
    output.text(&format!("the service answers at {}\n", conductor.scene().service.url))?;
    loop {
        let over = conductor.is_over();
        let scene = conductor.scene();
        for item in conductor::after(&scene, last) {
            // Sentences stand in the order of their times, which is not always that of their numbers.
            last = last.max(item.number);
            for row in screen::sentence(item, usize::MAX) {
                output.text(&format!("{}\n", paint::ansi(&row)))?;
            }
        }
        output.flush()?;
        if over {
            return Ok(());
        }
        match heard(inputs) {
            Some(Input::Line(line)) if line.trim().is_empty() => {}
            Some(Input::Line(line)) => {
                let answer = answer(conductor, &line);
                output.text(&format!("{answer}\n"))?;
            }
            Some(Input::End) => drop(conductor.say("quit")),
            None => {}
        }
    }
}

fn on_screen(conductor: &Conductor, inputs: &Receiver<Input>, output: &mut Output<'_>) -> io::Result<()> {
    output.text(ENTER)?;
    let shown = Screen::default().show(conductor, inputs, output);
    output.text(LEAVE)?;
    let scene = conductor.scene();
    for item in scene.items.iter().rev().take(LAST).rev() {
        for row in screen::sentence(item, usize::MAX) {
            output.text(&format!("{}\n", paint::ansi(&row)))?;
        }
    }
    output.flush()?;
    shown
}

/// What stands on the screen.
#[derive(Default)]
struct Screen {
    size: Option<Size>,
    rows: Vec<String>,
    /// The last answer; one of several lines takes the place of the scene until the next line.
    answer: String,
}

impl Screen {
    fn show(
        mut self,
        conductor: &Conductor,
        inputs: &Receiver<Input>,
        output: &mut Output<'_>,
    ) -> io::Result<()> {
        while !conductor.is_over() {
            self.draw(&conductor.scene(), output)?;
            match heard(inputs) {
                Some(Input::Line(line)) => {
                    self.answer =
                        if line.trim().is_empty() { String::new() } else { answer(conductor, &line) };
                    // The terminal has gone to the next line: everything is drawn anew.
                    self.size = None;
                }
                Some(Input::End) => drop(conductor.say("quit")),
                None => {}
            }
        }
        self.draw(&conductor.scene(), output)
    }

    fn draw(&mut self, scene: &Scene, output: &mut Output<'_>) -> io::Result<()> {
        let size = terminal_size().map_or(USUAL, |(Width(columns), Height(rows))| Size {
            columns: usize::from(columns),
            rows: usize::from(rows),
        });
        let room = Size { rows: size.rows.saturating_sub(PROMPT_ROWS), ..size };
        let mut rows: Vec<String> = screen::draw(scene, room).iter().map(paint::ansi).collect();
        rows.truncate(room.rows);
        let long = self.answer.contains('\n');
        if long {
            // What is long takes the place of everything, if it needs that.
            let lines = self.answer.lines().count();
            let header = HEADER_ROWS.min(room.rows.saturating_sub(lines));
            let told = self.answer.lines().chain(std::iter::repeat(""));
            for (row, line) in rows.iter_mut().skip(header).zip(told) {
                *row = line.chars().take(size.columns).collect();
            }
        }
        let mut frame = String::new();
        let anew = self.size != Some(size);
        if anew {
            frame.push_str("\x1b[2J");
            self.rows.clear();
            let below = match (long, self.answer.as_str()) {
                (true, _) => styled(QUIET, "Enter goes back"),
                (false, answer) => answer.chars().take(size.columns.saturating_sub(1)).collect(),
            };
            let _ = write!(frame, "\x1b[{};1H{below}{CLEAR_LINE}", room.rows + 2);
            let _ = write!(frame, "\x1b[{};1H{}{CLEAR_LINE}", room.rows + 1, styled(STRONG, "> "));
            self.size = Some(size);
        }
        let changed = rows.iter().enumerate().filter(|(at, row)| self.rows.get(*at) != Some(*row));
        let mut drawn = false;
        for (at, row) in changed {
            if !drawn {
                frame.push_str(KEEP_CURSOR);
                drawn = true;
            }
            let _ = write!(frame, "\x1b[{};1H{row}{CLEAR_LINE}", at + 1);
        }
        if drawn {
            frame.push_str(BACK_TO_CURSOR);
        }
        self.rows = rows;
        output.text(&frame)?;
        output.flush()
    }
}

/// Rows at the top of a scene that a long answer leaves alone, where it can.
const HEADER_ROWS: usize = 4;

fn heard(inputs: &Receiver<Input>) -> Option<Input> {
    match inputs.recv_timeout(FRAME) {
        Ok(input) => Some(input),
        Err(RecvTimeoutError::Timeout) => None,
        // Nobody types any more and nobody ends it: the pool goes on until its script does.
        Err(RecvTimeoutError::Disconnected) => Some(Input::End),
    }
}

fn answer(conductor: &Conductor, line: &str) -> String {
    let heard = match conductor.say(line) {
        Ok(heard) => heard,
        Err(unheard) => return unheard.to_string(),
    };
    match heard.blocking_recv() {
        Ok(Ok(answer) | Err(answer)) => answer,
        Err(_) => conductor::Unheard::Over.to_string(),
    }
}

/// A channel for what comes from outside.
pub fn inputs() -> (Sender<Input>, Receiver<Input>) {
    mpsc::channel()
}
