//! One question to the kernel, by rtnetlink: how an interface is. `/sys/class/net` would tell too, but shows the network namespace of whoever
//! mounted it, which need not be this process's.
use rustix::fd::OwnedFd;
use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, bind, recv, sendto, socket_with,
};
use std::cell::Cell;
use std::io;
use std::time::Duration;

const GET_LINK: u16 = 18;
const NEW_LINK: u16 = 16;
const ERROR: u16 = 2;
const REQUEST: u16 = 1;
const INTERFACE_NAME: u16 = 3;
/// `IFF_LOWER_UP`: there is carrier.
const LOWER_UP: u32 = 1 << 16;
/// `ENODEV`, as an answer has it.
const NO_DEVICE: i32 = -19;
const HEADER: usize = 16;
/// The kernel answers within the call; whoever waits longer waits for nothing.
const PATIENCE: Duration = Duration::from_secs(1);

/// The way to the kernel.
#[derive(Debug)]
pub(super) struct Netlink {
    socket: OwnedFd,
    /// Number of the last question.
    asked: Cell<u32>,
}

impl Netlink {
    pub(super) fn open() -> io::Result<Self> {
        let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, None)?;
        bind(&socket, &SocketAddrNetlink::new(0, 0))?;
        set_socket_timeout(&socket, Timeout::Recv, Some(PATIENCE))?;
        Ok(Self { socket, asked: Cell::new(0) })
    }

    /// Whether an interface has carrier; none: there is no such interface.
    pub(super) fn carrier(&self, interface: &str) -> io::Result<Option<bool>> {
        let number = self.asked.get().wrapping_add(1);
        self.asked.set(number);
        let to = SocketAddrNetlink::new(0, 0);
        sendto(&self.socket, &question(number, interface), SendFlags::empty(), &to)?;
        // An interface with many virtual functions says much of itself; what is wanted stands at the head.
        let mut buffer = vec![0; 32 << 10];
        loop {
            let (length, _) = recv(&self.socket, &mut buffer[..], RecvFlags::empty())?;
            let said = &buffer[..length];
            // What answers an earlier question, which was given up, is passed over.
            if said.get(8..12) == Some(&number.to_ne_bytes()) {
                return answer(said).ok_or_else(|| io::Error::other("the kernel's answer is none"))?;
            }
        }
    }
}

/// `RTM_GETLINK` with the interface's name.
fn question(number: u32, interface: &str) -> Vec<u8> {
    // The name ends with a zero, and attributes are padded to four bytes.
    let attribute = 4 + interface.len() + 1;
    let length = HEADER + 16 + attribute.next_multiple_of(4);
    let mut message = Vec::with_capacity(length);
    message.extend_from_slice(&(length as u32).to_ne_bytes());
    message.extend_from_slice(&GET_LINK.to_ne_bytes());
    message.extend_from_slice(&REQUEST.to_ne_bytes());
    message.extend_from_slice(&number.to_ne_bytes());
    // The sender of the message, then an `ifinfomsg` that says nothing.
    message.extend_from_slice(&[0; 4 + 16]);
    message.extend_from_slice(&(attribute as u16).to_ne_bytes());
    message.extend_from_slice(&INTERFACE_NAME.to_ne_bytes());
    message.extend_from_slice(interface.as_bytes());
    message.resize(length, 0);
    message
}

/// What an answer says of the carrier; none if it is no answer.
fn answer(message: &[u8]) -> Option<io::Result<Option<bool>>> {
    let kind = u16::from_ne_bytes(message.get(4..6)?.try_into().ok()?);
    match kind {
        // `ifinfomsg`: family, padding, type, index, flags.
        NEW_LINK => {
            let flags = message.get(HEADER + 8..HEADER + 12)?;
            let flags = u32::from_ne_bytes(flags.try_into().ok()?);
            Some(Ok(Some(flags & LOWER_UP != 0)))
        }
        ERROR => {
            let code = i32::from_ne_bytes(message.get(HEADER..HEADER + 4)?.try_into().ok()?);
            let fault = || io::Error::from_raw_os_error(code.saturating_neg());
            Some(if code == NO_DEVICE { Ok(None) } else { Err(fault()) })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_tells_of_an_interface_and_of_none() {
        let kernel = Netlink::open().expect("every Linux has it");
        assert_eq!(kernel.carrier("lo").expect("it answers"), Some(true), "tests need a loopback that is up");
        assert_eq!(kernel.carrier("nosuchif0").expect("it answers"), None);
        assert_eq!(kernel.carrier("lo").expect("it answers again"), Some(true));
    }

    #[test]
    fn what_is_no_answer_is_none() {
        assert!(answer(&[]).is_none());
        assert!(answer(&[0; 15]).is_none());
        let mut cut = question(1, "lo");
        cut[4..6].copy_from_slice(&NEW_LINK.to_ne_bytes());
        assert!(answer(&cut[..20]).is_none(), "flags are missing");
    }
}
