//! Threads of the agent: each has a name, and a stack that is small enough to be locked into memory. One that panics takes the whole agent
//! with it: half an agent would hold the lease and do nothing for it, a new one takes its host's VMs back.
use std::io;
use std::thread::{Builder, JoinHandle};

/// All memory is locked, stacks whole: so they are no larger than what is needed.
const STACK_BYTES: usize = 256 << 10;

struct Whole;

impl Drop for Whole {
    fn drop(&mut self) {
        if std::thread::panicking() {
            std::process::abort();
        }
    }
}

/// Starts a thread.
///
/// # Errors
/// If there can be no more of them.
pub fn spawn<T: Send + 'static>(
    name: &str,
    body: impl FnOnce() -> T + Send + 'static,
) -> io::Result<JoinHandle<T>> {
    let whole = || {
        let _whole = Whole;
        body()
    };
    Builder::new().name(name.to_owned()).stack_size(STACK_BYTES).spawn(whole)
}
