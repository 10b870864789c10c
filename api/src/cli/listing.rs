//! Lists of what a service has: how much of them, as a table or as JSON, once or watched.
use super::Status;
use super::output::Output;
use super::session::Session;
use super::style::{QUIET, count, styled, table};
use super::trouble::Trouble;
use super::watch::{self, Shown, Watching};
use crate::client::page::Items;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// How much of a list.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(super) struct ListArguments {
    /// All of them
    #[arg(long, conflicts_with = "limit")]
    pub(super) all: bool,
    /// So many at most
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(super) limit: u32,
}

impl ListArguments {
    /// The most that is read; none: everything.
    pub(super) fn most(self) -> Option<u32> {
        if self.all { None } else { Some(self.limit) }
    }
}

/// A list: where it is read, and how it is shown.
pub(super) struct Listing<'l, const N: usize> {
    /// The route.
    pub(super) route: String,
    /// One of them in words.
    pub(super) noun: &'static str,
    /// How much.
    pub(super) how_much: ListArguments,
    /// The names of the columns.
    pub(super) header: [&'static str; N],
    /// The columns of one of them.
    pub(super) row: &'l dyn Fn(&Value) -> [String; N],
}

impl<const N: usize> Listing<'_, N> {
    /// Shows the list, once or whenever one of `events` changes it.
    pub(super) fn show(
        &self,
        session: &Session,
        json: bool,
        watching: &Watching,
        output: &mut Output<'_>,
    ) -> Result<Status, Trouble> {
        watch::show(session, watching, output, |width| {
            let items = session.client().list(&self.route, self.how_much.most())?;
            let shown = if json { Shown::Json(whole(&items)) } else { Shown::Text(self.text(&items, width)) };
            Ok((shown, true))
        })
    }

    fn text(&self, items: &Items, width: Option<u16>) -> String {
        if items.items.is_empty() {
            return format!("  {}\n", styled(QUIET, format_args!("no {}s", self.noun)));
        }
        let mut text = table(self.header, items.items.iter().map(self.row), width);
        if items.next.is_some() {
            let shown = count(items.items.len(), self.noun);
            let _ =
                writeln!(text, "  {}", styled(QUIET, format_args!("{shown} and more; --all shows them all")));
        }
        text
    }
}

/// A list as JSON, as the service spells it.
pub(super) fn whole(items: &Items) -> Value {
    json!({"items": items.items, "next": items.next})
}
