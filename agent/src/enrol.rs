//! How a host becomes a member of a pool: as its first one (`init`), or with a one-time token (`join`). Both end with the same files, of
//! which all are written or none:
//!
//! | file | what |
//! | --- | --- |
//! | `agent.toml` | the agent's configuration |
//! | `lifeboat.toml`, beside it | the service's |
//! | `tls/host.pem`, `tls/host.key`, `tls/authorities.pem`, beside it | the host's certificate and key; who is believed |
//! | `keys.json`, `roster.json`, in the state directory | the heartbeat keys; who belongs to the pool |
pub mod arguments;
pub mod call;
pub mod files;
pub mod medium;

pub use arguments::{EtcdArguments, HostArguments, NetworkArgument};
pub use files::{EnrolFault, Membership};
