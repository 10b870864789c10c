//! The channels by which people are told of alerts: how they are, and a test of each.
use crate::error::ApiError;
use crate::service::Service;
use axum::Json;
use axum::extract::{Path, State};
use lifeboat_delivery::ChannelStatus;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use tokio::task::spawn_blocking;

/// All channels.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ChannelList")]
pub(crate) struct Channels {
    /// The channels, in the order of the configuration: name, kind, target, what waits, what got through, the last failure.
    #[schemars(with = "Vec<Value>")]
    items: Vec<ChannelStatus>,
    /// There is one page.
    next: Option<String>,
}

/// How the alert channels are
#[utoipa::path(
    get,
    path = "/v1/alerts/channels",
    responses(
        (status = 200, description = "The channels", content_type = "application/json",
            body = ref("#/components/schemas/ChannelList")),
        (status = "default", description = "Whatever goes wrong",
            content_type = "application/problem+json", body = ref("#/components/schemas/Problem")),
    )
)]
pub(crate) async fn list(State(service): State<Service>) -> Result<Json<Channels>, ApiError> {
    let engine = service.engine()?;
    let items = engine.outward().alarms().map(crate::alarms::Alarms::status).unwrap_or_default();
    Ok(Json(Channels { items, next: None }))
}

/// What came of a test.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ChannelTest")]
pub(crate) struct Tested {
    /// The channel.
    channel: String,
    /// Whether the test message got through.
    delivered: bool,
    /// What the other side said, or what went wrong.
    said: String,
}

/// Send a test message through a channel
#[utoipa::path(
    post,
    path = "/v1/alerts/channels/{channel}/test",
    params(("channel" = String, Path, description = "The channel's name in the configuration")),
    responses(
        (status = 200, description = "What came of it; `delivered` says whether it got through",
            content_type = "application/json", body = ref("#/components/schemas/ChannelTest")),
        (status = "default", description = "Whatever goes wrong",
            content_type = "application/problem+json", body = ref("#/components/schemas/Problem")),
    )
)]
pub(crate) async fn test(
    State(service): State<Service>,
    Path(channel): Path<String>,
) -> Result<Json<Tested>, ApiError> {
    let engine = service.engine()?;
    let alarms = engine.outward().alarms().cloned();
    let name = channel.clone();
    let tested = spawn_blocking(move || alarms.and_then(|alarms| alarms.test(&name)));
    let unknown =
        || ApiError::NotFound(format!("there is no alert channel {channel:?} in the configuration"));
    let outcome = tested.await.map_err(|_| ApiError::Internal)?.ok_or_else(unknown)?;
    let (delivered, said) = match outcome {
        Ok(receipt) => (true, receipt.0),
        Err(failure) => (false, failure.to_string()),
    };
    Ok(Json(Tested { channel, delivered, said }))
}
