//! The signature by which a receiver knows that a message is ours, and new.
use crate::settings::Secret;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fmt::Write;

/// The value of the header `Lifeboat-Signature`: the time, and for each secret the HMAC-SHA256 of the time as digits, a dot, and the
/// body.
pub(super) fn header(unix_time: i64, body: &[u8], secrets: &[Secret]) -> String {
    let mut value = format!("t={unix_time}");
    for secret in secrets {
        value.push_str(",v1=");
        // An HMAC takes keys of any length.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.reveal().as_bytes()) else { continue };
        mac.update(format!("{unix_time}.").as_bytes());
        mac.update(body);
        for byte in mac.finalize().into_bytes() {
            let _ = write!(value, "{byte:02x}");
        }
    }
    value
}
