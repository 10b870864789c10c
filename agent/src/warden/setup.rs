//! The warden of this host, as it is configured.
use super::machine::Limits;
use super::shell::{Doors, start};
use crate::config::hypervisor::{Hypervisor as Section, Kind};
use crate::context::Context;
use crate::hypervisor::Hypervisor;
use crate::hypervisor::exec::{self, Exec};
use crate::hypervisor::libvirt::Libvirt;
use crate::hypervisor::process::Processes;
use crate::hypervisor::site::Site;
use crate::wiring::ToWarden;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Duration;

/// How many VMs are stopped at once.
const STOPS: usize = 16;
/// How many are migrated at once.
const MIGRATIONS: usize = 2;

/// Starts what runs VMs here.
///
/// # Errors
/// If a directory cannot be made, or the operating system gives no threads.
pub fn start_here(context: &Context, told: Receiver<ToWarden>) -> io::Result<()> {
    let section = &context.config.hypervisor;
    let site = Arc::new(Site::new(section));
    let hypervisor = hypervisor(section, &context.config.host.run_directory, &site)?;
    let (names, notes) = (context.roster.clone(), context.clone());
    let doors = Doors {
        inbox: context.inbox.clone(),
        told,
        name_of: Box::new(move |host| names.name(host)),
        other_notes: Box::new(move |bytes| {
            if let Some(note) = crate::notes::take(&notes, bytes) {
                tracing::error!(?note, "nobody here takes such a note");
            }
        }),
        board: context.board.clone(),
        state_directory: context.config.host.state_directory.clone(),
        run_directory: context.config.host.run_directory.clone(),
    };
    let limits = Limits { starts: section.starts_at_once, stops: STOPS, migrations: MIGRATIONS };
    start(doors, hypervisor, site, limits)
}

/// The hypervisor that a section describes. Nothing is asked of it yet.
///
/// # Errors
/// If the records of VMs that are commands cannot be read.
pub fn hypervisor(
    section: &Section,
    run_directory: &Path,
    site: &Arc<Site>,
) -> io::Result<Arc<dyn Hypervisor>> {
    let site = Arc::clone(site);
    Ok(match section.kind {
        Kind::Libvirt => Arc::new(Libvirt::new(section, site)),
        Kind::Exec => {
            let limits = exec::Limits {
                answer: Duration::from_millis(section.answer_within_ms),
                start: Duration::from_secs(section.start_within_s),
                migrate: Duration::from_secs(section.migrate_within_s),
            };
            let exec = Exec::new(section.command.clone(), section.revive.clone(), limits, site);
            Arc::new(exec.marked(run_directory))
        }
        Kind::None | Kind::Process => Arc::new(Processes::new(&run_directory.join("vms"), site)?),
    })
}
