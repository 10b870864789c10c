//! The region's bytes, a whole block at a time, past every cache of the host.
use rustix::fs::OFlags;
use std::fmt::Debug;
use std::fs::{File, OpenOptions};
use std::io::{Error, ErrorKind, Result, Seek, SeekFrom};
use std::os::unix::fs::{FileExt, FileTypeExt, OpenOptionsExt};
use std::path::Path;

/// What is read and written whole. Disks have blocks of 512 or 4,096 bytes; this suits both.
pub const BLOCK: usize = 4096;

/// A region of blocks. Offsets and lengths are multiples of [`BLOCK`], and within the region.
pub trait Blocks: Debug + Send + Sync {
    /// The length of the region.
    ///
    /// # Errors
    /// If the device cannot say.
    fn len(&self) -> Result<u64>;

    /// Whether there is none of it.
    ///
    /// # Errors
    /// As [`Blocks::len`].
    fn is_empty(&self) -> Result<bool> {
        Ok(self.len()? == 0)
    }

    /// Reads whole blocks.
    ///
    /// # Errors
    /// Those of the device.
    fn read(&self, offset: u64, out: &mut [u8]) -> Result<()>;

    /// Writes whole blocks. They are durable after the next [`Blocks::sync`].
    ///
    /// # Errors
    /// Those of the device.
    fn write(&self, offset: u64, bytes: &[u8]) -> Result<()>;

    /// Makes durable what was written.
    ///
    /// # Errors
    /// Those of the device.
    fn sync(&self) -> Result<()>;
}

/// A region of a block device or of a file, read and written directly.
#[derive(Debug)]
pub struct Device {
    file: File,
    begins: u64,
    length: u64,
}

impl Device {
    /// Opens `length` bytes from `offset` on.
    ///
    /// # Errors
    /// If it cannot be opened, is too short, or takes no direct I/O.
    pub fn open(path: &Path, offset: u64, length: u64) -> Result<Self> {
        let mut file = direct(path)?;
        let all = file.seek(SeekFrom::End(0))?;
        Self::of(file, offset, length, all)
    }

    /// The same, to be formatted: a file (no device) is made as long as it has to be.
    ///
    /// # Errors
    /// As [`Device::open`].
    pub fn prepare(path: &Path, offset: u64, length: u64) -> Result<Self> {
        let mut file = direct(path)?;
        let wanted = offset.saturating_add(length);
        let mut all = file.seek(SeekFrom::End(0))?;
        if all < wanted && file.metadata()?.file_type().is_file() {
            file.set_len(wanted)?;
            file.sync_all()?;
            all = wanted;
        }
        Self::of(file, offset, length, all)
    }

    fn of(file: File, offset: u64, length: u64, all: u64) -> Result<Self> {
        let block = BLOCK as u64;
        if !offset.is_multiple_of(block) || !length.is_multiple_of(block) {
            return Err(wrong(format!("offset {offset} and length {length} must be multiples of {block}")));
        }
        if offset.checked_add(length).is_none_or(|end| end > all) {
            return Err(wrong(format!("it has {all} bytes, and {length} are needed from {offset} on")));
        }
        Ok(Self { file, begins: offset, length })
    }

    /// Reads from the beginning of the device itself, wherever the region begins.
    pub(super) fn read_start(&self, out: &mut [u8]) -> Result<()> {
        let mut aligned = Aligned::zeroed(out.len());
        self.file.read_exact_at(aligned.bytes_mut(), 0)?;
        out.copy_from_slice(aligned.bytes());
        Ok(())
    }

    /// Where the region begins on the device.
    pub(super) fn begins(&self) -> u64 {
        self.begins
    }

    fn place(&self, offset: u64, length: usize) -> Result<u64> {
        let end = offset.checked_add(length as u64).filter(|end| *end <= self.length);
        end.map(|_| self.begins + offset).ok_or_else(|| wrong("beyond the end of the region".to_owned()))
    }
}

fn wrong(what: String) -> Error {
    Error::new(ErrorKind::InvalidInput, what)
}

fn direct(path: &Path) -> Result<File> {
    let flags = OFlags::DIRECT.bits().cast_signed();
    let opened = OpenOptions::new().read(true).write(true).custom_flags(flags).open(path);
    let file = opened.map_err(|fault| match fault.kind() {
        ErrorKind::InvalidInput => wrong(format!(
            "it takes no direct I/O ({fault}), and without that hosts would see each their own copy: use a block device"
        )),
        _ => fault,
    })?;
    let kind = file.metadata()?.file_type();
    if kind.is_block_device() || kind.is_file() {
        Ok(file)
    } else {
        Err(wrong("it is neither a block device nor a file".to_owned()))
    }
}

impl Blocks for Device {
    fn len(&self) -> Result<u64> {
        Ok(self.length)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> Result<()> {
        let place = self.place(offset, out.len())?;
        let mut aligned = Aligned::zeroed(out.len());
        self.file.read_exact_at(aligned.bytes_mut(), place)?;
        out.copy_from_slice(aligned.bytes());
        Ok(())
    }

    fn write(&self, offset: u64, bytes: &[u8]) -> Result<()> {
        let place = self.place(offset, bytes.len())?;
        let mut aligned = Aligned::zeroed(bytes.len());
        aligned.bytes_mut().copy_from_slice(bytes);
        self.file.write_all_at(aligned.bytes(), place)
    }

    fn sync(&self) -> Result<()> {
        self.file.sync_data()
    }
}

/// Bytes whose address is a multiple of [`BLOCK`], as direct I/O wants them.
struct Aligned {
    all: Vec<u8>,
    begins: usize,
    length: usize,
}

impl Aligned {
    fn zeroed(length: usize) -> Self {
        let all = vec![0; length + BLOCK];
        let begins = all.as_ptr().align_offset(BLOCK);
        Self { all, begins, length }
    }

    fn bytes(&self) -> &[u8] {
        &self.all[self.begins..][..self.length]
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.all[self.begins..][..self.length]
    }
}
