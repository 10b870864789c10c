//! Amounts of countable resources by name, in document order. A map type would swallow a key that is given
//! twice; here that is refused.
use crate::dto::name::Name;
use lifeboat_model::limits;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;

/// How much of each named resource.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Amounts<'a>(pub Vec<(Name<'a>, u64)>);

impl Amounts<'_> {
    /// Whether no resource is named.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Amounts<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, amount)| (name, amount)))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Amounts<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ByName;
        impl<'de> Visitor<'de> for ByName {
            type Value = Amounts<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of amounts by resource name")
            }
            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
                let mut amounts: Vec<(Name<'de>, u64)> = Vec::new();
                while let Some((name, amount)) = map.next_entry::<Name<'de>, u64>()? {
                    if amounts.iter().any(|(known, _)| *known == name) {
                        return Err(M::Error::custom("duplicate resource"));
                    }
                    // Keeps the search above short; the slow path says it in full.
                    if amounts.len() == limits::MAX_RESOURCES {
                        return Err(M::Error::custom("too many resources"));
                    }
                    amounts.push((name, amount));
                }
                Ok(Amounts(amounts))
            }
        }
        deserializer.deserialize_map(ByName)
    }
}

impl JsonSchema for Amounts<'_> {
    fn schema_name() -> Cow<'static, str> {
        "Amounts".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Amounts of countable resources by name; memory has its own field.",
            "type": "object",
            "propertyNames": {"minLength": 1, "maxLength": 255, "not": {"const": "memory_mib"}},
            "maxProperties": limits::MAX_RESOURCES - 1,
            "additionalProperties": {"type": "integer", "minimum": 0, "maximum": limits::MAX_AMOUNT}
        })
    }
}
