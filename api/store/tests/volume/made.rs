//! What a volume is made on, and what is left alone.
use super::{POOL, kept, lead, put};
use lifeboat_store::volume::{FormatError, SMALLEST_LENGTH, Tenure, format};
use lifeboat_store::{Options, StoreAddress, StoreError, VolumeStore};
use std::fs;
use std::path::Path;

fn open(path: &Path, offset: u64, epoch: u64) -> Result<VolumeStore, StoreError> {
    VolumeStore::open(path, offset, SMALLEST_LENGTH, Tenure { pool: POOL, epoch })
}

#[test]
fn a_file_is_made_long_enough_and_keeps_what_is_before_the_region() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("lun");
    fs::write(&path, vec![0; 4096]).expect("it is ours");
    format(&path, 4 << 20, SMALLEST_LENGTH, POOL, false).expect("it is empty");
    let store = open(&path, 4 << 20, 1).expect("it opens");
    put(&store, lead(&store), "a", "1").expect("a commit");
    drop(store);
    assert_eq!(kept(&open(&path, 4 << 20, 2).expect("it opens"), "a").as_deref(), Some("1"));
    let bytes = fs::read(&path).expect("it is ours");
    assert_eq!(bytes.len() as u64, (4 << 20) + SMALLEST_LENGTH);
    assert!(bytes[..4 << 20].iter().all(|byte| *byte == 0), "nothing was written before the region");
}

#[test]
fn without_a_term_it_opens_only_before_the_first() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("lun");
    fs::write(&path, b"").expect("it is ours");
    let address = StoreAddress::Volume { path: path.clone(), offset: 0, length: SMALLEST_LENGTH };
    let nothing = lifeboat_store::open(&address, &Options::default());
    assert!(matches!(nothing, Err(StoreError::CannotOpen { .. })), "{nothing:?}");
    format(&path, 0, SMALLEST_LENGTH, POOL, false).expect("it is empty");
    drop(lifeboat_store::open(&address, &Options::default()).expect("no term has begun"));
    drop(open(&path, 0, 1).expect("the first term"));
    let refused = lifeboat_store::open(&address, &Options::default()).expect_err("a term has begun");
    assert!(refused.to_string().contains("ask the service"), "{refused}");
}

#[test]
fn what_holds_anything_is_left_as_it_is_unless_that_is_wanted() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("lun");
    let holds = [
        (1080, vec![0x53, 0xEF], "ext2, ext3 or ext4"),
        (0, b"XFSB".to_vec(), "XFS"),
        (SMALLEST_LENGTH as usize - 1, vec![1], "something unknown"),
        (0, b"LBVOLUME".to_vec(), "a metadata volume"),
    ];
    for (at, sign, what) in holds {
        let mut bytes = vec![0; SMALLEST_LENGTH as usize];
        bytes[at..at + sign.len()].copy_from_slice(&sign);
        fs::write(&path, &bytes).expect("it is ours");
        let refused = format(&path, 0, SMALLEST_LENGTH, POOL, false).expect_err("it holds something");
        assert!(
            matches!(&refused, FormatError::NotEmpty { .. }) && refused.to_string().contains(what),
            "{refused}"
        );
        assert_eq!(fs::read(&path).expect("it is ours"), bytes, "{what} is untouched");
        format(&path, 0, SMALLEST_LENGTH, POOL, true).expect("it was wanted");
        drop(open(&path, 0, 1).expect("it opens"));
    }
}

#[test]
fn a_region_inside_somebody_elses_device_is_refused() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("lun");
    let mut bytes = vec![0; 8 << 20];
    bytes[0x200..0x208].copy_from_slice(b"EFI PART");
    fs::write(&path, &bytes).expect("it is ours");
    let refused = format(&path, 8 << 20, SMALLEST_LENGTH, POOL, false).expect_err("it is partitioned");
    assert!(refused.to_string().contains("GPT"), "{refused}");
    bytes[..0x208].fill(0);
    bytes[4..12].copy_from_slice(b"LIFEBOAT");
    fs::write(&path, &bytes).expect("it is ours");
    format(&path, 8 << 20, SMALLEST_LENGTH, POOL, false).expect("a statefile may stand before it");
}

#[test]
fn what_cannot_be_a_volume_is_refused_with_the_reason() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("lun");
    fs::write(&path, b"").expect("it is ours");
    for (offset, length) in
        [(0, 4096), (1, SMALLEST_LENGTH), (0, SMALLEST_LENGTH + 1), (u64::MAX - 4095, SMALLEST_LENGTH)]
    {
        let refused = format(&path, offset, length, POOL, false);
        assert!(matches!(refused, Err(FormatError::CannotUse { .. })), "{offset} {length}: {refused:?}");
    }
    assert!(format(directory.path(), 0, SMALLEST_LENGTH, POOL, false).is_err());
    format(&path, 0, SMALLEST_LENGTH, POOL, false).expect("a file");
    let longer = VolumeStore::open(&path, 0, 2 * SMALLEST_LENGTH, Tenure { pool: POOL, epoch: 1 });
    assert!(matches!(longer, Err(StoreError::CannotOpen { .. })), "{longer:?}");
}
