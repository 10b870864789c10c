//! Bytes that nobody of ours wrote: nothing panics, and nothing is taken for a record that is none.
use crate::samples::{COPIES, POOL, region, status};
use lifeboat_model::HostIndex;
use lifeboat_protocol::medium::{Answer, Fault, Medium, StatefileMedium, Step, statefile};
use proptest::prelude::*;

/// A fresh process of host 0 reads this.
fn first_step(bytes: &[u8]) -> Step {
    let mut own = status();
    own.host = HostIndex(0);
    let mut medium = StatefileMedium::new(POOL, HostIndex(0), 3);
    medium.begin(&own, None);
    medium.answered(Answer::Read(bytes[..7 * 4096].into()))
}

#[test]
fn a_changed_bit_of_a_record_makes_its_copy_torn() {
    let region = region();
    let used = 400;
    for bit in (0..8 * used).step_by(3) {
        let mut damaged = region.clone();
        damaged[COPIES[1] + bit / 8] ^= 1 << (bit % 8);
        let inspection = statefile::inspect(&damaged).expect("a region");
        let length = usize::from(u16::from_le_bytes([region[COPIES[1] + 10], region[COPIES[1] + 11]]));
        let torn = inspection.records[0].copies[1] == statefile::CopySummary::Torn;
        assert_eq!(torn, bit / 8 < length, "bit {bit}");
    }
}

#[test]
fn a_short_answer_is_an_error_of_the_medium() {
    let mut own = status();
    own.host = HostIndex(0);
    let mut medium = StatefileMedium::new(POOL, HostIndex(0), 3);
    medium.begin(&own, None);
    assert_eq!(medium.answered(Answer::Read(region()[..4096].into())), Step::Failed(Fault::Input));
    assert!(medium.idle());
}

proptest! {
    #[test]
    fn any_change_of_a_region_is_survived(at in 0usize..5 * 4096, bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut region = region();
        let end = (at + bytes.len()).min(region.len());
        region[at..end].copy_from_slice(&bytes[..end - at]);
        let inspected = statefile::inspect(&region);
        if at >= 64 {
            prop_assert!(inspected.is_ok());
            prop_assert!(!inspected.unwrap().to_string().is_empty());
        }
        let step = first_step(&region);
        prop_assert!(matches!(step, Step::Next(_) | Step::Failed(_)), "{:?}", step);
    }
}
