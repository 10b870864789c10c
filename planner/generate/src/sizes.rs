//! How big VMs are.
use crate::draw::Draw;

/// A distribution of VM sizes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sizes {
    /// 2 to 32 GiB, each twice the last, the middle ones most often.
    FiveFlavours,
    /// 1 to 64 GiB in twelve steps, all alike.
    TwelveFlavours,
    /// 0.7 to 45 GiB, no two alike.
    Arbitrary,
    /// 1 to 512 GiB, each twice the last and 0.6 times as often.
    HeavyFlavours,
    /// The same tail without the steps.
    HeavyArbitrary,
    /// 2 to 30 GiB in steps of 256 MiB.
    FineSteps,
    /// 2 to 30 GiB, every MiB alike.
    Even,
}

const GIB: u64 = 1024;

impl Sizes {
    /// The size of one VM, in MiB.
    pub(crate) fn draw(self, draw: &mut Draw) -> u64 {
        match self {
            Self::FiveFlavours => draw.weighted(&[(2, 1), (4, 2), (8, 3), (16, 2), (32, 1)]) * GIB,
            Self::TwelveFlavours => draw.pick(&[1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64]) * GIB,
            Self::Arbitrary => draw.log_uniform(724, 6),
            Self::HeavyFlavours => GIB << Self::tail(draw),
            Self::HeavyArbitrary => draw.between(717, 1434) << Self::tail(draw),
            Self::FineSteps => draw.between(8, 119) * 256,
            Self::Even => draw.between(2_000, 30_000),
        }
    }

    fn tail(draw: &mut Draw) -> u64 {
        (0..9).take_while(|_| draw.permille(600)).count() as u64
    }

    /// The sizes at which room is counted in whole slots: what fits a host is not its free memory but how
    /// many VMs of that size it takes. Volume (1 MiB) comes first.
    pub(crate) fn thresholds(self) -> &'static [u64] {
        match self {
            Self::FiveFlavours => &[1, 2 * GIB, 4 * GIB, 8 * GIB, 16 * GIB, 32 * GIB],
            Self::TwelveFlavours => &[1, GIB, 8 * GIB, 16 * GIB, 32 * GIB, 48 * GIB, 64 * GIB],
            Self::Arbitrary | Self::FineSteps | Self::Even => &[1, 4 * GIB, 8 * GIB, 16 * GIB, 24 * GIB],
            Self::HeavyFlavours | Self::HeavyArbitrary => {
                &[1, GIB, 4 * GIB, 16 * GIB, 64 * GIB, 128 * GIB, 256 * GIB, 512 * GIB]
            }
        }
    }
}
