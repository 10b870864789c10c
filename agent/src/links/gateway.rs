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
        let (mut known, mut misses, mut mute) = (None, 0, false);
        loop {
            let heard: Result<Vec<bool>, io::Error> =
                gateways.iter().map(|(interface, gateway)| answers(interface, *gateway)).collect();
            match heard {
                Ok(answered) if answered.contains(&true) => misses = 0,
                Ok(_) => misses += 1,
                // That nobody can ask says nothing of the gateway.
                Err(fault) => {
                    if !std::mem::replace(&mut mute, true) {
                        tracing::error!(%fault, "ping cannot be run, so nobody knows whether the gateway is reached: install iputils-ping");
                        context.board.post("gateway", &"unknown: ping cannot be run");
                    }
                    clock::wait(INTERVAL);
                    continue;
                }
            }
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

fn answers(interface: &str, gateway: IpAddr) -> io::Result<bool> {
    let mut ping = Command::new("ping");
    ping.args(["-n", "-q", "-c", "1", "-W", "1", "-I", interface]).arg(gateway.to_string());
    let ended = ping.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status()?;
    Ok(ended.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loopback_answers_and_an_address_that_nobody_has_does_not() {
        Command::new("ping").arg("-V").output().expect("ping is there: apt-get install iputils-ping");
        let answers = |address| answers("lo", IpAddr::from(address)).expect("ping can be run");
        assert!(answers([127, 0, 0, 1]));
        assert!(!answers([192, 0, 2, 1]), "192.0.2.0/24 is nobody's");
    }
}
