//! Keys: names of things, outermost first, in an order that keeps what belongs together together.
use std::fmt;

/// What stands between two names. Names are printable, so none contains it.
const SEPARATOR: u8 = 0;

/// The key of a record: one or more names.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(Vec<u8>);

impl Key {
    /// The key made of these names, outermost first. Names are taken for printable: they come from documents that
    /// were checked.
    pub fn of(names: &[&str]) -> Self {
        let mut bytes = Vec::with_capacity(names.iter().map(|name| name.len() + 1).sum());
        for name in names {
            bytes.extend_from_slice(name.as_bytes());
            bytes.push(SEPARATOR);
        }
        Self(bytes)
    }

    /// The key of the `number`-th thing under these names: numbers sort as numbers.
    pub fn numbered(names: &[&str], number: u64) -> Self {
        let mut key = Self::of(names);
        key.0.extend_from_slice(format!("{number:020}").as_bytes());
        key.0.push(SEPARATOR);
        key
    }

    /// The key with these bytes, as a store kept them.
    pub fn from_bytes(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether it lies under `prefix`, or is it.
    pub fn is_under(&self, prefix: &Self) -> bool {
        self.0.starts_with(&prefix.0)
    }

    /// The smallest key beyond everything under this one; none if there is nothing beyond.
    pub fn end(&self) -> Option<Self> {
        let mut bytes = self.0.clone();
        while let Some(last) = bytes.pop() {
            if let Some(next) = last.checked_add(1) {
                bytes.push(next);
                return Some(Self(bytes));
            }
        }
        None
    }

    /// Its names, as far as they are text.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0
            .split(|byte| *byte == SEPARATOR)
            .filter(|name| !name.is_empty())
            .map(|name| str::from_utf8(name).unwrap_or_default())
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.names().collect();
        f.write_str(&names.join("/"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_sort_as_numbers() {
        assert!(Key::numbered(&["events", "p"], 9) < Key::numbered(&["events", "p"], 10));
    }

    #[test]
    fn a_pool_whose_name_begins_like_another_is_not_under_it() {
        let prod = Key::of(&["pools", "prod"]);
        assert!(Key::of(&["pools", "prod", "vms"]).is_under(&prod));
        assert!(!Key::of(&["pools", "prod-b", "vms"]).is_under(&prod));
    }

    #[test]
    fn the_end_is_beyond_everything_under_a_key() {
        let prod = Key::of(&["pools", "prod"]);
        let end = prod.end().expect("there is one");
        assert!(Key::of(&["pools", "prod", "\u{10FFFF}"]) < end);
        assert!(end <= Key::of(&["pools", "prod-b"]));
        assert_eq!(Key::from_bytes([0xFF, 0xFF]).end(), None);
    }

    #[test]
    fn names_come_back() {
        let key = Key::of(&["pools", "a/b", "vms", "ü"]);
        assert_eq!(key.names().collect::<Vec<_>>(), ["pools", "a/b", "vms", "ü"]);
    }
}
