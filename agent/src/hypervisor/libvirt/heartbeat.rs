//! By what a guest shows that it is alive, whichever of these it has: what it writes to its channel `ha.heartbeat.0`, its console that
//! grows, its agent that answers.
use super::domain::console;
use crate::hypervisor::command::do_not_wait;
use roxmltree::Document;
use std::collections::BTreeMap;
use std::io::Read;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

/// The channel's name in the guest.
const CHANNEL: &str = "ha.heartbeat.0";

/// Heartbeats by UUID.
#[derive(Debug, Default)]
pub(super) struct Heartbeats {
    sources: Mutex<BTreeMap<String, Source>>,
}

#[derive(Debug)]
enum Source {
    Channel { path: PathBuf, stream: Option<UnixStream>, heard: u64 },
    Console { path: PathBuf },
    Agent { answers: u64 },
    None,
}

impl Heartbeats {
    /// A number that changes as long as the guest is well.
    pub(super) fn of(
        &self,
        uuid: &str,
        xml: impl FnOnce() -> Option<String>,
        answers: impl FnOnce() -> bool,
    ) -> Option<u64> {
        let lock = || self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        if !lock().contains_key(uuid) {
            let source = source(&xml()?);
            lock().insert(uuid.to_owned(), source);
        }
        // The lock is not held while an agent is asked: that can take long.
        if matches!(lock().get(uuid), Some(Source::Agent { .. }))
            && answers()
            && let Some(Source::Agent { answers }) = lock().get_mut(uuid)
        {
            *answers += 1;
        }
        lock().get_mut(uuid)?.count()
    }

    pub(super) fn forget(&self, uuid: &str) {
        self.sources.lock().unwrap_or_else(PoisonError::into_inner).remove(uuid);
    }
}

impl Source {
    fn count(&mut self) -> Option<u64> {
        match self {
            Self::Channel { path, stream, heard } => {
                if stream.is_none() {
                    let opened = UnixStream::connect(path).ok();
                    *stream = opened.filter(|stream| do_not_wait(stream).is_ok());
                }
                let mut part = [0; 4096];
                while let Some(open) = stream {
                    match open.read(&mut part) {
                        Ok(0) => *stream = None,
                        Ok(count) => *heard += count as u64,
                        Err(_) => break,
                    }
                }
                Some(*heard)
            }
            Self::Console { path } => path.metadata().ok().map(|file| file.len()),
            Self::Agent { answers } => Some(*answers),
            Self::None => None,
        }
    }
}

/// The best that a running domain has.
fn source(xml: &str) -> Source {
    let Ok(document) = Document::parse(xml) else { return Source::None };
    let channel = |name: &str| {
        document.descendants().find(|node| {
            node.has_tag_name("channel")
                && node.children().any(|target| target.attribute("name") == Some(name))
        })
    };
    let path = channel(CHANNEL).and_then(|node| node.children().find_map(|source| source.attribute("path")));
    if let Some(path) = path {
        return Source::Channel { path: path.into(), stream: None, heard: 0 };
    }
    if channel("org.qemu.guest_agent.0").is_some() {
        return Source::Agent { answers: 0 };
    }
    console(xml).map_or(Source::None, |path| Source::Console { path })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::unix::net::UnixListener;

    #[test]
    fn a_guest_is_alive_by_its_channel_before_anything_else() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("socket");
        let listener = UnixListener::bind(&path).expect("it can be bound");
        let xml = format!(
            "<domain><devices><channel type='unix'><source mode='bind' path='{}'/><target type='virtio' name='{CHANNEL}'/></channel>\
             <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel></devices></domain>",
            path.display()
        );
        let beats = Heartbeats::default();
        let count = || beats.of("u", || Some(xml.clone()), || panic!("the agent is not asked"));
        assert_eq!(count(), Some(0));
        let (mut guest, _) = listener.accept().expect("it connects");
        guest.write_all(b"beat\n").expect("it is read");
        let end = crate::clock::now() + std::time::Duration::from_secs(5);
        while count() != Some(5) {
            assert!(crate::clock::now() < end, "what the guest says is not heard");
        }
        drop(guest);
        drop(listener);
        assert_eq!(count(), Some(5), "one that is gone says nothing more");
    }

    #[test]
    fn the_answers_of_an_agent_are_counted() {
        let xml = "<domain><devices><channel><target type='virtio' name='org.qemu.guest_agent.0'/></channel></devices></domain>";
        let beats = Heartbeats::default();
        let ask = |answers| beats.of("u", || Some(xml.into()), || answers);
        assert_eq!((ask(true), ask(false), ask(true)), (Some(1), Some(1), Some(2)));
        beats.forget("u");
        assert_eq!(
            beats.of("u", || Some("<domain/>".into()), || true),
            None,
            "a guest may have no heartbeat"
        );
    }
}
