//! Lists that come page by page.
use super::{Client, ClientError, path};
use serde_json::Value;

/// Items of one page where a list is read to its end.
const PAGE: &str = "1000";

/// A list, or the beginning of one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Items {
    /// What there is.
    pub items: Vec<Value>,
    /// Where the rest begins; none: there is no more.
    pub next: Option<String>,
}

impl Client {
    /// Reads a list: the first `most` items, or all of them.
    ///
    /// # Errors
    /// Those of [`Client::ask`].
    pub fn list(&self, route: &str, most: Option<u32>) -> Result<Items, ClientError> {
        if let Some(most) = most {
            return Ok(page(self.get(&path::with_query(route, &[("limit", Some(&most.to_string()))]))?));
        }
        let mut all = Items::default();
        loop {
            let after = all.next.take();
            let query = [("limit", Some(PAGE)), ("after", after.as_deref())];
            let Items { items, next } = page(self.get(&path::with_query(route, &query))?);
            // A cursor that does not move would be asked for ever.
            let moves = next.is_some() && next != after && !items.is_empty();
            all.items.extend(items);
            if !moves {
                return Ok(all);
            }
            all.next = next;
        }
    }
}

/// `{"items": […], "next": …}`; a bare list is taken for a whole one.
fn page(answer: Value) -> Items {
    match answer {
        Value::Array(items) => Items { items, next: None },
        Value::Object(mut fields) => Items {
            items: match fields.remove("items") {
                Some(Value::Array(items)) => items,
                _ => Vec::new(),
            },
            next: fields.get("next").and_then(Value::as_str).map(str::to_owned),
        },
        _ => Items::default(),
    }
}
