//! Bodies far larger than memory should be: what passes through the layer is not kept.
#![allow(clippy::print_stdout)] // The figures that docs/performance.md repeats.
#![allow(clippy::unwrap_used)] // A helper that fails fails its test.

use std::{
    io::{Read, Write},
    net::TcpStream,
};

use audit_tests::{testbed::Testbed, trail};

const GIB: u64 = 1 << 30;
const CHUNK: usize = 1 << 20;
/// How much more a testbed may hold with the layer than without.
const MORE: u64 = 2 * 1024 * 1024;

#[derive(Clone, Copy, Debug)]
enum Way {
    Down,
    Up,
}

/// Sends one request and takes the answer. Gives the bytes of the answer's body.
fn transfer(addr: std::net::SocketAddr, way: Way) -> u64 {
    let mut socket = TcpStream::connect(addr).expect("a connection");
    let mut buffer = vec![b'x'; CHUNK];
    match way {
        Way::Down => {
            let target = format!("/stream?chunks={}&size=65536&length=1", GIB / 65_536);
            let head = format!("GET {target} HTTP/1.1\r\nhost: t\r\nconnection: close\r\n\r\n");
            socket.write_all(head.as_bytes()).expect("sent");
        }
        Way::Up => {
            let head = format!(
                "POST /upload HTTP/1.1\r\nhost: t\r\nconnection: close\r\ncontent-length: {GIB}\r\n\r\n"
            );
            socket.write_all(head.as_bytes()).expect("sent");
            for _ in 0..GIB / CHUNK as u64 {
                socket.write_all(&buffer).expect("sent");
            }
        }
    }
    let mut got = 0;
    let mut head = None;
    loop {
        let n = socket.read(&mut buffer).expect("an answer");
        if n == 0 {
            return got - head.expect("a head") as u64;
        }
        got += n as u64;
        if head.is_none() {
            assert!(buffer.starts_with(b"HTTP/1.1 200"), "the first read has the head");
            head = buffer[..n].windows(4).position(|w| w == b"\r\n\r\n").map(|at| at + 4);
        }
    }
}

/// The most memory the testbed held during one transfer, and its record's view of it.
fn peak(testbed: &str, way: Way, audited: bool) -> u64 {
    let root = tempfile::tempdir().expect("a folder");
    let path = root.path().join("trail");
    let path = path.to_str().expect("a path");
    let flags: &[&str] =
        if audited { &["--audit", "full", "--trail", path] } else { &["--audit", "off"] };
    let mut server = Testbed::start(testbed, flags);
    let bytes = transfer(server.addr, way);
    let peak = server.peak_memory();
    server.stop_cleanly(0);
    if audited {
        let mut records = trail::Follower::open(path.as_ref()).rest();
        let record = records.pop().expect("a record");
        assert!(records.is_empty(), "one record: {records:?}");
        let (request, response) = (record.request().unwrap().size, record.response().unwrap().size);
        assert_eq!(response, Some(bytes));
        assert_eq!(request, Some(if matches!(way, Way::Up) { GIB } else { 0 }));
        assert!(record.request().unwrap().capture.is_some());
        assert!(record.response().unwrap().capture.is_some());
    }
    assert!(matches!(way, Way::Up) || bytes == GIB, "{bytes} bytes came");
    peak
}

fn stays_flat(testbed: &str, way: Way) {
    // Bare peaks differ from run to run by some hundred KiB: the larger of two is the measure.
    let bare = peak(testbed, way, false).max(peak(testbed, way, false));
    let audited = peak(testbed, way, true);
    let kib = |bytes: u64| bytes / 1024;
    println!("{testbed} {way:?} 1 GiB: {} KiB bare, {} KiB audited", kib(bare), kib(audited));
    assert!(audited <= bare + MORE, "{} KiB more", kib(audited - bare));
}

#[test]
fn a_gigabyte_down_through_axum() {
    stays_flat("testbed_axum", Way::Down);
}

#[test]
fn a_gigabyte_up_through_axum() {
    stays_flat("testbed_axum", Way::Up);
}

#[test]
fn a_gigabyte_down_through_actix() {
    stays_flat("testbed_actix", Way::Down);
}

#[test]
fn a_gigabyte_up_through_actix() {
    stays_flat("testbed_actix", Way::Up);
}
