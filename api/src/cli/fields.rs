//! Fields of what the service answers, read with forbearance: a service of another version may have more of them, or
//! fewer. What is missing is shown as `-`.
use super::style::{QUIET, styled};
use serde_json::Value;
use std::fmt::Write as _;

/// What is shown where there is nothing.
pub(super) const NOTHING: &str = "-";

/// A field as text.
pub(super) fn text(value: &Value, field: &str) -> String {
    shown(value.get(field))
}

/// A field that is text; empty where there is none.
pub(super) fn word<'v>(value: &'v Value, field: &str) -> &'v str {
    value.get(field).and_then(Value::as_str).unwrap_or_default()
}

/// A field that is a whole number; 0 where there is none.
pub(super) fn number(value: &Value, field: &str) -> u64 {
    value.get(field).and_then(Value::as_u64).unwrap_or(0)
}

/// A field that is true or false; false where there is none.
pub(super) fn flag(value: &Value, field: &str) -> bool {
    value.get(field).and_then(Value::as_bool).unwrap_or(false)
}

/// The elements of a field that is a list; none where there is none.
pub(super) fn list<'v>(value: &'v Value, field: &str) -> &'v [Value] {
    value.get(field).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Any value in few words.
pub(super) fn shown(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => NOTHING.to_owned(),
        Some(Value::String(text)) if text.is_empty() => NOTHING.to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Bool(true)) => "yes".to_owned(),
        Some(Value::Bool(false)) => "no".to_owned(),
        Some(Value::Number(number)) => number.to_string(),
        Some(Value::Array(all)) if all.is_empty() => NOTHING.to_owned(),
        Some(Value::Array(all)) => all.iter().map(|one| shown(Some(one))).collect::<Vec<_>>().join(", "),
        Some(Value::Object(fields)) if fields.is_empty() => NOTHING.to_owned(),
        Some(Value::Object(fields)) => {
            let pairs = fields.iter().map(|(name, value)| format!("{name} {}", shown(Some(value))));
            pairs.collect::<Vec<_>>().join(", ")
        }
    }
}

/// Memory in the unit that reads best.
pub(super) fn memory(mib: i128) -> String {
    let sign = if mib < 0 { "-" } else { "" };
    let size = mib.unsigned_abs();
    match size {
        0..10_240 if !size.is_multiple_of(1024) || size == 0 => format!("{sign}{size} MiB"),
        _ if size.is_multiple_of(1024) => format!("{sign}{} GiB", size / 1024),
        _ => format!("{sign}{}.{} GiB", size / 1024, size % 1024 * 10 / 1024),
    }
}

/// A time as people read it: without fractions of a second.
pub(super) fn time(text: &str) -> String {
    match text.split_once('.') {
        Some((whole, fraction)) if fraction.ends_with('Z') => format!("{whole}Z").replace('T', " "),
        _ if text.is_empty() => NOTHING.to_owned(),
        _ => text.replace('T', " "),
    }
}

/// Names with their values, one below the other.
pub(super) fn details(pairs: &[(&str, String)]) -> String {
    let width = pairs.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for (name, value) in pairs {
        let _ = writeln!(text, "  {}  {value}", styled(QUIET, format_args!("{name:<width$}")));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn amounts_and_times_read_well() {
        let told: Vec<String> =
            [0, 512, 1024, 1536, 786_432, 10_241, -2048].into_iter().map(memory).collect();
        assert_eq!(told, ["0 MiB", "512 MiB", "1 GiB", "1536 MiB", "768 GiB", "10.0 GiB", "-2 GiB"]);
        assert_eq!(time("2026-11-22T04:05:06.123456Z"), "2026-11-22 04:05:06Z");
        assert_eq!(
            (time("2026-11-22T04:05:06Z"), time("")),
            ("2026-11-22 04:05:06Z".to_owned(), "-".to_owned())
        );
    }

    #[test]
    fn what_is_missing_is_shown_and_no_trouble() {
        let value = json!({"id": "a", "n": 3, "on": true, "all": ["x", 1], "by": {"vcpus": 4}, "none": null});
        assert_eq!(text(&value, "all"), "x, 1");
        assert_eq!(text(&value, "by"), "vcpus 4");
        assert_eq!(
            (text(&value, "none"), text(&value, "other"), number(&value, "id")),
            ("-".into(), "-".into(), 0)
        );
        assert!(flag(&value, "on") && list(&value, "n").is_empty() && word(&value, "n").is_empty());
    }
}
