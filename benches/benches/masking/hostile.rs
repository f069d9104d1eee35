//! Hostile bodies.

use std::{hint::black_box, time::Duration};

use audit_core::BodyMasker;
use criterion::{Criterion, Throughput};

use crate::{Cpu, inputs, rules};

/// The worst known inputs for each engine, a mebibyte of each: what a client can make the writer
/// spend. Where the masker stops, that is the time until it does.
pub(crate) fn hostile(c: &mut Criterion<Cpu>) {
    let mut masker = BodyMasker::new(rules());
    let mut group = c.benchmark_group("hostile");
    group
        .sample_size(10)
        .measurement_time(Duration::from_millis(500))
        .warm_up_time(Duration::from_millis(100));
    for &(name, content_type, begin, piece, end) in inputs::BODIES {
        let body = match piece {
            "" => {
                (0..60_000).fold(begin.to_owned(), |body, n| body + &format!("\"name_{n}\":{n},"))
                    + end
            }
            piece => format!("{begin}{}{end}", piece.repeat((1 << 20) / piece.len())),
        };
        group.throughput(Throughput::Bytes(body.len() as u64));
        group.bench_function(name, |b| {
            b.iter(|| masker.body(content_type, black_box(body.as_bytes()), usize::MAX));
        });
    }
    group.finish();
}
