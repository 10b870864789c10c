//! The promises, held by the embedded store; and what it promises besides.
use crate::cases::{CASES, Kind};
use lifeboat_store::{Options, Store, StoreAddress, StoreError, open};
use std::cell::Cell;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

struct Redb {
    directory: TempDir,
    made: Cell<u32>,
}

impl Redb {
    fn new() -> Self {
        Self { directory: tempfile::tempdir().expect("a directory"), made: Cell::new(0) }
    }

    fn file(&self) -> PathBuf {
        self.made.set(self.made.get() + 1);
        self.directory.path().join(format!("{}.redb", self.made.get()))
    }
}

impl Kind for Redb {
    fn fresh(&self) -> StoreAddress {
        StoreAddress::File(self.file())
    }

    fn open(&self, address: &StoreAddress) -> Box<dyn Store> {
        open(address, &Options::default()).expect("it opens")
    }
}

fn open_file(file: &Path) -> Result<Box<dyn Store>, StoreError> {
    open(&StoreAddress::File(file.to_owned()), &Options::default())
}

#[test]
fn the_embedded_store_keeps_every_promise() {
    let kind = Redb::new();
    for (promise, case) in CASES {
        println!("{promise}");
        case(&kind);
    }
}

#[test]
fn a_file_that_is_open_is_in_use() {
    let file = Redb::new().file();
    let store = open_file(&file).expect("it opens");
    let second = open_file(&file);
    assert!(
        matches!(&second, Err(StoreError::InUse(what)) if *what == file.display().to_string()),
        "{second:?}"
    );
    drop(store);
    open_file(&file).expect("nobody has it open");
}

#[test]
fn what_is_kept_is_for_its_owner_only() {
    let kind = Redb::new();
    let file = kind.directory.path().join("new/deeper/store.redb");
    drop(open_file(&file).expect("it is made"));
    let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
    assert_eq!(mode(&file), 0o600);
    assert_eq!(mode(file.parent().expect("a directory")), 0o700);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).expect("it is ours");
    drop(open_file(&file).expect("it opens"));
    assert_eq!(mode(&file), 0o600);
    let others = fs::read_dir(file.parent().expect("a directory")).expect("it can be read").count();
    assert_eq!(others, 1, "nothing is left of how it was made");
}

#[test]
fn what_is_no_store_is_not_opened_and_not_touched() {
    let kind = Redb::new();
    let file = kind.file();
    for bytes in [b"no store at all".to_vec(), vec![0; 100_000], vec![0x5A; 100_000]] {
        fs::write(&file, &bytes).expect("it is ours");
        let opened = open_file(&file);
        assert!(matches!(opened, Err(StoreError::Damaged(_))), "{opened:?}");
        assert_eq!(fs::read(&file).expect("it is there"), bytes);
    }
    let directory = open_file(kind.directory.path());
    assert!(matches!(directory, Err(StoreError::CannotOpen { .. })), "{directory:?}");
}
