//! JSON lines to any writer.

use std::{fmt, io::Write};

use super::{Sink, SinkError};
use crate::Record;

/// Writes each record as one line of JSON to a [`Write`], one `write` a batch.
///
/// ```
/// use audit_core::{Auditor, sink::Lines};
/// let auditor = Auditor::to(Lines::new(std::io::stdout()));
/// # auditor.close_blocking().unwrap();
/// ```
pub struct Lines<W> {
    to: W,
    pending: Vec<u8>,
    // A failed write may have written a part: the rest follows, so that no line is torn or doubled.
    written: usize,
}

impl<W: Write + Send + 'static> Lines<W> {
    /// Lines to `to`. Buffering is done here; hand over the bare writer.
    pub const fn new(to: W) -> Self {
        Self { to, pending: Vec::new(), written: 0 }
    }
}

impl<W: Write + Send + 'static> Sink for Lines<W> {
    fn write(&mut self, record: &Record) -> Result<(), SinkError> {
        record.write_json(&mut self.pending);
        self.pending.push(b'\n');
        Ok(())
    }

    fn commit(&mut self) -> Result<(), SinkError> {
        while self.written < self.pending.len() {
            match self.to.write(&self.pending[self.written..]) {
                Ok(0) => return Err(std::io::Error::from(std::io::ErrorKind::WriteZero).into()),
                Ok(n) => self.written += n,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        self.pending.clear();
        self.written = 0;
        Ok(self.to.flush()?)
    }
}

impl<W> fmt::Debug for Lines<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lines").field("pending", &self.pending.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::{io, sync::mpsc};

    use super::*;
    use crate::record::Kind;

    /// Takes three bytes a call, and fails every other call.
    struct Stubborn(mpsc::Sender<u8>, bool);

    impl Write for Stubborn {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.1 = !self.1;
            if self.1 {
                return Err(io::Error::other("not now"));
            }
            let n = bytes.len().min(3);
            bytes[..n].iter().for_each(|b| self.0.send(*b).unwrap());
            Ok(n)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_failing_writer_gets_each_byte_once() {
        let (tx, rx) = mpsc::channel();
        let mut sink = Lines::new(Stubborn(tx, false));
        let mut record = Record::blank();
        record.core_mut(Kind::Event);
        sink.write(&record).unwrap();
        sink.write(&record).unwrap();
        while sink.commit().is_err() {}
        drop(sink);
        let text: Vec<u8> = rx.iter().collect();
        assert_eq!(text, b"{\"kind\":\"event\"}\n{\"kind\":\"event\"}\n");
    }
}
