//! Carries out what concerns VMs: orders of the coordinator, inventories, the end of everything when this host is fenced. What is decided is
//! decided by [`machine`], which has no threads; what can take long is done by [`work`], a thread for each job; between the two is
//! [`shell`], the thread that takes what the protocol tells and gives what it is to be told. What was begun and not
//! ended when the agent is killed, its next start knows by [`starts`].
pub mod kept;
pub mod machine;
pub mod setup;
pub mod shell;
mod starts;
pub mod work;

pub use setup::start_here;
pub use shell::{Doors, start};
