//! Every route that there is, called by everybody who may not call it. The routes come from the router itself: a new one is
//! tried here without anybody thinking of it.
use axum::body::Body;
use axum::http::{Method, Request, Response, StatusCode, header};
use lifeboat::guard::book::TokenRequest;
use lifeboat::guard::sentry::GuardSettings;
use lifeboat::guard::token::Randomness;
use lifeboat::guard::{Access, Guard, Principal, Role, RouteAccess, Scope, TokenBook};
use lifeboat::router::{router, table};
use lifeboat::service::{Service, ServiceSettings};
use tower::ServiceExt;

const ROLES: [Role; 4] = [Role::Viewer, Role::Operator, Role::Admin, Role::Agent];

/// The only routes that anybody may call. Adding to this list is a decision.
const OPEN: [&str; 7] = [
    "/livez",
    "/readyz",
    "/v1/openapi.json",
    "/v1/docs",
    "/v1/docs/",
    "/v1/docs/{file}",
    // The token of a newcomer is in its body.
    "/v1/pools/{pool}/join",
];

/// A service that asks everybody who they are, without pools.
fn asking() -> Service {
    let settings = GuardSettings { trust_loopback: false, ..GuardSettings::default() };
    Service::new(ServiceSettings::default()).behind(Guard::new(settings, TokenBook::default()))
}

/// A token for it.
fn token(service: &Service, role: Role, pools: Scope) -> String {
    let request = TokenRequest { name: format!("a test's {role}"), role, pools, expires_in_s: None };
    let mut book = (*service.guard().book()).clone();
    let random = Randomness::fetch().expect("random bytes");
    let (record, token) =
        book.issue(request, &Principal::local(), jiff::Timestamp::UNIX_EPOCH, &random).expect("a token");
    book.insert(record);
    service.guard().publish(book);
    token.reveal()
}

/// What is answered to a call of `path`, parameters filled in.
async fn call(service: &Service, method: &Method, path: &str, token: Option<&str>) -> Response<Body> {
    let mut request = Request::builder().method(method).uri(path);
    if let Some(token) = token {
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    let request = request.body(Body::from("{}")).expect("a request");
    router(service).oneshot(request).await.expect("the router does not fail")
}

fn filled(route: &RouteAccess, pool: &str) -> String {
    let mut path = route.path.replace("{pool}", pool);
    while let (Some(from), Some(to)) = (path.find('{'), path.find('}')) {
        path.replace_range(from..=to, "x");
    }
    path
}

fn turned_away(status: StatusCode) -> bool {
    status == StatusCode::UNAUTHORIZED || status == StatusCode::FORBIDDEN
}

#[tokio::test]
async fn nobody_calls_anything_without_saying_who_but_what_is_open() {
    let service = asking();
    let routes = table(&service);
    assert!(routes.len() > 40, "{}", routes.len());
    for route in routes {
        for (token, what) in
            [(None, "nothing"), (Some("lb_000000000000_0"), "a bad token"), (Some(""), "an empty one")]
        {
            // A guard of its own each time, or the many failures would be slowed down.
            let service = asking();
            let response = call(&service, &route.method, &filled(&route, "prod"), token).await;
            let status = response.status();
            if route.access == Access::Open {
                assert!(OPEN.contains(&route.path), "{} is open", route.path);
                assert!(!turned_away(status), "{} {}: {status}", route.method, route.path);
            } else {
                assert_eq!(status, StatusCode::UNAUTHORIZED, "{} {} with {what}", route.method, route.path);
                let challenge = response.headers()[header::WWW_AUTHENTICATE].to_str().expect("text");
                assert!(challenge.starts_with("Bearer"), "{challenge}");
                assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json");
            }
        }
    }
}

#[tokio::test]
async fn each_role_calls_what_the_table_says_and_nothing_else() {
    let service = asking();
    for role in ROLES {
        let token = token(&service, role, Scope::All);
        for route in table(&service) {
            let status = call(&service, &route.method, &filled(&route, "prod"), Some(&token)).await.status();
            let may = route.access.admits(role);
            assert_eq!(turned_away(status), !may, "{role}: {} {}: {status}", route.method, route.path);
        }
    }
}

#[tokio::test]
async fn a_role_for_one_pool_is_none_for_another_nor_for_all_of_them() {
    let service = asking();
    for role in ROLES {
        let token = token(&service, role, Scope::of("prod"));
        for route in table(&service).into_iter().filter(|route| route.access.admits(role)) {
            let (other, own) = (filled(&route, "other"), filled(&route, "prod"));
            let of_all = matches!(route.access, Access::Admin | Access::ViewerOfAll);
            let has_pool = route.path.contains("{pool}");
            let status = call(&service, &route.method, &other, Some(&token)).await.status();
            let refused = route.access != Access::Open && (has_pool || of_all);
            assert_eq!(
                status == StatusCode::FORBIDDEN,
                refused,
                "{role}: {} {other}: {status}",
                route.method
            );
            let status = call(&service, &route.method, &own, Some(&token)).await.status();
            assert_eq!(
                status == StatusCode::FORBIDDEN,
                of_all && !has_pool,
                "{role}: {} {own}: {status}",
                route.method
            );
        }
    }
}

#[tokio::test]
async fn every_path_of_a_pool_names_it_where_the_guard_looks() {
    for route in table(&asking()) {
        let mut parts = route.path.split('/').skip(1);
        if let (Some("v1"), Some("pools"), Some(pool)) = (parts.next(), parts.next(), parts.next()) {
            assert_eq!(pool, "{pool}", "{}", route.path);
        } else {
            assert!(!route.path.contains("{pool}"), "{}", route.path);
        }
    }
}

#[tokio::test]
async fn a_pools_name_is_decoded_once_whatever_is_written() {
    let service = asking();
    let token = token(&service, Role::Viewer, Scope::of("a/b"));
    let status = async |pool: &str| {
        call(&service, &Method::GET, &format!("/v1/pools/{pool}/summary"), Some(&token)).await.status()
    };
    assert!(!turned_away(status("a%2Fb").await) && !turned_away(status("%61%2fb").await));
    for other in
        ["a%252Fb", "a%2Fb%2F", "A%2Fb", "a%2Fb%00", "..", "%2e%2e", "x%2F..%2Fa%2Fb", "a%2Fb%20", "a"]
    {
        assert_eq!(status(other).await, StatusCode::FORBIDDEN, "{other}");
    }
    assert_eq!(status("a%ff").await, StatusCode::BAD_REQUEST);
    for path in ["/v1/pools/a/b/summary", "/v1/pools//summary", "/v1/pools/a%2Fb/../other/summary"] {
        let status = call(&service, &Method::GET, path, Some(&token)).await.status();
        assert!(status == StatusCode::NOT_FOUND || turned_away(status), "{path}: {status}");
    }
}

#[tokio::test]
async fn every_answer_has_the_headers_that_keep_browsers_from_harm() {
    let service = asking();
    for path in ["/v1/openapi.json", "/v1/pools", "/nothing/here"] {
        let response = call(&service, &Method::GET, path, None).await;
        let header = |name: &str| {
            response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
        };
        assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(header("cache-control"), "no-store", "{path}");
        assert!(header("content-security-policy").starts_with("default-src 'none'"), "{path}");
        assert!(!header("x-request-id").is_empty(), "{path}");
    }
}

#[tokio::test]
async fn who_asks_too_often_is_told_when_to_come_again() {
    let settings = GuardSettings { principal_burst: 3, principal_per_s: 1, ..GuardSettings::default() };
    let service = Service::new(ServiceSettings::default()).behind(Guard::new(settings, TokenBook::default()));
    let mut answers = Vec::new();
    for _ in 0..5 {
        answers.push(call(&service, &Method::GET, "/v1/pools", None).await);
    }
    let refused: Vec<_> =
        answers.iter().filter(|answer| answer.status() == StatusCode::TOO_MANY_REQUESTS).collect();
    assert_eq!(refused.len(), 2);
    assert!(refused.iter().all(|answer| answer.headers().contains_key(header::RETRY_AFTER)));
}
