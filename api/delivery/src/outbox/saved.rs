//! What is still to be told, as plain data: so that the service keeps it over a restart.
use super::{Input, Outbox};
use crate::digest::Losses;
use crate::{Message, Moment};
use serde::{Deserialize, Serialize};

/// What a channel has still to tell, and what it told lately.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Saved {
    /// The messages that wait, in their order; one that was in flight is the first. What was being gathered is the last.
    pub messages: Vec<Message>,
    /// What was lost, and not told of yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub losses: Option<Losses>,
    /// Marks of the last alerts that came, told and untold: 16 digits each, the one that came longest ago first.
    #[serde(default)]
    pub seen: String,
}

impl Outbox {
    /// What has still to be told. An outbox that is given it by [`Self::restore`] loses nothing; a message whose fate is not
    /// known is told again, with the same id.
    pub fn pending(&self) -> Saved {
        let waiting = self.queue.iter().map(|entry| entry.message.clone());
        Saved {
            messages: waiting.chain(self.gathering.message()).collect(),
            losses: self.losses.clone(),
            seen: self.seen.save(),
        }
    }

    /// Takes back what an earlier outbox had still to tell; to be called before any other input. What is more than the
    /// settings now allow is dropped, and reported.
    pub fn restore(&mut self, now: Moment, saved: Saved) {
        self.seen.restore(&saved.seen);
        for message in saved.messages {
            if let Message::Alert { alert } = &message {
                // Known already, unless fewer are remembered than wait.
                self.seen.is_new(&alert.key());
            }
            self.totals.taken += message.alerts();
            match message {
                Message::Losses { losses } => self.add_losses(&losses),
                message => self.enqueue(message),
            }
        }
        if let Some(losses) = saved.losses {
            self.add_losses(&losses);
        }
        self.handle(now, Input::Wake);
    }

    fn add_losses(&mut self, more: &Losses) {
        self.losses = Some(match self.losses.take() {
            None => more.clone(),
            Some(before) => before.and(more),
        });
    }
}
