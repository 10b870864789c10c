//! Lets a writer run, kills it, looks, and begins again.
use crate::{check, writer};
use lifeboat_store::{StoreAddress, open};
use rand::{Rng, SeedableRng, rngs::StdRng};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

/// How long a writer may take to acknowledge something before it counts as hung.
const PATIENCE: Duration = Duration::from_mins(2);
/// The most acknowledgements between two kills.
const MOST: u32 = 40;

/// What came of it; all that was promised was kept, or it would have panicked.
pub(crate) struct Outcome {
    pub(crate) kills: usize,
    pub(crate) acknowledged: u64,
    pub(crate) last: u64,
}

/// Kills so many writers, one after another, while `meanwhile` does what else should go wrong in each round.
pub(crate) fn again_and_again(
    address: &StoreAddress,
    kills: usize,
    mut meanwhile: impl FnMut(usize),
) -> Outcome {
    let mut random = StdRng::seed_from_u64(7);
    let mut outcome = Outcome { kills: 0, acknowledged: 0, last: 0 };
    let mut round = 0;
    while outcome.kills < kills {
        // On a machine that is too busy a writer may lose its lease and end by itself: that is no kill, and seldom.
        assert!(round < 2 * kills, "writers end before they can be killed");
        let (acknowledged, killed) = run_and_kill(address, &mut random, || meanwhile(round));
        outcome.kills += usize::from(killed);
        if let Some(last) = acknowledged.last() {
            assert_eq!(outcome.last + 1, acknowledged[0], "round {round}: it goes on where the log ended");
            outcome.acknowledged += acknowledged.len() as u64;
            outcome.last = *last;
        }
        // At most one batch more than was acknowledged: that which was on its way.
        let store = open(address, &writer::options()).expect("it opens");
        let kept = check::everything(&*store).unwrap_or_else(|fault| panic!("round {round}: {fault}"));
        let expected = outcome.last..=outcome.last + 1;
        assert!(expected.contains(&kept), "round {round}: {} was acknowledged, {kept} is kept", outcome.last);
        outcome.last = kept;
        round += 1;
    }
    outcome
}

/// Starts a writer, and kills it after it has acknowledged some numbers, which are returned; and whether it still ran.
fn run_and_kill(address: &StoreAddress, random: &mut StdRng, meanwhile: impl FnOnce()) -> (Vec<u64>, bool) {
    let this = std::env::current_exe().expect("this program");
    let mut command = Command::new(this);
    command.args([writer::VERB, &address.to_string()]).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    let said = listen(&mut child);
    let mut acknowledged = Vec::new();
    let mut meanwhile = Some(meanwhile);
    for _ in 0..=random.random_range(0..MOST) {
        match said.recv_timeout(PATIENCE) {
            Ok(number) => acknowledged.push(number),
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => panic!("the writer is silent"),
        }
        if let Some(meanwhile) = meanwhile.take() {
            meanwhile();
        }
    }
    // Somewhere within the next commits, not right after the last.
    std::thread::park_timeout(Duration::from_micros(random.random_range(0..5_000)));
    let killed = child.try_wait().expect("it is ours").is_none();
    child.kill().expect("it is ours");
    child.wait().expect("it is ours");
    acknowledged.extend(said);
    (acknowledged, killed)
}

/// The numbers that it says, until it is dead.
fn listen(child: &mut Child) -> Receiver<u64> {
    let out = child.stdout.take().expect("it is piped");
    let (say, said) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(out).lines() {
            // A number that was cut short was not said.
            let Some(number) = line.ok().and_then(|line| line.parse().ok()) else { return };
            if say.send(number).is_err() {
                return;
            }
        }
    });
    said
}
