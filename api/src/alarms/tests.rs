//! From an alert in the book to what channels are handed.
use super::*;
use crate::served::alerts::Kind;

fn alert() -> Alert {
    Alert {
        id: 7,
        kind: Kind::HostFailed,
        severity: Kind::HostFailed.severity(),
        subject: Subject::Host("h03".into()),
        raised_at: Timestamp::UNIX_EPOCH,
        closed_at: None,
        closed_because: None,
        acknowledged: None,
        summary: "host h03 has failed".into(),
        detail: "2 protected VM(s) ran there.".into(),
        next_step: "look at it".into(),
        data: json!({"protected_vms": 2}),
    }
}

#[test]
fn an_end_has_the_id_of_its_beginning_and_says_what_it_ends() {
    let began = outgoing("prod", &alert());
    assert_eq!((began.kind.as_str(), began.recovered, began.ends), ("host-failed", false, None));
    assert_eq!(began.next_step, "look at it");
    let later = Timestamp::from_second(60).expect("a time");
    let over =
        Alert { closed_at: Some(later), closed_because: Some("the host is up again".into()), ..alert() };
    let ended = outgoing("prod", &over);
    assert_eq!((ended.id, ended.kind.as_str(), ended.recovered), (began.id, "host-rejoined", true));
    assert_eq!(ended.ends.as_deref(), Some("host-failed"));
    assert_eq!((ended.at, ended.since), (later, Some(Timestamp::UNIX_EPOCH)));
    assert_eq!(ended.summary, "over: host h03 has failed; the host is up again");
    assert_eq!(ended.severity, began.severity);
}
