//! What systemd is told of the service: that it is ready, that it loads its files anew, that it stops, and that it still
//! lives. Without systemd (no `$NOTIFY_SOCKET`) all of it does nothing.
use crate::clock::Stopwatch;
use sd_notify::NotifyState;
use std::time::Duration;

/// The service listens and serves.
pub fn ready(listening: &str) {
    say(&[NotifyState::Ready, NotifyState::Status(&format!("listening on {listening}"))]);
}

/// The service has understood that it is to load its files anew; [`ready`] says when it has.
pub fn reloading() {
    if let Ok(now) = NotifyState::monotonic_usec_now() {
        say(&[NotifyState::Reloading, now]);
    }
}

/// The service stops.
pub fn stopping() {
    say(&[NotifyState::Stopping, NotifyState::Status("ending what is under way")]);
}

/// Something that takes longer than the unit allows for starting is on its way; systemd waits that much longer.
pub fn starting_takes(longer: Duration, why: &str) {
    let us = u32::try_from(longer.as_micros()).unwrap_or(u32::MAX);
    say(&[NotifyState::ExtendTimeoutUsec(us), NotifyState::Status(why)]);
}

/// How often the service has to say that it lives; none: nobody waits for it. Half of what the unit says, as systemd
/// advises.
pub fn watchdog_interval() -> Option<Duration> {
    sd_notify::watchdog_enabled().map(|limit| limit / 2)
}

/// Says that the service lives, for as long as `lives` says so in good time. Runs for ever; systemd ends and restarts a
/// service that says nothing.
///
/// `lives` should go where a request goes (take the lock of a pool, say), so that a service which answers nobody is not
/// taken for a living one because one of its threads still counts.
pub async fn pet<F: Future<Output = bool>>(mut lives: impl FnMut() -> F) {
    let Some(interval) = watchdog_interval() else { return };
    let mut ticks = tokio::time::interval(interval);
    loop {
        ticks.tick().await;
        let asked = Stopwatch::start();
        match tokio::time::timeout(interval, lives()).await {
            Ok(true) => say(&[NotifyState::Watchdog]),
            Ok(false) => tracing::error!("the service does not answer itself"),
            Err(_) => tracing::error!(elapsed_us = asked.elapsed_us(), "the service answers itself too late"),
        }
    }
}

fn say(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!(%error, "systemd cannot be told");
    }
}
