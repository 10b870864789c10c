//! What tests of several modules need: the surroundings of a thread, with the other ends of its queues in the test's hand.
use crate::clock;
use crate::config::Config;
use crate::context::{Board, Context, RosterBook};
use crate::wiring::{
    self, InboxReader, News, Outlets, ToCoordinator, ToFencer, ToKeeper, ToMedium, ToWarden,
};
use lifeboat_link::Roster;
use lifeboat_link::roster::{LivenessSettings, Member};
use lifeboat_model::HostIndex;
use lifeboat_protocol::{Boot, Input, Process};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// Beyond this on a busy machine something does not happen any more.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// Makes a program of a script, by another process: what this one has open for writing, a child of it that was begun meanwhile has open as
/// well, and a program that anybody writes cannot be run.
pub(crate) fn program(path: &Path, script: &str) {
    let text = path.with_extension("text");
    std::fs::write(&text, script).expect("there is room");
    let made = std::process::Command::new("install").arg("-m755").args([&text, path]).status();
    assert!(made.expect("install is there").success(), "{} is not made", path.display());
}

/// The surroundings of a thread.
pub(crate) struct Around {
    pub(crate) context: Context,
    pub(crate) inbox: InboxReader,
    pub(crate) medium: Receiver<ToMedium>,
    pub(crate) warden: Receiver<ToWarden>,
    pub(crate) coordinator: Receiver<ToCoordinator>,
    pub(crate) keeper: Receiver<ToKeeper>,
    pub(crate) fencer: Receiver<ToFencer>,
}

/// A roster of hosts with these addresses on one network, and the shortest timeout.
pub(crate) fn roster(addresses: &[SocketAddr]) -> Roster {
    let member = |(position, address): (usize, &SocketAddr)| Member {
        id: format!("h{position}"),
        addresses: vec![*address],
        api: String::new(),
        removed: false,
    };
    Roster {
        version: 1,
        pool: "p".into(),
        pool_id: "07".repeat(16),
        networks: vec!["hb0".into()],
        settings: LivenessSettings { timeout_ms: 3000, ..LivenessSettings::default() },
        hosts: addresses.iter().enumerate().map(member).collect(),
        authorities: Vec::new(),
    }
}

/// The surroundings of host 0 with files in `directory`, and what else its configuration says.
pub(crate) fn around(directory: &Path, addresses: &[SocketAddr], sections: &str) -> Around {
    let (inbox, reader) = wiring::inbox().expect("a descriptor is to be had");
    let ((medium, to_medium), (warden, to_warden)) = (channel(), channel());
    let ((coordinator, to_coordinator), (keeper, to_keeper)) = (channel(), channel());
    let (fencer, to_fencer) = channel();
    let at = directory.display();
    let text = format!(
        "[host]\nname = \"h0\"\nstate_directory = \"{at}\"\nrun_directory = \"{at}\"\n\
         [[network]]\nname = \"hb0\"\ninterface = \"lo\"\nlisten = \"{}\"\n\
         [medium]\nkind = \"statefile\"\npath = \"{at}/statefile\"\n{sections}",
        addresses[0]
    );
    let context = Context {
        config: Arc::new(Config::read(&text).expect("it is whole")),
        me: HostIndex::new(0),
        boot: Boot(1),
        process: Process(1),
        roster: RosterBook::new(roster(addresses)),
        inbox,
        outlets: Outlets { medium, warden, coordinator, fencer, keeper },
        board: Board::default(),
    };
    Around {
        context,
        inbox: reader,
        medium: to_medium,
        warden: to_warden,
        coordinator: to_coordinator,
        keeper: to_keeper,
        fencer: to_fencer,
    }
}

/// Waits for that input to the protocol; others are passed over.
pub(crate) fn wait_for(inbox: &InboxReader, wanted: &Input) {
    wait(&format!("{wanted:?} is told"), || {
        std::iter::from_fn(|| inbox.next()).any(|news| matches!(news, News::Input(input) if input == *wanted))
    });
}

/// Waits until something is so.
pub(crate) fn wait(what: &str, mut is_so: impl FnMut() -> bool) {
    let until = clock::now() + SOON;
    while !is_so() {
        assert!(clock::now() < until, "it is still not so that {what}");
        clock::wait(Duration::from_millis(5));
    }
}
