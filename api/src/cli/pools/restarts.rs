//! `lifeboat pool restart-settings`: how restarts go in a pool whose hosts have agents.
use crate::cli::Status;
use crate::cli::assign::assignments;
use crate::cli::change::{Change, have_done};
use crate::cli::fields::{details, shown};
use crate::cli::output::Output;
use crate::cli::session::Session;
use crate::cli::style::{STRONG, styled};
use crate::cli::trouble::Trouble;
use serde_json::Value;

pub(super) fn run(
    session: &Session,
    fields: &[String],
    json: bool,
    output: &mut Output<'_>,
) -> Result<Status, Trouble> {
    let (pool, route) = (session.pool()?, session.route("/restart-settings")?);
    let set = session.get(&route)?;
    if !fields.is_empty() {
        let body = merged(set, assignments(fields)?);
        return have_done(
            session,
            &Change::put(route, body, format!("the pool has {}", fields.join(", "))),
            json,
            output,
        );
    }
    if json {
        output.json(&set)
    } else {
        let pairs: Vec<(&str, String)> = set
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, value)| (&**name, shown(Some(value))))
            .collect();
        output.text(&format!("{}\n\n{}", styled(STRONG, pool), details(&pairs)))
    }
    .map_err(Trouble::Output)?;
    Ok(Status::Answered)
}

/// What is set, with this changed; what is null is left out, and so as usual.
fn merged(mut set: Value, patch: Value) -> Value {
    if let (Some(set), Value::Object(patch)) = (set.as_object_mut(), patch) {
        set.extend(patch);
        set.retain(|_, value| !value.is_null());
    }
    set
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_not_named_stays_and_null_makes_it_as_usual() {
        let set = json!({"starts_per_host": 4, "starts_in_pool": 9, "fence_unknown_after_s": null});
        let patch = json!({"starts_in_pool": null, "fence_unknown_after_s": 60});
        assert_eq!(merged(set, patch), json!({"starts_per_host": 4, "fence_unknown_after_s": 60}));
    }
}
