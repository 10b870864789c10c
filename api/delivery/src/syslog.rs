//! Syslog: to log collectors, as RFC 5424 with structured data.
//!
//! Over a Unix datagram socket (`/dev/log`), UDP (RFC 5426) or TCP with octet counting (RFC 6587). Only TCP tells whether
//! somebody is there, and not whether he has read it: for alerts that must arrive, use another channel besides.
mod line;
mod settings;
mod transport;

pub use settings::{SyslogFormat, SyslogSettings};

use crate::Message;
use crate::channel::{Channel, Failure, Receipt};
use std::time::Duration;
use transport::Transport;

/// A syslog channel, ready to send.
pub struct Syslog {
    name: String,
    transport: Transport,
    format: SyslogFormat,
    facility: u8,
    enterprise: u32,
    host: String,
    timeout: Duration,
}

impl Channel for Syslog {
    fn name(&self) -> &str {
        &self.name
    }

    fn target(&self) -> String {
        self.transport.to_string()
    }

    fn deliver(&self, message: &Message) -> Result<Receipt, Failure> {
        let frame = line::Frame {
            facility: self.facility,
            enterprise: self.enterprise,
            host: &self.host,
            longest: self.transport.longest(),
        };
        let line = match self.format {
            SyslogFormat::Rfc5424 => frame.rfc5424(message),
            SyslogFormat::Local => frame.local(message),
        };
        self.transport
            .send(line.as_bytes(), self.timeout)
            .map_err(|error| Failure::passing(format!("{}: {error}", self.transport)))?;
        Ok(Receipt(format!("{} bytes to {}", line.len(), self.transport)))
    }
}
