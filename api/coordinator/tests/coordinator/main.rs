//! The coordinator against scripted hosts: stories first, then random ones with laws that must hold in all of them.
mod alerts;
mod calls;
mod laws;
mod reboots;
mod restarts;
mod terms;
mod world;
