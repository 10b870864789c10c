//! What it means when etcd does not do what it was asked: whether another attempt may help, and what to do where none
//! will. The codes are those of gRPC.
use super::wire::Refusal;
use crate::StoreError;

/// A refusal, judged.
#[derive(Debug)]
pub(super) enum Refused {
    /// Another attempt, or another member, may help.
    Transient(String),
    /// Our token has run out, or is none.
    Stranger,
    /// Nothing will.
    For(StoreError),
}

const INVALID_ARGUMENT: i64 = 3;
const PERMISSION_DENIED: i64 = 7;
const RESOURCE_EXHAUSTED: i64 = 8;
const FAILED_PRECONDITION: i64 = 9;
const OUT_OF_RANGE: i64 = 11;
const UNAUTHENTICATED: i64 = 16;
const NOT_FOUND: i64 = 5;

/// What [`StoreError::Unavailable`] says where a read is of a moment that etcd has forgotten meanwhile.
pub(super) const COMPACTED: &str = "etcd has forgotten that moment: it compacts too soon";
/// What it says of a lease that has run out.
pub(super) const NO_LEASE: &str = "the lease has run out";

/// Judges an answer whose status is no success.
pub(super) fn judge(status: u16, text: &[u8]) -> Refused {
    let Ok(refusal) = serde_json::from_slice::<Refusal>(text) else {
        let said = String::from_utf8_lossy(&text[..text.len().min(200)]);
        if said.starts_with("CommonName") {
            // With users, the gateway takes no certificate that could be meant to name one.
            let what =
                "our certificate has a common name, which its gateway does not take where it has users";
            return Refused::For(StoreError::Refused(what.to_owned()));
        }
        let unavailable = format!("it answers with status {status}");
        return if status >= 500 {
            Refused::Transient(unavailable)
        } else {
            Refused::For(StoreError::Unavailable(format!(
                "{unavailable}: is it an etcd, version 3.4 or later?"
            )))
        };
    };
    let said = if refusal.message.is_empty() {
        refusal.error.as_str().unwrap_or("it gives no reason").to_owned()
    } else {
        refusal.message
    };
    let has = |part: &str| said.contains(part);
    match refusal.code {
        UNAUTHENTICATED => Refused::Stranger,
        INVALID_ARGUMENT if has("revision of auth store is old") || has("invalid auth token") => {
            Refused::Stranger
        }
        INVALID_ARGUMENT if has("too large") => {
            Refused::For(StoreError::TooLarge("a request to etcd".to_owned()))
        }
        INVALID_ARGUMENT if has("user name is empty") || has("authentication failed") => {
            Refused::For(StoreError::Refused(said))
        }
        FAILED_PRECONDITION if has("authentication is not enabled") => {
            Refused::For(StoreError::Refused("it asks for no user, and one is configured".to_owned()))
        }
        PERMISSION_DENIED => Refused::For(StoreError::Refused(said)),
        RESOURCE_EXHAUSTED if has("space exceeded") => Refused::For(StoreError::Unavailable(format!(
            "{said}: compact and defragment etcd, then disarm its alarm (see docs/store.md)"
        ))),
        OUT_OF_RANGE if has("compacted") => Refused::For(StoreError::Unavailable(COMPACTED.to_owned())),
        NOT_FOUND if has("lease not found") => Refused::For(StoreError::Unavailable(NO_LEASE.to_owned())),
        INVALID_ARGUMENT | FAILED_PRECONDITION | OUT_OF_RANGE | NOT_FOUND => {
            Refused::For(StoreError::Unavailable(said))
        }
        _ => Refused::Transient(said),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_refusal_says_what_to_do() {
        let judged = |code: i64, message: &str| {
            let text = format!(r#"{{"error":{message:?},"code":{code},"message":{message:?}}}"#);
            format!("{:?}", judge(400, text.as_bytes()))
        };
        for (code, message, outcome) in [
            (14, "etcdserver: request timed out", "Transient"),
            (14, "etcdserver: leader changed", "Transient"),
            (8, "etcdserver: too many requests", "Transient"),
            (8, "etcdserver: mvcc: database space exceeded", "defragment"),
            (16, "etcdserver: invalid auth token", "Stranger"),
            (7, "etcdserver: permission denied", "For(Refused"),
            (3, "etcdserver: user name is empty", "For(Refused"),
            (3, "etcdserver: authentication failed, invalid user ID or password", "For(Refused"),
            (3, "etcdserver: request is too large", "For(TooLarge"),
            (11, "etcdserver: mvcc: required revision has been compacted", "forgotten"),
        ] {
            assert!(judged(code, message).contains(outcome), "{message}: {}", judged(code, message));
        }
        let common_name = b"CommonName of client sending a request against gateway will be ignored";
        assert!(matches!(judge(400, common_name), Refused::For(StoreError::Refused(_))));
        assert!(matches!(judge(502, b"bad gateway"), Refused::Transient(_)));
        assert!(matches!(judge(404, b"Not Found"), Refused::For(StoreError::Unavailable(_))));
    }
}
