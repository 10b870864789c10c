//! What crosses the boundary, as JSON: the pool document coming in, answers and certificates going out. Only
//! this module knows field names; everything inward speaks the model's types.
pub mod admission;
pub mod agility;
pub mod bench;
pub mod capacity;
pub mod certificate;
pub mod change;
pub mod change_request;
pub mod evacuation;
pub mod explanation;
pub mod ha;
pub mod name;
pub mod newcomer;
pub mod pool;
pub mod repair;
pub mod restart;
pub mod schema;
pub mod served;
pub mod served_admission;
pub mod standing;
pub mod tolerance;
pub mod verdict;
