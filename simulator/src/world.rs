//! The world.
/// The world.
#[derive(Debug)]
pub struct World {}
