//! How long it takes to get from the bytes of a document to a pool, which for most pools is longer than to
//! the verdict.
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use lifeboat::{dto, source};
use lifeboat_benches::command::write_pool;
use lifeboat_generate::{Family, Recipe, generate};
use lifeboat_model::Pool;
use std::hint::black_box;

fn documents(bencher: &mut Criterion) {
    let mut group = bencher.benchmark_group("document");
    for (family, hosts, vms) in
        [(Family::Hetero, 64, 4096), (Family::Mixed, 64, 4096), (Family::Hetero, 256, 16_384)]
    {
        let recipe = Recipe::new(family, hosts, vms, 1);
        let name = recipe.pool_id();
        let folder = tempfile::tempdir().expect("a folder for one file");
        let file = folder.path().join("pool.json.gz");
        write_pool(&recipe, &file).expect("the folder is ours");
        let packed = std::fs::read(&file).expect("just written");
        let text = source::unpack(packed.clone(), source::MOST_FILE_BYTES).expect("sound");
        let spec = generate(&recipe).expect("in range");
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(BenchmarkId::new("unpack", &name), |bencher| {
            bencher.iter(|| black_box(source::unpack(packed.clone(), source::MOST_FILE_BYTES)));
        });
        group.bench_function(BenchmarkId::new("read", &name), |bencher| {
            bencher.iter(|| black_box(dto::pool::read(black_box(&text))));
        });
        group.bench_function(BenchmarkId::new("build", &name), |bencher| {
            bencher.iter(|| black_box(Pool::new(black_box(&spec))));
        });
    }
    group.finish();
}

criterion_group!(benches, documents);
criterion_main!(benches);
