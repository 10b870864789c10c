//! The spelling of kinds of evidence: one byte.
use crate::bytes::Malformed;
use crate::evidence::EvidenceKind;

/// The byte for a kind.
pub fn code(kind: EvidenceKind) -> u8 {
    match kind {
        EvidenceKind::LeaseExpired => 0,
        EvidenceKind::Notice => 1,
        EvidenceKind::CrashKernel => 2,
        EvidenceKind::Rebooted => 3,
        EvidenceKind::PowerOff => 4,
        EvidenceKind::Operator => 5,
        EvidenceKind::OperatorForced => 6,
        EvidenceKind::Left => 7,
    }
}

/// The kind that a byte stands for.
///
/// # Errors
/// If it stands for none.
pub fn kind(code: u8) -> Result<EvidenceKind, Malformed> {
    Ok(match code {
        0 => EvidenceKind::LeaseExpired,
        1 => EvidenceKind::Notice,
        2 => EvidenceKind::CrashKernel,
        3 => EvidenceKind::Rebooted,
        4 => EvidenceKind::PowerOff,
        5 => EvidenceKind::Operator,
        6 => EvidenceKind::OperatorForced,
        7 => EvidenceKind::Left,
        _ => return Err(Malformed::OutOfRange { what: "a kind of evidence" }),
    })
}
