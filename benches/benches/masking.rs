//! The masker of JSON bodies beside plain validation and beside masking through a document, on
//! an order of 4 KiB with three masked fields.

use std::hint::black_box;

use audit_core::{BodyMasker, CaptureState, MaskRules};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use serde::de::IgnoredAny;
use serde_json::{Value, json};

/// An order as shops send them.
fn order() -> String {
    let item = |n: u32| {
        json!({
            "sku": format!("SKU-{n:05}"), "description": "A plain product, blue, medium size",
            "quantity": n % 7 + 1, "unit_price": format!("{}.50", n * 3), "currency": "EUR",
            "discounts": [{"code": "SPRING", "percent": 5}], "gift": n % 2 == 0,
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
        "items": (0..14).map(item).collect::<Vec<_>>(),
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

fn masking(c: &mut Criterion) {
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

criterion_group!(benches, masking);
criterion_main!(benches);
