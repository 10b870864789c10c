//! Whether a guest can be reached, and the end of what it wrote to its console.
use rustix::event::{PollFd, PollFlags};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

/// How much of a console's end is kept.
const TAIL: u64 = 64 << 10;
/// How long one try may take.
const TRY: Duration = Duration::from_secs(2);

/// Whether it takes a connection on this port.
pub fn tcp(address: IpAddr, port: u16) -> bool {
    TcpStream::connect_timeout(&SocketAddr::new(address, port), TRY).is_ok()
}

/// Whether it answers GET / on this port with a status below 400.
pub fn http(address: IpAddr, port: u16) -> bool {
    status(SocketAddr::new(address, port)).is_ok_and(|status| (100..400).contains(&status))
}

fn status(address: SocketAddr) -> io::Result<u16> {
    let mut stream = TcpStream::connect_timeout(&address, TRY)?;
    stream.set_write_timeout(Some(TRY))?;
    let host = address.ip();
    let request =
        format!("GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nUser-Agent: lifeboat-agent\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    // "HTTP/1.1 200": whatever follows is not needed. It may come in parts, each in its time, all in twice that.
    let mut head = [0; 12];
    let mut filled = 0;
    let until = crate::clock::now() + TRY * 2;
    stream.set_nonblocking(true)?;
    while filled < head.len() {
        let left = until.since(crate::clock::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        super::command::wait_for(&mut [PollFd::new(&stream, PollFlags::IN)], left)?;
        match stream.read(&mut head[filled..]) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => filled += count,
            Err(fault) if fault.kind() == io::ErrorKind::WouldBlock => {}
            Err(fault) => return Err(fault),
        }
    }
    let text = str::from_utf8(&head).map_err(io::Error::other)?;
    let status = text.strip_prefix("HTTP/1.").and_then(|rest| rest.get(2..5));
    status.and_then(|status| status.parse().ok()).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

/// The end of a file.
///
/// # Errors
/// If it cannot be read, or is none.
pub fn tail(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let about = file.metadata()?;
    if !about.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "the console goes to no file"));
    }
    file.seek(SeekFrom::Start(about.len().saturating_sub(TAIL)))?;
    let mut end = Vec::new();
    file.take(TAIL).read_to_end(&mut end)?;
    Ok(end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    /// A server that says this to one client.
    fn says(parts: &'static [&'static str]) -> u16 {
        let server = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = server.local_addr().expect("an address").port();
        std::thread::spawn(move || {
            let (mut client, _) = server.accept().expect("a client");
            for part in parts {
                client.write_all(part.as_bytes()).expect("it listens");
            }
            let _ = client.read(&mut [0; 1000]);
        });
        port
    }

    #[test]
    fn a_guest_is_up_when_it_answers_well() {
        let here = IpAddr::from([127, 0, 0, 1]);
        assert!(http(here, says(&["HTTP/1.1 ", "204 No Content\r\n\r\n"])));
        assert!(!http(here, says(&["HTTP/1.1 503 Service Unavailable\r\n\r\n"])));
        assert!(!http(here, says(&["SSH-2.0-OpenSSH_9.2\r\n"])));
        assert!(tcp(here, says(&[])));
        let nobody = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port");
        assert!(!tcp(here, nobody.port()) && !http(here, nobody.port()));
    }

    #[test]
    fn only_the_end_of_a_console_is_kept() {
        let folder = tempfile::tempdir().expect("a folder");
        let console = folder.path().join("console");
        let text: Vec<u8> = (0..100_000_u32).map(|n| b'a' + (n % 26) as u8).collect();
        std::fs::write(&console, &text).expect("it can be written");
        let end = tail(&console).expect("it can be read");
        assert_eq!(end.len() as u64, TAIL);
        assert!(text.ends_with(&end));
        assert!(tail(folder.path()).is_err());
    }
}
