//! `FIELD=VALUE` on the command line, as the merge patch that it means.
use super::trouble::Trouble;
use serde_json::{Map, Value};

/// The merge patch that these assignments mean. A value that is JSON is taken for that, anything else for text; a
/// field with a slash lies in the object before it: `resources/vcpus=8`.
pub(super) fn assignments(all: &[String]) -> Result<Value, Trouble> {
    let mut patch = Map::new();
    for one in all {
        let misspelt = || Trouble::Misspelt { option: "field", text: one.clone(), expected: "FIELD=VALUE" };
        let (field, value) = one.split_once('=').ok_or_else(misspelt)?;
        let value = serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.to_owned()));
        let mut path = field.split('/');
        let last = path.next_back().filter(|name| !name.is_empty()).ok_or_else(misspelt)?;
        let mut place = &mut patch;
        for name in path {
            let inner = place.entry(name).or_insert_with(|| Value::Object(Map::new()));
            place = inner.as_object_mut().ok_or_else(misspelt)?;
        }
        place.insert(last.to_owned(), value);
    }
    Ok(Value::Object(patch))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn patch(all: &[&str]) -> Result<Value, String> {
        let all: Vec<String> = all.iter().map(|&one| one.to_owned()).collect();
        assignments(&all).map_err(|trouble| trouble.to_string())
    }

    #[test]
    fn values_are_json_or_text() {
        let all =
            ["memory_mib=8192", "fault_domain=rack-1", "note=a=b", "host=null", "storages=[\"san1\"]", "x="];
        let meant = json!({
            "memory_mib": 8192, "fault_domain": "rack-1", "note": "a=b", "host": null, "storages": ["san1"], "x": ""
        });
        assert_eq!(patch(&all), Ok(meant));
        assert_eq!(patch(&["id=\"007\""]), Ok(json!({"id": "007"})), "quotes make a number text");
    }

    #[test]
    fn slashes_lead_into_objects() {
        let meant = json!({"resources": {"vcpus": 8, "gpu": null}});
        assert_eq!(patch(&["resources/vcpus=8", "resources/gpu=null"]), Ok(meant));
    }

    #[test]
    fn what_assigns_nothing_is_refused() {
        for wrong in [["memory_mib"].as_slice(), &["=1"], &["a/=1"], &["a=1", "a/b=2"]] {
            assert!(patch(wrong).is_err_and(|told| told.ends_with("is not FIELD=VALUE")), "{wrong:?}");
        }
    }
}
