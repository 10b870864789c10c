//! Bounds: linear certificates and refutations, one a file, each with its proof in the certificate format
//! (`lifeboat_model::certificate`) or beside the code. All of them decide every failure set of n hosts at once,
//! because their left side is a sum of one weight a host.
pub(crate) mod any_fit;
pub(crate) mod fixed_order;
pub(crate) mod held;
pub(crate) mod reach;
pub(crate) mod slots;
pub(crate) mod stuck;
pub(crate) mod top;
pub(crate) mod volume;
