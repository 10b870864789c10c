//! Routes whose descriptions follow from what they are: things of a pool, pools as a whole, events.
use super::documents::page;
use serde_json::{Value, json};

/// What a route of things says of itself.
pub(super) fn operation(method: &str, path: &str) -> Value {
    let rest = path.strip_prefix("/v1/pools").unwrap_or(path);
    match (method, rest) {
        ("get", "") => {
            read("The pools that the caller may see, at a glance", &page(&named("Summary")), &paging(false))
        }
        ("get", "/{pool}") => read("The whole pool document", &named("PoolDocument"), &[]),
        ("put", "/{pool}") => {
            let mut import = change(
                "Make a pool, or replace it as a whole; it is not refused for what it does to the tolerance",
                "Done",
            );
            import["requestBody"] = body("application/json", &named("PoolDocument"));
            import
        }
        ("delete", "/{pool}") => {
            let mut delete = change("Delete a pool with everything that is kept of it", "Done");
            delete["parameters"] = json!([]);
            delete
        }
        ("get", "/{pool}/summary") => read("A pool at a glance", &named("Summary"), &[]),
        ("get", "/{pool}/events") => events(),
        ("post", "/{pool}/events") => tell(),
        ("get", "/v1/openapi.json") => read("This description", &json!({"type": "object"}), &[]),
        ("get", "/v1/docs") => json!({
            "summary": "This description, to be read in a browser",
            "responses": {"200": {"description": "A page", "content": {"text/html": {}}}}
        }),
        (method, rest) => thing(method, rest),
    }
}

/// A thing, or a list of such things.
fn thing(method: &str, rest: &str) -> Value {
    let mut segments = rest.split('/').skip(2);
    let plural = segments.next().unwrap_or_default();
    let is_list = plural != "settings" && segments.next().is_none();
    let (word, document) = match plural {
        "hosts" => ("a host", "Host"),
        "vms" => ("a VM", "Vm"),
        "groups" => ("a rule between VMs", "Group"),
        "storages" => ("a storage", "Storage"),
        "networks" => ("a network", "Network"),
        _ => ("the settings", "Settings"),
    };
    match method {
        "get" if is_list => read(
            &format!("The {plural} of a pool, in document order"),
            &page(&named(document)),
            &filters(plural),
        ),
        "get" => read(&format!("Read {word}"), &named(document), &[]),
        "put" => {
            let mut put =
                change(&format!("Put {word} in the place of the one of its name, or add it"), "Admitted");
            put["requestBody"] = body("application/json", &loose(document));
            put
        }
        "patch" => {
            let mut patch = change(&format!("Change {word} in part, by a JSON merge patch"), "Admitted");
            let any = json!({"type": "object"});
            patch["requestBody"] = body("application/merge-patch+json", &any);
            patch["requestBody"]["content"]["application/json"] = json!({"schema": any});
            patch["responses"]["201"] = Value::Null;
            patch
        }
        _ => {
            let mut delete = change(&format!("Take {word} out of the pool"), "Admitted");
            delete["responses"]["201"] = Value::Null;
            delete
        }
    }
}

fn named(schema: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{schema}")})
}

/// A thing whose name stands in the path and need not be repeated.
fn loose(schema: &str) -> Value {
    json!({"type": "object", "description": format!("As {schema}; `id` may be left out, and is the name in the path.")})
}

fn body(kind: &str, schema: &Value) -> Value {
    let mut body =
        json!({"required": true, "description": "It may come with Content-Encoding: gzip", "content": {}});
    body["content"][kind] = json!({"schema": schema});
    body
}

fn query(name: &str, description: &str, schema: &Value) -> Value {
    json!({"name": name, "in": "query", "required": false, "description": description, "schema": schema})
}

fn header(name: &str, description: &str) -> Value {
    json!({"name": name, "in": "header", "required": false, "description": description, "schema": {"type": "string"}})
}

fn paging(numbered: bool) -> Vec<Value> {
    let after = if numbered { json!({"type": "integer", "minimum": 0}) } else { json!({"type": "string"}) };
    vec![
        query(
            "limit",
            "Items on a page; default 100",
            &json!({"type": "integer", "minimum": 1, "maximum": 1000}),
        ),
        query("after", "`next` of the page before", &after),
    ]
}

fn filters(plural: &str) -> Vec<Value> {
    let mut all = paging(true);
    let words = |words: &[&str]| json!({"type": "string", "enum": words});
    match plural {
        "hosts" => {
            let states = words(&["live", "disabled", "maintenance", "dead", "fenced"]);
            all.push(query("state", "Hosts in this state", &states));
        }
        "vms" => {
            let states = words(&["running", "paused", "suspended", "halted"]);
            all.push(query("host", "VMs on this host", &json!({"type": "string"})));
            all.push(query("state", "VMs in this power state", &states));
            let priorities = words(&["restart", "best-effort", ""]);
            all.push(query("priority", "VMs of this restart priority", &priorities));
        }
        _ => {}
    }
    all
}

fn read(summary: &str, schema: &Value, parameters: &[Value]) -> Value {
    let mut all = parameters.to_vec();
    all.push(header("If-None-Match", "The ETag of what the client has"));
    json!({
        "summary": summary,
        "parameters": all,
        "responses": {
            "200": {"description": "It is this", "headers": {"ETag": {"schema": {"type": "string"}, "description": "The revision of its last change"}},
                "content": {"application/json": {"schema": schema}}},
            "304": {"description": "It is what the client has already"}
        }
    })
}

fn change(summary: &str, answer: &str) -> Value {
    let answer = json!({"application/json": {"schema": named(answer)}});
    json!({
        "summary": summary,
        "parameters": [
            query("check", "enforce, or only: judge and change nothing", &json!({"type": "string", "enum": ["enforce", "only"]})),
            query("force", "Do it although it makes matters worse; needs a reason", &json!({"type": "boolean"})),
            query("reason", "Why it is forced; written down", &json!({"type": "string", "maxLength": 1000})),
        ],
        "responses": {
            "200": {"description": "It was done, or judged", "content": answer},
            "201": {"description": "It was made", "content": answer}
        }
    })
}

fn events() -> Value {
    let mut parameters = paging(true);
    parameters.push(query(
        "kind",
        "Kinds of entries, comma-separated; default: all",
        &json!({"type": "string"}),
    ));
    parameters.push(header("Last-Event-ID", "For event streams: the id of the last event that was heard"));
    let mut log = page(&named("LogEntry"));
    log["properties"]["gap"] =
        json!({"type": "boolean", "description": "Whether entries behind `after` are not kept any more."});
    json!({
        "summary": "The log of a pool: page by page, or as it happens for whoever accepts text/event-stream",
        "parameters": parameters,
        "responses": {"200": {"description": "A page, oldest first; or the stream", "content": {
            "application/json": {"schema": log}, "text/event-stream": {"schema": {"type": "string"}}
        }}}
    })
}

fn tell() -> Value {
    let event = named("Event");
    let one_or_many = json!({"oneOf": [event, {"type": "array", "items": event, "maxItems": 1000}]});
    json!({
        "summary": "Tell what has happened: taken in in order, in one turn, durable when it is answered",
        "requestBody": body("application/json", &one_or_many),
        "responses": {"200": {"description": "What became of each", "content": {"application/json": {"schema": named("TellAnswer")}}}}
    })
}
