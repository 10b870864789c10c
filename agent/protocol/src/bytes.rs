//! Little-endian bytes, written into a vector and read back from a slice. The reader never panics and never
//! allocates more than the slice has bytes for: whatever the outside world sends, the answer is a value or a
//! [`Malformed`].
//!
//! Every value has exactly one spelling (a flag is 0 or 1, an index is within its limit), so that bytes which decode are
//! the bytes that encoding the value gives again.
use alloc::{string::String, vec::Vec};
use core::time::Duration;
use lifeboat_model::HostIndex;

/// The most hosts that any format carries. A statefile has room for 64 of them.
pub const MAX_HOSTS: usize = 256;

/// Bytes that no encoder of ours has written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// The bytes end within a value.
    #[error("the bytes end within a value")]
    Truncated,
    /// There are bytes behind the last value.
    #[error("there are bytes behind the last value")]
    Trailing,
    /// A number is beyond its limit, or names nothing.
    #[error("{what} is out of range")]
    OutOfRange {
        /// What it stands for.
        what: &'static str,
    },
    /// A text is not UTF-8.
    #[error("a text is not UTF-8")]
    NotText,
}

/// Reads values from a slice, one after another.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// A reader at the beginning of `bytes`.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// How many bytes are left.
    pub const fn left(&self) -> usize {
        self.rest.len()
    }

    /// The next `length` bytes.
    ///
    /// # Errors
    /// If fewer are left.
    pub fn take(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(Malformed::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    /// The next `N` bytes.
    ///
    /// # Errors
    /// If fewer are left.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(Malformed::Truncated)?;
        self.rest = rest;
        Ok(*taken)
    }

    /// A byte.
    ///
    /// # Errors
    /// If none is left.
    pub fn u8(&mut self) -> Result<u8, Malformed> {
        Ok(u8::from_le_bytes(self.array()?))
    }

    /// A number of two bytes.
    ///
    /// # Errors
    /// If fewer are left.
    pub fn u16(&mut self) -> Result<u16, Malformed> {
        Ok(u16::from_le_bytes(self.array()?))
    }

    /// A number of four bytes.
    ///
    /// # Errors
    /// If fewer are left.
    pub fn u32(&mut self) -> Result<u32, Malformed> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    /// A number of eight bytes.
    ///
    /// # Errors
    /// If fewer are left.
    pub fn u64(&mut self) -> Result<u64, Malformed> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    /// A flag: 0 or 1.
    ///
    /// # Errors
    /// If nothing is left, or it is neither.
    pub fn flag(&mut self, what: &'static str) -> Result<bool, Malformed> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Malformed::OutOfRange { what }),
        }
    }

    /// A count of at most `limit`, in two bytes.
    ///
    /// # Errors
    /// If fewer are left, or it is beyond the limit.
    pub fn count(&mut self, limit: usize, what: &'static str) -> Result<usize, Malformed> {
        let count = usize::from(self.u16()?);
        if count > limit { Err(Malformed::OutOfRange { what }) } else { Ok(count) }
    }

    /// A host's index, below [`MAX_HOSTS`].
    ///
    /// # Errors
    /// If fewer than two bytes are left, or it is beyond the limit.
    pub fn host(&mut self) -> Result<HostIndex, Malformed> {
        Ok(HostIndex::new(self.count(MAX_HOSTS - 1, "a host")?))
    }

    /// A span of time.
    ///
    /// # Errors
    /// If fewer than eight bytes are left.
    pub fn duration(&mut self) -> Result<Duration, Malformed> {
        Ok(Duration::from_nanos(self.u64()?))
    }

    /// A text of at most `limit` bytes.
    ///
    /// # Errors
    /// If it ends early, is longer, or is not UTF-8.
    pub fn text(&mut self, limit: usize, what: &'static str) -> Result<String, Malformed> {
        let length = self.count(limit, what)?;
        let text = core::str::from_utf8(self.take(length)?).map_err(|_| Malformed::NotText)?;
        Ok(text.into())
    }

    /// Makes sure that everything has been read.
    ///
    /// # Errors
    /// If bytes are left.
    pub const fn finish(&self) -> Result<(), Malformed> {
        if self.rest.is_empty() { Ok(()) } else { Err(Malformed::Trailing) }
    }
}

/// Writes values one after another.
#[derive(Clone, Debug, Default)]
pub struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// A writer with room for `capacity` bytes; it grows beyond that.
    pub fn with_capacity(capacity: usize) -> Self {
        Self { bytes: Vec::with_capacity(capacity) }
    }

    /// How many bytes have been written.
    pub const fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether nothing has been written.
    pub const fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// What has been written.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// These bytes, without their length.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// A byte.
    pub fn u8(&mut self, value: u8) {
        self.bytes.push(value);
    }

    /// A number of two bytes.
    pub fn u16(&mut self, value: u16) {
        self.raw(&value.to_le_bytes());
    }

    /// A number of four bytes.
    pub fn u32(&mut self, value: u32) {
        self.raw(&value.to_le_bytes());
    }

    /// A number of eight bytes.
    pub fn u64(&mut self, value: u64) {
        self.raw(&value.to_le_bytes());
    }

    /// A flag.
    pub fn flag(&mut self, value: bool) {
        self.u8(u8::from(value));
    }

    /// A count, in two bytes. Counts have limits far below 65,535, which decoding checks.
    pub fn count(&mut self, count: usize) {
        debug_assert!(u16::try_from(count).is_ok(), "limits of formats are below 65,535");
        self.u16(count as u16);
    }

    /// A host's index.
    pub fn host(&mut self, host: HostIndex) {
        self.u16(host.0);
    }

    /// A span of time in nanoseconds: exact up to 584 years.
    pub fn duration(&mut self, span: Duration) {
        self.u64(u64::try_from(span.as_nanos()).unwrap_or(u64::MAX));
    }

    /// A text; what is beyond `limit` bytes is cut off at a character's end.
    pub fn text(&mut self, text: &str, limit: usize) {
        let text = &text[..text.floor_char_boundary(limit)];
        self.count(text.len());
        self.raw(text.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn what_is_written_is_read_back() {
        let mut writer = Writer::with_capacity(64);
        writer.u8(1);
        writer.u16(0x0203);
        writer.u32(0x0405_0607);
        writer.u64(0x0809_0a0b_0c0d_0e0f);
        writer.flag(true);
        writer.host(HostIndex(255));
        writer.duration(Duration::new(3, 7));
        writer.text("größe", 100);
        let bytes = writer.into_bytes();
        assert_eq!(bytes[..3], [1, 3, 2], "little-endian");
        let mut reader = Reader::new(&bytes);
        assert_eq!(reader.u8(), Ok(1));
        assert_eq!(reader.u16(), Ok(0x0203));
        assert_eq!(reader.u32(), Ok(0x0405_0607));
        assert_eq!(reader.u64(), Ok(0x0809_0a0b_0c0d_0e0f));
        assert_eq!(reader.flag("a flag"), Ok(true));
        assert_eq!(reader.host(), Ok(HostIndex(255)));
        assert_eq!(reader.duration(), Ok(Duration::new(3, 7)));
        assert_eq!(reader.finish(), Err(Malformed::Trailing));
        assert_eq!(reader.text(100, "a text"), Ok("größe".to_string()));
        assert_eq!(reader.finish(), Ok(()));
        assert_eq!(reader.u8(), Err(Malformed::Truncated));
    }

    #[test]
    fn a_long_text_is_cut_at_a_characters_end() {
        let mut writer = Writer::default();
        writer.text("aöb", 2);
        assert_eq!(writer.into_bytes(), [1, 0, b'a']);
    }

    #[test]
    fn what_is_out_of_range_is_refused_by_name() {
        assert_eq!(Reader::new(&[2]).flag("a flag"), Err(Malformed::OutOfRange { what: "a flag" }));
        assert_eq!(Reader::new(&[0, 1]).host(), Err(Malformed::OutOfRange { what: "a host" }));
        assert_eq!(Reader::new(&[3, 0, 1, 2, 3]).text(2, "x"), Err(Malformed::OutOfRange { what: "x" }));
        assert_eq!(Reader::new(&[9, 0, 1]).text(20, "x"), Err(Malformed::Truncated));
        assert_eq!(Reader::new(&[2, 0, 0xff, 0xff]).text(20, "x"), Err(Malformed::NotText));
    }
}
