//! `GET /v1/openapi.json`: the routes from the router's own table, what they say of themselves, and the documents from the
//! structs that are read and written. A route that is in the router is in the description: there is no second list.
mod common;
mod documents;
mod own;

use crate::guard::RouteAccess;
use crate::router;
use crate::service::{Service, ServiceSettings};
use axum::Json;
use serde_json::{Value, json};
use std::sync::LazyLock;
use utoipa::OpenApi;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Lifeboat",
        description = "Proves how many host failures a pool of virtual machines survives, keeps that proof current, and plans the restarts."
    ),
    paths(
        super::plan::plan,
        super::check::check,
        super::explain::explain,
        super::tolerance::tolerance,
        super::tolerance::plan,
        super::tolerance::diagnosis,
        super::served_check::check,
        super::served_check::hypothetical,
        super::vm_actions::act,
        super::host_actions::act,
        super::host_actions::evacuation,
        super::pool_actions::act,
        super::rolling_reboot::show,
        super::rolling_reboot::begin,
        super::rolling_reboot::cancel,
        super::choices::readiness,
        super::choices::set_readiness,
        super::choices::monitor,
        super::choices::set_monitor,
        super::choices::restarts,
        super::choices::set_restarts,
        super::join::invite,
        super::join::list,
        super::join::take_back,
        super::join::join,
        super::membership::show,
        super::membership::moves,
        super::ha::show,
        super::ha::enable,
        super::ha::disable,
        super::ha::emergency_disable,
        super::ha::set_admission,
        super::alerts::list,
        super::alerts::acknowledge,
        super::tasks::list,
        super::tasks::get,
        super::health::livez,
        super::health::readyz,
        super::metrics::metrics,
        super::tokens::list,
        super::tokens::make,
        super::tokens::remove,
        super::audit::read,
        super::backup::backup,
        super::channels::list,
        super::channels::test
    )
)]
struct Annotated;

/// The description, which is the same as long as the process lives.
static DESCRIPTION: LazyLock<Value> =
    LazyLock::new(|| described(&router::table(&Service::new(ServiceSettings::default()))));

/// The description of the service.
pub(crate) async fn openapi() -> Json<&'static Value> {
    Json(&DESCRIPTION)
}

/// The description of the service as OpenAPI 3.1.
pub fn description() -> Value {
    DESCRIPTION.clone()
}

/// The description of these routes.
fn described(table: &[RouteAccess]) -> Value {
    let annotated = serde_json::to_value(Annotated::openapi()).unwrap_or_default();
    let mut paths = json!({});
    // The parts of the page that shows this are no business of whoever reads it.
    for route in table.iter().filter(|route| !route.path.starts_with("/v1/docs/")) {
        let method = route.method.as_str().to_ascii_lowercase();
        let known = &annotated["paths"][route.path][&method];
        let mut operation = if known.is_null() { own::operation(&method, route.path) } else { known.clone() };
        common::complete(&mut operation, route, &method);
        paths[route.path][method] = operation;
    }
    json!({
        "openapi": annotated["openapi"],
        "info": annotated["info"],
        "paths": paths,
        "components": {
            "schemas": documents::schemas(),
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "A token of the service: lb_…"},
                "certificate": {"type": "mutualTLS", "description": "The certificate of an agent"}
            }
        }
    })
}
