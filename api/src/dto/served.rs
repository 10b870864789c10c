//! Documents of pools that the service keeps: lists, summaries, what became of a change.
pub mod done;
pub mod list;
pub mod summary;

pub use done::Done;
pub use list::List;
pub use summary::Summary;
