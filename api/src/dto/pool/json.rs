//! Reading JSON by hand: one value at a time, with its pointer, noting what is wrong and going on. Values are
//! kept as raw text until somebody says what they should be, so that no number is too large to be talked
//! about, no key given twice is lost, and nothing is nested too deeply.
use super::words::Word;
use super::{Fault, FaultKind};
use crate::dto::name::Name;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::fmt;

/// Notes faults while values are read.
#[derive(Default)]
pub(in crate::dto) struct Reader {
    pub(in crate::dto) faults: Vec<Fault>,
}

/// The fields of one object, to be taken one by one.
pub(in crate::dto) struct Fields<'d> {
    pub(in crate::dto) at: String,
    by_name: BTreeMap<&'static str, &'d RawValue>,
    readable: bool,
}

impl Fields<'_> {
    fn pointer(&self, name: &str) -> String {
        format!("{}/{name}", self.at)
    }
}

impl Reader {
    pub(in crate::dto) fn add(&mut self, pointer: impl Into<String>, kind: FaultKind) {
        self.faults.push(Fault { pointer: pointer.into(), kind });
    }

    /// The fields of an object that may have `known` ones. Anything else than an object has none.
    pub(in crate::dto) fn fields<'d>(
        &mut self,
        value: &'d RawValue,
        at: &str,
        known: &'static [&'static str],
    ) -> Fields<'d> {
        let mut by_name = BTreeMap::new();
        let entries = self.entries(value, at);
        let readable = entries.is_some();
        for (key, value) in entries.into_iter().flatten() {
            let pointer = format!("{at}/{}", escape(&key));
            match known.iter().find(|name| **name == key) {
                None => self.add(pointer, FaultKind::UnknownField(nearest(&key, known))),
                Some(name) if by_name.contains_key(name) => self.add(pointer, FaultKind::DuplicateKey),
                Some(name) => {
                    by_name.insert(*name, value);
                }
            }
        }
        Fields { at: at.to_owned(), by_name, readable }
    }

    /// The entries of an object in document order, keys given twice included.
    pub(in crate::dto) fn entries<'d>(
        &mut self,
        value: &'d RawValue,
        at: &str,
    ) -> Option<Vec<(String, &'d RawValue)>> {
        if !self.is(value, at, "an object") {
            return None;
        }
        match serde_json::from_str::<Entries<'d>>(value.get()) {
            Ok(Entries(entries)) => Some(entries),
            Err(error) => {
                self.add(at, FaultKind::BadString(error.to_string()));
                None
            }
        }
    }

    /// A field that must be there.
    pub(in crate::dto) fn required<'d, T>(
        &mut self,
        fields: &mut Fields<'d>,
        name: &'static str,
        read: impl FnOnce(&mut Self, &'d RawValue, &str) -> Option<T>,
    ) -> Option<T> {
        if fields.readable && !fields.by_name.contains_key(name) {
            self.add(fields.pointer(name), FaultKind::Missing);
        }
        self.optional(fields, name, read)
    }

    /// A field that may be absent.
    pub(in crate::dto) fn optional<'d, T>(
        &mut self,
        fields: &mut Fields<'d>,
        name: &'static str,
        read: impl FnOnce(&mut Self, &'d RawValue, &str) -> Option<T>,
    ) -> Option<T> {
        let value = fields.by_name.remove(name)?;
        let pointer = fields.pointer(name);
        read(self, value, &pointer)
    }

    /// A field that may be absent or null.
    pub(in crate::dto) fn nullable<'d, T>(
        &mut self,
        fields: &mut Fields<'d>,
        name: &'static str,
        read: impl FnOnce(&mut Self, &'d RawValue, &str) -> Option<T>,
    ) -> Option<T> {
        if fields.by_name.get(name).is_some_and(|value| value.get() == "null") {
            fields.by_name.remove(name);
        }
        self.optional(fields, name, read)
    }

    /// Every element of an array, with its own pointer; one that cannot be read is still an element.
    pub(in crate::dto) fn list<'d, T>(
        &mut self,
        value: &'d RawValue,
        at: &str,
        mut read: impl FnMut(&mut Self, &'d RawValue, &str) -> T,
    ) -> Vec<T> {
        if !self.is(value, at, "an array") {
            return Vec::new();
        }
        match serde_json::from_str::<Vec<&'d RawValue>>(value.get()) {
            Ok(elements) => elements
                .into_iter()
                .enumerate()
                .map(|(position, element)| read(self, element, &format!("{at}/{position}")))
                .collect(),
            Err(error) => {
                self.add(at, FaultKind::Syntax(error.to_string()));
                Vec::new()
            }
        }
    }

    /// The strings of an array; a placeholder for what is none keeps the positions of the others.
    #[expect(clippy::unnecessary_wraps, reason = "the signature of all that reads a field")]
    pub(in crate::dto) fn strings(&mut self, value: &RawValue, at: &str) -> Option<Vec<String>> {
        let string =
            |reader: &mut Self, value, at: &str| reader.string(value, at).unwrap_or_else(|| placeholder(at));
        Some(self.list(value, at, string))
    }

    pub(in crate::dto) fn string(&mut self, value: &RawValue, at: &str) -> Option<String> {
        if !self.is(value, at, "a string") {
            return None;
        }
        match serde_json::from_str(value.get()) {
            Ok(text) => Some(text),
            Err(error) => {
                self.add(at, FaultKind::BadString(error.to_string()));
                None
            }
        }
    }

    pub(in crate::dto) fn boolean(&mut self, value: &RawValue, at: &str) -> Option<bool> {
        self.is(value, at, "true or false").then(|| value.get() == "true")
    }

    /// A whole number that is not negative.
    pub(in crate::dto) fn number(&mut self, value: &RawValue, at: &str) -> Option<u64> {
        let expected = "a whole number, 0 or more";
        if !self.is(value, at, expected) {
            return None;
        }
        let text = value.get();
        let number = serde_json::from_str(text).ok();
        if number.is_none() {
            let expected =
                if text.bytes().all(|byte| byte.is_ascii_digit()) { "much smaller" } else { expected };
            self.add(at, FaultKind::BadNumber { found: shortened(text), expected });
        }
        number
    }

    /// A number of any kind for which `read` has a meaning.
    pub(in crate::dto) fn number_as<T>(
        &mut self,
        value: &RawValue,
        at: &str,
        expected: &'static str,
        read: impl FnOnce(f64) -> Option<T>,
    ) -> Option<T> {
        if !self.is(value, at, expected) {
            return None;
        }
        let number = serde_json::from_str::<f64>(value.get()).ok().and_then(read);
        if number.is_none() {
            self.add(at, FaultKind::BadNumber { found: shortened(value.get()), expected });
        }
        number
    }

    /// A word of a closed vocabulary.
    pub(in crate::dto) fn word<W: Word>(&mut self, value: &RawValue, at: &str) -> Option<W> {
        let found = self.string(value, at)?;
        let word = W::WORDS.iter().find(|(spelling, _)| *spelling == found).map(|(_, word)| *word);
        if word.is_none() {
            let expected: Vec<String> =
                W::WORDS.iter().map(|(spelling, _)| format!("{spelling:?}")).collect();
            self.add(at, FaultKind::UnknownWord { found, expected: expected.join(", ") });
        }
        word
    }

    /// Whether a value is of the type that an expectation speaks of.
    fn is(&mut self, value: &RawValue, at: &str, expected: &'static str) -> bool {
        let found = kind(value.get());
        let right = match found {
            "a number" => expected.contains("number") || expected.starts_with("a share"),
            "a boolean" => expected == "true or false",
            kind => kind == expected,
        };
        if !right {
            self.add(at, FaultKind::WrongType { expected, found });
        }
        right
    }
}

/// What a JSON value is, seen from its first character.
fn kind(text: &str) -> &'static str {
    match text.as_bytes().first() {
        Some(b'{') => "an object",
        Some(b'[') => "an array",
        Some(b'"') => "a string",
        Some(b't' | b'f') => "a boolean",
        Some(b'n') => "null",
        _ => "a number",
    }
}

/// A name as one segment of a JSON pointer (RFC 6901).
pub(in crate::dto) fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// A name in place of one that cannot be read: like no other, since it has its own pointer in it, and not a good
/// one. What the model finds wrong with it is a consequence.
pub(in crate::dto) fn placeholder(at: &str) -> String {
    format!("\u{1}{at}")
}

/// A number may have a million digits; an answer need not.
fn shortened(number: &str) -> String {
    match number.char_indices().nth(40) {
        Some((end, _)) => format!("{}…", &number[..end]),
        None => number.to_owned(),
    }
}

/// The known name that a misspelt one most likely meant: at most two letters away, or the same but for case,
/// hyphens and underscores.
fn nearest(found: &str, known: &[&str]) -> Option<String> {
    let plain = |name: &str| name.to_lowercase().replace(['-', '_'], "");
    if found.len() > 64 {
        return None;
    }
    known
        .iter()
        .map(|name| (distance(&plain(found), &plain(name)), *name))
        .filter(|&(distance, name)| distance <= 2 && distance * 2 < name.len())
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, name)| name.to_owned())
}

/// Levenshtein's distance.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, left) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, right) in b.chars().enumerate() {
            let replaced = diagonal + usize::from(left != right);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(row[j + 1] + 1);
        }
    }
    row[row.len() - 1]
}

/// An object's entries as they stand.
struct Entries<'d>(Vec<(String, &'d RawValue)>);

impl<'de: 'd, 'd> Deserialize<'de> for Entries<'d> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct All;
        impl<'de> Visitor<'de> for All {
            type Value = Entries<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
                let mut entries = Vec::new();
                while let Some((key, value)) = map.next_entry::<Name<'de>, &'de RawValue>()? {
                    entries.push((key.into_owned(), value));
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(All)
    }
}
