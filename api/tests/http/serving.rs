//! A service that keeps pools, on a store of its own that is gone with it.
use super::body;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use lifeboat::engine::{Engine, EngineSettings};
use lifeboat::router::router;
use lifeboat::service::{Service, ServiceSettings};
use lifeboat_store::{Candidate, Options, StoreAddress, open};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tower::ServiceExt;

/// A service that leads.
pub(crate) struct Serving {
    pub(crate) service: Service,
    pub(crate) engine: Engine,
    folder: TempDir,
}

/// What it answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Serving {
    /// A service without pools.
    pub(crate) fn new() -> Self {
        Self::with(EngineSettings::default())
    }

    pub(crate) fn with(settings: EngineSettings) -> Self {
        let folder = TempDir::new().expect("a folder");
        Self::on(folder, settings)
    }

    /// On the store that is there.
    pub(crate) fn on(folder: TempDir, settings: EngineSettings) -> Self {
        let address = StoreAddress::File(folder.path().join("store.redb"));
        let store = open(&address, &Options::default()).expect("a store");
        let candidate = Candidate { name: "test".to_owned(), address: "http://127.0.0.1:7878".to_owned() };
        let term =
            store.campaign(&candidate, Duration::from_secs(5)).expect("a term").expect("nobody else leads");
        let engine =
            Engine::start(Arc::from(store), term, settings, Box::new(|_, _, _| Vec::new()), Box::new(|_| {}))
                .expect("it starts");
        let service = Service::new(ServiceSettings::default());
        service.set_engine(Some(engine.clone()));
        Self { service, engine, folder }
    }

    /// The service after it was ended and started again.
    pub(crate) async fn again(self) -> Self {
        let Self { service, engine, folder } = self;
        drop(service);
        engine.end().await;
        drop(engine);
        Self::on(folder, EngineSettings::default())
    }

    /// Asks for something.
    pub(crate) async fn ask(
        &self,
        method: Method,
        target: &str,
        headers: &[(&str, &str)],
        sent: impl Into<Body>,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(target);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(sent.into()).expect("a request");
        let response = router(&self.service).oneshot(request).await.expect("the router does not fail");
        let (status, headers) = (response.status(), response.headers().clone());
        let empty = status == StatusCode::NOT_MODIFIED;
        let body = if empty { Value::Null } else { body(response).await };
        Answer { status, headers, body }
    }

    pub(crate) async fn get(&self, target: &str) -> Answer {
        self.ask(Method::GET, target, &[], Body::empty()).await
    }

    pub(crate) async fn put(&self, target: &str, sent: &Value) -> Answer {
        self.ask(Method::PUT, target, &[], sent.to_string()).await
    }

    pub(crate) async fn patch(&self, target: &str, sent: &Value) -> Answer {
        self.ask(Method::PATCH, target, &[], sent.to_string()).await
    }

    pub(crate) async fn post(&self, target: &str, sent: &Value) -> Answer {
        self.ask(Method::POST, target, &[], sent.to_string()).await
    }

    pub(crate) async fn delete(&self, target: &str) -> Answer {
        self.ask(Method::DELETE, target, &[], Body::empty()).await
    }
}

impl Answer {
    /// The answer, which must have this status.
    #[track_caller]
    pub(crate) fn is(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.body);
        self
    }

    /// The problem's code.
    pub(crate) fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    /// The names of a list's items.
    pub(crate) fn ids(&self) -> Vec<&str> {
        let items = self.body["items"].as_array().expect("a list");
        items.iter().map(|item| item["id"].as_str().expect("a name")).collect()
    }

    /// A header.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}
