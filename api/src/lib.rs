//! The edge of Lifeboat: the pool document and the answers as JSON, the command line, the service.
//!
//! A newcomer starts at [`dto`]: what comes in ([`dto::pool`]) becomes a [`lifeboat_model::Pool`] or a list
//! of everything that is wrong with it; what the planner says goes out through the answers beside it.
//! [`cli`] has one file a verb; [`router`] has every route of the service. Whatever decides anything lives in the crates below; this one reads,
//! prints and keeps the clock.
pub mod alarms;
pub mod cli;
pub mod client;
pub mod clock;
pub mod conductor;
pub mod config;
pub mod demo;
pub mod dto;
pub mod engine;
pub mod error;
pub mod failure_set;
pub mod guard;
pub mod leadership;
pub mod libvirt_hook;
pub mod metrics;
pub(crate) mod place_back;
pub mod rolling;
pub mod router;
pub mod routes;
pub mod served;
pub mod server;
pub mod service;
pub mod source;
pub mod startup;
pub mod systemd;
pub mod telemetry;
