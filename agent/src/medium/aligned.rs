//! Memory that a device can write to directly: it begins at a multiple of a block.

/// What it begins at a multiple of.
const ALIGNMENT: usize = 4096;

/// A buffer that begins at a multiple of 4,096 and keeps its memory for the next use.
#[derive(Debug, Default)]
pub struct Aligned {
    bytes: Vec<u8>,
}

impl Aligned {
    /// The buffer, with that length; what is in it is whatever was.
    pub fn of(&mut self, length: usize) -> &mut [u8] {
        if self.bytes.len() < length + ALIGNMENT {
            self.bytes = vec![0; length + ALIGNMENT];
        }
        let begin = self.bytes.as_ptr().align_offset(ALIGNMENT);
        &mut self.bytes[begin..begin + length]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_aligned_whatever_its_length_and_keeps_its_memory() {
        let mut buffer = Aligned::default();
        for length in [4096, 1, 1 << 20, 8192] {
            let bytes = buffer.of(length);
            assert_eq!((bytes.as_ptr().addr() % ALIGNMENT, bytes.len()), (0, length));
        }
        let before = buffer.of(8192).as_ptr();
        assert_eq!(buffer.of(4096).as_ptr(), before);
    }
}
