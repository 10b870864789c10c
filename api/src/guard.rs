//! Who may call what. Whatever comes in passes four gates, cheapest first:
//!
//! ```text
//!  connection ─► door        room for one more?  TLS, and who the client's certificate says it is   (door.rs, tls.rs)
//!  request    ─► outside     request id, trace, headers, rate by address, catch panics              (outside.rs)
//!             ─► admission   who is it (token, certificate, loopback)?  rate by principal           (admit.rs)
//!             ─► access      may this role do this here, to this pool?                              (access.rs)
//!             ─► handler     finds the [`Principal`] among the request's extensions
//! ```
//!
//! A route cannot be added without saying who may call it: [`Guarded`] takes the [`Access`] beside the path, and its
//! table can be read out, so that one test calls every route there is as somebody who may not.
//!
//! What is kept in memory and judged ([`TokenBook`], [`Access`], [`rate`]) is pure; the clock and the random numbers
//! come in as arguments.
pub mod access;
pub mod admit;
pub mod audit;
pub mod book;
pub mod certificate;
pub mod door;
pub mod opening;
pub mod outside;
pub mod places;
pub mod principal;
pub mod rate;
pub mod refusal;
pub mod role;
pub mod routes;
pub mod sentry;
pub mod tls;
pub mod token;

pub use access::Access;
pub use audit::AuditEntry;
pub use book::{TokenBook, TokenRecord};
pub use principal::{Principal, Via};
pub use refusal::Refusal;
pub use role::{Role, Scope};
pub use routes::{Guarded, RouteAccess};
pub use sentry::Guard;
