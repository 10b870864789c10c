//! How long the tolerance takes, for work on the planner: the same pools every time, so that a change shows.
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use lifeboat_benches::ask::Ask;
use lifeboat_benches::corpus::{files, made, real};
use lifeboat_generate::{Family, Recipe};
use lifeboat_model::Pool;
use lifeboat_planner::Limits;
use std::hint::black_box;
use std::path::Path;
use std::time::Duration;

/// Searches are bounded by work, not by the clock, so that the same is done each time.
const MOST_WORK: u64 = 2_000_000;

fn run(bencher: &mut Criterion, group: &str, name: String, pool: &Pool, ask: Ask) {
    let mut group = bencher.benchmark_group(group);
    group.sample_size(10).warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
    let limits = Limits { work: Some(MOST_WORK), ..Limits::default() };
    group.bench_with_input(BenchmarkId::from_parameter(name), pool, |bencher, pool| {
        bencher.iter(|| black_box(ask.assess(black_box(pool), &limits)));
    });
    group.finish();
}

fn sixty_four_hosts(bencher: &mut Criterion) {
    for family in [Family::Homog, Family::Hetero, Family::Heavytail] {
        for vms in [512, 2048, 4096] {
            for failures in 1..=4 {
                let pool = made(&Recipe::new(family, 64, vms, 1).failures(failures).slack(20));
                let name = format!("{family}-{vms}-n{failures}");
                run(bencher, "at once", name.clone(), &pool, Ask::AtOnce(None));
                run(bencher, "in turn", name, &pool, Ask::InTurn(failures));
            }
        }
    }
}

fn fills(bencher: &mut Criterion) {
    for family in [Family::Homog, Family::Hetero, Family::Cloud, Family::Rules] {
        for fill in [500, 700, 850, 920] {
            let pool = made(&Recipe::new(family, 64, 2048, 1).fill(fill));
            run(bencher, "fill", format!("{family}-{}%", fill / 10), &pool, Ask::AtOnce(Some(8)));
        }
    }
}

fn large(bencher: &mut Criterion) {
    for (hosts, vms) in [(256, 16_384), (1024, 65_536)] {
        for family in [Family::Homog, Family::Hetero] {
            let pool = made(&Recipe::new(family, hosts, vms, 1));
            run(bencher, "large", format!("{family}-{hosts}x{vms}"), &pool, Ask::AtOnce(None));
        }
    }
}

fn harder(bencher: &mut Criterion) {
    use Family::{Binpack3, Cloud, Mixed, Racklocal, Rules, TwodimVcpus, TwodimVgpu};
    for family in [Racklocal, TwodimVcpus, TwodimVgpu, Binpack3, Cloud, Rules, Mixed] {
        let pool = made(&Recipe::new(family, 64, 2048, 1).failures(4));
        run(bencher, "harder", family.name().to_owned(), &pool, Ask::AtOnce(Some(4)));
    }
}

fn production(bencher: &mut Criterion) {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/pools");
    for folder in ["azure", "huawei"] {
        for path in files(&shared.join(folder), folder) {
            if let Some(pool) = real(&path) {
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                run(bencher, "production", name, &pool, Ask::AtOnce(None));
            }
        }
    }
}

criterion_group!(benches, sixty_four_hosts, fills, large, harder, production);
criterion_main!(benches);
