//! The masker of JSON bodies beside plain validation and beside masking through a document, on
//! an order of 4 KiB with three masked fields.

mod heads;
mod hostile;
mod inputs;

use std::{hint::black_box, time::Duration};

use audit_core::{BodyMasker, CaptureState, Detector, MaskRules};
use criterion::{
    Criterion, Throughput, criterion_group, criterion_main,
    measurement::{Measurement, ValueFormatter, WallTime},
};
use rustix::time::{ClockId, clock_gettime};
use serde::de::IgnoredAny;
use serde_json::{Value, json};

/// The processor's time for this process, the writer's thread with it: what others do on the same
/// machine does not count.
struct Cpu;

impl Measurement for Cpu {
    type Intermediate = Duration;
    type Value = Duration;

    fn start(&self) -> Duration {
        let now = clock_gettime(ClockId::ProcessCPUTime);
        Duration::new(now.tv_sec.unsigned_abs(), now.tv_nsec.unsigned_abs() as u32)
    }

    fn end(&self, start: Duration) -> Duration {
        self.start().saturating_sub(start)
    }

    fn add(&self, one: &Duration, other: &Duration) -> Duration {
        *one + *other
    }

    fn zero(&self) -> Duration {
        Duration::ZERO
    }

    fn to_f64(&self, value: &Duration) -> f64 {
        value.as_nanos() as f64
    }

    fn formatter(&self) -> &dyn ValueFormatter {
        WallTime.formatter()
    }
}

/// An order as shops send them.
fn order() -> String {
    let item = |n: u32| {
        json!({
            "sku": format!("SKU-{n:05}"), "description": "A plain product, blue, medium size",
            "quantity": n % 7 + 1, "unit_price": format!("{}.50", n * 3), "currency": "EUR",
            "discounts": [{"code": "SPRING", "percent": 5}], "gift": n.is_multiple_of(2),
            "warehouse": {"id": n % 5, "city": "Rotterdam", "shelf": format!("{}-{}", n, n + 1)},
        })
    };
    let order = json!({
        "order_no": "SI-2026-0042", "placed_at": "2026-11-21T20:31:00.123456Z",
        "customer": {
            "name": "Ann Example", "email": "ann@example.com", "phone": "+31 20 123 4567",
            "address": {"street": "High Street 12", "postcode": "1234 AB", "city": "Amsterdam"},
        },
        "payment": {"method": "card", "card_number": "4111 1111 1111 1111", "cvv": 123, "pin": "0000"},
        "items": (0..16).map(item).collect::<Vec<_>>(),
        "notes": "Leave it with the neighbours at number 14 if nobody is at home.",
        "total": 1234.5,
    });
    order.to_string()
}

/// Masking as it is done with a document in memory.
fn through_value(text: &str) -> String {
    fn mask(value: &mut Value) {
        match value {
            Value::Object(members) => {
                for (name, value) in members {
                    match name.as_str() {
                        "card_number" | "cvv" | "pin" => *value = "[redacted]".into(),
                        _ => mask(value),
                    }
                }
            }
            Value::Array(elements) => elements.iter_mut().for_each(mask),
            _ => {}
        }
    }
    let mut value = serde_json::from_str(text).unwrap_or_default();
    mask(&mut value);
    value.to_string()
}

fn masking(c: &mut Criterion<Cpu>) {
    let order = order();
    let mut masker = BodyMasker::new(MaskRules::new());
    let masked = masker.body("application/json", order.as_bytes(), usize::MAX);
    assert_eq!((masked.state, masked.masked.len()), (CaptureState::Full, 3));
    let body: Value = masked.body.and_then(|b| serde_json::from_str(&b).ok()).unwrap_or_default();
    assert_eq!(body, serde_json::from_str::<Value>(&through_value(&order)).unwrap_or_default());

    let mut group = c.benchmark_group("masking");
    group.throughput(Throughput::Bytes(order.len() as u64));
    group.bench_function("serde_json, validation only", |b| {
        b.iter(|| serde_json::from_slice::<IgnoredAny>(black_box(order.as_bytes())).is_ok());
    });
    group.bench_function("audit, masked", |b| {
        b.iter(|| masker.body("application/json", black_box(order.as_bytes()), usize::MAX));
    });
    group.bench_function("serde_json::Value, masked", |b| {
        b.iter(|| through_value(black_box(&order)));
    });
    group.finish();
}

/// Names beside the built-in ones, one of them in no ASCII, and all detectors.
fn rules() -> MaskRules {
    let rules = MaskRules::new().fields(["v", "salary", "größe"]);
    let rules = rules.and_then(|rules| rules.except(["token_count"]));
    rules.unwrap_or_default().detect(Detector::ALL)
}

criterion_group! {
    name = benches;
    config = Criterion::default().with_measurement(Cpu);
    targets = masking, hostile::hostile, heads::heads
}
criterion_main!(benches);
