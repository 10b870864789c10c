//! Documents that are sent to the service: read from a file, judged only as far as is needed to send them. What is
//! wrong with them is for the service to say, which knows the pool.
use super::trouble::Trouble;
use crate::source;
use serde_json::Value;
use std::path::Path;

/// A thing described in a file (plain or gzip-compressed, `-` for standard input), with its name.
pub(super) fn described(path: &Path, kind: &'static str) -> Result<(String, Value), Trouble> {
    let document = json(path)?;
    let name = document.get("id").and_then(Value::as_str).map(str::to_owned);
    let name = name.ok_or_else(|| Trouble::Unwise {
        what: format!("{} describes no {kind}: it has no \"id\"", path.display()),
        step: "`lifeboat schema` prints what belongs in a pool document".to_owned(),
    })?;
    Ok((name, document))
}

/// A file as JSON.
pub(super) fn json(path: &Path) -> Result<Value, Trouble> {
    let bytes = source::read(path, source::MOST_FILE_BYTES)?;
    serde_json::from_slice(&bytes).map_err(|error| Trouble::Unwise {
        what: format!("{} is no JSON: {error}", path.display()),
        step: "`lifeboat schema` prints what belongs in a pool document".to_owned(),
    })
}
