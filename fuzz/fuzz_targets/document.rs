#![no_main]
//! Whatever bytes come in as a pool document, packed or not, there is an answer: a pool, or a list of faults each
//! of which has a pointer. A certificate document is read from the same bytes, for the same promise.
use lifeboat::dto::{certificate, pool};
use lifeboat::source;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(document) = source::unpack(bytes.to_vec(), 1 << 20) else { return };
    match pool::read(&document) {
        Ok(pool) => {
            for fault in pool::over_full(&pool) {
                assert!(fault.pointer.starts_with("/hosts/"));
            }
        }
        Err(faults) => {
            assert!(!faults.is_empty());
            assert!(faults.iter().all(|fault| fault.pointer.is_empty() || fault.pointer.starts_with('/')));
        }
    }
    let _ = certificate::read(&document, "p");
});
