//! What the service measures of itself, in the OpenMetrics text format: counters and histograms that are kept, and gauges that
//! are read from the pools when somebody asks.
mod pools;
mod requests;

pub use requests::measure;

use crate::engine::Engine;
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::Duration;

/// What OpenMetrics is sent as.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What the service measures. Copies are one.
#[derive(Clone)]
pub struct Metrics(Arc<Inner>);

struct Inner {
    registry: Registry,
    searches: Histogram,
    verdicts: Family<VerdictLabels, Counter>,
    requests: Family<RequestLabels, Counter>,
    durations: Family<RouteLabels, Histogram>,
    events: Family<PoolLabels, Counter>,
    listeners: Gauge<i64, AtomicI64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PoolLabels {
    pool: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct VerdictLabels {
    pool: String,
    verdict: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    method: &'static str,
    route: String,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    method: &'static str,
    route: String,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

/// A reader of an event stream; it counts until it is dropped.
#[derive(Debug)]
pub struct Listener(Gauge<i64, AtomicI64>);

impl Drop for Listener {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Metrics {
    /// Nothing measured yet.
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("lifeboat");
        // From a tenth of a millisecond to about half a minute.
        let spans = || Histogram::new(exponential_buckets(0.0001, 2.5, 14));
        let inner = Inner {
            searches: spans(),
            verdicts: Family::default(),
            requests: Family::default(),
            durations: Family::new_with_constructor(spans),
            events: Family::default(),
            listeners: Gauge::default(),
            registry: Registry::default(),
        };
        registry.register("search_seconds", "How long searches for a verdict took", inner.searches.clone());
        registry.register(
            "admission_verdicts",
            "Requests that admission judged, by what it found and what became of them",
            inner.verdicts.clone(),
        );
        registry.register(
            "http_requests",
            "Requests by route and status; the route is none where no route matched",
            inner.requests.clone(),
        );
        registry.register(
            "http_request_seconds",
            "How long requests took until their answers began",
            inner.durations.clone(),
        );
        registry.register("events", "Lifecycle events that were told", inner.events.clone());
        registry.register("event_stream_clients", "Readers of event streams", inner.listeners.clone());
        Self(Arc::new(Inner { registry, ..inner }))
    }

    /// A search has taken so long.
    pub fn searched(&self, took: Duration) {
        self.0.searches.observe(took.as_secs_f64());
    }

    /// Admission has judged a request.
    pub fn judged(&self, pool: &str, verdict: &'static str, outcome: &'static str) {
        let labels = VerdictLabels { pool: pool.to_owned(), verdict, outcome };
        self.0.verdicts.get_or_create(&labels).inc();
    }

    /// So many lifecycle events were told of a pool.
    pub fn told(&self, pool: &str, events: u64) {
        self.0.events.get_or_create(&PoolLabels { pool: pool.to_owned() }).inc_by(events);
    }

    /// Somebody listens to events.
    pub fn listener(&self) -> Listener {
        self.0.listeners.inc();
        Listener(self.0.listeners.clone())
    }

    /// A request was answered.
    fn answered(&self, method: &'static str, route: &str, status: u16, took: Duration) {
        let labels = RequestLabels { method, route: route.to_owned(), status };
        self.0.requests.get_or_create(&labels).inc();
        let labels = RouteLabels { method, route: route.to_owned() };
        self.0.durations.get_or_create(&labels).observe(took.as_secs_f64());
    }

    /// Everything that is measured; without an engine, what there is without pools.
    pub fn encode(&self, engine: Option<&Engine>) -> String {
        let mut text = String::new();
        let mut present = Registry::with_prefix("lifeboat");
        if let Some(engine) = engine {
            pools::register(&mut present, engine);
        }
        // Writing into a string does not fail.
        let _ = text::encode_registry(&mut text, &self.0.registry);
        let _ = text::encode_registry(&mut text, &present);
        let _ = text::encode_eof(&mut text);
        text
    }
}
