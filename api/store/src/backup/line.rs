//! The lines of a backup, as JSON.
use crate::{Key, Record};
use base64::{Engine, prelude::BASE64_STANDARD};
use serde::{Deserialize, Serialize};

/// What the first line of a backup says that it is.
pub const FORMAT: &str = "lifeboat.backup/v1";

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct First {
    pub(super) format: String,
    pub(super) schema: u32,
    pub(super) term: u64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub(super) enum Kept {
    Text { key: String, value: String },
    Bytes { key64: String, value64: String },
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Last {
    pub(super) records: u64,
    pub(super) sha256: String,
}

impl Kept {
    pub(super) fn of(record: Record) -> Self {
        let key = record.key.as_bytes().to_vec();
        match (String::from_utf8(key), String::from_utf8(record.value)) {
            (Ok(key), Ok(value)) => Self::Text { key, value },
            (key, value) => Self::Bytes {
                key64: BASE64_STANDARD.encode(bytes(key)),
                value64: BASE64_STANDARD.encode(bytes(value)),
            },
        }
    }

    pub(super) fn into_record(self) -> Option<Record> {
        let (key, value) = match self {
            Self::Text { key, value } => (key.into_bytes(), value.into_bytes()),
            Self::Bytes { key64, value64 } => {
                (BASE64_STANDARD.decode(key64).ok()?, BASE64_STANDARD.decode(value64).ok()?)
            }
        };
        Some(Record { key: Key::from_bytes(key), value })
    }
}

fn bytes(text: Result<String, std::string::FromUtf8Error>) -> Vec<u8> {
    text.map_or_else(std::string::FromUtf8Error::into_bytes, String::into_bytes)
}

/// A digest, in hexadecimal digits.
pub(super) fn hex(digest: &[u8]) -> String {
    digest.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(digit).collect()
}

fn digit(value: u8) -> char {
    char::from_digit(value.into(), 16).expect("four bits are below 16")
}
