//! Search, where no linear test decides: over failure sets (`branch`), over packings of one set (`packing`,
//! `exact`, `pattern`).
pub(crate) mod branch;
pub(crate) mod completion;
pub(crate) mod exact;
pub(crate) mod milp;
pub(crate) mod packing;
pub(crate) mod pattern;
pub(crate) mod refute;
pub(crate) mod work;
pub(crate) mod worst;
