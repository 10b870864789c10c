//! Every route of the service on one page, each with who may call it.
use crate::dto::pool::one::NetworkSpec;
use crate::error::ApiError;
use crate::guard::Access::{
    Admin, Agent, AgentOrOperator, Open, Operator, Viewer, ViewerOfAll, ViewerOrAgent,
};
use crate::guard::outside::outside;
use crate::guard::{Guarded, RouteAccess};
use crate::metrics::measure;
use crate::routes::things::{self, Thing};
use crate::routes::{
    alerts, audit, backup, channels, check, choices, docs, events, explain, ha, health, host_actions, join,
    leader, membership, metrics, once, openapi, plan, pool_actions, pools, rolling_reboot, served_check,
    tasks, tokens, tolerance, vm_actions,
};
use crate::service::Service;
use axum::Router;
use axum::middleware::from_fn_with_state;
use lifeboat_model::spec::{GroupSpec, HostSpec, SettingsSpec, StorageSpec, VmSpec};

#[cfg(test)]
mod tests;

/// The service as an HTTP application.
pub fn router(service: &Service) -> Router {
    let (routes, _) = all(service).into_parts();
    let measured = from_fn_with_state(service.metrics().clone(), measure);
    let router = routes
        .route_layer(from_fn_with_state(service.clone(), once::once))
        .route_layer(measured)
        .fallback(async || ApiError::NoSuchRoute)
        .method_not_allowed_fallback(async || ApiError::MethodNotAllowed)
        .layer(from_fn_with_state(service.clone(), leader::redirect))
        .with_state(service.clone());
    outside(router, service.guard())
}

/// Every route that there is, and who may call it.
pub fn table(service: &Service) -> Vec<RouteAccess> {
    all(service).into_parts().1
}

fn all(service: &Service) -> Guarded<Service> {
    let routes = Guarded::new(service.guard().clone())
        .get("/livez", Open, health::livez)
        .get("/readyz", Open, health::readyz)
        .get("/metrics", ViewerOfAll, metrics::metrics)
        .get("/v1/openapi.json", Open, openapi::openapi)
        .get("/v1/docs", Open, docs::lead)
        .get("/v1/docs/", Open, docs::page)
        .get("/v1/docs/{file}", Open, docs::file)
        .post("/v1/plan", Viewer, plan::plan)
        .post("/v1/check", Viewer, check::check)
        .post("/v1/explain", Viewer, explain::explain)
        .get("/v1/audit", Admin, audit::read)
        .get("/v1/tokens", Admin, tokens::list)
        .post("/v1/tokens", Admin, tokens::make)
        .delete("/v1/tokens/{id}", Admin, tokens::remove)
        .get("/v1/backup", Admin, backup::backup)
        .get("/v1/pools", Viewer, pools::list)
        .get("/v1/pools/{pool}", Viewer, pools::export)
        .put("/v1/pools/{pool}", Admin, pools::import)
        .delete("/v1/pools/{pool}", Admin, pools::delete)
        .get("/v1/pools/{pool}/summary", Viewer, pools::summary)
        .get("/v1/pools/{pool}/settings", Viewer, things::get_only::<SettingsSpec>)
        .put("/v1/pools/{pool}/settings", Operator, things::put_only::<SettingsSpec>)
        .patch("/v1/pools/{pool}/settings", Operator, things::patch_only::<SettingsSpec>)
        .get("/v1/pools/{pool}/events", Viewer, events::events)
        .post("/v1/pools/{pool}/events", AgentOrOperator, events::tell)
        .get("/v1/pools/{pool}/tolerance", Viewer, tolerance::tolerance)
        .get("/v1/pools/{pool}/plan", Viewer, tolerance::plan)
        .post("/v1/pools/{pool}/check", ViewerOrAgent, served_check::check)
        .post("/v1/pools/{pool}/hypothetical", Viewer, served_check::hypothetical)
        .get("/v1/pools/{pool}/vms/{id}/diagnosis", Viewer, tolerance::diagnosis)
        .post("/v1/pools/{pool}/vms/{id}/actions/{action}", Operator, vm_actions::act)
        .get("/v1/pools/{pool}/vms/{id}/readiness", Viewer, choices::readiness)
        .put("/v1/pools/{pool}/vms/{id}/readiness", Operator, choices::set_readiness)
        .get("/v1/pools/{pool}/vms/{id}/monitor", Viewer, choices::monitor)
        .put("/v1/pools/{pool}/vms/{id}/monitor", Operator, choices::set_monitor)
        .get("/v1/pools/{pool}/restart-settings", Viewer, choices::restarts)
        .put("/v1/pools/{pool}/restart-settings", Operator, choices::set_restarts)
        .get("/v1/pools/{pool}/hosts/{id}/evacuation", Viewer, host_actions::evacuation)
        .post("/v1/pools/{pool}/hosts/{id}/actions/{action}", Operator, host_actions::act)
        .post("/v1/pools/{pool}/actions/{action}", Operator, pool_actions::act)
        .get("/v1/pools/{pool}/rolling-reboot", Viewer, rolling_reboot::show)
        .post("/v1/pools/{pool}/rolling-reboot", Operator, rolling_reboot::begin)
        .delete("/v1/pools/{pool}/rolling-reboot", Operator, rolling_reboot::cancel)
        .get("/v1/pools/{pool}/invitations", Admin, join::list)
        .post("/v1/pools/{pool}/invitations", Admin, join::invite)
        .delete("/v1/pools/{pool}/invitations/{id}", Admin, join::take_back)
        // The newcomer's token is in the body: nobody else has one for it.
        .post("/v1/pools/{pool}/join", Open, join::join)
        .get("/v1/pools/{pool}/membership", Agent, membership::show)
        .put("/v1/pools/{pool}/membership/addresses", Agent, membership::moves)
        .get("/v1/pools/{pool}/ha", Viewer, ha::show)
        .post("/v1/pools/{pool}/ha/enable", Operator, ha::enable)
        .post("/v1/pools/{pool}/ha/disable", Operator, ha::disable)
        .post("/v1/pools/{pool}/ha/emergency-disable", Operator, ha::emergency_disable)
        .put("/v1/pools/{pool}/ha/admission", Operator, ha::set_admission)
        .get("/v1/pools/{pool}/alerts", Viewer, alerts::list)
        .post("/v1/pools/{pool}/alerts/{id}/acknowledge", Operator, alerts::acknowledge)
        .get("/v1/alerts/channels", Admin, channels::list)
        .post("/v1/alerts/channels/{channel}/test", Admin, channels::test)
        .get("/v1/pools/{pool}/tasks", Viewer, tasks::list)
        .get("/v1/pools/{pool}/tasks/{id}", Viewer, tasks::get);
    let routes = collection::<HostSpec>(routes, "/v1/pools/{pool}/hosts", "/v1/pools/{pool}/hosts/{id}");
    let routes = collection::<VmSpec>(routes, "/v1/pools/{pool}/vms", "/v1/pools/{pool}/vms/{id}");
    let routes = collection::<GroupSpec>(routes, "/v1/pools/{pool}/groups", "/v1/pools/{pool}/groups/{id}");
    let routes =
        collection::<StorageSpec>(routes, "/v1/pools/{pool}/storages", "/v1/pools/{pool}/storages/{id}");
    collection::<NetworkSpec>(routes, "/v1/pools/{pool}/networks", "/v1/pools/{pool}/networks/{id}")
}

/// The routes of things of one kind.
fn collection<T: Thing>(routes: Guarded<Service>, all: &'static str, one: &'static str) -> Guarded<Service> {
    routes
        .get(all, Viewer, things::list::<T>)
        // The agent of a host asks what is known of a VM before it says what happened to it.
        .get(one, ViewerOrAgent, things::get::<T>)
        .put(one, Operator, things::put::<T>)
        .patch(one, Operator, things::patch::<T>)
        .delete(one, Operator, things::delete::<T>)
}
