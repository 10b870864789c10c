//! Traces to a collector, by OTLP over HTTP: each request is a span under its request id. They are sent in batches by a thread
//! of the library's; what cannot be sent is dropped, and the service goes on.
use super::TelemetryError;
use opentelemetry::trace::TracerProvider;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use std::time::Duration;
use tracing::Subscriber;
use tracing_opentelemetry::OpenTelemetryLayer;
use tracing_subscriber::registry::LookupSpan;
use ureq::Agent;

/// How long the collector may take to take a batch.
const PATIENCE: Duration = Duration::from_secs(5);
/// Bytes of a collector's answer.
const LONGEST_ANSWER: u64 = 64 << 10;

/// The way to the collector.
#[derive(Debug)]
pub(super) struct Collector(SdkTracerProvider);

impl Collector {
    /// The way to the collector at `endpoint`, a URL without a path.
    ///
    /// # Errors
    /// If the address makes no sense.
    pub(super) fn new(endpoint: &str) -> Result<Self, TelemetryError> {
        let agent =
            Agent::config_builder().timeout_global(Some(PATIENCE)).http_status_as_error(false).build();
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Client(agent.into()))
            .with_endpoint(format!("{}/v1/traces", endpoint.trim_end_matches('/')))
            .build()
            .map_err(|error| TelemetryError::Collector {
                endpoint: endpoint.to_owned(),
                reason: error.to_string(),
            })?;
        let named = Resource::builder().with_service_name("lifeboat").build();
        Ok(Self(SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(named).build()))
    }

    /// What sees the spans.
    pub(super) fn layer<S>(&self) -> OpenTelemetryLayer<S, opentelemetry_sdk::trace::SdkTracer>
    where
        S: Subscriber + for<'span> LookupSpan<'span>,
    {
        tracing_opentelemetry::layer().with_tracer(self.0.tracer("lifeboat"))
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        // Traces are a help, and not owed to anybody.
        let _ = self.0.shutdown();
    }
}

/// The client that everything else here uses as well. It blocks; batches have a thread of their own.
#[derive(Debug)]
struct Client(Agent);

#[async_trait::async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (parts, body) = request.into_parts();
        let mut answer = self.0.run(Request::from_parts(parts, body.to_vec()))?;
        let bytes = answer.body_mut().with_config().limit(LONGEST_ANSWER).read_to_vec()?;
        let mut response = Response::new(Bytes::from(bytes));
        *response.status_mut() = answer.status();
        Ok(response)
    }
}
