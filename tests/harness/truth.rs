//! What is known of the shared pools (`truth.json`), and how an answer compares with it.
use lifeboat_planner::Assessment;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;

/// What is known of one pool.
#[derive(Clone, Debug, Deserialize)]
pub struct Truth {
    /// Lowest and highest possible simultaneous tolerance.
    pub simultaneous: (u32, u32),
    /// Lowest and highest possible sequential tolerance.
    pub sequential: (u32, u32),
    /// The family of pools that it belongs to.
    pub family: String,
    /// What the field's reference planner answers.
    pub reference_max: u32,
    /// A set that no plan survives, at the smallest refuted n.
    #[serde(default)]
    pub failing_set: Vec<String>,
    /// There where only n ≤ 10 was examined: the upper bound is none then.
    pub note: Option<String>,
}

/// What is known of every public pool.
///
/// # Panics
/// If `truth.json` cannot be read.
pub fn read(folder: &Path) -> BTreeMap<String, Truth> {
    let text = std::fs::read(folder.join("truth.json")).expect("truth.json");
    serde_json::from_slice(&text).expect("truth.json as described")
}

impl Truth {
    /// Contradictions between an answer and what is known; none may ever be.
    pub fn contradictions(&self, answer: &Assessment) -> Vec<String> {
        let mut found = Vec::new();
        let notions = [
            ("simultaneous", answer.tolerance.simultaneous, self.simultaneous),
            ("sequential", answer.tolerance.sequential, self.sequential),
        ];
        for (name, bounds, (low, high)) in notions {
            let above = self.note.is_none() && bounds.proven.is_some_and(|proven| proven > high);
            let below = bounds.refuted.is_some_and(|refuted| refuted <= low);
            if above || below || bounds.proven.is_none() {
                found.push(format!("{name}: {bounds:?}, truth {low} to {high}"));
            }
        }
        found
    }

    /// What the reference answers, where that is right: at once, and in turn.
    pub fn reference(&self) -> (Option<u32>, Option<u32>) {
        let right = |(_, high): (u32, u32)| (self.reference_max <= high).then_some(self.reference_max);
        (right(self.simultaneous), right(self.sequential))
    }
}
