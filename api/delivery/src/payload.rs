//! A message as JSON: what webhooks are sent, and what commands read.
use crate::{Message, link};
use serde_json::{Value, json};

/// What is sent.
pub(crate) fn body(message: &Message, channel: &str, template: Option<&str>) -> Value {
    let mut body = serde_json::to_value(message).unwrap_or_default();
    if let Value::Object(members) = &mut body {
        members.insert("format".to_owned(), json!("lifeboat.message/v1"));
        members.insert("id".to_owned(), json!(message.id()));
        members.insert("channel".to_owned(), json!(channel));
        members.insert("severity".to_owned(), json!(message.severity()));
        members.insert("text".to_owned(), json!(text(message)));
        if let (Some(template), Message::Alert { alert }) = (template, message) {
            members.insert("link".to_owned(), json!(link::filled_in(template, alert)));
        }
    }
    body
}

/// What it says in one line; chat systems show a member of this name as it is.
fn text(message: &Message) -> String {
    let tag = match message {
        Message::Alert { alert } if alert.recovered => "over",
        Message::Test { .. } => "test",
        other => other.severity().code(),
    };
    format!("[{tag}] {}", message.headline())
}
