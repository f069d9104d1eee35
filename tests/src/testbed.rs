//! The testbeds, as processes of their own.

use std::{
    fs::File,
    io::{BufRead, BufReader, Read, Seek},
    net::SocketAddr,
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

use crate::{audited::PATIENCE, programs};

/// A testbed that serves. It is killed with its handle.
#[derive(Debug)]
pub struct Testbed {
    /// Where it listens.
    pub addr: SocketAddr,
    child: Child,
    stderr: File,
    stdout: mpsc::Receiver<String>,
}

impl Testbed {
    /// Starts the testbed of this name on a free port, with two threads unless told otherwise, and waits until it is ready.
    #[must_use]
    pub fn start(name: &str, flags: &[&str]) -> Self {
        Self::start_in(name, flags, &[])
    }

    /// The same in an environment that has these variables, too.
    #[must_use]
    pub fn start_in(name: &str, flags: &[&str], variables: &[(String, String)]) -> Self {
        let stderr = tempfile::tempfile().expect("a file");
        let threads: &[&str] = if flags.contains(&"--threads") { &[] } else { &["--threads", "2"] };
        let mut child = Command::new(programs::example(name))
            .args(["--listen", "127.0.0.1:0"])
            .args(threads)
            .args(flags)
            .env("RUST_BACKTRACE", "0")
            .envs(variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(stderr.try_clone().expect("a second handle"))
            .spawn()
            .expect("a testbed that starts");
        let stdout = lines(child.stdout.take().expect("a pipe"));
        let mut testbed = Self { addr: ([127, 0, 0, 1], 0).into(), child, stderr, stdout };
        let first = testbed.stdout.recv_timeout(PATIENCE);
        let first = first.unwrap_or_else(|_| panic!("not ready: {}", testbed.stderr()));
        let addr = first.strip_prefix("listening on ").and_then(|addr| addr.parse().ok());
        testbed.addr = addr.unwrap_or_else(|| panic!("no address in {first:?}"));
        testbed
    }

    /// What it has written to stderr so far.
    #[must_use]
    pub fn stderr(&mut self) -> String {
        let mut text = Vec::new();
        self.stderr.rewind().and_then(|()| self.stderr.read_to_end(&mut text)).expect("a file");
        String::from_utf8_lossy(&text).into_owned()
    }

    /// Asks it to end, and waits until it has. Gives how it ended and how long that took.
    pub fn stop(&mut self) -> (ExitStatus, Duration) {
        let begun = Instant::now();
        self.signal(Signal::TERM);
        while begun.elapsed() < Duration::from_secs(15) {
            if let Some(status) = self.child.try_wait().expect("a child") {
                let more: Vec<_> = self.stdout.iter().collect();
                assert!(more.is_empty(), "more than one line on stdout: {more:?}");
                return (status, begun.elapsed());
            }
            thread::sleep(Duration::from_millis(2));
        }
        panic!("it does not end; stderr: {}", self.stderr());
    }

    /// As [`stop`](Self::stop), where it has to end in good order. It panicked so often, and
    /// said nothing else.
    pub fn stop_cleanly(&mut self, panics: usize) {
        let (status, took) = self.stop();
        let stderr = self.stderr();
        assert_eq!(status.code(), Some(0), "stderr: {stderr}");
        assert!(took < Duration::from_secs(10), "took {took:?}");
        assert_eq!(stderr.matches("panicked at").count(), panics, "{stderr}");
        assert!(panics > 0 || stderr.is_empty(), "{stderr}");
    }

    /// Asks it to read its configuration again.
    pub fn reload(&self) {
        self.signal(Signal::HUP);
    }

    /// Kills it as a crash would.
    pub fn kill(&mut self) {
        self.signal(Signal::KILL);
        self.child.wait().expect("a child");
    }

    /// The most memory it has held at any time, in bytes.
    #[must_use]
    pub fn peak_memory(&self) -> u64 {
        let path = format!("/proc/{}/status", self.child.id());
        let status = std::fs::read_to_string(path).expect("a living child");
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = peak.and_then(|rest| rest.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
        kib.expect("the kernel tells the peak") * 1024
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("a living child");
    }
}

impl Drop for Testbed {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lines(pipe: impl Read + Send + 'static) -> mpsc::Receiver<String> {
    let (send, receive) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            if send.send(line).is_err() {
                return;
            }
        }
    });
    receive
}
