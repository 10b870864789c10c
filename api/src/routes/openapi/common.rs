//! What holds for every route of a kind: who may call it, what its path says, what can go wrong.
use crate::guard::{Access, RouteAccess};
use serde_json::{Value, json};

/// Adds to an operation what follows from its route.
pub(super) fn complete(operation: &mut Value, route: &RouteAccess, method: &str) {
    operation["operationId"] = id(method, route.path).into();
    operation["tags"] = json!([tag(route.path)]);
    operation["x-access"] = route.access.words().into();
    let open = route.access == Access::Open;
    operation["security"] = if open { json!([]) } else { json!([{"token": []}, {"certificate": []}]) };
    parameters(operation, route.path, method != "get");
    let responses = operation["responses"].as_object_mut();
    if let Some(responses) = responses {
        responses.retain(|_, response| !response.is_null());
    }
    let changes = method != "get" && !["/v1/plan", "/v1/check", "/v1/explain"].contains(&route.path);
    for (status, words) in problems(open, route.path.contains('{'), method, changes) {
        if operation["responses"][status].is_null() {
            operation["responses"][status] = problem(words);
        }
    }
}

fn parameters(operation: &mut Value, path: &str, changes: bool) {
    let mut all = operation["parameters"].as_array().cloned().unwrap_or_default();
    for name in path.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}')) {
        if !all.iter().any(|known| known["name"] == name) {
            let schema = json!({"type": "string", "minLength": 1, "maxLength": 255});
            all.push(json!({"name": name, "in": "path", "required": true, "schema": schema}));
        }
    }
    if changes {
        for (name, words) in [
            ("If-Match", "Only if its ETag is one of these"),
            ("If-None-Match", "*: only if there is none yet"),
            (
                "Idempotency-Key",
                "Sent again with the same key, the request is not made again, and answered as before",
            ),
        ] {
            all.push(json!({"name": name, "in": "header", "required": false, "description": words, "schema": {"type": "string"}}));
        }
    }
    operation["parameters"] = all.into();
}

fn problems(open: bool, named: bool, method: &str, changes: bool) -> Vec<(&'static str, &'static str)> {
    let mut all = Vec::new();
    if open {
        all.push(("429", "Too many requests; Retry-After says when to come again"));
        return all;
    }
    all.extend([
        ("307", "Another process leads; Location says which"),
        ("400", "The request makes no sense"),
        ("401", "It is not known who calls"),
        ("403", "The role is not enough, or does not hold for this pool"),
        ("429", "Too many requests; Retry-After says when to come again"),
        ("503", "Overloaded, no leader, or the store does not answer"),
        ("504", "The answer took too long"),
    ]);
    if named {
        all.push(("404", "No such pool, or no such thing in it"));
    }
    if named && method == "get" {
        all.push(("412", "If-Match does not hold"));
    }
    if method != "get" {
        all.extend([
            ("408", "The body came too slowly"),
            ("413", "The body is too large"),
            ("415", "A content encoding other than gzip"),
            ("422", "The body is wrong: every fault with its JSON pointer; or the idempotency key is taken"),
        ]);
    }
    if changes {
        all.extend([
            (
                "409",
                "Admission refuses it, with its whole answer; or it makes no sense for the pool as it is",
            ),
            ("412", "A condition does not hold"),
        ]);
    }
    all
}

fn problem(words: &str) -> Value {
    json!({
        "description": words,
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    })
}

/// A name for the operation: its method and the words of its path.
fn id(method: &str, path: &str) -> String {
    let words = path.split(['/', '.', '-']).filter(|word| !word.is_empty() && *word != "v1");
    let words: Vec<&str> = words.map(|word| word.trim_matches(['{', '}'])).collect();
    format!("{method}_{}", words.join("_"))
}

/// What the operation is about.
fn tag(path: &str) -> &str {
    let mut words =
        path.split('/').filter(|word| !word.is_empty() && *word != "v1" && !word.starts_with('{'));
    match (words.next(), words.next()) {
        (Some("pools"), Some(about)) | (Some(about), _) => about,
        _ => "service",
    }
}
