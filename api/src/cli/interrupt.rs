//! Ctrl-C, for verbs that go on until somebody has seen enough.
use std::io;
use std::thread;
use tokio::runtime;
use tokio::signal::unix::{SignalKind, signal};

/// Calls `interrupted` once, when the user presses ctrl-C or the process is told to end. From when this returns,
/// neither of them ends it any more.
///
/// # Errors
/// If signals cannot be waited for.
pub(super) fn on_interrupt(interrupted: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let runtime = runtime::Builder::new_current_thread().enable_io().build()?;
    let (mut interrupt, mut terminate) = {
        let _entered = runtime.enter();
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?)
    };
    thread::Builder::new().name("interrupt".to_owned()).spawn(move || {
        runtime.block_on(async {
            tokio::select! {
                _ = interrupt.recv() => (),
                _ = terminate.recv() => (),
            }
        });
        interrupted();
    })?;
    Ok(())
}
