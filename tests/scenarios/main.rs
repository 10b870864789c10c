//! Every scenario of `simulator/scenarios`: it can be read, it opens with what it shows, it is on the page for operators,
//! and it ends as it expects, with no law broken. And every row of the design's outcome table has one.
mod files;
mod rows;
mod runs;
