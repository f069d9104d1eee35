//! Sends a row's request.

use std::{net::SocketAddr, thread, time::Duration};

use audit_tests::wire::Wire;

use super::table::{How, Row};
use crate::http2;

/// What came back.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
}

/// `None`: the connection was closed before there was an answer, by one side or the other.
pub(super) fn ask(addr: SocketAddr, row: &Row) -> Option<Answer> {
    if row.how == How::Http2 {
        let request =
            http::Request::builder().method(&*row.method).uri(format!("http://h{}", row.target));
        let request = row.headers.iter().fold(request, |r, (name, value)| r.header(name, value));
        let (status, headers) = http2::exchange(addr, request, &row.body)?;
        let text =
            |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers = headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect();
        return Some(Answer { status, headers });
    }
    let mut wire = Wire::connect(addr);
    wire.send(format!("{}{}", head(row), row.body));
    match row.how {
        How::Reset => {
            // Long enough for the handler to run.
            thread::sleep(Duration::from_millis(300));
            wire.reset();
            None
        }
        How::ResetInBody => {
            let answer = read(&wire.head());
            wire.until(b"x");
            wire.reset();
            answer
        }
        How::Head => read(&wire.head()),
        How::Plainly | How::Http2 => read(&String::from_utf8_lossy(&wire.rest())),
    }
}

fn head(row: &Row) -> String {
    let mut head = format!("{} {} HTTP/1.1\r\nhost: h\r\n", row.method, row.target);
    for (name, value) in &row.headers {
        head += &format!("{name}: {value}\r\n");
    }
    if row.headers.iter().all(|(name, _)| name != "connection") {
        head += "connection: close\r\n";
    }
    if !row.body.is_empty() {
        head += &format!("content-length: {}\r\n", row.body.len());
    }
    head + "\r\n"
}

fn read(answer: &str) -> Option<Answer> {
    let mut lines = answer.lines();
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let headers = lines
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    Some(Answer { status, headers })
}
