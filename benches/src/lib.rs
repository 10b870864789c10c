//! How fast and how exact the planner is: the figures that Lifeboat's pages quote come from here, by one
//! command (see `README.md` beside this crate), and from nowhere else.
//!
//! [`rows`] is the table of what is measured and what bound it is held against; [`corpus`] makes or reads the
//! pools, [`ask`] puts one question to the planner and times it, [`statistics`] sums up, [`command`] measures
//! the whole program from outside, [`growth`] draws how time grows, [`report`] prints.
//!
//! Rules of measuring: release build, one thread, from an immutable pool in memory to the verdict and its
//! witness, everything that the planner derives from the pool included; nothing is kept from one run to the
//! next. A pool's time is the median of a few runs, so that one interruption by the machine is not taken for
//! the planner's; quantiles are over pools.
#![expect(clippy::cast_precision_loss, reason = "counts and times of measurements are far below 2^52")]
pub mod ask;
pub mod command;
pub mod corpus;
pub mod growth;
pub mod report;
pub mod rows;
pub mod statistics;
