//! When libvirt calls. Its words: `prepare`, `start`, `started`, `stopped`, `release`, `migrate`, `restore`, `reconnect`,
//! `attach`, each with `begin` or `end`.

/// What is about to happen, or has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occasion {
    /// A VM is about to be started here, from nothing or from a saved state, or to arrive by migration.
    Starting,
    /// A VM is about to arrive by migration. Told before [`Occasion::Starting`].
    Arriving,
    /// A VM runs here now, or was found running.
    Running,
    /// A VM runs here no more: it ended somehow, or it has left by migration.
    Stopped,
    /// A VM runs here no more, because it was shut down in order.
    ShutDown,
}

impl Occasion {
    /// The occasion of libvirt's words; none where there is nothing to ask or tell. `extra` is `-` where libvirt has no more
    /// to say, else the reason, such as `shutdown` or `crashed`.
    pub fn of(operation: &str, sub_operation: &str, extra: Option<&str>) -> Option<Self> {
        match (operation, sub_operation) {
            ("prepare", "begin") => Some(Self::Starting),
            ("migrate", "begin") => Some(Self::Arriving),
            ("started" | "reconnect" | "attach", "begin") => Some(Self::Running),
            // `release` comes after `stopped`, and also where a start failed before anything ran.
            ("stopped", "end") if extra == Some("shutdown") => Some(Self::ShutDown),
            ("stopped", "end") => Some(Self::Stopped),
            _ => None,
        }
    }

    /// Whether libvirt goes by the answer. On all others a failing hook would do harm and no good: after `started` it ends
    /// the VM.
    pub fn can_be_denied(self) -> bool {
        matches!(self, Self::Starting | Self::Arriving)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_libvirt_says_is_understood_and_the_rest_let_pass() {
        assert_eq!(Occasion::of("prepare", "begin", Some("-")), Some(Occasion::Starting));
        assert_eq!(Occasion::of("migrate", "begin", Some("-")), Some(Occasion::Arriving));
        assert_eq!(Occasion::of("reconnect", "begin", Some("-")), Some(Occasion::Running));
        assert_eq!(Occasion::of("stopped", "end", Some("-")), Some(Occasion::Stopped));
        assert_eq!(Occasion::of("stopped", "end", Some("crashed")), Some(Occasion::Stopped));
        assert_eq!(Occasion::of("stopped", "end", Some("shutdown")), Some(Occasion::ShutDown));
        for (operation, sub) in
            [("start", "begin"), ("release", "end"), ("restore", "begin"), ("", ""), ("prepare", "end")]
        {
            assert_eq!(Occasion::of(operation, sub, Some("-")), None, "{operation} {sub}");
        }
    }
}
