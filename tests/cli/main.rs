//! The command line end to end: the real program, real files, exit statuses, JSON as scripts rely on it.
mod faults;
mod plan;
mod program;
mod verify;
