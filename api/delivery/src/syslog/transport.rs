//! How a line leaves: a Unix datagram socket, UDP or TCP.
use crate::clock::Clock;
use std::fmt;
use std::io::{Error, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream, ToSocketAddrs, UdpSocket};
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

/// Where lines go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Transport {
    /// A Unix datagram socket.
    Unix(PathBuf),
    /// UDP to host and port: one datagram a line.
    Udp(String),
    /// TCP to host and port: one connection a line, octets counted.
    Tcp(String),
}

impl FromStr for Transport {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let address = |rest: &str| {
            let parts = rest.rsplit_once(':');
            let fine = parts.is_some_and(|(host, port)| {
                !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port > 0)
            });
            if fine { Ok(rest.to_owned()) } else { Err(format!("{rest:?} is not host:port")) }
        };
        if let Some(rest) = text.strip_prefix("udp://") {
            address(rest).map(Self::Udp)
        } else if let Some(rest) = text.strip_prefix("tcp://") {
            address(rest).map(Self::Tcp)
        } else if text.starts_with('/') {
            Ok(Self::Unix(text.into()))
        } else {
            Err(format!("{text:?}: must be a path, udp://host:port or tcp://host:port"))
        }
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "{}", path.display()),
            Self::Udp(address) => write!(f, "udp://{address}"),
            Self::Tcp(address) => write!(f, "tcp://{address}"),
        }
    }
}

impl Transport {
    /// The longest line, in bytes: what every receiver of datagrams should take (RFC 5424, 6.1), and more where there is a stream.
    pub(super) fn longest(&self) -> usize {
        match self {
            Self::Unix(_) | Self::Udp(_) => 2048,
            Self::Tcp(_) => 8192,
        }
    }

    /// Sends one line.
    pub(super) fn send(&self, line: &[u8], timeout: Duration) -> Result<(), Error> {
        match self {
            Self::Unix(path) => {
                let socket = UnixDatagram::unbound()?;
                socket.set_write_timeout(Some(timeout))?;
                socket.send_to(line, path).map(drop)
            }
            Self::Udp(address) => each(address, |to| {
                let any = if to.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
                UdpSocket::bind(any)?.send_to(line, to).map(drop)
            }),
            Self::Tcp(address) => {
                let clock = Clock::start();
                each(address, |to| {
                    let left = clock.left_of(timeout).max(Duration::from_millis(1));
                    over_tcp(TcpStream::connect_timeout(&to, left)?, line, timeout)
                })
            }
        }
    }
}

/// Tries each address of a name until one works.
fn each(address: &str, attempt: impl Fn(std::net::SocketAddr) -> Result<(), Error>) -> Result<(), Error> {
    let mut last = Error::new(ErrorKind::NotFound, "the name has no address");
    for to in address.to_socket_addrs()? {
        match attempt(to) {
            Ok(()) => return Ok(()),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn over_tcp(mut stream: TcpStream, line: &[u8], timeout: Duration) -> Result<(), Error> {
    stream.set_write_timeout(Some(timeout))?;
    let mut frame = format!("{} ", line.len()).into_bytes();
    frame.extend_from_slice(line);
    stream.write_all(&frame)?;
    stream.shutdown(Shutdown::Write)?;
    // A receiver that has read everything closes; one that crashed resets. Many keep the connection: then the line is taken
    // for read.
    stream.set_read_timeout(Some(timeout.min(Duration::from_secs(1))))?;
    match stream.read(&mut [0; 16]) {
        Ok(_) => Ok(()),
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => Ok(()),
        Err(error) => Err(error),
    }
}
