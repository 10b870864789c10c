//! A share of the hosts. The document writes it as a number up to 1; it is kept in thousandths, so that
//! nothing downstream compares floating-point numbers.
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserializer, Error, Unexpected};
use serde::{Deserialize, Serialize, Serializer};
use std::borrow::Cow;

/// A share in thousandths, 1 to 1,000.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share(pub u64);

impl Share {
    /// The share that a number stands for; none where it is not positive, above 1, or between two steps.
    pub(super) fn from_number(number: f64) -> Option<Self> {
        let thousandths = number * 1000.0;
        let nearest = thousandths.round();
        let on_a_step = (thousandths - nearest).abs() < 1e-6;
        (on_a_step && (1.0..=1000.0).contains(&nearest)).then_some(Self(nearest as u64))
    }
}

impl Serialize for Share {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[expect(clippy::cast_precision_loss, reason = "at most 1,000")]
        serializer.serialize_f64(self.0 as f64 / 1000.0)
    }
}

impl<'de> Deserialize<'de> for Share {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = f64::deserialize(deserializer)?;
        Self::from_number(number)
            .ok_or_else(|| D::Error::invalid_value(Unexpected::Float(number), &"a share from 0.001 to 1"))
    }
}

impl JsonSchema for Share {
    fn schema_name() -> Cow<'static, str> {
        "Share".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A share in steps of 0.001.",
            "type": "number", "minimum": 0.001, "maximum": 1
        })
    }
}
