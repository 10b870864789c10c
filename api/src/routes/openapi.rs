//! `GET /v1/openapi.json`: the routes from their own annotations, the documents from the structs that are read
//! and written.
use crate::dto::admission::AdmissionAnswer;
use crate::dto::change_request::CheckRequest;
use crate::dto::explanation::ExplainAnswer;
use crate::dto::pool::PoolDocument;
use crate::dto::restart::RestartPlanAnswer;
use crate::dto::verdict::PlanAnswer;
use crate::error::Problem;
use axum::Json;
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};
use utoipa::OpenApi;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Lifeboat",
        description = "Proves how many host failures a pool of virtual machines survives, and plans the restarts."
    ),
    paths(super::plan::plan, super::check::check, super::explain::explain)
)]
struct Routes;

/// The description of the service.
pub(crate) async fn openapi() -> Json<Value> {
    Json(description())
}

/// The description of the service as OpenAPI 3.1.
pub fn description() -> Value {
    let mut description = serde_json::to_value(Routes::openapi()).unwrap_or_default();
    description["components"]["schemas"] = schemas();
    description
}

fn schemas() -> Value {
    let settings = SchemaSettings::draft2020_12()
        .with(|settings| settings.definitions_path = "/components/schemas".into());
    let mut generator = settings.into_generator();
    generator.subschema_for::<PoolDocument<'static>>();
    generator.subschema_for::<Problem>();
    generator.subschema_for::<CheckRequest<'static>>();
    generator.subschema_for::<AdmissionAnswer<'static>>();
    generator.subschema_for::<ExplainAnswer<'static>>();
    let verdict = generator.subschema_for::<PlanAnswer<'static>>();
    let restarts = generator.subschema_for::<RestartPlanAnswer<'static>>();
    let mut schemas = Value::Object(generator.take_definitions(true));
    schemas["PlanOrRestarts"] = json!({"anyOf": [verdict, restarts]});
    schemas
}
