//! Notes of the coordinator that are not about VMs.
use crate::context::Context;
use crate::wiring::ToKeeper;
use lifeboat_link::note::{self, OrderNote};

/// Does what a note says, if it is one that does not concern VMs; gives back what does.
pub fn take(context: &Context, bytes: &[u8]) -> Option<OrderNote> {
    match note::unpack::<OrderNote>(bytes) {
        Ok(OrderNote::Roster(roster)) => {
            match serde_json::to_string(&roster) {
                Ok(json) => drop(context.outlets.keeper.send(ToKeeper::Roster(json))),
                Err(fault) => tracing::error!(%fault, "a roster cannot be handed on"),
            }
            None
        }
        Ok(OrderNote::Certificate { chain_pem }) => {
            // Who keeps may have ended with the agent.
            let _ = context.outlets.keeper.send(ToKeeper::Certificate(chain_pem));
            None
        }
        Ok(other) => Some(other),
        Err(fault) => {
            tracing::error!(%fault, "a note from the coordinator is not understood; are the agents of one version?");
            None
        }
    }
}
