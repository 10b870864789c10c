#![no_main]
//! The bytes are frames between an agent and the service, and then a note from another host. What is read has one meaning when it is
//! written and read again; a note is no longer than it may be, whatever it unpacks to.
use lifeboat_link::frame::{Frame, FrameError};
use lifeboat_link::note;
use lifeboat_link::{FromService, OrderNote, ReportNote, Roster, ToService, frame};
use std::fmt::Debug;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    there_and_back::<ToService>(bytes);
    there_and_back::<FromService>(bytes);
    let mut stream = bytes;
    while let Ok(frame) = frame::read::<ToService>(&mut stream) {
        there_and_back::<ToService>(&frame.encode());
    }
    if let Ok(told) = note::unpack::<OrderNote>(bytes) {
        assert!(note::pack(&told).is_err() || note::unpack::<OrderNote>(&note::pack(&told).unwrap()).is_ok());
    }
    let _ = note::unpack::<ReportNote>(bytes);
    if let Ok(roster) = serde_json::from_slice::<Roster>(bytes) {
        let _ = roster.check();
    }
});

fn there_and_back<F: Frame + PartialEq + Debug>(bytes: &[u8]) {
    let Ok(frame) = F::decode(bytes) else { return };
    let again: Result<F, FrameError> = F::decode(&frame.encode());
    assert_eq!(again.expect("what was read can be read again"), frame);
}
