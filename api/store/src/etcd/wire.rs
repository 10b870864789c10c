//! The words of etcd's HTTP gateway: bytes are base64, and 64-bit numbers are texts, as in the JSON form of protobuf.
use base64::{Engine, prelude::BASE64_STANDARD};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

/// Bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Bytes(pub(super) Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&BASE64_STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'_, str>::deserialize(from)?;
        BASE64_STANDARD.decode(text.as_bytes()).map(Self).map_err(D::Error::custom)
    }
}

/// A number of 64 bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Number(pub(super) i64);

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            Text(String),
            Number(i64),
        }
        match Form::deserialize(from)? {
            Form::Text(text) => text.parse().map(Self).map_err(D::Error::custom),
            Form::Number(number) => Ok(Self(number)),
        }
    }
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Range {
    pub(super) key: Bytes,
    #[serde(rename = "range_end", skip_serializing_if = "Option::is_none")]
    pub(super) end: Option<Bytes>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) limit: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) revision: Option<Number>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Put {
    pub(super) key: Bytes,
    pub(super) value: Bytes,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) lease: Option<Number>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct DeleteRange {
    pub(super) key: Bytes,
    #[serde(rename = "range_end", skip_serializing_if = "Option::is_none")]
    pub(super) end: Option<Bytes>,
}

/// One operation of a transaction.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Operation {
    #[serde(rename = "request_range")]
    Range(Range),
    #[serde(rename = "request_put")]
    Put(Put),
    #[serde(rename = "request_delete_range")]
    Delete(DeleteRange),
}

/// What a transaction demands of a key. A revision of 0: that it is not there.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "target")]
pub(super) enum Demand {
    #[serde(rename = "CREATE")]
    CreatedIn { key: Bytes, create_revision: Number },
    #[serde(rename = "MOD")]
    ChangedIn { key: Bytes, mod_revision: Number },
    #[serde(rename = "VALUE")]
    Says { key: Bytes, value: Bytes },
}

#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Transaction {
    pub(super) compare: Vec<Demand>,
    pub(super) success: Vec<Operation>,
    pub(super) failure: Vec<Operation>,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Header {
    #[serde(default)]
    pub(super) revision: Number,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Kept {
    pub(super) key: Bytes,
    pub(super) value: Bytes,
    pub(super) create_revision: Number,
    pub(super) mod_revision: Number,
    pub(super) lease: Number,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Found {
    pub(super) header: Header,
    pub(super) kvs: Vec<Kept>,
}

/// The outcome of one operation.
#[derive(Clone, Debug, Deserialize)]
pub(super) enum Outcome {
    #[serde(rename = "response_range")]
    Range(Found),
    #[serde(rename = "response_put")]
    Put(serde::de::IgnoredAny),
    #[serde(rename = "response_delete_range")]
    Delete(serde::de::IgnoredAny),
}

/// The outcome of a transaction.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Decision {
    pub(super) header: Header,
    pub(super) succeeded: bool,
    pub(super) responses: Vec<Outcome>,
}

impl Decision {
    /// What the ranges among its operations found, in their order.
    pub(super) fn found(self) -> impl Iterator<Item = Vec<Kept>> {
        self.responses.into_iter().filter_map(|outcome| match outcome {
            Outcome::Range(found) => Some(found.kvs),
            Outcome::Put(_) | Outcome::Delete(_) => None,
        })
    }
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct Grant {
    #[serde(rename = "TTL")]
    pub(super) ttl: Number,
}

#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct LeaseId {
    #[serde(rename = "ID")]
    pub(super) id: Number,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Lease {
    #[serde(rename = "ID")]
    pub(super) id: Number,
    #[serde(rename = "TTL")]
    pub(super) ttl: Number,
}

/// One message of a stream.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Streamed<T> {
    pub(super) result: T,
}

/// An answer of which only its arrival matters.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) struct Done {}

#[derive(Clone, Debug, Serialize)]
pub(super) struct Watch {
    pub(super) create_request: WatchRange,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct WatchRange {
    pub(super) key: Bytes,
    pub(super) start_revision: Number,
    pub(super) filters: [&'static str; 1],
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Watched {
    pub(super) canceled: bool,
    pub(super) events: Vec<serde::de::IgnoredAny>,
}

// No `Debug`: it would show the password to whoever reads a log.
#[derive(Clone, Serialize)]
pub(super) struct Credentials {
    pub(super) name: String,
    pub(super) password: String,
}

// No `Debug`, for the same reason.
#[derive(Clone, Deserialize)]
pub(super) struct Token {
    pub(super) token: String,
}

/// What etcd says when it does not do what it was asked.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Refusal {
    pub(super) code: i64,
    pub(super) message: String,
    pub(super) error: serde_json::Value,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transaction_looks_as_the_gateway_wants_it() {
        let key = Bytes(b"a".to_vec());
        let transaction = Transaction {
            compare: vec![
                Demand::CreatedIn { key: key.clone(), create_revision: Number(7) },
                Demand::Says { key: key.clone(), value: Bytes(b"1".to_vec()) },
            ],
            success: vec![Operation::Put(Put {
                key: key.clone(),
                value: Bytes::default(),
                lease: Some(Number(9)),
            })],
            failure: vec![Operation::Range(Range { key, ..Range::default() })],
        };
        let json = serde_json::to_string(&transaction).expect("it has a JSON form");
        assert_eq!(
            json,
            r#"{"compare":[{"target":"CREATE","key":"YQ==","create_revision":"7"},{"target":"VALUE","key":"YQ==","value":"MQ=="}],"success":[{"request_put":{"key":"YQ==","value":"","lease":"9"}}],"failure":[{"request_range":{"key":"YQ=="}}]}"#
        );
    }

    #[test]
    fn a_decision_is_read_as_the_gateway_writes_it() {
        let json = r#"{"header":{"cluster_id":"3","revision":"2","raft_term":"2"},"responses":[{"response_range":{"header":{"revision":"2"},"kvs":[{"key":"YQ==","create_revision":"2","mod_revision":"2","version":"1","value":"MQ=="}],"count":"1"}},{"response_put":{"header":{}}},{"response_range":{"header":{"revision":"2"}}}]}"#;
        let decision: Decision = serde_json::from_str(json).expect("it is read");
        assert!(!decision.succeeded && decision.header.revision == Number(2));
        let found: Vec<Vec<Kept>> = decision.found().collect();
        assert_eq!((found[0][0].value.0.as_slice(), found[0][0].create_revision), (&b"1"[..], Number(2)));
        assert!(found[1].is_empty());
    }
}
