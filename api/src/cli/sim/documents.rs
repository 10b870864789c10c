//! Pool documents for the simulator: the product's own reader and writer, and changes by JSON pointer.
use crate::dto::pool::{PoolDocument, write};
use lifeboat_model::PoolSpec;
use lifeboat_simulator::Documents;
use serde_json::Value;

/// The product's pool documents.
pub(super) struct PoolDocuments;

impl Documents for PoolDocuments {
    fn read(&self, text: &[u8]) -> Result<PoolSpec, String> {
        // The fast reader stops at the first thing that it cannot read; the slow one tells everything.
        serde_json::from_slice::<PoolDocument<'_>>(text).map(PoolSpec::from).map_err(|error| {
            let faults = crate::dto::pool::read(text).err().unwrap_or_default();
            let told: Vec<String> = faults.iter().map(ToString::to_string).collect();
            if told.is_empty() { error.to_string() } else { told.join("; ") }
        })
    }

    fn print(&self, pool: &PoolSpec) -> String {
        let mut text = Vec::new();
        let written = write(pool, &mut text);
        debug_assert!(written.is_ok(), "writing to memory does not fail");
        String::from_utf8_lossy(&text).into_owned()
    }

    fn set(&self, pool: &PoolSpec, pointer: &str, value: &toml::Value) -> Result<PoolSpec, String> {
        let unreadable = |error: serde_json::Error| error.to_string();
        let mut document: Value = serde_json::from_str(&self.print(pool)).map_err(unreadable)?;
        let value = serde_json::to_value(value).map_err(unreadable)?;
        put(&mut document, pointer, value)?;
        self.read(document.to_string().as_bytes())
    }
}

/// Replaces what is at the pointer, or adds a key to an object or an element (`-`) to an array that is there.
fn put(document: &mut Value, pointer: &str, value: Value) -> Result<(), String> {
    if let Some(place) = document.pointer_mut(pointer) {
        *place = value;
        return Ok(());
    }
    let nowhere = || format!("path {pointer:?} leads nowhere in the pool document");
    let (parent, key) = pointer.rsplit_once('/').ok_or_else(nowhere)?;
    let key = key.replace("~1", "/").replace("~0", "~");
    // What a document leaves out because it is as usual is there all the same.
    if parent == "/settings" && document.get("settings").is_none() {
        document["settings"] = Value::Object(serde_json::Map::default());
    }
    match document.pointer_mut(parent).ok_or_else(nowhere)? {
        Value::Object(fields) => {
            fields.insert(key, value);
            Ok(())
        }
        Value::Array(elements) if key == "-" => {
            elements.push(value);
            Ok(())
        }
        _ => Err(nowhere()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lifeboat_simulator::scenario::Generate;

    fn set(pointer: &str, value: &toml::Value) -> Result<PoolSpec, String> {
        PoolDocuments.set(&Generate::default().pool(), pointer, value)
    }

    #[test]
    fn a_document_is_read_as_it_was_printed() {
        let pool = Generate::default().pool();
        assert_eq!(
            PoolDocuments.read(PoolDocuments.print(&pool).as_bytes()).expect("it is right").vms.len(),
            6
        );
    }

    #[test]
    fn values_are_replaced_and_those_that_were_left_out_added() {
        let pool = set("/hosts/1/memory_mib", &4096.into()).expect("it is there");
        assert_eq!(pool.hosts[1].memory_mib, 4096);
        let pool = set("/settings/host_failures_to_tolerate", &2.into()).expect("it is added");
        assert_eq!(pool.settings.host_failures_to_tolerate, Some(2));
        let pool = set("/vms/0/order", &3.into()).expect("it is added");
        assert_eq!(pool.vms[0].order, 3);
    }

    #[test]
    fn what_is_not_right_is_told() {
        let fault = |pointer, value: toml::Value| set(pointer, &value).expect_err("a fault");
        assert!(fault("/hosts/9/memory_mib", 1.into()).contains("leads nowhere"));
        assert!(fault("nonsense", 1.into()).contains("leads nowhere"));
        assert!(fault("/vms/0/memory_mib", "much".into()).contains("/vms/0/memory_mib"));
        assert!(fault("/vms/0/colour", "red".into()).contains("colour"));
    }
}
