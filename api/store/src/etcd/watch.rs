//! Waits for a key to go.
use super::EtcdStore;
use super::wire::{Bytes, Number, Streamed, Watch, WatchRange, Watched};
use std::io::{BufRead, BufReader, Read};
use std::time::Duration;

/// The most bytes of one message: it tells of one key.
const MOST_MESSAGE_BYTES: u64 = 1 << 20;

impl EtcdStore {
    /// Waits until this key is deleted, in this revision or later, but no longer than `wait`. False: something went wrong,
    /// and it is not worth trying again at once.
    pub(super) fn watch(&self, key: Bytes, since: Number, wait: Duration) -> bool {
        let create_request = WatchRange { key, start_revision: since, filters: ["NOPUT"] };
        let Ok(stream) = self.client.stream(wait, "watch", &Watch { create_request }) else { return false };
        let mut stream = BufReader::new(stream);
        loop {
            let mut line = Vec::new();
            let read = (&mut stream).take(MOST_MESSAGE_BYTES).read_until(b'\n', &mut line);
            match read {
                // The time is over, as a rule.
                Err(_) => return true,
                Ok(0) => return false,
                Ok(_) => {}
            }
            let Ok(message) = serde_json::from_slice::<Streamed<Watched>>(&line) else { return false };
            if message.result.canceled {
                return false;
            }
            if !message.result.events.is_empty() {
                return true;
            }
        }
    }
}
