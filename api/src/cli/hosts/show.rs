//! `lifeboat host show`: a host, who uses its memory, and what runs there.
use super::{route, state};
use crate::cli::Status;
use crate::cli::fields::{details, memory, number, text, word};
use crate::cli::output::Output;
use crate::cli::session::Session;
use crate::cli::style::{BAD, GOOD, OPEN, STRONG, section, styled};
use crate::cli::trouble::Trouble;
use crate::cli::vms;
use crate::cli::watch::{self, Shown};
use crate::client::path::with_query;
use serde_json::{Value, json};

pub(super) fn run(
    session: &Session,
    host: &str,
    watching: bool,
    json: bool,
    output: &mut Output<'_>,
) -> Result<Status, Trouble> {
    let route = route(session, host, "")?;
    let guests = with_query(&session.route("/vms")?, &[("host", Some(host))]);
    watch::show(session, &session.watching(watching)?, output, |width| {
        let described = session.get(&route)?;
        let vms = session.client().list(&guests, None)?.items;
        let shown = if json {
            Shown::Json(json!({"host": described, "vms": vms}))
        } else {
            Shown::Text(page(&described, &vms, width))
        };
        Ok((shown, true))
    })
}

fn page(host: &Value, vms: &[Value], width: Option<u16>) -> String {
    let state = state(host);
    let style = match state {
        "live" => GOOD,
        "dead" | "fenced" => BAD,
        _ => OPEN,
    };
    let used = |priority: Option<&str>| -> i128 {
        let counted = vms.iter().filter(|vm| vms::holds_memory(vm));
        let counted = counted.filter(|vm| priority.is_none_or(|one| word(vm, "restart_priority") == one));
        counted.map(|vm| i128::from(number(vm, "memory_mib")) + i128::from(number(vm, "overhead_mib"))).sum()
    };
    let all = i128::from(number(host, "memory_mib"));
    let reserved = i128::from(number(host, "reserved_mib"));
    let mut page = format!("{}  {}\n\n", styled(STRONG, text(host, "id")), styled(style, state));
    page.push_str(&details(&[
        ("memory", memory(all)),
        ("reserved", memory(reserved)),
        ("protected VMs", memory(used(Some("restart")))),
        ("best-effort VMs", memory(used(Some("best-effort")))),
        ("unprotected VMs", memory(used(Some("")))),
        ("free", memory(all - reserved - used(None))),
        ("resources", text(host, "resources")),
        ("storages", absent_means(host, "storages", "all shared ones")),
        ("networks", absent_means(host, "networks", "all")),
        ("fault domain", text(host, "fault_domain")),
        ("CPU level", number(host, "cpu_level").to_string()),
    ]));
    let rows = vms.iter().map(|vm| {
        let [name, _, state, memory, priority, order, _] = vms::row(vm);
        [name, state, memory, priority, order]
    });
    section(&mut page, "VMs", ["VM", "state", "memory", "priority", "order"], rows, width);
    page
}

fn absent_means(host: &Value, field: &str, absent: &str) -> String {
    if host.get(field).is_none() { absent.to_owned() } else { text(host, field) }
}
