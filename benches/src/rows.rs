//! The table of what is measured: which pools, which question, and the bounds that the product promises. A
//! figure on a page that is not a row here is not a figure.
use crate::ask::Ask;
use crate::corpus::Corpus;
use lifeboat_generate::Family;
use lifeboat_generate::Family::{
    Advfrag, Advgreedy, Advseq, Advunion, Binpack3, Cloud, Heavytail, Hetero, Homog, Mixed, Racklocal, Rules,
    Tight, TwodimVcpus, TwodimVgpu,
};
use serde::Serialize;

/// One line of the report.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// What it is called.
    pub name: &'static str,
    /// The pools.
    pub corpus: Corpus,
    /// The question.
    pub ask: Ask,
    /// The bounds; none: shown for comparison.
    pub bounds: &'static [Bound],
}

/// A bound on one quantile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Bound {
    /// Which, in thousandths: 500 is the median.
    pub permille: u16,
    /// In microseconds.
    pub most_us: u64,
}

const fn median(most_us: u64) -> Bound {
    Bound { permille: 500, most_us }
}
const fn p95(most_us: u64) -> Bound {
    Bound { permille: 950, most_us }
}
const fn p99(most_us: u64) -> Bound {
    Bound { permille: 990, most_us }
}

const fn made(families: &'static [Family], hosts: u32, vms: u32, failures: Option<u32>) -> Corpus {
    Corpus::Made { families, hosts, vms, failures }
}

/// Everything that is measured inside the process.
pub const ROWS: &[Row] = &[
    // At once, exact, however many fail.
    Row {
        name: "homog 64x4096",
        corpus: made(&[Homog], 64, 4096, None),
        ask: Ask::AtOnce(None),
        bounds: &[median(200), p99(2_000)],
    },
    Row {
        name: "hetero 64x4096",
        corpus: made(&[Hetero], 64, 4096, None),
        ask: Ask::AtOnce(None),
        bounds: &[median(200), p99(2_000)],
    },
    Row {
        name: "heavytail 64x4096",
        corpus: made(&[Heavytail], 64, 4096, None),
        ask: Ask::AtOnce(None),
        bounds: &[median(200), p99(2_000)],
    },
    Row {
        name: "tight 64x4096",
        corpus: made(&[Tight], 64, 4096, None),
        ask: Ask::AtOnce(None),
        bounds: &[],
    },
    Row {
        name: "binpack3 64x2368",
        corpus: made(&[Binpack3], 64, 2368, None),
        ask: Ask::AtOnce(None),
        bounds: &[],
    },
    Row {
        name: "cloud 64x4096",
        corpus: made(&[Cloud], 64, 4096, None),
        ask: Ask::AtOnce(None),
        bounds: &[],
    },
    Row {
        name: "racklocal 64x4096, n = 4",
        corpus: made(&[Racklocal], 64, 4096, Some(4)),
        ask: Ask::AtOnce(Some(4)),
        bounds: &[median(20_000)],
    },
    Row {
        name: "two resources 64x4096, n = 4",
        corpus: made(&[TwodimVcpus, TwodimVgpu], 64, 4096, Some(4)),
        ask: Ask::AtOnce(Some(4)),
        bounds: &[median(500_000)],
    },
    Row {
        name: "adversarial 16x64",
        corpus: made(&[Advgreedy, Advfrag, Advseq, Advunion], 16, 64, None),
        ask: Ask::AtOnce(None),
        bounds: &[],
    },
    Row {
        name: "256x16384",
        corpus: made(&[Homog, Hetero, Heavytail], 256, 16_384, None),
        ask: Ask::AtOnce(None),
        bounds: &[median(5_000)],
    },
    Row {
        name: "1024x65536",
        corpus: made(&[Homog, Hetero, Heavytail], 1024, 65_536, None),
        ask: Ask::AtOnce(None),
        bounds: &[median(100_000)],
    },
    Row {
        name: "azure",
        corpus: Corpus::Real { folder: "azure", prefix: "azure-" },
        ask: Ask::AtOnce(None),
        bounds: &[median(2_000)],
    },
    Row {
        name: "huawei",
        corpus: Corpus::Real { folder: "huawei", prefix: "huawei-" },
        ask: Ask::AtOnce(None),
        bounds: &[],
    },
    // In turn.
    Row {
        name: "homog, hetero, heavytail 64x4096",
        corpus: made(&[Homog, Hetero, Heavytail], 64, 4096, None),
        ask: Ask::InTurn(3),
        bounds: &[median(1_000), p95(100_000)],
    },
    Row {
        name: "racklocal 64x4096",
        corpus: made(&[Racklocal], 64, 4096, Some(4)),
        ask: Ask::InTurn(3),
        bounds: &[],
    },
    Row {
        name: "two resources 64x4096",
        corpus: made(&[TwodimVcpus, TwodimVgpu], 64, 4096, Some(4)),
        ask: Ask::InTurn(3),
        bounds: &[],
    },
    Row {
        name: "adversarial 16x64",
        corpus: made(&[Advgreedy, Advfrag, Advseq, Advunion], 16, 64, None),
        ask: Ask::InTurn(3),
        bounds: &[],
    },
    Row { name: "cloud 64x2048", corpus: made(&[Cloud], 64, 2048, None), ask: Ask::InTurn(3), bounds: &[] },
    Row { name: "rules 64x512", corpus: made(&[Rules], 64, 512, None), ask: Ask::InTurn(3), bounds: &[] },
    Row { name: "mixed 64x512", corpus: made(&[Mixed], 64, 512, None), ask: Ask::InTurn(3), bounds: &[] },
    Row {
        name: "azure",
        corpus: Corpus::Real { folder: "azure", prefix: "azure-" },
        ask: Ask::InTurn(3),
        bounds: &[],
    },
    Row {
        name: "huawei",
        corpus: Corpus::Real { folder: "huawei", prefix: "huawei-" },
        ask: Ask::InTurn(3),
        bounds: &[],
    },
    // What the service asks all day.
    Row {
        name: "homog, hetero, heavytail 64x4096",
        corpus: made(&[Homog, Hetero, Heavytail], 64, 4096, None),
        ask: Ask::Change,
        bounds: &[p99(100)],
    },
    Row { name: "cloud 64x2048", corpus: made(&[Cloud], 64, 2048, None), ask: Ask::Change, bounds: &[] },
    Row {
        name: "homog, hetero, heavytail 64x4096",
        corpus: made(&[Homog, Hetero, Heavytail], 64, 4096, None),
        ask: Ask::Restart,
        bounds: &[median(50)],
    },
    Row { name: "cloud 64x2048", corpus: made(&[Cloud], 64, 2048, None), ask: Ask::Restart, bounds: &[] },
];

impl Ask {
    /// The question in a few words.
    pub fn words(self) -> String {
        match self {
            Self::AtOnce(None) => "at once, all n".to_owned(),
            Self::AtOnce(Some(most)) => format!("at once, n <= {most}"),
            Self::InTurn(most) => format!("in turn, n <= {most}"),
            Self::Everything => "both, all n".to_owned(),
            Self::Change => "admission".to_owned(),
            Self::Restart => "restart plan".to_owned(),
        }
    }
}
