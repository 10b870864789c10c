//! What the service asks all day: may this change be made, and who restarts where.
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use lifeboat_benches::ask::{change, failed};
use lifeboat_benches::corpus::made;
use lifeboat_generate::{Family, Recipe};
use lifeboat_planner::{Limits, admission, assess, restart_plan};
use std::hint::black_box;

const FAMILIES: [Family; 4] = [Family::Homog, Family::Hetero, Family::Cloud, Family::Racklocal];

fn admissions(bencher: &mut Criterion) {
    let mut group = bencher.benchmark_group("admission");
    for family in FAMILIES {
        let pool = made(&Recipe::new(family, 64, 4096, 1).failures(2).slack(300));
        let limits = Limits {
            work: Some(1_000_000),
            max_failures: Some(pool.effective_target()),
            ..Limits::default()
        };
        let before = assess(&pool, &limits);
        let Some(change) = (0..64).find_map(|draw| change(&pool, draw)) else { continue };
        group.bench_function(BenchmarkId::from_parameter(family), |bencher| {
            bencher.iter(|| black_box(admission::check(&pool, Some(&before), black_box(&change), &limits)));
        });
    }
    group.finish();
}

fn plans(bencher: &mut Criterion) {
    let mut group = bencher.benchmark_group("restart plan");
    for family in FAMILIES {
        let pool = made(&Recipe::new(family, 64, 4096, 1).failures(3).slack(300));
        let limits = Limits { work: Some(1_000_000), max_failures: Some(3), ..Limits::default() };
        let before = assess(&pool, &limits);
        for failures in 1..=3 {
            let set = failed(&pool, failures, 7);
            group.bench_function(BenchmarkId::new(family.name(), failures), |bencher| {
                bencher.iter(|| black_box(restart_plan(&pool, black_box(&set), &before, &limits)));
            });
        }
    }
    group.finish();
}

criterion_group!(benches, admissions, plans);
criterion_main!(benches);
