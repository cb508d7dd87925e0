//! Every conversion beside a copy of as many bytes as it reads or writes, whichever is more.

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use sounddevice::{ConvertOptions, Dtype, convert};

/// More than caches hold, as recordings are.
const SAMPLES: usize = 1 << 22;

/// Noise, at half of full scale, so that nothing clips.
fn noise(dtype: Dtype) -> Vec<u8> {
    let mut state = 1u32;
    let wide: Vec<u8> = (0..SAMPLES)
        .flat_map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (f64::from(state as i32) / 4_294_967_296.0).to_ne_bytes()
        })
        .collect();
    let mut bytes = vec![0; SAMPLES * dtype.bytes()];
    let plain = ConvertOptions { dither_off: true, ..ConvertOptions::default() };
    convert(&wide, Dtype::F64, &mut bytes, dtype, 1, plain).expect("the lengths agree");
    bytes
}

fn conversions(criterion: &mut Criterion) {
    for from in Dtype::ALL {
        for to in Dtype::ALL {
            let mut source = noise(from);
            let (read, written) = (source.len(), SAMPLES * to.bytes());
            let most = read.max(written);
            source.resize(most, 0);
            let mut target = vec![0u8; most];
            let id = || BenchmarkId::from_parameter(format!("{from}-{to}"));
            let mut group = |name: &str, work: &mut dyn FnMut(&[u8], &mut [u8])| {
                let mut group = criterion.benchmark_group(name);
                group.throughput(Throughput::Elements(SAMPLES as u64));
                group.bench_function(id(), |bencher| {
                    bencher.iter(|| work(black_box(&source), black_box(&mut target)));
                });
            };
            group("copy", &mut |source, target| target.copy_from_slice(source));
            for (name, dither_off) in [("plain", true), ("dithered", false)] {
                let options = ConvertOptions { dither_off, ..ConvertOptions::default() };
                group(name, &mut |source, target| {
                    convert(&source[..read], from, &mut target[..written], to, 2, options).expect("the lengths agree");
                });
            }
        }
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(50))
        .measurement_time(Duration::from_millis(200))
        .without_plots();
    targets = conversions
}
criterion_main!(benches);
