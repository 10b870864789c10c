//! Documents of pools that the service keeps: lists, summaries, what became of a change.
pub mod done;
pub mod event;
pub mod list;
pub mod summary;
pub mod told;

pub use done::Done;
pub use list::List;
pub use summary::Summary;
