//! How the heartbeat links are: carrier, as the kernel tells it, and gateways, as pings do. Each in a thread of its own.
mod gateway;
mod netlink;

use crate::clock;
use crate::context::Context;
use crate::net::{self, NetError};
use lifeboat_protocol::{HeartbeatNetwork, Input};
use serde::Serialize;
use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

/// How often carrier is looked at.
const INTERVAL: Duration = Duration::from_millis(200);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Carrier {
    Up,
    Down,
    /// There is no such interface, which is no carrier either.
    Missing,
}

/// Why links cannot be watched.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// The networks.
    #[error(transparent)]
    Net(#[from] NetError),
    /// The kernel does not tell.
    #[error("the kernel does not tell how its interfaces are: {0}")]
    Kernel(#[from] io::Error),
}

/// Watches all links from now on.
///
/// # Errors
/// If the kernel does not tell how they are.
pub fn watch(context: &Context) -> Result<(), LinkError> {
    let roster = context.roster.now();
    let networks: Vec<_> = net::in_order(&context.config.networks, &roster)?.into_iter().cloned().collect();
    let gateways: Vec<_> =
        networks.iter().filter_map(|network| Some((network.interface.clone(), network.gateway?))).collect();
    gateway::watch(gateways, context)?;
    let kernel = netlink::Netlink::open()?;
    let context = context.clone();
    let interfaces: Vec<_> = networks.into_iter().map(|network| network.interface).collect();
    crate::thread::spawn("links", move || {
        let mut known: BTreeMap<usize, Carrier> = BTreeMap::new();
        loop {
            let mut changed = false;
            for (position, interface) in interfaces.iter().enumerate() {
                let carrier = match kernel.carrier(interface) {
                    Ok(Some(true)) => Carrier::Up,
                    Ok(Some(false)) => Carrier::Down,
                    Ok(None) => Carrier::Missing,
                    // What the kernel did not say leaves things as they were.
                    Err(_) => continue,
                };
                if known.insert(position, carrier) == Some(carrier) {
                    continue;
                }
                changed = true;
                tracing::info!(interface, ?carrier, "a heartbeat link");
                let network = HeartbeatNetwork(position as u8);
                if !context.inbox.input(Input::Carrier { network, up: carrier == Carrier::Up }) {
                    return;
                }
            }
            if changed {
                let named: BTreeMap<_, _> =
                    known.iter().filter_map(|(at, carrier)| Some((interfaces.get(*at)?, carrier))).collect();
                context.board.post("links", &named);
            }
            clock::wait(INTERVAL);
        }
    })?;
    Ok(())
}
