//! What crosses the boundary, as JSON: the pool document coming in, answers and certificates going out. Only
//! this module knows field names; everything inward speaks the model's types.
pub mod agility;
pub mod certificate;
pub mod change_request;
pub mod name;
pub mod pool;
pub mod restart;
pub mod schema;
pub mod verdict;
