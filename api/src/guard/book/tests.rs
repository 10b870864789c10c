//! What the book takes and what it does not.
use super::*;

fn now() -> Timestamp {
    "2026-11-22T04:00:00Z".parse().expect("a time")
}

fn later(seconds: i64) -> Timestamp {
    now().checked_add(SignedDuration::from_secs(seconds)).expect("a time")
}

fn request(role: Role) -> TokenRequest {
    TokenRequest { name: "ci".into(), role, pools: Scope::of("prod"), expires_in_s: Some(60) }
}

/// A book with one token, and the token.
fn issued(request: TokenRequest) -> (TokenBook, Token) {
    let mut book = TokenBook::default();
    let random = Randomness::fetch().expect("random bytes");
    let (record, token) = book.issue(request, &Principal::local(), now(), &random).expect("a token");
    book.insert(record);
    (book, token)
}

#[test]
fn a_token_makes_its_holder_what_it_was_made_for() {
    let (book, token) = issued(request(Role::Operator));
    let principal = book.authenticate(&token.reveal(), later(59)).expect("it is good");
    let via = Via::Token { id: token.id };
    assert_eq!(
        principal,
        Principal { name: "ci".into(), role: Role::Operator, scope: Scope::of("prod"), via }
    );
}

#[test]
fn what_is_wrong_with_a_token_is_known_to_the_log() {
    let (mut book, token) = issued(request(Role::Viewer));
    let (_, stranger) = issued(request(Role::Viewer));
    let forged = Token { id: token.id.clone(), secret: stranger.secret.clone() };
    assert_eq!(book.authenticate("lb_x", now()), Err(Denied::Malformed));
    assert_eq!(book.authenticate(&stranger.reveal(), now()), Err(Denied::Unknown));
    assert_eq!(book.authenticate(&forged.reveal(), now()), Err(Denied::WrongSecret));
    assert_eq!(book.authenticate(&token.reveal(), later(60)), Err(Denied::Expired));
    assert!(book.remove(&token.id) && !book.remove(&token.id));
    assert_eq!(book.authenticate(&token.reveal(), now()), Err(Denied::Unknown));
}

#[test]
fn a_book_is_the_same_after_it_was_kept() {
    let (book, token) = issued(TokenRequest { expires_in_s: None, ..request(Role::Agent) });
    assert!(book.note_use(&token.id, later(10)));
    let kept = serde_json::to_string(&book.record(&token.id).expect("there is one")).expect("JSON");
    assert!(!kept.contains(&token.reveal()[16..]), "the secret is not kept: {kept}");
    let again = TokenBook::of([serde_json::from_str(&kept).expect("a record")]);
    assert!(again.authenticate(&token.reveal(), later(1_000_000)).is_ok());
    assert!(again.list().eq(book.list()));
    assert_eq!(again.list().next().and_then(|token| token.last_used_at), Some(later(10)));
}

#[test]
fn last_use_is_worth_writing_once_an_hour() {
    let (book, token) = issued(request(Role::Viewer));
    let worth: Vec<bool> =
        [0, 1, 3599, 3600, 3601, 7200].map(|at| book.note_use(&token.id, later(at))).to_vec();
    assert_eq!(worth, [true, false, false, true, false, true]);
    assert!(!book.note_use("nobody", now()));
}

#[test]
fn a_token_of_the_configuration_is_good_and_never_gets_into_the_store() {
    let (book, token) = issued(request(Role::Viewer));
    let mut without = TokenBook::default();
    without.insert_unkept(book.record(&token.id).expect("there is one"));
    assert!(without.authenticate(&token.reveal(), now()).is_ok());
    assert!(!without.note_use(&token.id, later(7200)));
    assert_eq!(without.list().next().and_then(|token| token.last_used_at), Some(later(7200)));
}

#[test]
fn only_a_token_that_can_make_all_others_counts_as_an_admins() {
    let has = |role, pools| issued(TokenRequest { role, pools, ..request(role) }).0.has_admin();
    assert!(has(Role::Admin, Scope::All));
    assert!(!has(Role::Admin, Scope::of("prod")) && !has(Role::Operator, Scope::All));
    assert!(!TokenBook::default().has_admin());
}

#[test]
fn nobody_gives_away_more_than_he_has() {
    let (book, random) = (TokenBook::default(), Randomness::fetch().expect("random bytes"));
    let by = Principal { role: Role::Admin, scope: Scope::of("prod"), ..Principal::local() };
    let ask = |request| book.issue(request, &by, now(), &random).map(|_| ());
    assert_eq!(ask(request(Role::Admin)), Ok(()));
    for pools in [Scope::All, Scope::of("other")] {
        let asked = ask(TokenRequest { pools, ..request(Role::Viewer) });
        assert!(matches!(asked, Err(IssueError::TooMuch(_))), "{asked:?}");
    }
    let operator = Principal { role: Role::Operator, ..Principal::local() };
    let asked = book.issue(request(Role::Admin), &operator, now(), &random).map(|_| ());
    assert!(matches!(asked, Err(IssueError::TooMuch(_))), "{asked:?}");
}

#[test]
fn a_request_that_makes_no_sense_is_refused_by_name() {
    let (book, random) = (TokenBook::default(), Randomness::fetch().expect("random bytes"));
    let ask = |request| book.issue(request, &Principal::local(), now(), &random).map(|_| ());
    let base = || request(Role::Viewer);
    for name in [String::new(), "a\nb".into(), "x".repeat(256)] {
        assert_eq!(ask(TokenRequest { name, ..base() }), Err(IssueError::BadName));
    }
    let none = Scope::Pools([].into());
    assert_eq!(ask(TokenRequest { pools: none, ..base() }), Err(IssueError::BadPools));
    for expires_in_s in [Some(0), Some(u64::MAX), Some(200 * 365 * 86_400)] {
        assert_eq!(ask(TokenRequest { expires_in_s, ..base() }), Err(IssueError::BadExpiry));
    }
}
