//! The shared disk that a statefile lies on: whole blocks are read and written, and a write that is interrupted
//! leaves a part of its sectors.
use crate::draw::Draw;

/// The unit that a disk writes all or nothing.
pub const SECTOR: usize = 512;

/// A disk's region.
#[derive(Debug)]
pub struct Disk {
    bytes: Box<[u8]>,
}

impl Disk {
    /// A disk with this content.
    pub fn new(bytes: Box<[u8]>) -> Self {
        Self { bytes }
    }

    /// Writes; false, and nothing is written, where it does not fit.
    pub fn write(&mut self, offset: u64, bytes: &[u8]) -> bool {
        let Some(place) = self.place(offset, bytes.len()) else { return false };
        self.bytes[place].copy_from_slice(bytes);
        true
    }

    /// A write that was interrupted: each sector is written or is not.
    pub fn tear(&mut self, offset: u64, bytes: &[u8], draw: &mut Draw) {
        for (position, sector) in bytes.chunks(SECTOR).enumerate() {
            if draw.chance(500_000) {
                self.write(offset + (position * SECTOR) as u64, sector);
            }
        }
    }

    /// Reads; none where it does not fit.
    pub fn read(&self, offset: u64, length: u64) -> Option<Box<[u8]>> {
        let place = self.place(offset, usize::try_from(length).ok()?)?;
        Some(self.bytes[place].into())
    }

    fn place(&self, offset: u64, length: usize) -> Option<core::ops::Range<usize>> {
        let begin = usize::try_from(offset).ok()?;
        let end = begin.checked_add(length)?;
        (end <= self.bytes.len()).then_some(begin..end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::Concern;

    #[test]
    fn a_torn_write_leaves_some_sectors_old_and_some_new_and_none_mixed() {
        let mut disk = Disk::new(vec![0; 64 * SECTOR].into());
        let mut draw = Draw::new(3, Concern::Medium);
        disk.tear(SECTOR as u64, &vec![7; 32 * SECTOR], &mut draw);
        let read = disk.read(0, 64 * SECTOR as u64).expect("it fits");
        let sectors: Vec<&[u8]> = read.chunks(SECTOR).collect();
        assert!(sectors.iter().all(|sector| sector.iter().all(|byte| byte == &sector[0])));
        let new = sectors.iter().filter(|sector| sector[0] == 7).count();
        assert!((1..32).contains(&new), "{new} of 32 sectors written");
        assert!(sectors[0][0] == 0 && sectors[33..].iter().all(|sector| sector[0] == 0));
    }

    #[test]
    fn nothing_is_read_or_written_beyond_the_end() {
        let mut disk = Disk::new(vec![0; 1024].into());
        assert!(!disk.write(1000, &[1; 25]) && disk.write(1000, &[1; 24]));
        assert_eq!(disk.read(1000, 25), None);
        assert_eq!(disk.read(u64::MAX, 2), None);
        assert_eq!(disk.read(1023, 1).as_deref(), Some(&[1_u8][..]));
    }
}
