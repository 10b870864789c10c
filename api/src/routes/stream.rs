//! A pool's events as they happen, as server-sent events. A client that comes back with the id of its last event goes on
//! behind it; where that is kept no more, it is told of the gap first. Idle clients cost little: they hold a place in the log,
//! and nothing of the log itself.
use super::events::Kinds;
use crate::engine::PoolHandle;
use crate::engine::feed::Logged;
use crate::guard::places::Place;
use crate::metrics;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use std::vec::IntoIter;
use tokio::sync::watch;

/// How often an idle client is told that the connection stands.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// Entries taken from the log at once: they are shared, so this is a bound on pointers.
const AT_ONCE: usize = 64;

/// Somebody who listens.
struct Listener {
    handle: Arc<PoolHandle>,
    news: watch::Receiver<u64>,
    kinds: Kinds,
    /// The number of the last entry that was looked at.
    last: u64,
    waiting: IntoIter<Logged>,
    _place: Place,
    _counted: metrics::Listener,
}

/// The stream of what happens beyond number `after`; none: from now on.
pub(super) fn of(
    handle: Arc<PoolHandle>,
    after: Option<u64>,
    kinds: Kinds,
    place: Place,
    counted: metrics::Listener,
) -> Response {
    let mut news = handle.subscribe();
    let newest = news.borrow_and_update().saturating_sub(1);
    // A number that was not given out yet is from another life of the pool: such a listener is told that it missed something.
    let last = after.map_or(newest, |after| if after > newest { 0 } else { after });
    let listener = Listener {
        handle,
        news,
        kinds,
        last,
        waiting: Vec::new().into_iter(),
        _place: place,
        _counted: counted,
    };
    let events = stream::unfold(listener, async |mut listener| {
        let event = listener.next().await?;
        Some((Ok::<_, Infallible>(event), listener))
    });
    Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response()
}

impl Listener {
    /// The next event; none when nothing more will come.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(entry) = self.waiting.next() {
                return Some(event(&entry));
            }
            if self.handle.is_closed() {
                return None;
            }
            self.news.borrow_and_update();
            let page = self.handle.entries(Some(self.last), AT_ONCE);
            let Some(newest) = page.entries.last() else {
                self.waiting = Vec::new().into_iter();
                self.news.changed().await.ok()?;
                continue;
            };
            let (first, newest) = (page.entries[0].number, newest.number);
            let lost = page.gap.then(|| gap(self.last, first));
            self.last = newest;
            let kinds = &self.kinds;
            let wanted: Vec<Logged> = page.entries.into_iter().filter(|entry| kinds.want(entry)).collect();
            self.waiting = wanted.into_iter();
            if lost.is_some() {
                return lost;
            }
        }
    }
}

fn event(entry: &Logged) -> Event {
    Event::default().id(entry.number.to_string()).event(&*entry.kind).data(&*entry.json)
}

fn gap(after: u64, next: u64) -> Event {
    Event::default().event("gap").data(format!("{{\"kind\":\"gap\",\"after\":{after},\"next\":{next}}}"))
}
