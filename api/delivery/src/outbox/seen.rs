//! Which alerts came before, so that the same one is not told twice. The service sends what goes on again whenever it starts.
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// So many are remembered; those that came again last are forgotten last.
const MOST: usize = 8192;
/// Digits of one mark, as it is saved.
const DIGITS: usize = 16;

/// The last alerts, each by a mark of 64 bits: that two of so many have the same one has a chance of one in 10^11.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// When each came last.
    turns: BTreeMap<u64, u64>,
    marks: BTreeMap<u64, u64>,
    turn: u64,
}

impl Seen {
    /// Whether it did not come before; from now on it did.
    pub(crate) fn is_new(&mut self, key: &str) -> bool {
        let digest = Sha256::digest(key.as_bytes());
        let mark = digest.iter().take(8).fold(0, |mark, byte| mark << 8 | u64::from(*byte));
        self.note(mark)
    }

    fn note(&mut self, mark: u64) -> bool {
        self.turn += 1;
        let before = self.turns.insert(mark, self.turn);
        if let Some(before) = before {
            self.marks.remove(&before);
        }
        self.marks.insert(self.turn, mark);
        if self.marks.len() > MOST
            && let Some((_, oldest)) = self.marks.pop_first()
        {
            self.turns.remove(&oldest);
        }
        before.is_none()
    }

    /// All marks as digits, the one that came longest ago first.
    pub(crate) fn save(&self) -> String {
        self.marks.values().map(|mark| format!("{mark:016x}")).collect::<Vec<_>>().concat()
    }

    /// Takes back what was saved; what is no mark is left out.
    pub(crate) fn restore(&mut self, saved: &str) {
        for digits in saved.as_bytes().chunks(DIGITS) {
            let digits = str::from_utf8(digits).ok();
            if let Some(mark) = digits.and_then(|digits| u64::from_str_radix(digits, 16).ok()) {
                self.note(mark);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{MOST, Seen};

    #[test]
    fn what_keeps_coming_is_remembered_and_what_came_long_ago_is_forgotten() {
        let mut seen = Seen::default();
        assert!(seen.is_new("goes on") && seen.is_new("once"));
        for number in 0..MOST {
            assert!(seen.is_new(&number.to_string()));
            assert!(number % 1000 != 0 || !seen.is_new("goes on"));
        }
        assert!(!seen.is_new("goes on"));
        assert!(seen.is_new("once"));
        assert_eq!(seen.marks.len(), MOST);
        assert_eq!(seen.turns.len(), MOST);
    }

    #[test]
    fn what_is_saved_is_remembered() {
        let mut seen = Seen::default();
        for number in 0..100 {
            seen.is_new(&number.to_string());
        }
        let mut later = Seen::default();
        later.restore(&seen.save());
        later.restore("no marks, and no characters of one byte: ä");
        assert!((0..100).all(|number| !later.is_new(&number.to_string())));
        assert_eq!(later.save().len(), 1600);
    }
}
