//! Kills a process that writes, again and again, with `kill -9` at random moments, and looks whether everything that it
//! had acknowledged is there, and every batch whole. `LIFEBOAT_KILLS=1000 cargo test -p lifeboat-store --test crash` does
//! it as often as that on each kind of store; without it, 20 times on redb and 5 times on etcd, whose members die too.
#[path = "../harness/etcd.rs"]
mod etcd;

mod check;
mod kill;
mod writer;

use etcd::Etcd;
use lifeboat_store::StoreAddress;

/// Kills in the ordinary run.
const ON_REDB: usize = 20;
const ON_ETCD: usize = 5;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [verb, address] = &arguments[..]
        && verb == writer::VERB
    {
        return writer::write(address);
    }
    // Anything else is what `cargo test` says to tests; a word without dashes selects by name.
    let wanted =
        |name: &str| arguments.iter().all(|word| word.starts_with('-') || name.contains(word.as_str()));
    let kills = kills();
    if wanted("redb") {
        let directory = tempfile::tempdir().expect("a directory");
        let address = StoreAddress::File(directory.path().join("store.redb"));
        report("redb", &kill::again_and_again(&address, kills.unwrap_or(ON_REDB), |_| {}));
    }
    if wanted("etcd") {
        let mut etcd = Etcd::start(3);
        let address = etcd.address("crash");
        let mut down = None;
        let die = |round: usize| {
            // One member is down while the writer writes; whoever died last comes back first.
            if let Some(member) = down.replace(round % 3) {
                etcd.start_member(member);
            }
            etcd.kill(round % 3);
        };
        report("etcd", &kill::again_and_again(&address, kills.unwrap_or(ON_ETCD), die));
    }
}

/// How often to kill, if it was said.
#[expect(clippy::disallowed_methods, reason = "this is the tests' door to the environment")]
fn kills() -> Option<usize> {
    let kills = std::env::var("LIFEBOAT_KILLS").ok()?;
    Some(kills.parse().expect("LIFEBOAT_KILLS is a number"))
}

#[expect(clippy::print_stdout, reason = "a test without the usual harness says itself what it did")]
fn report(kind: &str, outcome: &kill::Outcome) {
    let kill::Outcome { kills, acknowledged, last } = outcome;
    println!("{kind}: killed {kills} times; {acknowledged} commits acknowledged, the last of {last} kept");
}
