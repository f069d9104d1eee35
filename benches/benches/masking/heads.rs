//! Heads of requests, of which one place is hostile.

use std::{net::IpAddr, time::Duration};

use audit_core::{Auditor, Begin, Capture, RequestHead, sink::Memory};
use criterion::{Criterion, measurement::Measurement as _};

use crate::{Cpu, inputs, rules};

/// The head of a request, of which one place is hostile.
#[derive(Default)]
struct Head {
    path: String,
    query: Option<String>,
    host: Option<String>,
    headers: Vec<(String, String)>,
}

impl Head {
    fn new(place: &str, piece: &str) -> Self {
        let text = |len: usize| piece.repeat(len / piece.len());
        let mut head = Self { path: "/".to_owned(), ..Self::default() };
        match place {
            "path" => head.path = text(2000),
            "query" => head.query = Some(text(4000)),
            "host" => head.host = Some(text(250)),
            "user-agent" => head.headers.push((place.to_owned(), text(500))),
            "x-forwarded-for" => head.headers = vec![(place.to_owned(), text(500)); 10],
            "x" => head.headers = (0..96).map(|n| (format!("x-{n}"), text(1000))).collect(),
            _ => head.headers = vec![(place.to_owned(), text(1000)); 96],
        }
        head
    }

    fn len(&self) -> usize {
        let texts = [Some(&self.path), self.query.as_ref(), self.host.as_ref()];
        let headers = self.headers.iter().map(|(_, value)| value.len());
        texts.into_iter().flatten().map(String::len).sum::<usize>() + headers.sum::<usize>()
    }
}

impl RequestHead for Head {
    fn method(&self) -> &'static str {
        "GET"
    }

    fn path(&self) -> &str {
        &self.path
    }

    fn query(&self) -> Option<&str> {
        self.query.as_deref()
    }

    fn authority(&self) -> Option<&str> {
        self.host.as_deref()
    }

    fn version(&self) -> &'static str {
        "HTTP/1.1"
    }

    fn route(&self) -> Option<&str> {
        None
    }

    fn peer(&self) -> Option<IpAddr> {
        None
    }

    fn body_size(&self) -> Option<u64> {
        None
    }

    fn headers<'a>(&'a self, mut each: impl FnMut(&'a str, &'a [u8], bool)) {
        self.headers.iter().for_each(|(name, value)| each(name, value.as_bytes(), false));
    }
}

/// What masking takes of a mebibyte of one place: from requests to the sink, less what the same
/// requests take with as many letters in that place. Records are made of both alike, and letters
/// are what is masked fastest.
pub(crate) fn heads(c: &mut Criterion<Cpu>) {
    let sink = Memory::with_most(1);
    let builder = Auditor::builder().capture(Capture::Headers).mask_rules(rules());
    let Ok(auditor) = builder.memory(256 << 20).build(sink) else { return };
    let mebibyte = |head: &Head| {
        let began = Cpu.start();
        for _ in 0..(1 << 20) / head.len() {
            let Begin::Record(mut exchange) = auditor.begin(head) else { return Duration::MAX };
            exchange.end();
        }
        let flushed = auditor.flush().is_ok();
        if flushed { Cpu.end(began) } else { Duration::MAX }
    };
    let mut group = c.benchmark_group("hostile heads");
    group.sample_size(10).measurement_time(Duration::from_millis(500));
    for (place, piece) in inputs::HEADS {
        let (head, harmless) = (Head::new(place, piece), Head::new(place, "a"));
        group.bench_function(format!("{place}, `{piece}`"), |b| {
            b.iter_custom(|times| {
                let more = |_| mebibyte(&head).saturating_sub(mebibyte(&harmless));
                (0..times).map(more).sum()
            });
        });
    }
    group.finish();
}
