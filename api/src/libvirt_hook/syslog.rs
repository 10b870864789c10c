//! A line to the machine's own syslog, or to the journal behind the same socket.
use std::os::unix::net::UnixDatagram;

const SOCKET: &str = "/dev/log";
/// Bytes of a line that every syslog takes.
const LONGEST: usize = 900;
/// Facility daemon, severity warning (RFC 3164).
const WARNING: u8 = (3 << 3) | 4;

/// Says a warning. Where there is no syslog nothing is said: whoever calls has said it elsewhere as well.
pub fn warn(message: &str) {
    let Ok(socket) = UnixDatagram::unbound() else { return };
    // A log that nobody reads may be full; libvirt shall not wait for it.
    let _ = socket.set_nonblocking(true);
    let _ = socket.send_to(line(message).as_bytes(), SOCKET);
}

fn line(message: &str) -> String {
    let harmless = message.chars().map(|character| if character.is_control() { ' ' } else { character });
    let mut line = format!("<{WARNING}>lifeboat-libvirt-hook: ");
    line.extend(harmless);
    line.truncate(line.floor_char_boundary(LONGEST));
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_line_and_not_too_long() {
        assert_eq!(line("a\nb"), "<28>lifeboat-libvirt-hook: a b");
        let long = line(&"ü".repeat(10_000));
        assert!(long.len() <= LONGEST && long.len() > LONGEST - 2, "{}", long.len());
    }
}
