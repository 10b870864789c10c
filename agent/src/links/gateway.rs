//! Whether a gateway answers: one ping each time, by the program of that name, whose end is waited for in this thread only.
use crate::clock;
use crate::context::Context;
use lifeboat_protocol::Input;
use std::io;
use std::net::IpAddr;
use std::process::{Command, Stdio};
use std::time::Duration;

/// How often.
const INTERVAL: Duration = Duration::from_secs(1);
/// A gateway that was missed this often in a row is out of reach: one lost packet is none.
const MISSES: u32 = 2;

/// Watches gateways, each with the interface on the way to it; one that answers is enough.
pub(super) fn watch(gateways: Vec<(String, IpAddr)>, context: &Context) -> io::Result<()> {
    if gateways.is_empty() {
        return Ok(());
    }
    let context = context.clone();
    crate::thread::spawn("gateway", move || {
        let (mut known, mut misses) = (None, 0);
        loop {
            misses = if gateways.iter().any(|(interface, gateway)| answers(interface, *gateway)) {
                0
            } else {
                misses + 1
            };
            let reached = misses < MISSES;
            if known != Some(reached) {
                known = Some(reached);
                tracing::info!(reached, "the gateway");
                context.board.post("gateway", &if reached { "reached" } else { "out of reach" });
                if !context.inbox.input(Input::Gateway { reached }) {
                    return;
                }
            }
            clock::wait(INTERVAL);
        }
    })?;
    Ok(())
}

fn answers(interface: &str, gateway: IpAddr) -> bool {
    let mut ping = Command::new("ping");
    ping.args(["-n", "-q", "-c", "1", "-W", "1", "-I", interface]).arg(gateway.to_string());
    let ended = ping.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    ended.is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loopback_answers_and_an_address_that_nobody_has_does_not() {
        Command::new("ping").arg("-V").output().expect("ping is there: apt-get install iputils-ping");
        assert!(answers("lo", IpAddr::from([127, 0, 0, 1])));
        assert!(!answers("lo", IpAddr::from([192, 0, 2, 1])), "192.0.2.0/24 is nobody's");
    }
}
