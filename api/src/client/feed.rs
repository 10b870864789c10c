//! The events of a pool as they happen, through lost connections: a thread reads, and takes up again behind the last
//! event that it has seen. Whoever listens is told when the connection goes and when it is back.
use super::backoff::Backoff;
use super::sse::{ServerEvent, SseReader};
use super::{Client, ClientError};
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

/// What the stream tells.
#[derive(Debug)]
pub enum FeedItem {
    /// The connection stands.
    Connected,
    /// Something has happened in the pool.
    Event(ServerEvent),
    /// The connection is gone; it is tried again after that time.
    Lost {
        /// Why.
        why: String,
        /// When it is tried again.
        wait: Duration,
    },
    /// The service refuses: nothing more will come.
    Ended(ClientError),
}

/// A stream that is followed. It ends when this is dropped.
#[derive(Debug)]
pub struct Feed {
    /// Its end of the channel going away tells the thread to stop.
    _stop: Sender<()>,
}

impl Feed {
    /// Follows the events at `path` from behind the event `after`, and tells `heard` of each.
    ///
    /// # Errors
    /// If no thread can be started.
    pub fn follow(
        client: Arc<Client>,
        path: String,
        after: Option<String>,
        heard: impl FnMut(FeedItem) -> bool + Send + 'static,
    ) -> io::Result<Self> {
        let (stop, stopped) = mpsc::channel();
        let follower = Follower { client, path, after, stopped, heard };
        thread::Builder::new().name("events".to_owned()).spawn(move || follower.run())?;
        Ok(Self { _stop: stop })
    }
}

struct Follower<H> {
    client: Arc<Client>,
    path: String,
    after: Option<String>,
    stopped: Receiver<()>,
    /// Says whether anybody still listens.
    heard: H,
}

impl<H: FnMut(FeedItem) -> bool> Follower<H> {
    fn run(mut self) {
        let mut backoff = Backoff::default();
        loop {
            let mut reader = SseReader::default();
            let why = match self.client.stream(&self.path, self.after.as_deref()) {
                Ok(stream) => match self.read(stream, &mut reader, &mut backoff) {
                    Some(why) => why,
                    None => return,
                },
                Err(error) if error.may_pass() => error.to_string(),
                Err(error) => {
                    (self.heard)(FeedItem::Ended(error));
                    return;
                }
            };
            let wait = backoff.failed().max(reader.retry().unwrap_or_default());
            let listened_to = (self.heard)(FeedItem::Lost { why, wait });
            if !listened_to || self.stopped.recv_timeout(wait) != Err(RecvTimeoutError::Timeout) {
                return;
            }
        }
    }

    /// Reads until the stream breaks, and says why it did; none if nobody listens any more.
    fn read(
        &mut self,
        mut stream: impl Read,
        reader: &mut SseReader,
        backoff: &mut Backoff,
    ) -> Option<String> {
        if !(self.heard)(FeedItem::Connected) {
            return None;
        }
        let mut bytes = [0; 16 << 10];
        loop {
            let read = match stream.read(&mut bytes) {
                Ok(0) => return Some("the service has ended the stream".to_owned()),
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Some(error.to_string()),
            };
            let events = match reader.push(&bytes[..read]) {
                Ok(events) => events,
                Err(error) => return Some(error.to_string()),
            };
            for event in events {
                backoff.succeeded();
                if !event.id.is_empty() {
                    self.after = Some(event.id.clone());
                }
                if !(self.heard)(FeedItem::Event(event)) {
                    return None;
                }
            }
        }
    }
}
