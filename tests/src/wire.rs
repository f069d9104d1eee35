//! A client that sends any bytes and keeps every byte it gets.

use std::{
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant},
};

use crate::audited::PATIENCE;

/// A connection, byte by byte.
#[derive(Debug)]
pub struct Wire {
    stream: TcpStream,
    got: Vec<u8>,
    /// Where the answer begins that is being read.
    from: usize,
    /// A conversation that goes on for longer is one that does not end.
    deadline: Instant,
}

impl Wire {
    /// A connection to a server.
    #[must_use]
    pub fn connect(addr: SocketAddr) -> Self {
        let stream = TcpStream::connect_timeout(&addr, PATIENCE).expect("a connection");
        stream.set_read_timeout(Some(PATIENCE)).expect("an option");
        stream.set_write_timeout(Some(PATIENCE)).expect("an option");
        stream.set_nodelay(true).expect("an option");
        Self { stream, got: Vec::new(), from: 0, deadline: Instant::now() + 3 * PATIENCE }
    }

    /// Sends bytes as they are. That the server has closed meanwhile shows in what it answers.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        match self.stream.write_all(bytes.as_ref()) {
            Err(error) if !is_end(error.kind()) => panic!("cannot send: {error}"),
            _ => {}
        }
    }

    /// Everything that came so far.
    #[must_use]
    pub fn got(&self) -> &[u8] {
        &self.got
    }

    /// Reads the head of an answer. Gives it.
    pub fn head(&mut self) -> String {
        let end = loop {
            match find(&self.got[self.from..], b"\r\n\r\n") {
                Some(at) => break self.from + at + 4,
                None => assert!(self.more(), "closed after {}", self.shown()),
            }
        };
        let head = String::from_utf8_lossy(&self.got[self.from..end]).to_ascii_lowercase();
        self.from = end;
        head
    }

    /// Reads an answer with its body.
    pub fn answer(&mut self) {
        let head = self.head();
        let field = |name: &str| head.lines().find_map(|line| line.strip_prefix(name));
        if let Some(length) = field("content-length: ") {
            let end = self.from + length.trim().parse::<usize>().expect("a length");
            while self.got.len() < end {
                assert!(self.more(), "closed after {}", self.shown());
            }
            self.from = end;
        } else if field("transfer-encoding: chunked").is_some() {
            self.until(b"0\r\n\r\n");
        }
    }

    /// Reads until these bytes have come.
    pub fn until(&mut self, bytes: &[u8]) {
        loop {
            if let Some(at) = find(&self.got[self.from..], bytes) {
                self.from += at + bytes.len();
                return;
            }
            assert!(self.more(), "closed after {}", self.shown());
        }
    }

    /// Reads until the server closes. Gives everything that came.
    pub fn rest(mut self) -> Vec<u8> {
        while self.more() {}
        self.got
    }

    /// Says that nothing more will be sent.
    pub fn half_close(&self) {
        self.stream.shutdown(std::net::Shutdown::Write).expect("a connection");
    }

    /// Closes the connection with a reset, whatever is still on its way.
    pub fn reset(self) {
        let linger = Some(Duration::ZERO);
        rustix::net::sockopt::set_socket_linger(&self.stream, linger).expect("an option");
    }

    /// Reads what is there. `false`: the server has closed, in one way or another.
    fn more(&mut self) -> bool {
        assert!(Instant::now() < self.deadline, "no end after {}", self.shown());
        let mut chunk = [0; 16 * 1024];
        match self.stream.read(&mut chunk) {
            Ok(n) => {
                self.got.extend_from_slice(&chunk[..n]);
                n > 0
            }
            Err(error) if is_end(error.kind()) => false,
            Err(error) => panic!("{error} after {}", self.shown()),
        }
    }

    fn shown(&self) -> String {
        let unread = &self.got[self.from..];
        unread[..unread.len().min(1_000)].escape_ascii().to_string()
    }
}

fn is_end(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::BrokenPipe | ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted
    )
}

/// Where `part` begins in `all`.
#[must_use]
pub fn find(all: &[u8], part: &[u8]) -> Option<usize> {
    all.windows(part.len()).position(|window| window == part)
}

/// What a server sent, without what may differ from one time to the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// All bytes; dates are replaced, lines with a request id are left out.
    pub bytes: Vec<u8>,
    /// The request ids, in order.
    pub ids: Vec<String>,
}

impl Said {
    /// Takes out dates and request ids. No body of the tests holds such a line.
    ///
    /// # Panics
    ///
    /// When an id is no text.
    #[must_use]
    pub fn new(got: &[u8]) -> Self {
        let mut said = Self { bytes: Vec::new(), ids: Vec::new() };
        for line in got.split_inclusive(|byte| *byte == b'\n') {
            let begins = |name: &[u8]| {
                line.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name))
            };
            if begins(b"x-request-id: ") {
                let id = std::str::from_utf8(&line[14..]).expect("an id that is text");
                said.ids.push(id.trim_end().to_owned());
            } else if begins(b"date: ") {
                said.bytes.extend_from_slice(b"date: *\r\n");
            } else {
                said.bytes.extend_from_slice(line);
            }
        }
        said
    }

    /// The same with the headers of each head in the order of their names: actix sends them in
    /// another one every time.
    #[must_use]
    pub fn sorted(&self) -> Self {
        let (mut bytes, mut head) = (Vec::new(), Vec::new());
        let mut in_head = false;
        for line in self.bytes.split_inclusive(|byte| *byte == b'\n') {
            if in_head && line != b"\r\n" {
                head.push(line);
                continue;
            }
            // Values of one name stay in their order.
            head.sort_by_key(|line| line.split(|byte| *byte == b':').next());
            bytes.extend(head.drain(..).flatten());
            bytes.extend_from_slice(line);
            // It may follow the last byte of a body.
            in_head = !in_head && line.ends_with(b"\r\n") && find(line, b"HTTP/1.").is_some();
        }
        bytes.extend(head.into_iter().flatten());
        Self { bytes, ids: self.ids.clone() }
    }

    /// All bytes but the lines that are this one.
    #[must_use]
    pub fn lacking(&self, line: &[u8]) -> Vec<u8> {
        let lines = self.bytes.split_inclusive(|byte| *byte == b'\n');
        lines.filter(|other| !other.eq_ignore_ascii_case(line)).flatten().copied().collect()
    }

    /// Whether these bytes are in it.
    #[must_use]
    pub fn holds(&self, part: impl AsRef<[u8]>) -> bool {
        find(&self.bytes, part.as_ref()).is_some()
    }

    /// The bytes in readable form.
    #[must_use]
    pub fn shown(&self) -> String {
        self.bytes.escape_ascii().to_string().replace("\\r\\n", "\n    ")
    }
}
