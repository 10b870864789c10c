//! Links to the alert that a message is about.
use crate::Alert;
use std::fmt::Write;

/// A link with what it leaves open filled in, for use in a URL.
pub(crate) fn filled_in(template: &str, alert: &Alert) -> String {
    let filled = template.replace("{pool}", &encoded(&alert.pool));
    filled.replace("{id}", &encoded(&alert.id)).replace("{kind}", &encoded(&alert.kind))
}

fn encoded(text: &str) -> String {
    let mut url = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            url.push(char::from(byte));
        } else {
            let _ = write!(url, "%{byte:02X}");
        }
    }
    url
}
