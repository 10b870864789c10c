//! The documents, from the structs that are read and written.
use crate::dto::admission::AdmissionAnswer;
use crate::dto::agility::VmAgility;
use crate::dto::change_request::CheckRequest;
use crate::dto::evacuation::EvacuationAnswer;
use crate::dto::explanation::ExplainAnswer;
use crate::dto::ha::HaAnswer;
use crate::dto::pool::PoolDocument;
use crate::dto::restart::RestartPlanAnswer;
use crate::dto::served::event::{KINDS, Says};
use crate::dto::served::{Done, Summary, told::TellAnswer};
use crate::dto::tolerance::{HypotheticalTolerance, PublishedTolerance};
use crate::dto::verdict::PlanAnswer;
use crate::error::Problem;
use crate::routes::{
    admit::Admitted, audit, channels, ha, host_actions, join, pool_actions, served_check, tokens, vm_actions,
};
use crate::served::{alerts::Alert, task::Task};
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

/// All of them, by name.
pub(super) fn schemas() -> Value {
    let settings = SchemaSettings::draft2020_12()
        .with(|settings| settings.definitions_path = "/components/schemas".into());
    let mut generator = settings.into_generator();
    generator.subschema_for::<PoolDocument<'static>>();
    generator.subschema_for::<Problem>();
    generator.subschema_for::<CheckRequest<'static>>();
    generator.subschema_for::<AdmissionAnswer<'static>>();
    generator.subschema_for::<ExplainAnswer<'static>>();
    generator.subschema_for::<Summary>();
    generator.subschema_for::<Done>();
    generator.subschema_for::<TellAnswer>();
    generator.subschema_for::<Admitted>();
    generator.subschema_for::<PublishedTolerance<'static>>();
    generator.subschema_for::<HypotheticalTolerance<'static>>();
    generator.subschema_for::<VmAgility<'static>>();
    generator.subschema_for::<EvacuationAnswer>();
    generator.subschema_for::<HaAnswer>();
    generator.subschema_for::<ha::Enable>();
    generator.subschema_for::<ha::SetAdmission>();
    generator.subschema_for::<host_actions::HostAction>();
    generator.subschema_for::<crate::routes::rolling_reboot::Shown>();
    generator.subschema_for::<crate::routes::rolling_reboot::Asked>();
    generator.subschema_for::<pool_actions::Told>();
    generator.subschema_for::<crate::routes::choices::GuestMonitor>();
    generator.subschema_for::<crate::conductor::choices::Readiness>();
    generator.subschema_for::<crate::conductor::choices::RestartSettings>();
    generator.subschema_for::<join::Invite>();
    generator.subschema_for::<join::MadeInvitation>();
    generator.subschema_for::<join::InvitationList>();
    generator.subschema_for::<vm_actions::VmAction>();
    generator.subschema_for::<served_check::Supposition>();
    generator.subschema_for::<audit::AuditPage>();
    generator.subschema_for::<channels::Channels>();
    generator.subschema_for::<channels::Tested>();
    generator.subschema_for::<tokens::TokenList>();
    generator.subschema_for::<tokens::MadeToken>();
    generator.subschema_for::<crate::guard::book::TokenRequest>();
    let (alert, task) = (generator.subschema_for::<Alert>(), generator.subschema_for::<Task>());
    let verdict = generator.subschema_for::<PlanAnswer<'static>>();
    let restarts = generator.subschema_for::<RestartPlanAnswer<'static>>();
    let mut schemas = Value::Object(generator.take_definitions(true));
    schemas["RestartPlan"] = restarts.clone().into();
    schemas["PlanOrRestarts"] = json!({"anyOf": [verdict, restarts]});
    schemas["AlertPage"] = page(&alert.into());
    schemas["TaskPage"] = page(&task.into());
    schemas["Event"] = json!({"oneOf": KINDS.map(|(kind, says)| event(kind, says))});
    schemas["LogEntry"] = log_entry();
    schemas
}

/// A page of such items.
pub(super) fn page(item: &Value) -> Value {
    json!({
        "type": "object",
        "properties": {
            "items": {"type": "array", "items": item},
            "next": {"type": ["string", "null"], "description": "To be given as `after` for the next page; null on the last one."}
        },
        "required": ["items", "next"]
    })
}

fn event(kind: &str, says: Says) -> Value {
    let mut properties = json!({});
    for field in says.fields() {
        properties[*field] = match (*field, says) {
            ("kind", _) => json!({"const": kind}),
            ("at", _) => {
                json!({"type": ["string", "null"], "format": "date-time", "description": "When it happened; default: now."})
            }
            ("vm", Says::VmDescribed) => json!({"$ref": "#/components/schemas/Vm"}),
            ("host", Says::HostDescribed) => json!({"$ref": "#/components/schemas/Host"}),
            ("memory_mib", _) => json!({"type": "integer", "minimum": 0, "maximum": 549_755_813_888_u64}),
            ("resources", _) => json!({"$ref": "#/components/schemas/Amounts"}),
            _ => json!({"$ref": "#/components/schemas/Id"}),
        };
    }
    let required: Vec<&&str> = says.fields().iter().filter(|field| **field != "at").collect();
    json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false})
}

fn log_entry() -> Value {
    json!({
        "type": "object",
        "description": "An entry of a pool's log: what happened, and what the service found. Each kind has fields of its own.",
        "properties": {
            "id": {"type": "integer", "description": "Its number: numbers rise without gaps."},
            "at": {"type": "string", "format": "date-time"},
            "kind": {"type": "string", "description": "That of an event, or `changed`, `verdict`, `alert`, `task`."},
            "by": {"type": ["string", "null"], "description": "Who told it or did it; null: the service itself."}
        },
        "required": ["id", "at", "kind", "by"]
    })
}
