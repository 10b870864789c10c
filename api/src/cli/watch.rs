//! Watching: what a verb shows is shown again whenever something has happened in the pool, until ctrl-C.
use super::Status;
use super::interrupt::on_interrupt;
use super::output::Output;
use super::session::Session;
use super::style::{OPEN, QUIET, styled};
use super::trouble::Trouble;
use crate::client::feed::{Feed, FeedItem};
use serde_json::Value;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::time::Duration;

/// Events that wait to be looked at; more of them make the reader wait.
const MOST_WAITING: usize = 1024;
/// How long more events are waited for before anything is drawn: a burst is drawn once.
const BURST: Duration = Duration::from_millis(100);
/// How long a burst may go on before it is drawn all the same.
const MOST_BURST: usize = 20;
/// How often is looked where there are no events to wait for.
const LOOK: Duration = Duration::from_secs(2);

/// What a verb shows.
#[derive(Debug)]
pub(super) enum Shown {
    /// For people.
    Text(String),
    /// For programs.
    Json(Value),
}

/// Something that ends a wait.
#[derive(Debug)]
pub(super) enum Occurrence {
    /// From the event stream.
    Feed(FeedItem),
    /// The user has seen enough.
    Interrupted,
}

/// When to look again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Watching {
    /// Not at all.
    Once,
    /// Every now and then: nothing tells when.
    Now,
    /// Whenever there is something on this stream of events.
    Events(String),
}

/// Shows what `look` sees; when watching, again whenever it has changed. `look` says whether there is anything to wait
/// for after this.
pub(super) fn show(
    session: &Session,
    watching: &Watching,
    output: &mut Output<'_>,
    mut look: impl FnMut(Option<u16>) -> Result<(Shown, bool), Trouble>,
) -> Result<Status, Trouble> {
    let (first, mut goes_on) = look(output.width())?;
    let events = match watching {
        Watching::Events(route) => Some(route.clone()),
        Watching::Once | Watching::Now => None,
    };
    if *watching == Watching::Once {
        print(output, &first)?;
        return Ok(Status::Answered);
    }
    let (occurrences, _feed) = listen(session, events, None)?;
    let eventful = matches!(watching, Watching::Events(_));
    let mut screen = Screen::default();
    screen.draw(output, &first)?;
    while goes_on {
        match wait(&occurrences, eventful, output)? {
            Wait::Over => break,
            Wait::Nothing => (),
            Wait::Look => match look(output.width()) {
                Ok((shown, more)) => {
                    screen.draw(output, &shown)?;
                    goes_on = more;
                }
                Err(Trouble::Client(error)) if error.may_pass() => say(output, &error.to_string()),
                Err(trouble) => return Err(trouble),
            },
        }
    }
    Ok(Status::Answered)
}

/// Everything that ends a wait: ctrl-C, and the events of a stream behind the event `after`.
pub(super) fn listen(
    session: &Session,
    events: Option<String>,
    after: Option<String>,
) -> Result<(Receiver<Occurrence>, Option<Feed>), Trouble> {
    let (sender, occurrences): (SyncSender<Occurrence>, _) = mpsc::sync_channel(MOST_WAITING);
    let interrupted = sender.clone();
    on_interrupt(move || {
        let _ = interrupted.send(Occurrence::Interrupted);
    })
    .map_err(Trouble::Watch)?;
    let follow = |path| {
        let heard = move |item| sender.send(Occurrence::Feed(item)).is_ok();
        Feed::follow(Arc::clone(session.client()), path, after, heard).map_err(Trouble::Watch)
    };
    Ok((occurrences, events.map(follow).transpose()?))
}

enum Wait {
    Look,
    Nothing,
    Over,
}

fn wait(
    occurrences: &Receiver<Occurrence>,
    eventful: bool,
    output: &mut Output<'_>,
) -> Result<Wait, Trouble> {
    let first = if eventful {
        occurrences.recv().map_err(|_| RecvTimeoutError::Disconnected)
    } else {
        occurrences.recv_timeout(LOOK)
    };
    let mut waited = Wait::Nothing;
    let mut next = match first {
        Ok(occurrence) => Some(occurrence),
        Err(RecvTimeoutError::Timeout) => return Ok(Wait::Look),
        Err(RecvTimeoutError::Disconnected) => return Ok(Wait::Over),
    };
    for _ in 0..MOST_BURST {
        match next {
            Some(Occurrence::Interrupted) => return Ok(Wait::Over),
            Some(Occurrence::Feed(FeedItem::Ended(error))) => return Err(error.into()),
            Some(Occurrence::Feed(FeedItem::Lost { why, wait })) => lost(output, &why, wait),
            Some(Occurrence::Feed(FeedItem::Connected | FeedItem::Event(_))) => waited = Wait::Look,
            None => break,
        }
        next = occurrences.recv_timeout(BURST).ok();
    }
    Ok(waited)
}

/// Says that the connection is gone.
pub(super) fn lost(output: &mut Output<'_>, why: &str, wait: Duration) {
    say(output, &format!("{why}; trying again in {:.1} s", wait.as_secs_f32()));
}

fn say(output: &mut Output<'_>, what: &str) {
    output.note(&format!("{} {what}\n", styled(OPEN, "connection lost:")));
}

/// Shows it, once.
pub(super) fn print(output: &mut Output<'_>, shown: &Shown) -> Result<(), Trouble> {
    match shown {
        Shown::Text(text) => output.text(text),
        Shown::Json(value) => output.json(value),
    }
    .map_err(Trouble::Output)
}

/// What stands on the screen.
#[derive(Default)]
struct Screen {
    drawn: Option<String>,
}

impl Screen {
    /// Draws, if it looks different. Where nobody looks at a screen, what is new follows what was; JSON is one line
    /// each.
    fn draw(&mut self, output: &mut Output<'_>, shown: &Shown) -> Result<(), Trouble> {
        let on_screen = output.width().is_some();
        let text = match shown {
            Shown::Json(value) => format!("{value}\n"),
            Shown::Text(text) if on_screen => format!("{text}\n{}\n", styled(QUIET, "ctrl-C ends")),
            Shown::Text(text) => text.clone(),
        };
        if self.drawn.as_ref() == Some(&text) {
            return Ok(());
        }
        let whole = match shown {
            Shown::Text(_) if on_screen => over(&text),
            Shown::Text(_) if self.drawn.is_some() => format!("\n{text}"),
            _ => text.clone(),
        };
        self.drawn = Some(text);
        output.text(&whole).and_then(|()| output.flush()).map_err(Trouble::Output)
    }
}

/// Text that takes the place of what is on the screen, line by line, so that nothing flickers.
fn over(text: &str) -> String {
    let lines = text.replace('\n', "\x1b[K\n");
    format!("\x1b[H{lines}\x1b[J")
}
