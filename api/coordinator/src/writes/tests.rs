//! What is written when, and what is written again.
use super::*;
use crate::record::Place;
use lifeboat_model::{HostIndex, VmIndex};

const NOW: Instant = Instant::from_micros(5);
const LATER: Instant = Instant::from_micros(9);

fn place(host: usize) -> Record {
    Record::Place { vm: VmIndex(0), place: Place::On(HostIndex::new(host)) }
}

fn send(number: u64) -> Effect {
    Effect::Send(OrderNumber(number), None)
}

#[test]
fn what_is_to_be_done_is_done_when_its_write_is_durable_and_not_before() {
    let mut writes = Writes::default();
    writes.behind(Record::ShouldRun { vm: VmIndex(0), should_run: true });
    writes.ahead(place(1), send(1));
    writes.ahead(place(2), send(2));
    let (ticket, records) = writes.next(NOW).expect("there is something to write");
    assert_eq!(records.len(), 3, "one write for all");
    assert!(writes.next(NOW).is_none());
    assert_eq!(writes.stored(Ticket(9)), [], "another write's answer");
    assert_eq!(writes.stored(ticket), [send(1), send(2)]);
    assert_eq!(writes.stored(ticket), [], "once");
}

#[test]
fn what_must_not_be_forgotten_is_written_again_later() {
    let mut writes = Writes::default();
    writes.behind(place(1));
    let (ticket, _) = writes.next(NOW).expect("there is something to write");
    assert_eq!(writes.failed(ticket, LATER), []);
    assert!(writes.next(NOW).is_none());
    assert_eq!(writes.deadline(), Some(LATER));
    assert_eq!(writes.next(LATER).expect("again").1, [place(1)]);
}

#[test]
fn an_older_write_that_fails_late_is_not_written_over_a_newer_one() {
    let mut writes = Writes::default();
    writes.behind(place(1));
    let (older, _) = writes.next(NOW).expect("there is something to write");
    writes.ahead(place(2), send(1));
    let (newer, _) = writes.next(NOW).expect("there is something to write");
    assert_eq!(writes.stored(newer), [send(1)]);
    writes.failed(older, NOW);
    assert!(writes.next(LATER).is_none(), "the store would place the VM where it is not");
}

#[test]
fn what_the_store_has_is_not_written_twice_unless_a_write_of_it_failed() {
    let mut writes = Writes::default();
    writes.is_kept(place(1));
    writes.behind(place(1));
    assert!(writes.next(NOW).is_none());
    writes.ahead(place(2), send(1));
    let (ticket, _) = writes.next(NOW).expect("there is something to write");
    writes.failed(ticket, NOW);
    writes.behind(place(2));
    assert_eq!(writes.next(LATER).expect("nobody knows what the store has").1, [place(2)]);
}
