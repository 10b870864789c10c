//! Whole pools in virtual time from one seed: the product's protocol and coordinator in a world that fails.
