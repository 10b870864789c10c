//! Whom the guard lets in without credentials, and what it does with wrong ones.
use super::*;
use crate::guard::book::TokenRequest;
use crate::guard::token::Randomness;
use axum::http::{HeaderName, HeaderValue};

fn headers(list: &[(&'static str, &str)]) -> HeaderMap {
    list.iter()
        .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).expect("a header")))
        .collect()
}

fn from(address: &str) -> Caller {
    Caller { address: Some(address.parse().expect("an address")), ..Caller::default() }
}

/// A guard with one token, and the token.
fn with_token() -> (Guard, String) {
    let guard = Guard::local();
    let request =
        TokenRequest { name: "ci".into(), role: Role::Admin, pools: Scope::All, expires_in_s: None };
    let random = Randomness::fetch().expect("random bytes");
    let mut book = (*guard.book()).clone();
    let (record, token) = book.issue(request, &Principal::local(), clock::now(), &random).expect("a token");
    book.insert(record);
    guard.publish(book);
    (guard, token.reveal())
}

#[test]
fn on_loopback_everybody_is_admin_while_there_is_no_token() {
    let guard = Guard::local();
    for address in ["127.0.0.1:1", "127.8.8.8:1", "[::1]:1", "[::ffff:127.0.0.1]:1"] {
        assert_eq!(guard.identify(&headers(&[]), &from(address)), Ok(Principal::local()), "{address}");
    }
    for address in ["192.0.2.1:1", "[2001:db8::1]:1", "0.0.0.0:1"] {
        assert_eq!(guard.identify(&headers(&[]), &from(address)), Err(Refusal::Unauthenticated), "{address}");
    }
}

#[test]
fn the_first_token_closes_loopback() {
    let (guard, token) = with_token();
    assert_eq!(guard.identify(&headers(&[]), &from("127.0.0.1:1")), Err(Refusal::Unauthenticated));
    let bearer = headers(&[("authorization", &format!("Bearer {token}"))]);
    assert_eq!(guard.identify(&bearer, &from("127.0.0.1:1")).map(|who| who.name), Ok("ci".into()));
    let used = guard.take_used();
    assert_eq!(used.iter().map(|record| record.name.as_str()).collect::<Vec<_>>(), ["ci"]);
    assert!(used[0].last_used_at.is_some() && guard.take_used().is_empty());
}

#[test]
fn a_service_that_is_told_to_ask_always_asks_on_loopback_too() {
    let settings = GuardSettings { trust_loopback: false, ..GuardSettings::default() };
    let guard = Guard::new(settings, TokenBook::default());
    assert_eq!(guard.identify(&headers(&[]), &from("127.0.0.1:1")), Err(Refusal::Unauthenticated));
}

#[test]
fn a_web_page_in_a_browser_here_is_nobody() {
    let guard = Guard::local();
    let ask = |list: &[_]| guard.identify(&headers(list), &from("127.0.0.1:1")).is_ok();
    for host in ["localhost", "localhost:7878", "127.0.0.1:7878", "[::1]:7878", "LOCALHOST:1"] {
        assert!(ask(&[("host", host)]), "{host}");
    }
    for host in
        ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example:7878", "", "[::2]:1", "x:1"]
    {
        assert!(!ask(&[("host", host)]), "{host}");
    }
    assert!(ask(&[("host", "127.0.0.1:7878"), ("origin", "http://127.0.0.1:7878")]), "its own page");
    for origin in ["http://evil.example", "null", "http://localhost:9", "https://127.0.0.1:7878"] {
        assert!(!ask(&[("host", "127.0.0.1:7878"), ("origin", origin)]), "{origin}");
    }
}

#[test]
fn what_a_proxy_here_passes_on_is_from_strangers() {
    let guard = Guard::local();
    for name in ["x-forwarded-for", "forwarded", "x-real-ip", "via", "x-forwarded-host"] {
        let headers = headers(&[(name, "1")]);
        assert_eq!(guard.identify(&headers, &from("127.0.0.1:1")), Err(Refusal::Unauthenticated), "{name}");
    }
}

#[test]
fn wrong_credentials_are_worse_than_none_and_are_slowed_down() {
    let (guard, token) = with_token();
    let bad = |text: &str| guard.identify(&headers(&[("authorization", text)]), &from("192.0.2.1:1"));
    let mut answers: Vec<_> = Vec::new();
    for text in ["Bearer lb_x", "Basic YTpi", "Bearer", "", "Bearer  "] {
        answers.push(bad(text));
        answers.push(bad(text));
    }
    assert!(answers.iter().all(|answer| *answer == Err(Refusal::Unauthenticated)), "{answers:?}");
    assert!(matches!(bad("Bearer lb_x"), Err(Refusal::TooMany { .. })), "ten are enough");
    assert!(bad(&format!("bearer {token}")).is_ok(), "who has the right one is not kept out by others");
}

#[test]
fn an_agents_certificate_makes_an_agent_of_its_pool_and_a_token_outranks_it() {
    let (guard, token) = with_token();
    let agent = AgentIdentity { pool: "prod".into(), host: "h1".into(), place: None };
    let caller = Caller { agent: Some(agent.into()), encrypted: true, ..from("192.0.2.1:1") };
    let who = guard.identify(&headers(&[]), &caller).expect("an agent");
    assert_eq!(
        (who.role, who.scope, who.name.as_str()),
        (Role::Agent, Scope::of("prod"), "agent h1 of prod")
    );
    let bearer = headers(&[("authorization", &format!("Bearer {token}"))]);
    assert_eq!(guard.identify(&bearer, &caller).map(|who| who.role), Ok(Role::Admin));
    let wrong = headers(&[("authorization", "Bearer lb_x")]);
    assert_eq!(guard.identify(&wrong, &caller), Err(Refusal::Unauthenticated), "no falling back");
}

#[test]
fn principals_and_addresses_are_held_to_their_rates() {
    let settings = GuardSettings {
        principal_burst: 2,
        principal_per_s: 1,
        address_burst: 3,
        address_per_s: 1,
        ..GuardSettings::default()
    };
    let guard = Guard::new(settings, TokenBook::default());
    let taken = |caller: &str| (0..5).filter(|_| guard.count_address(&from(caller)).is_ok()).count();
    assert_eq!((taken("192.0.2.1:1"), taken("192.0.2.2:1"), taken("127.0.0.1:1")), (3, 3, 5));
    assert_eq!((taken("[2001:db8::1]:1"), taken("[2001:db8::2]:1")), (3, 0), "one /64 is one address");
    assert_eq!((0..5).filter(|_| guard.count(&Principal::local()).is_ok()).count(), 2);
}
