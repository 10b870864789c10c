//! Makes pools from a seed, for tests, benches and anybody who wants to see what the planner says of a pool
//! like theirs.
//!
//! A [`Recipe`] names a [`Family`], how many hosts and VMs, and a seed; [`generate`] turns it into a
//! [`PoolSpec`]. The same recipe gives the same pool on every machine: all draws come from one ChaCha stream,
//! all arithmetic is on integers. Roomy pools teach nothing, so the families hug the boundary: free memory is
//! the least with which the target number of failures can survive by volume, plus or minus a slack
//! ([`Room`]), and different seeds land on both sides.
//!
//! No host is ever over-full. The crate knows nothing of the planner: that a pool is hard is by its
//! construction, not because the planner was asked.
mod draft;
mod draw;
mod family;
mod recipe;
mod room;
mod sizes;

pub use recipe::{Family, Recipe, RecipeError, Room};

use draw::Draw;
use lifeboat_model::PoolSpec;

/// The pool of a recipe.
///
/// # Errors
/// When the recipe asks for more than a pool may hold, or for less than its family needs.
pub fn generate(recipe: &Recipe) -> Result<PoolSpec, RecipeError> {
    recipe.check()?;
    let mut draw = Draw::new(recipe.seed, recipe.family);
    Ok(family::build(recipe, &mut draw))
}
