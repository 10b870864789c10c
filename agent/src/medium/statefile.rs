//! The statefile: a region of a shared block device, or of a file. What is read comes from the device and not from this host's memory
//! (`O_DIRECT`), what is written is there when the call returns (`O_DSYNC`).
use super::{Aligned, Worker};
use lifeboat_protocol::medium::statefile::REGION;
use lifeboat_protocol::medium::{Answer, Request};
use rustix::fd::OwnedFd;
use rustix::fs::{Mode, OFlags, open};
use rustix::io::{Errno, pread, pwrite};
use std::path::{Path, PathBuf};

/// The statefile, as one host works on it.
#[derive(Debug)]
pub struct Statefile {
    path: PathBuf,
    offset: u64,
    device: Option<OwnedFd>,
    buffer: Aligned,
}

/// Why a request failed.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error("{}: cannot be {doing}: {fault}", path.display())]
    Io { path: PathBuf, doing: &'static str, fault: Errno },
    #[error("{}: ends within the region; `lifeboat-agent init` makes it as large as it must be", .0.display())]
    Short(PathBuf),
    #[error("a request of the protocol for another medium, or beyond the region")]
    Other,
}

impl Statefile {
    /// The region at `offset` of a device or file. It is opened when it is needed.
    pub fn new(path: PathBuf, offset: u64) -> Self {
        Self { path, offset, device: None, buffer: Aligned::default() }
    }

    fn attempt(&mut self, request: &Request) -> Result<Answer, Fault> {
        match request {
            Request::Read { offset, length } => {
                let length = usize::try_from(*length).map_err(|_| Fault::Other)?;
                let at = self.within(*offset, length)?;
                let device = opened(&mut self.device, &self.path)?;
                let buffer = self.buffer.of(length);
                let mut done = 0;
                while done < length {
                    match pread(device, &mut buffer[done..], at + done as u64) {
                        Ok(0) => return Err(Fault::Short(self.path.clone())),
                        Ok(read) => done += read,
                        Err(Errno::INTR) => {}
                        Err(errno) => return Err(failed(&self.path, "read", errno)),
                    }
                }
                Ok(Answer::Read((&*buffer).into()))
            }
            Request::Write { offset, bytes } => {
                let at = self.within(*offset, bytes.len())?;
                let device = opened(&mut self.device, &self.path)?;
                let buffer = self.buffer.of(bytes.len());
                buffer.copy_from_slice(bytes);
                let mut done = 0;
                while done < buffer.len() {
                    match pwrite(device, &buffer[done..], at + done as u64) {
                        Ok(0) => return Err(Fault::Short(self.path.clone())),
                        Ok(written) => done += written,
                        Err(Errno::INTR) => {}
                        Err(errno) => return Err(failed(&self.path, "written", errno)),
                    }
                }
                Ok(Answer::Written)
            }
            Request::Transaction { .. } => Err(Fault::Other),
        }
    }

    /// Where a range of the region lies on the device. Beyond the region may lie somebody else's data.
    fn within(&self, offset: u64, length: usize) -> Result<u64, Fault> {
        let end = offset.checked_add(length as u64).filter(|end| *end <= REGION as u64);
        end.and_then(|_| self.offset.checked_add(offset)).ok_or(Fault::Other)
    }
}

fn failed(path: &Path, doing: &'static str, fault: Errno) -> Fault {
    Fault::Io { path: path.to_owned(), doing, fault }
}

fn opened<'a>(device: &'a mut Option<OwnedFd>, path: &Path) -> Result<&'a OwnedFd, Fault> {
    if device.is_none() {
        let flags = OFlags::RDWR | OFlags::DIRECT | OFlags::DSYNC | OFlags::CLOEXEC;
        *device = Some(
            open(path, flags, Mode::empty())
                .map_err(|errno| failed(path, "opened for direct reading and writing", errno))?,
        );
    }
    device.as_ref().ok_or(Fault::Other)
}

impl Worker for Statefile {
    fn carry_out(&mut self, request: &Request) -> Result<Answer, String> {
        self.attempt(request).map_err(|fault| {
            // A device that was taken away and given back is another one to the kernel.
            self.device = None;
            fault.to_string()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn region() -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().expect("there is room");
        let path = directory.path().join("statefile");
        let file = std::fs::File::create(&path).expect("it can be made");
        file.set_len(8192 + REGION as u64).expect("there is room");
        (directory, path)
    }

    #[test]
    fn what_is_written_is_read_at_its_place_in_the_region() {
        let (_directory, path) = region();
        let mut medium = Statefile::new(path.clone(), 8192);
        let bytes: Box<[u8]> = (0..8192_u32).map(|at| (at % 251) as u8).collect();
        let write = Request::Write { offset: 4096, bytes: bytes.clone() };
        assert_eq!(medium.carry_out(&write), Ok(Answer::Written));
        assert_eq!(
            medium.carry_out(&Request::Read { offset: 4096, length: 8192 }),
            Ok(Answer::Read(bytes.clone()))
        );
        let whole = std::fs::read(&path).expect("it is a file");
        assert_eq!(whole[8192 + 4096..][..8192], *bytes);
        assert!(whole[..8192 + 4096].iter().all(|byte| *byte == 0), "nothing before it was touched");
    }

    #[test]
    fn nothing_beyond_the_region_is_touched() {
        let (_directory, path) = region();
        let mut medium = Statefile::new(path, 0);
        let beyond = Request::Write { offset: REGION as u64, bytes: vec![1; 4096].into() };
        assert!(medium.carry_out(&beyond).is_err());
        assert!(medium.carry_out(&Request::Read { offset: u64::MAX - 4095, length: 4096 }).is_err());
    }

    #[test]
    fn a_device_that_comes_back_is_opened_again() {
        let (directory, path) = region();
        let away = directory.path().join("away");
        std::fs::rename(&path, &away).expect("it can be moved");
        let mut medium = Statefile::new(path.clone(), 0);
        let read = Request::Read { offset: 0, length: 4096 };
        assert!(medium.carry_out(&read).expect_err("it is away").contains("cannot be opened"));
        std::fs::rename(&away, &path).expect("it can be moved back");
        assert!(medium.carry_out(&read).is_ok());
    }

    #[test]
    fn a_file_that_is_too_short_is_told_as_such() {
        let (_directory, path) = region();
        std::fs::File::create(&path).and_then(|mut file| file.write_all(&[0; 4096])).expect("there is room");
        let mut medium = Statefile::new(path, 0);
        let read = Request::Read { offset: 4096, length: 4096 };
        assert!(medium.carry_out(&read).expect_err("it ends before").contains("ends within the region"));
    }
}
