//! Routes, each with who may call it. There is no way to add one without saying so.
use super::access::Access;
use super::admit::admit;
use super::sentry::Guard;
use axum::Router;
use axum::handler::Handler;
use axum::http::Method;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodFilter, on};

/// One route as it stands in the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteAccess {
    /// Its method.
    pub method: Method,
    /// Its path, parameters in braces.
    pub path: &'static str,
    /// Who may call it.
    pub access: Access,
}

/// A router under a guard.
#[derive(Debug)]
pub struct Guarded<S> {
    guard: Guard,
    router: Router<S>,
    table: Vec<RouteAccess>,
}

impl<S: Clone + Send + Sync + 'static> Guarded<S> {
    /// No routes yet.
    pub fn new(guard: Guard) -> Self {
        Self { guard, router: Router::new(), table: Vec::new() }
    }

    /// Reads.
    #[must_use]
    pub fn get<H: Handler<T, S>, T: 'static>(self, path: &'static str, access: Access, handler: H) -> Self {
        self.on((Method::GET, MethodFilter::GET), path, access, handler)
    }

    /// Asks, tells or acts.
    #[must_use]
    pub fn post<H: Handler<T, S>, T: 'static>(self, path: &'static str, access: Access, handler: H) -> Self {
        self.on((Method::POST, MethodFilter::POST), path, access, handler)
    }

    /// Replaces or makes.
    #[must_use]
    pub fn put<H: Handler<T, S>, T: 'static>(self, path: &'static str, access: Access, handler: H) -> Self {
        self.on((Method::PUT, MethodFilter::PUT), path, access, handler)
    }

    /// Changes in part.
    #[must_use]
    pub fn patch<H: Handler<T, S>, T: 'static>(self, path: &'static str, access: Access, handler: H) -> Self {
        self.on((Method::PATCH, MethodFilter::PATCH), path, access, handler)
    }

    /// Removes.
    #[must_use]
    pub fn delete<H: Handler<T, S>, T: 'static>(
        self,
        path: &'static str,
        access: Access,
        handler: H,
    ) -> Self {
        self.on((Method::DELETE, MethodFilter::DELETE), path, access, handler)
    }

    /// Every route that there is, in the order in which they were added.
    pub fn table(&self) -> &[RouteAccess] {
        &self.table
    }

    /// The router, and its table.
    pub fn into_parts(self) -> (Router<S>, Vec<RouteAccess>) {
        (self.router, self.table)
    }

    fn on<H: Handler<T, S>, T: 'static>(
        mut self,
        (method, filter): (Method, MethodFilter),
        path: &'static str,
        access: Access,
        handler: H,
    ) -> Self {
        let gate = from_fn_with_state((self.guard.clone(), access), admit);
        self.router = self.router.route(path, on(filter, handler).route_layer(gate));
        self.table.push(RouteAccess { method, path, access });
        self
    }
}
