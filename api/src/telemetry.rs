//! What the service says of itself while it runs: its log to standard error, and, where it was built for that, traces to a
//! collector. Metrics are another matter: they are read from `/metrics`.
#[cfg(feature = "opentelemetry")]
mod collector;

use crate::config::{Config, LogFormat};
use std::io;
use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry, fmt};

/// Why the service cannot say it.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// Traces are configured, and this program knows nothing of them.
    #[error(
        "telemetry.otlp_endpoint is set, and this program was built without traces: build it with --features opentelemetry, or leave the key out"
    )]
    NotBuiltIn,
    /// The collector cannot be spoken to.
    #[cfg(feature = "opentelemetry")]
    #[error("traces cannot be sent to {endpoint}: {reason}")]
    Collector {
        /// Where it is.
        endpoint: String,
        /// Why not.
        reason: String,
    },
}

/// What was begun; what is still to be sent goes out when it is dropped.
#[derive(Debug, Default)]
pub struct Telemetry {
    #[cfg(feature = "opentelemetry")]
    collector: Option<collector::Collector>,
}

impl Telemetry {
    /// Begins. Where several services are in one process, as in tests, the first one's log holds.
    ///
    /// # Errors
    /// If traces are configured and cannot be sent.
    pub fn start(config: &Config) -> Result<Self, TelemetryError> {
        let level = config.log.level.filter();
        let registry = Registry::default().with(log(config.log.format, level));
        #[cfg(feature = "opentelemetry")]
        {
            let collector =
                config.telemetry.otlp_endpoint.as_deref().map(collector::Collector::new).transpose()?;
            let traces = collector.as_ref().map(|collector| collector.layer().with_filter(LevelFilter::INFO));
            let _ = registry.with(traces).try_init();
            Ok(Self { collector })
        }
        #[cfg(not(feature = "opentelemetry"))]
        {
            if config.telemetry.otlp_endpoint.is_some() {
                return Err(TelemetryError::NotBuiltIn);
            }
            let _ = registry.try_init();
            Ok(Self::default())
        }
    }
}

/// The log goes to standard error, from where systemd takes it.
fn log<S>(format: LogFormat, level: LevelFilter) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    let layer = fmt::layer().with_writer(io::stderr);
    match format {
        LogFormat::Text => layer.with_filter(level).boxed(),
        LogFormat::Json => layer.json().with_filter(level).boxed(),
    }
}
