//! Reading the file: every fault is noted and reading goes on, so that one look tells all of them.
use super::check::ConfigFault;
use super::setting::Setting;
use std::collections::BTreeMap;
use std::ops::{Range, RangeInclusive};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The file being read: what was found, where, and what is wrong with it.
#[derive(Debug)]
pub struct Reader<'i> {
    text: &'i str,
    tables: BTreeMap<String, (Range<usize>, DeTable<'i>)>,
    places: BTreeMap<String, usize>,
    known: Vec<&'static str>,
    faults: Vec<ConfigFault>,
}

impl<'i> Reader<'i> {
    /// Takes the text apart.
    pub fn new(text: &'i str) -> Self {
        let mut reader = Self {
            text,
            tables: BTreeMap::new(),
            places: BTreeMap::new(),
            known: Vec::new(),
            faults: Vec::new(),
        };
        let (root, errors) = DeTable::parse_recoverable(text);
        for error in &errors {
            let at = error.span().map(|span| span.start);
            reader.fault(at, "", error.message());
        }
        for (name, value) in root.into_inner() {
            let (at, name) = (name.span().start, name.into_inner().into_owned());
            let span = value.span();
            reader.places.insert(name.clone(), at);
            match value.into_inner() {
                DeValue::Table(table) => {
                    reader.tables.insert(name, (span, table));
                }
                other => {
                    let found = other.type_str();
                    reader.fault(Some(at), &name, format!("must be a table, [{name}], not a {found}"));
                }
            }
        }
        reader
    }

    /// Reads a table key by key. What is not asked for is unknown.
    pub fn section<T>(&mut self, name: &'static str, read: impl FnOnce(&mut Keys<'_, 'i>) -> T) -> T {
        self.known.push(name);
        let table = self.tables.remove(name).map(|(_, table)| table).unwrap_or_default();
        let mut keys = Keys { reader: self, section: name, table, known: Vec::new() };
        let value = read(&mut keys);
        let Keys { table, known, .. } = keys;
        for key in table.keys() {
            let path = format!("{name}.{}", key.get_ref());
            let words = unknown("key", key.get_ref(), &known);
            self.fault(Some(key.span().start), &path, words);
        }
        value
    }

    /// Ends: sections that nobody asked for are unknown.
    pub fn end(mut self) -> (Vec<ConfigFault>, Places<'i>) {
        let known = std::mem::take(&mut self.known);
        for (name, _) in std::mem::take(&mut self.tables) {
            let at = self.places.get(&name).copied();
            let words = unknown("section", &name, &known);
            self.fault(at, &name, words);
        }
        self.faults.sort_by_key(|fault| fault.at);
        (self.faults, Places { text: self.text, places: self.places })
    }

    fn fault(&mut self, at: Option<usize>, key: &str, message: impl Into<String>) {
        let at = at.map(|at| position(self.text, at));
        self.faults.push(ConfigFault { at, key: key.to_owned(), message: message.into() });
    }
}

/// One table being read.
#[derive(Debug)]
pub struct Keys<'r, 'i> {
    reader: &'r mut Reader<'i>,
    section: &'static str,
    table: DeTable<'i>,
    known: Vec<&'static str>,
}

impl<'i> Keys<'_, 'i> {
    /// The value of a key, or `usual` where it is not there or cannot be used.
    pub fn take<T: Setting>(
        &mut self,
        name: &'static str,
        usual: T,
        range: Option<&RangeInclusive<u64>>,
    ) -> T {
        let Some((path, value)) = self.value(name) else { return usual };
        let at = Some(value.span().start);
        match T::read(value.get_ref()) {
            Ok(read) => match range {
                Some(range) if !read.lies_in(range) => {
                    let (least, most) = (range.start(), range.end());
                    self.reader.fault(at, &path, format!("must be {least} to {most}"));
                    usual
                }
                _ => read,
            },
            Err(message) => {
                self.reader.fault(at, &path, message);
                usual
            }
        }
    }

    /// The tables of a list of tables, each with its place; none where there is none.
    pub fn tables(&mut self, name: &'static str) -> Vec<Spanned<DeValue<'i>>> {
        let Some((path, value)) = self.value(name) else { return Vec::new() };
        let at = Some(value.span().start);
        match value.into_inner() {
            DeValue::Array(list) => list.into_iter().collect(),
            other => {
                let words = format!("must be tables, [[{path}]], not a {}", other.type_str());
                self.reader.fault(at, &path, words);
                Vec::new()
            }
        }
    }

    /// Notes a fault of this table.
    pub fn fault(&mut self, at: Option<usize>, key: &str, message: impl Into<String>) {
        let path = format!("{}.{key}", self.section);
        self.reader.fault(at, &path, message);
    }

    fn value(&mut self, name: &'static str) -> Option<(String, Spanned<DeValue<'i>>)> {
        self.known.push(name);
        let (key, value) = self.table.remove_entry(name)?;
        let path = format!("{}.{name}", self.section);
        self.reader.places.insert(path.clone(), key.span().start);
        Some((path, value))
    }
}

/// Where each key stands in the file.
#[derive(Default, Debug)]
pub struct Places<'i> {
    text: &'i str,
    places: BTreeMap<String, usize>,
}

impl Places<'_> {
    /// Line and column of a key, or of its section where it is not there itself.
    pub fn of(&self, key: &str) -> Option<(usize, usize)> {
        let section = key.split('.').next().unwrap_or_default();
        let at = self.places.get(key).or_else(|| self.places.get(section))?;
        Some(position(self.text, *at))
    }
}

/// Line and column of a byte, both from 1.
fn position(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at.min(text.len())).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |end| end + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

fn unknown(what: &str, name: &str, known: &[&'static str]) -> String {
    let near = known.iter().map(|known| (distance(name, known), *known)).min();
    match near {
        Some((distance, near)) if distance <= 1 + near.len() / 4 => {
            format!("unknown {what}; did you mean {near:?}?")
        }
        _ => format!("unknown {what}; `lifeboat config example` lists what there is"),
    }
}

/// Letters to insert, delete or replace to make one word of the other.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (line, letter) in from.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = line + 1;
        for column in 0..to.len() {
            let replaced = diagonal + usize::from(to[column] != letter);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(row[column] + 1).min(diagonal + 1);
        }
    }
    row[to.len()]
}
