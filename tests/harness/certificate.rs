//! Whether the checker, which shares nothing with the planner but the model, accepts what stands behind an answer,
//! and whether it stands behind exactly the answer's bounds.
use lifeboat_check::Claim;
use lifeboat_model::Pool;
use lifeboat_model::verdict::Bounds;
use lifeboat_planner::Assessment;

/// Checks the certificate of an answer, and that it stands behind exactly the bounds of the answer.
///
/// # Errors
/// What is refused, or which bound nothing stands behind.
pub fn verify(pool: &Pool, answer: &Assessment) -> Result<(), String> {
    let accepted = lifeboat_check::verify(pool, &answer.certificate, &lifeboat_check::Limits::default());
    let claims = accepted.map_err(|refusal| refusal.to_string())?.claims;
    let Bounds { proven, refuted, .. } = answer.tolerance.simultaneous;
    let stands = |claim: Option<Claim>| claim.is_none_or(|claim| claims.contains(&claim));
    if refuted == Some(0) {
        return if stands(Some(Claim::Broken)) { Ok(()) } else { Err(format!("broken, but {claims:?}")) };
    }
    let sequential = answer.tolerance.sequential;
    let needed = [
        proven.map(Claim::SimultaneousProven),
        refuted.map(Claim::SimultaneousRefuted),
        sequential.proven.map(Claim::SequentialProven),
        sequential.refuted.map(Claim::SequentialRefuted),
    ];
    match needed.into_iter().find(|&claim| !stands(claim)) {
        Some(missing) => Err(format!("nothing stands behind {missing:?}: {claims:?}")),
        None => Ok(()),
    }
}
