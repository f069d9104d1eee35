//! Where the data goes.

use std::{
    fmt,
    io::{self, BufWriter, IsTerminal, StdoutLock, Write},
    thread,
    time::Duration,
};

use anstream::{AutoStream, ColorChoice};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
};

use crate::{
    args::{Color, Look},
    detail,
    escape::EscapedJson,
    exit::Failure,
    show,
    source::Record,
};

/// Stdout, and how a record looks there.
pub(crate) struct Output {
    out: BufWriter<StdoutLock<'static>>,
    look: Look,
    colour: bool,
    terminal: bool,
}

impl Output {
    pub(crate) fn new(look: Look, color: Color) -> Self {
        let stdout = io::stdout().lock();
        let colour = match color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => AutoStream::choice(&stdout) != ColorChoice::Never,
        };
        let terminal = stdout.is_terminal();
        Self { out: BufWriter::with_capacity(64 * 1024, stdout), look, colour, terminal }
    }

    /// Prints one record.
    pub(crate) fn record(&mut self, record: &Record) -> Result<(), Failure> {
        let text = record.line.text();
        if self.look.json {
            if self.terminal {
                writeln!(self.out, "{}", EscapedJson(text))?;
            } else {
                writeln!(self.out, "{text}")?;
            }
            return Ok(());
        }
        show::line(&mut self.out, &record.entry, self.colour)?;
        if self.look.verbose {
            detail::write(&mut self.out, text)?;
        }
        Ok(())
    }

    /// Prints text that this program made.
    pub(crate) fn text(&mut self, text: fmt::Arguments<'_>) -> Result<(), Failure> {
        Ok(self.out.write_fmt(text)?)
    }

    /// Hands over what was printed so far. Also before anything is said on stderr, so that the
    /// two stand in order on a terminal.
    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        Ok(self.out.flush()?)
    }

    /// Sleeps, unless whoever reads the output is gone: then a follower would wait for a record
    /// only to find that nobody wants it.
    pub(crate) fn wait(&mut self, time: Duration) -> Result<(), Failure> {
        let timeout = Timespec { tv_sec: 0, tv_nsec: i64::from(time.subsec_nanos()) };
        let mut ends = [PollFd::new(self.out.get_ref(), PollFlags::empty())];
        match poll(&mut ends, Some(&timeout)) {
            Ok(0) | Err(Errno::INTR) => {}
            Ok(_) if ends[0].revents().intersects(PollFlags::ERR | PollFlags::HUP) => {
                return Err(Failure::Closed);
            }
            Ok(_) | Err(_) => thread::sleep(time),
        }
        Ok(())
    }
}
