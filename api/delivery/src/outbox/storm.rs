//! Storms: the first alerts of a window are told one by one, the rest are gathered and told together at its end.
//!
//! A window begins with an alert that meets none. One that had more than it tells singly is followed by another in which everything
//! is gathered, until a window passes that would have needed no digest: then the storm is over, and alerts are told
//! singly again.
use crate::digest::Digest;
use crate::limits::Storm;
use crate::{Alert, Message, Moment};

/// The window that is open, if one is.
#[derive(Debug)]
struct Window {
    end: Moment,
    /// How many are told singly.
    singles: u32,
    /// How many were.
    told: u32,
    gathered: Option<Gathered>,
}

/// What was gathered.
#[derive(Clone, Debug)]
struct Gathered {
    digest: Digest,
    /// The first; told as it is if it stays the only one.
    first: Alert,
}

impl Gathered {
    fn into_message(self) -> Message {
        if self.digest.total == 1 {
            Message::Alert { alert: self.first }
        } else {
            Message::Digest { digest: self.digest }
        }
    }
}

/// Gathers alerts in storms.
#[derive(Debug)]
pub(crate) struct Gathering {
    settings: Option<Storm>,
    window: Option<Window>,
}

impl Gathering {
    pub(crate) fn new(settings: Option<Storm>) -> Self {
        Self { settings, window: None }
    }

    /// Gathers an alert, or hands it back to be told alone. [`Self::roll`] was called for this moment before.
    pub(crate) fn take(&mut self, now: Moment, alert: Alert) -> Option<Alert> {
        let Some(settings) = self.settings else { return Some(alert) };
        let window = self.window.get_or_insert_with(|| Window {
            end: now + settings.window,
            singles: settings.after,
            told: 0,
            gathered: None,
        });
        if window.told < window.singles {
            window.told += 1;
            return Some(alert);
        }
        let gathered = window
            .gathered
            .get_or_insert_with(|| Gathered { digest: Digest::of(&alert), first: alert.clone() });
        gathered.digest.add(&alert, settings.lines);
        None
    }

    /// Closes the window if it is over, and hands out what was gathered in it.
    pub(crate) fn roll(&mut self, now: Moment) -> Option<Message> {
        let settings = self.settings?;
        let window = self.window.take_if(|window| window.end <= now)?;
        let gathered = window.gathered?;
        // The window after a storm begins where the storm's ended, unless it is over by now too.
        let next = window.end + settings.window;
        let came = u64::from(window.told) + gathered.digest.total;
        if came > u64::from(settings.after) && next > now {
            self.window = Some(Window { end: next, singles: 0, told: 0, gathered: None });
        }
        Some(gathered.into_message())
    }

    /// When what was gathered is to be told.
    pub(crate) fn deadline(&self) -> Option<Moment> {
        self.window.as_ref().filter(|window| window.gathered.is_some()).map(|window| window.end)
    }

    /// How many are gathered.
    pub(crate) fn total(&self) -> u64 {
        self.gathered().map_or(0, |gathered| gathered.digest.total)
    }

    /// What is gathered, as the message that would tell it now.
    pub(crate) fn message(&self) -> Option<Message> {
        self.gathered().map(|gathered| gathered.clone().into_message())
    }

    fn gathered(&self) -> Option<&Gathered> {
        self.window.as_ref()?.gathered.as_ref()
    }
}
