//! The shared storage: how fast it answers, and over how many paths.
use super::{Finding, Subject, read};
use crate::clock;
use crate::config::MediumSection;
use lifeboat_protocol::medium::statefile::{BLOCK, REGION};
use lifeboat_store::volume::{Blocks, Device};
use std::io;
use std::path::Path;
use std::time::Duration;

/// A block of the statefile that no version uses: it is zero, and is written with zeros.
const SPARE: u64 = 1000 * BLOCK as u64;
/// How often it is written and read.
const TIMES: usize = 100;
/// Beyond this the bounds of the protocol do not hold; and beyond that nothing does.
const SLOW: Duration = Duration::from_millis(250);
const TOO_SLOW: Duration = Duration::from_secs(1);

pub(super) fn look(subject: &Subject, sys: &Path) -> Vec<Finding> {
    let Some(MediumSection::Statefile { path, offset }) = &subject.medium else { return Vec::new() };
    let check = "statefile";
    let mut findings = match measure(path, *offset) {
        Ok((writes, reads)) => vec![judge("statefile writes", &writes), judge("statefile reads", &reads)],
        Err(fault) => vec![Finding::refuse(
            check,
            format!("{}: {fault}", path.display()),
            "see that it is attached, and that `init` has made it",
        )],
    };
    findings.extend(multipath(path, sys));
    findings
}

/// How long each write and each reading took, in ascending order.
fn measure(path: &Path, offset: u64) -> io::Result<(Vec<Duration>, Vec<Duration>)> {
    let device = Device::open(path, offset, REGION as u64)?;
    let mut block = vec![0; BLOCK];
    device.read(SPARE, &mut block)?;
    if block.iter().any(|byte| *byte != 0) {
        return Err(io::Error::other("its spare blocks are used: it is no statefile of this version"));
    }
    let timed = |act: &mut dyn FnMut() -> io::Result<()>| -> io::Result<Vec<Duration>> {
        let mut spans = Vec::with_capacity(TIMES);
        for _ in 0..TIMES {
            let began = clock::now();
            act()?;
            spans.push(clock::now().since(began));
        }
        spans.sort();
        Ok(spans)
    };
    let zeros = vec![0; BLOCK];
    let writes = timed(&mut || device.write(SPARE, &zeros).and_then(|()| device.sync()))?;
    let reads = timed(&mut || device.read(SPARE, &mut block))?;
    Ok((writes, reads))
}

fn judge(check: &str, spans: &[Duration]) -> Finding {
    let at = |percent: usize| spans[(spans.len() * percent / 100).min(spans.len() - 1)];
    let found = format!("median {:.1?}, 99 % within {:.1?}, slowest {:.1?}", at(50), at(99), at(100));
    let mend = "give the statefile a volume with little else on it, and see to its paths";
    if at(99) >= TOO_SLOW {
        Finding::refuse(check, found, mend)
    } else if at(99) >= SLOW {
        Finding::warn(check, found, mend)
    } else {
        Finding::ok(check, found)
    }
}

/// The paths of a multipath device.
fn multipath(path: &Path, sys: &Path) -> Option<Finding> {
    let name = std::fs::canonicalize(path).ok()?.file_name()?.to_string_lossy().into_owned();
    let folder = sys.join("block").join(&name);
    if !read(&folder.join("dm/uuid"))?.starts_with("mpath-") {
        return None;
    }
    let slaves: Vec<String> = std::fs::read_dir(folder.join("slaves"))
        .ok()?
        .filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned()))
        .collect();
    let works = |slave: &&String| {
        read(&sys.join("block").join(slave).join("device/state"))
            .is_none_or(|state| state == "running" || state == "live")
    };
    let up = slaves.iter().filter(works).count();
    let found = format!("{up} of {} paths work", slaves.len());
    Some(if up >= 2 && up == slaves.len() {
        Finding::ok("multipath", found)
    } else if up == 0 {
        Finding::refuse("multipath", found, "see to cables, zoning and the array")
    } else {
        Finding::warn(
            "multipath",
            found,
            "see to the path that is missing: the next one that fails may be the last",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statefile_is_measured_and_is_what_it_was_afterwards() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("statefile");
        let region =
            lifeboat_protocol::medium::statefile::format(lifeboat_protocol::medium::PoolId([1; 16]), 1);
        let region = region.expect("room");
        std::fs::write(&path, &region).expect("it is ours");
        let (writes, reads) = measure(&path, 0).expect("it can be measured");
        assert_eq!((writes.len(), reads.len()), (TIMES, TIMES));
        assert!(writes.is_sorted() && reads.is_sorted());
        assert_eq!(std::fs::read(&path).expect("it is ours"), region[..]);
        let mut used = region.to_vec();
        used[SPARE as usize] = 1;
        std::fs::write(&path, &used).expect("it is ours");
        assert!(measure(&path, 0).is_err(), "what is used is not written over");
        assert_eq!(std::fs::read(&path).expect("it is ours"), used);
    }

    #[test]
    fn slow_storage_is_warned_of_and_slower_is_refused() {
        use super::super::Judgement;
        for (slowest, expected) in [(1, Judgement::Ok), (300, Judgement::Warn), (1_500, Judgement::Refuse)] {
            let mut spans = vec![Duration::from_millis(1); 98];
            spans.extend([Duration::from_millis(slowest); 2]);
            assert_eq!(judge("x", &spans).judgement, expected, "{slowest} ms");
        }
    }
}
