//! Server-sent events, taken apart as they come: bytes in, events out, in whatever pieces the network delivers them.
//! As the standard has it (WHATWG HTML, 9.2): lines end with CR, LF or both; a blank line ends an event; an id stays
//! until the next.
use std::mem;
use std::time::Duration;

/// The longest line, and the most data of one event, that is taken.
const MOST_BYTES: usize = 4 << 20;

/// One event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerEvent {
    /// The id to resume behind; empty where none was told yet.
    pub id: String,
    /// Its kind; empty where none was told.
    pub kind: String,
    /// What it says.
    pub data: String,
}

/// The stream is not one of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an event of more than {MOST_BYTES} bytes")]
pub struct TooLong;

/// What has come so far.
#[derive(Debug, Default)]
pub struct SseReader {
    line: Vec<u8>,
    after_cr: bool,
    begun: bool,
    id: String,
    kind: String,
    data: String,
    has_data: bool,
    retry: Option<Duration>,
}

impl SseReader {
    /// Takes bytes, and gives the events that they complete.
    ///
    /// # Errors
    /// If a line or an event has no end.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<ServerEvent>, TooLong> {
        let mut events = Vec::new();
        for &byte in bytes {
            let line_feed_of_pair = mem::take(&mut self.after_cr) && byte == b'\n';
            match byte {
                _ if line_feed_of_pair => (),
                b'\n' | b'\r' => {
                    self.after_cr = byte == b'\r';
                    let line = mem::take(&mut self.line);
                    self.end_of_line(&String::from_utf8_lossy(&line), &mut events)?;
                }
                _ if self.line.len() >= MOST_BYTES => return Err(TooLong),
                _ => self.line.push(byte),
            }
        }
        Ok(events)
    }

    /// How long the service asks to wait before connecting again.
    pub fn retry(&self) -> Option<Duration> {
        self.retry
    }

    fn end_of_line(&mut self, line: &str, events: &mut Vec<ServerEvent>) -> Result<(), TooLong> {
        let line =
            if mem::replace(&mut self.begun, true) { line } else { line.trim_start_matches('\u{FEFF}') };
        if line.is_empty() {
            let (kind, mut data) = (mem::take(&mut self.kind), mem::take(&mut self.data));
            if mem::take(&mut self.has_data) {
                // Every line of data ends with a line feed; the last does not count.
                data.pop();
                events.push(ServerEvent { id: self.id.clone(), kind, data });
            }
            return Ok(());
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "data" if self.data.len() + value.len() >= MOST_BYTES => return Err(TooLong),
            "data" => {
                self.has_data = true;
                self.data.push_str(value);
                self.data.push('\n');
            }
            "event" => value.clone_into(&mut self.kind),
            "id" if !value.contains('\0') => value.clone_into(&mut self.id),
            "retry" => self.retry = value.parse().ok().map(Duration::from_millis).or(self.retry),
            // A comment, which only keeps the connection alive, or a field of later days.
            _ => (),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Vec<(String, String, String)> {
        let events = SseReader::default().push(text.as_bytes()).expect("short");
        events.into_iter().map(|event| (event.id, event.kind, event.data)).collect()
    }

    fn event(id: &str, kind: &str, data: &str) -> (String, String, String) {
        (id.to_owned(), kind.to_owned(), data.to_owned())
    }

    #[test]
    fn an_event_ends_with_a_blank_line_whatever_ends_its_lines() {
        for end in ["\n", "\r\n", "\r"] {
            let text = "id: 7\nevent: verdict\ndata: {\"a\":\ndata: 1}\n\n".replace('\n', end);
            assert_eq!(read(&text), [event("7", "verdict", "{\"a\":\n1}")], "{end:?}");
        }
        assert_eq!(read("data: cut short\n"), []);
    }

    #[test]
    fn an_id_stays_until_the_next_and_a_kind_does_not() {
        let events = read("id:1\nevent:alert\ndata:a\n\ndata:b\n\nid\ndata:c\n\n");
        assert_eq!(events, [event("1", "alert", "a"), event("1", "", "b"), event("", "", "c")]);
    }

    #[test]
    fn comments_and_fields_of_later_days_are_passed_over() {
        assert_eq!(read(": alive\n\n:\n\nfuture: x\nid: 3\n\n"), [], "an event without data is none");
        let mut reader = SseReader::default();
        assert!(reader.push(b"retry: 1500\nretry: soon\n\n").is_ok_and(|events| events.is_empty()));
        assert_eq!(reader.retry(), Some(Duration::from_millis(1500)));
    }

    #[test]
    fn a_line_without_end_is_refused_before_it_fills_memory() {
        let mut reader = SseReader::default();
        let piece = vec![b'x'; 1 << 20];
        let pushed: Vec<bool> = (0..6).map(|_| reader.push(&piece).is_ok()).collect();
        assert_eq!(pushed, [true, true, true, true, false, false]);
    }

    proptest! {
        #[test]
        fn pieces_make_no_difference(
            lines in prop::collection::vec("(data|id|event|x)?:? ?[a-c:\u{FEFF}é]{0,4}(\r|\n|\r\n){1,2}", 0..12),
            cuts in prop::collection::vec(1_usize..9, 1..20),
        ) {
            let text = lines.concat();
            let whole = SseReader::default().push(text.as_bytes()).expect("short");
            let (mut reader, mut rest, mut pieces) = (SseReader::default(), text.as_bytes(), Vec::new());
            for cut in cuts.iter().cycle() {
                if rest.is_empty() {
                    break;
                }
                let (piece, behind) = rest.split_at((*cut).min(rest.len()));
                pieces.extend(reader.push(piece).expect("short"));
                rest = behind;
            }
            prop_assert_eq!(whole, pieces);
        }

        #[test]
        fn no_bytes_make_it_fall(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(SseReader::default().push(&bytes).is_ok());
        }
    }
}
