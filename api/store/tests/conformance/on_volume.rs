//! The promises, held by a metadata volume; each opening is a takeover by the next epoch.
use crate::cases::{CASES, Kind};
use lifeboat_store::volume::{self, SMALLEST_LENGTH, Tenure};
use lifeboat_store::{Options, Store, StoreAddress, open};
use std::cell::Cell;
use tempfile::TempDir;

struct Volume {
    directory: TempDir,
    made: Cell<u32>,
    epoch: Cell<u64>,
}

const POOL: [u8; 16] = [7; 16];

impl Kind for Volume {
    fn fresh(&self) -> StoreAddress {
        self.made.set(self.made.get() + 1);
        let path = self.directory.path().join(format!("{}.volume", self.made.get()));
        let (offset, length) = (4 << 20, 16 * SMALLEST_LENGTH);
        std::fs::write(&path, b"").expect("it is ours");
        volume::format(&path, offset, length, POOL, false).expect("a new file is empty");
        StoreAddress::Volume { path, offset, length }
    }

    fn open(&self, address: &StoreAddress) -> Box<dyn Store> {
        open(address, &self.options()).expect("it opens")
    }

    fn options(&self) -> Options {
        self.epoch.set(self.epoch.get() + 1);
        let tenure = Some(Tenure { pool: POOL, epoch: self.epoch.get() });
        Options { tenure, ..Options::default() }
    }
}

#[test]
fn the_metadata_volume_keeps_every_promise() {
    let directory = tempfile::tempdir().expect("a directory");
    let kind = Volume { directory, made: Cell::new(0), epoch: Cell::new(0) };
    for (promise, case) in CASES {
        println!("{promise}");
        case(&kind);
    }
}
