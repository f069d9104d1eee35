//! The testbeds, as processes of their own.

use std::{
    fs::File,
    io::{BufRead, BufReader, Read, Seek},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Mutex, PoisonError, mpsc},
    thread,
    time::{Duration, Instant, SystemTime},
};

use rustix::process::{Pid, Signal, kill_process};

use crate::audited::PATIENCE;

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
    /// Starts the testbed of this name on a free port, and waits until it is ready.
    #[must_use]
    pub fn start(name: &str, flags: &[&str]) -> Self {
        let stderr = tempfile::tempfile().expect("a file");
        let mut child = Command::new(binary(name))
            .args(["--listen", "127.0.0.1:0", "--threads", "2"])
            .args(flags)
            .env("RUST_BACKTRACE", "0")
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

/// The program of a testbed. It is built if it is missing or older than what it is made of:
/// `cargo test -p audit-tests` does not do that by itself.
///
/// # Panics
///
/// When it cannot be built.
#[must_use]
pub fn binary(name: &str) -> PathBuf {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    // TARGET/PROFILE/deps/this
    let this = std::env::current_exe().expect("a path");
    let profile = this.parent().and_then(Path::parent).expect("a target directory");
    let program = profile.join("examples").join(name);
    let built = program.metadata().and_then(|meta| meta.modified()).ok();
    if built.is_none_or(|built| built < newest_source()) {
        build(name, profile);
    }
    program
}

fn build(name: &str, profile: &Path) {
    let target = profile.parent().expect("a target directory");
    let profile = match profile.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => "dev",
        Some(profile) => profile,
    };
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--package", "audit-examples", "--example", name])
        .args(["--profile", profile, "--target-dir"])
        .arg(target)
        .current_dir(workspace())
        .status()
        .expect("cargo");
    assert!(built.success(), "cannot build {name}");
}

fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a workspace")
}

fn newest_source() -> SystemTime {
    let parts = ["Cargo.lock", "audit-core", "audit-tower", "audit-trail", "examples"];
    parts.iter().map(|part| newest(&workspace().join(part))).max().expect("parts")
}

fn newest(path: &Path) -> SystemTime {
    let own = path.metadata().and_then(|meta| meta.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
    let below = std::fs::read_dir(path).into_iter().flatten().flatten();
    below.map(|entry| newest(&entry.path())).chain([own]).max().expect("one at least")
}
