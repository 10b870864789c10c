//! How a channel is, for people and metrics.
use jiff::Timestamp;
use serde::Serialize;

/// How a channel is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ChannelStatus {
    /// Its name.
    pub name: String,
    /// `mail`, `webhook`, `command` or `syslog`.
    pub kind: &'static str,
    /// Where it leads.
    pub target: String,
    /// Messages that wait, the one under way among them.
    pub queued: usize,
    /// Alerts that are being gathered for a digest.
    pub gathered: u64,
    /// Alerts that were taken since the service started.
    pub taken: u64,
    /// Alerts that were told, alone or in a digest.
    pub told: u64,
    /// Alerts that were lost.
    pub lost: u64,
    /// Messages that got through.
    pub delivered: u64,
    /// Attempts to deliver a message.
    pub attempts: u64,
    /// Since when an attempt is under way, if one is.
    pub under_way_since: Option<Timestamp>,
    /// Attempts that failed since the last that did not.
    pub failures_in_a_row: u32,
    /// When a message last got through.
    pub last_success: Option<Timestamp>,
    /// The last failure.
    pub last_error: Option<LastError>,
}

/// A failure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LastError {
    /// When.
    pub at: Timestamp,
    /// What went wrong.
    pub reason: String,
}
