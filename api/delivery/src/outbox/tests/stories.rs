//! What an outbox does, one story each.
use super::{Told, alert, limits, seconds, with_digests};
use crate::limits::{Filter, Limits};
use crate::outbox::{Input, Outbox};
use crate::{Again, Failure, Message, Moment, Severity};
use std::time::Duration;

#[test]
fn alerts_leave_in_the_order_in_which_they_came() {
    let mut told = Told::new(limits());
    for number in 0..5 {
        told.send(0, alert(number, Severity::Warning));
    }
    assert_eq!(told.drain(0), ["0", "1", "2", "3", "4"]);
}

#[test]
fn the_same_alert_is_told_once_and_its_end_once() {
    let mut told = Told::new(limits());
    let mut end = alert(1, Severity::Warning);
    end.recovered = true;
    for sent in [alert(1, Severity::Warning), alert(1, Severity::Warning), end.clone(), end] {
        told.send(0, sent);
    }
    assert_eq!(told.drain(0), ["1", "1"]);
    assert_eq!(told.outbox.totals().taken, 2);
}

#[test]
fn what_is_not_for_the_channel_is_left_out() {
    let filter = Filter {
        severity: Some(Severity::Major),
        kinds: vec!["host-*".to_owned()],
        pools: vec!["prod-a".to_owned()],
        without_recoveries: true,
    };
    let mut told = Told::new(Limits { filter, ..limits() });
    let change = |number, change: fn(&mut crate::Alert)| {
        let mut changed = alert(number, Severity::Critical);
        change(&mut changed);
        changed
    };
    told.send(0, change(1, |alert| alert.severity = Severity::Warning));
    told.send(0, change(2, |alert| alert.kind = "overcommitted".to_owned()));
    told.send(0, change(3, |alert| alert.pool = "lab".to_owned()));
    told.send(0, change(4, |alert| alert.recovered = true));
    told.send(0, change(5, |alert| alert.severity = Severity::Major));
    assert_eq!(told.drain(0), ["5"]);
}

#[test]
fn a_storm_is_told_in_digests_and_then_singly_again() {
    let mut told = Told::new(with_digests());
    for number in 0..10 {
        told.send(number, alert(number, Severity::Warning));
    }
    assert_eq!(told.drain(10), ["0", "1"]);
    assert_eq!(told.outbox.deadline(), Some(seconds(60)), "the digest waits for the window's end");
    assert_eq!(told.outbox.gathered(), 8);
    assert_eq!(told.drain(60), ["digest of 8"]);
    // The storm goes on: everything is gathered.
    for number in 10..15 {
        told.send(61, alert(number, Severity::Warning));
    }
    assert_eq!(told.drain(119), [""; 0]);
    assert_eq!(told.drain(120), ["digest of 5"]);
    // One more comes late: a digest of one is no digest, and the storm is over.
    told.send(130, alert(20, Severity::Warning));
    assert_eq!(told.drain(180), ["20"]);
    told.send(181, alert(21, Severity::Warning));
    assert_eq!(told.drain(181), ["21"]);
    assert_eq!(told.outbox.deadline(), None, "nothing waits for the end of this window");
}

#[test]
fn a_window_that_is_over_is_over_even_if_nobody_was_woken_at_its_end() {
    let mut told = Told::new(with_digests());
    for (at, number) in [(0, 0), (1, 1), (61, 2), (62, 3), (63, 4)] {
        told.send(at, alert(number, Severity::Warning));
    }
    assert_eq!(told.drain(63), ["0", "1", "2", "3"], "the second window begins with the third alert");
    told.send(130, alert(5, Severity::Warning));
    assert_eq!(told.drain(130), ["4"], "gathered before the end of its window, alone");
    assert_eq!(told.outbox.gathered(), 1, "and the storm goes on");
}

#[test]
fn a_digest_counts_everything_and_shows_the_most_urgent_first() {
    let mut told = Told::new(with_digests());
    let severities = [Severity::Info, Severity::Info, Severity::Info, Severity::Warning, Severity::Warning];
    for (number, severity) in (0..).zip(severities.into_iter().chain([Severity::Critical, Severity::Info])) {
        told.send(0, alert(number, severity));
    }
    told.drain(0);
    told.wake(60);
    let Some(Message::Digest { digest }) = told.succeed(60) else { panic!("no digest") };
    assert_eq!((digest.total, digest.severity, digest.left_out()), (5, Severity::Critical, 2));
    assert_eq!(digest.lines.iter().map(|line| line.id.as_str()).collect::<Vec<_>>(), ["5", "3", "4"]);
    let counts: Vec<_> = digest.counts.iter().map(|count| (count.severity, count.number)).collect();
    let expected = [(Severity::Critical, 1), (Severity::Warning, 2), (Severity::Info, 2)];
    assert_eq!(counts, expected);
}

#[test]
fn a_failure_is_tried_again_later_and_later_and_then_given_up_with_word_of_it() {
    let mut told = Told::new(limits());
    told.send(0, alert(1, Severity::Warning));
    assert_eq!(told.fail(0, Failure::passing("no route")), 1);
    told.wake(0);
    assert!(told.under_way.is_none(), "it waits");
    let first = told.outbox.deadline().expect("it tries again");
    assert!(first >= seconds(1) && first <= seconds(2), "{first:?}");
    told.wake(2);
    assert_eq!(told.fail(2, Failure::passing("no route")), 2);
    told.wake(6);
    assert_eq!(told.fail(6, Failure::passing("no route")), 3);
    assert_eq!(told.lost.len(), 1);
    assert_eq!(told.lost[0].why, "given up after 3 attempts: no route");
    // The word of it goes out as soon as the channel works.
    assert_eq!(told.drain(100), ["losses of 1"]);
    assert_eq!(told.outbox.deadline(), None);
}

#[test]
fn what_is_refused_for_good_is_not_tried_again() {
    let mut told = Told::new(limits());
    told.send(0, alert(1, Severity::Warning));
    told.send(0, alert(2, Severity::Warning));
    told.fail(0, Failure::lasting("404"));
    assert_eq!(told.lost.len(), 1);
    assert_eq!(told.drain(10), ["2", "losses of 1"]);
}

#[test]
fn the_other_side_may_ask_for_a_longer_wait_but_not_for_ever() {
    for (asked, least, most) in [(30, 30, 30), (86_400, 60, 60), (0, 1, 2)] {
        let mut told = Told::new(limits());
        told.send(0, alert(1, Severity::Warning));
        let again = Again::After(Duration::from_secs(asked));
        told.fail(0, Failure { reason: "busy".to_owned(), again });
        let deadline = told.outbox.deadline().expect("it tries again");
        assert!(deadline >= seconds(least) && deadline <= seconds(most), "asked {asked}: {deadline:?}");
    }
}

#[test]
fn a_full_queue_drops_the_oldest_of_the_mildest_and_says_so() {
    let mut told = Told::new(limits());
    let severities = [Severity::Info, Severity::Warning, Severity::Info, Severity::Critical];
    for number in 0..12_u64 {
        told.send(0, alert(number, severities[usize::try_from(number % 4).expect("small")]));
    }
    // 0 is in flight and stays; of the others the informational ones go, the oldest first, then warnings.
    let lost: Vec<_> = told.lost.iter().map(|lost| lost.message.headline()).collect();
    let gone = [2, 4, 6, 8].map(|number| format!("prod-a: host h{number} failed"));
    assert_eq!(lost, gone);
    assert_eq!(told.drain(0), ["0", "losses of 4", "1", "3", "5", "7", "9", "10", "11"]);
}

#[test]
fn a_newcomer_that_is_the_mildest_is_what_a_full_queue_drops() {
    let mut told = Told::new(limits());
    for number in 0..8 {
        told.send(0, alert(number, Severity::Critical));
    }
    told.send(0, alert(8, Severity::Info));
    assert_eq!(told.lost[0].message.headline(), "prod-a: host h8 failed");
    assert_eq!(told.outbox.queued(), 8);
}

#[test]
fn nothing_is_lost_over_a_restart_and_nothing_told_comes_again() {
    let mut told = Told::new(with_digests());
    for number in 0..6 {
        told.send(0, alert(number, Severity::Warning));
    }
    assert!(matches!(told.succeed(1), Some(Message::Alert { alert }) if alert.id == "0"));
    let saved = serde_json::to_string(&told.outbox.pending()).expect("plain data");
    let mut next = Told::new(with_digests());
    next.outbox.restore(Moment::default(), serde_json::from_str(&saved).expect("plain data"));
    for number in 0..6 {
        next.send(0, alert(number, Severity::Warning));
    }
    assert_eq!(next.drain(0), ["1", "digest of 4"]);
}

#[test]
fn a_message_that_comes_again_has_the_same_id() {
    let mut told = Told::new(limits());
    told.send(0, alert(1, Severity::Warning));
    let first = told.under_way.clone().expect("under way").message.id();
    let mut next = Outbox::new(limits(), 2);
    next.restore(Moment::default(), told.outbox.pending());
    let waiting = next.pending().messages;
    assert_eq!(waiting.iter().map(Message::id).collect::<Vec<_>>(), [first]);
}

#[test]
fn word_about_a_delivery_of_another_life_is_ignored() {
    let mut told = Told::new(limits());
    told.send(0, alert(1, Severity::Warning));
    told.handle(seconds(0), Input::Delivered(77));
    told.handle(seconds(0), Input::Failed(0, Failure::lasting("late")));
    assert_eq!((told.outbox.queued(), told.outbox.totals().delivered), (1, 0));
    assert_eq!(told.drain(0), ["1"]);
    assert!(told.lost.is_empty());
}

#[test]
fn whoever_is_told_of_a_beginning_is_told_of_its_end() {
    let filter = Filter { kinds: vec!["overcommitted".to_owned()], ..Filter::default() };
    let mut told = Told::new(Limits { filter, ..limits() });
    for (number, kind, ends) in [
        (1, "overcommitted", None),
        (2, "overcommitted-cleared", Some("overcommitted")),
        (3, "host-rejoined", Some("host-failed")),
    ] {
        let mut sent = alert(number, Severity::Major);
        sent.kind = kind.to_owned();
        sent.ends = ends.map(str::to_owned);
        told.send(0, sent);
    }
    assert_eq!(told.drain(0), ["1", "2"]);
}
