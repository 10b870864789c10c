//! Tests of the watchdog's thread, with a watchdog that answers when the test lets it.
use super::*;
use crate::testing::{SOON, wait};
use crate::watchdog::NoWatchdog;
use crate::watchdog::testing::{Heard, Slow};
use std::sync::mpsc::{Receiver, Sender, channel};

fn tended(slow: Slow) -> (Tender, Receiver<Told>) {
    let (news, told) = channel();
    let tell = move |what| drop(news.send(what));
    (Tender::start(Box::new(slow), tell).expect("a thread is to be had"), told)
}

fn open(gate: &Sender<()>) {
    gate.send(()).expect("it waits");
}

#[test]
fn while_a_command_lasts_deadlines_are_taken_and_the_newest_is_the_next() {
    let (slow, gate, heard) = Slow::new();
    let (tender, told) = tended(slow);
    let now = clock::now();
    let at = |seconds| now + Duration::from_secs(seconds);
    tender.feed(at(10));
    assert_eq!(heard.recv_timeout(SOON), Ok(Heard::Feed(at(10))));
    assert!(!tender.is_ready(), "the card has not answered");
    for seconds in 11..1000 {
        tender.feed(at(seconds));
    }
    assert!(tender.state(at(2)).contains("NOT ANSWERED"), "{}", tender.state(at(2)));
    open(&gate);
    assert!(matches!(told.recv_timeout(SOON), Ok(Told::Fed(Ok(())))), "it is armed: that is news");
    assert!(tender.is_ready());
    assert_eq!(heard.recv_timeout(SOON), Ok(Heard::Feed(at(999))));
    open(&gate);
    wait("it is done", || !tender.state(at(2)).contains("NOT ANSWERED"));
    assert!(told.try_recv().is_err(), "that it is fed as usual is no news");
}

#[test]
fn that_it_is_to_stop_goes_before_a_deadline_that_waits() {
    let (slow, gate, heard) = Slow::new();
    let (tender, told) = tended(slow);
    tender.feed(clock::now());
    assert!(matches!(heard.recv_timeout(SOON), Ok(Heard::Feed(_))));
    tender.feed(clock::now());
    tender.stop();
    open(&gate);
    assert_eq!(heard.recv_timeout(SOON), Ok(Heard::Stop));
    open(&gate);
    assert!(matches!(told.recv_timeout(SOON), Ok(Told::Fed(Ok(())))));
    assert!(matches!(told.recv_timeout(SOON), Ok(Told::Stopped(Ok(())))));
    assert!(!tender.is_armed());
    drop(tender);
    assert!(heard.recv_timeout(SOON).is_err(), "its thread ends with it");
}

#[test]
fn who_wanted_no_watchdog_is_held_up_by_none() {
    let tender = Tender::start(Box::<NoWatchdog>::default(), |_| {}).expect("a thread is to be had");
    assert!(tender.is_ready() && !tender.is_armed());
    assert!(tender.state(clock::now()).contains("NONE"));
}
