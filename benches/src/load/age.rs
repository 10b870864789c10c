//! How old the published verdict is: now less the time of the newest event that it reflects, looked at many times a second.
use super::Service;
use super::client::{Client, Trouble};
use super::report::Times;
use lifeboat::clock;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time;

/// What was seen.
#[derive(Debug, Default)]
pub(crate) struct Ages {
    /// The ages.
    pub(crate) times: Times,
    /// How many verdicts were looked at whose bounds do not meet.
    pub(crate) open: usize,
}

/// Looks every ten milliseconds until told to stop.
pub(crate) async fn watch(service: Service, mut stop: watch::Receiver<bool>) -> Result<Ages, Trouble> {
    let mut client = Client::connect(&service.server).await?;
    let path = format!("/v1/pools/{}/summary", service.pool);
    let mut ages = Ages::default();
    let mut ticks = time::interval(Duration::from_millis(10));
    while !*stop.borrow_and_update() {
        ticks.tick().await;
        let summary = client.get(&path).await?;
        let Some(reflects) = summary["plan"]["reflects"].as_str() else { continue };
        let reflects: jiff::Timestamp = reflects.parse()?;
        let age = clock::now().duration_since(reflects);
        ages.times.note(Duration::try_from(age).unwrap_or_default());
        let bounds = &summary["plan"]["tolerance"];
        if ["simultaneous", "sequential"].iter().any(|notion| !bounds[notion]["stopped_by"].is_null()) {
            ages.open += 1;
        }
    }
    Ok(ages)
}
