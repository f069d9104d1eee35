//! Killed under load, and asked to end under load: what was on disk stays readable, nothing that
//! was answered before a clean end is missing, and the next start tells how the last one ended.

use std::{
    collections::BTreeSet,
    fs::OpenOptions,
    io::Write,
    net::SocketAddr,
    panic,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use audit_core::Entry;
use audit_tests::{audited::PATIENCE, testbed::Testbed, trail::Follower};
use audit_trail::{Known, Verdict, verify};

use crate::pair::Framework;

const CLIENTS: usize = 4;
/// A record is written within some milliseconds; this allows for a machine with more to do.
const SURELY_WRITTEN: Duration = Duration::from_secs(1);

#[test]
fn killed_under_load_axum_keeps_what_was_on_disk() {
    keeps_what_was_on_disk(Framework::Axum);
}

#[test]
fn killed_under_load_actix_keeps_what_was_on_disk() {
    keeps_what_was_on_disk(Framework::Actix);
}

fn keeps_what_was_on_disk(framework: Framework) {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path().join("trail");
    let mut left = Left::default();
    for round in 0..3_u32 {
        let mut testbed = start(framework, &root);
        left.check_start(&root, round > 0);

        let load = Load::start(testbed.addr);
        load.wait_for(200);
        // Then anywhere in the writer's turn of 2 ms and in the 10 ms between two syncs.
        thread::sleep(SURELY_WRITTEN + Duration::from_micros(u64::from(round) * 3_700 + jitter()));
        let killed = Instant::now();
        testbed.kill();
        let answers = load.stop();
        if round == 1 {
            // What a machine that crashes leaves of a line; a killed process seldom does.
            let mut segment = OpenOptions::new().append(true).open(segment(&root)).expect("a file");
            segment.write_all(b"{\"seq\":99,\"kind\":\"requ").expect("a disk with room");
        }
        left = Left::read(&root);
        let early = answers.into_iter().filter(|(at, _)| *at + SURELY_WRITTEN < killed);
        let early: Vec<_> = early.collect();
        let recorded = left.ids();
        let lost = |ids: &[Answer]| ids.iter().filter(|(_, id)| !recorded.contains(id)).count();
        assert!(early.len() >= 200 && lost(&early) == 0, "{} of {}", lost(&early), early.len());
        assert_eq!(left.tail.ends_with(b"\"requ"), round == 1);
    }
    let mut testbed = start(framework, &root);
    left.check_start(&root, true);
    testbed.stop_cleanly(0);
    let mut trail = Follower::open(&root);
    trail.rest();
    trail.ends_well();
}

/// What a killed process has left.
#[derive(Default)]
struct Left {
    /// The whole lines; the first is the header, which is no record.
    lines: Vec<String>,
    /// What comes after them.
    tail: Vec<u8>,
    quarantined: Vec<PathBuf>,
}

impl Left {
    fn read(root: &Path) -> Self {
        let mut text = std::fs::read(segment(root)).expect("a file");
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let tail = text.split_off(whole);
        let lines = String::from_utf8(text).expect("UTF-8").lines().map(str::to_owned).collect();
        Self { lines, tail, quarantined: entries(root, ".bad") }
    }

    /// Without header and checkpoints.
    fn records(&self) -> impl Iterator<Item = &String> {
        self.lines.iter().filter(|line| line.starts_with("{\"seq\":"))
    }

    /// The ids of the requests that have a record.
    fn ids(&self) -> BTreeSet<String> {
        let entries = self.records().map(|line| Entry::parse(line).expect("a record"));
        entries.filter_map(|entry| id(&entry)).collect()
    }

    /// After the next start: all whole lines are there, as they were; the numbers go on; `open`
    /// tells how the last process ended; the torn line was moved away, and that is recorded.
    fn check_start(&self, root: &Path, unclean: bool) {
        let now = Self::read(root);
        let before = self.lines.len();
        assert!(now.lines.len() > before && now.lines[..before] == self.lines, "lines changed");

        // Nothing looks like a forgery, whenever it is killed.
        let verdicts = verify(root, &Known::default(), &mut |_, _| {}).expect("it can be read");
        assert!(verdicts.iter().all(Verdict::is_good), "{verdicts:?}");

        let mut trail = Follower::open(root);
        trail.rest();
        assert_eq!(trail.damage, []);
        let count = trail.seqs.len() as u64;
        assert!(trail.seqs.iter().copied().eq(0..count), "{:?}", trail.seqs);
        let open = *trail.ops("open").last().expect("an open record");
        assert_eq!(open.control.as_ref().and_then(|control| control.unclean), Some(unclean));
        let next = self.records().count() as u64;
        assert_eq!(open.seq, Some(next), "it comes after all that was there");

        let repairs: Vec<_> = trail.ops("repair").iter().filter_map(|repair| repair.seq).collect();
        let mut moved = now.quarantined;
        moved.retain(|path| !self.quarantined.contains(path));
        if self.tail.is_empty() {
            assert!(moved.is_empty(), "{moved:?}");
            assert!(repairs.iter().all(|seq| *seq < next), "{repairs:?}");
        } else {
            assert_eq!(moved.len(), 1, "{moved:?}");
            assert!(std::fs::read(&moved[0]).expect("a file") == self.tail, "it was changed");
            assert_eq!(repairs.last(), Some(&(next + 1)), "it follows the open record");
        }
    }
}

#[test]
fn asked_to_end_under_load_axum_loses_nothing_that_was_answered() {
    loses_nothing_that_was_answered(Framework::Axum);
}

#[test]
fn asked_to_end_under_load_actix_loses_nothing_that_was_answered() {
    loses_nothing_that_was_answered(Framework::Actix);
}

fn loses_nothing_that_was_answered(framework: Framework) {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path().join("trail");
    let mut answered = BTreeSet::new();
    for round in 0..3 {
        let mut testbed = start(framework, &root);
        let mut trail = Follower::open(&root);
        trail.rest();
        let open = *trail.ops("open").last().expect("an open record");
        assert_eq!(open.control.as_ref().and_then(|control| control.unclean), Some(false));

        let load = Load::start(testbed.addr);
        load.wait_for(500);
        testbed.stop_cleanly(0);
        let answers = load.stop();
        assert!(answers.len() >= 500, "round {round}: {} answers", answers.len());
        answered.extend(answers.into_iter().map(|(_, id)| id));
    }
    let mut trail = Follower::open(&root);
    let records = trail.rest();
    trail.ends_well();
    let recorded: BTreeSet<_> = records.iter().filter_map(id).collect();
    assert_eq!(recorded.len(), records.len(), "an id in two records");
    let lost: Vec<_> = answered.difference(&recorded).collect();
    assert!(lost.is_empty(), "{} of {} have no record", lost.len(), answered.len());
    // And nothing was recorded that was not asked for: a client has one request at a time.
    let unanswered = recorded.len() - answered.len();
    assert!(unanswered <= 3 * CLIENTS, "{unanswered} records without an answer");
}

fn id(entry: &Entry) -> Option<String> {
    entry.request()?.id.clone()
}

fn start(framework: Framework, root: &Path) -> Testbed {
    Testbed::start(
        framework.testbed(),
        &["--audit", "headers", "--trail", root.to_str().expect("a path")],
    )
}

fn segment(root: &Path) -> PathBuf {
    let found = entries(root, ".jsonl");
    assert_eq!(found.len(), 1, "{found:?}");
    found[0].clone()
}

fn entries(root: &Path, end: &str) -> Vec<PathBuf> {
    // Every round takes the first directory again: the killed process holds no lock any more.
    assert!(!root.join("01").exists(), "a second writer directory");
    let entries = std::fs::read_dir(root.join("00")).expect("a folder").flatten();
    entries.map(|entry| entry.path()).filter(|path| path.to_string_lossy().ends_with(end)).collect()
}

pub(crate) fn jitter() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::SystemTime::UNIX_EPOCH);
    u64::from(now.expect("a time after 1970").subsec_nanos()) % 5_000
}

/// When an answer was there, and its request id.
pub(crate) type Answer = (Instant, String);

/// Clients that ask on kept connections, one request at a time, until they are stopped or the
/// server is gone. They keep the ids of what was answered whole.
pub(crate) struct Load {
    clients: Vec<JoinHandle<()>>,
    answered: Arc<Mutex<Vec<Answer>>>,
    enough: Arc<AtomicBool>,
}

impl Load {
    pub(crate) fn start(addr: SocketAddr) -> Self {
        let answered = Arc::new(Mutex::new(Vec::new()));
        let enough = Arc::new(AtomicBool::new(false));
        let client = |_| {
            let (answered, enough) = (answered.clone(), enough.clone());
            thread::spawn(move || ask_on(addr, &answered, &enough))
        };
        Self { clients: (0..CLIENTS).map(client).collect(), answered, enough }
    }

    pub(crate) fn wait_for(&self, answers: usize) {
        let deadline = Instant::now() + PATIENCE;
        while self.answered.lock().expect("a lock").len() < answers {
            assert!(Instant::now() < deadline, "too few answers");
            thread::sleep(Duration::from_micros(500));
        }
    }

    pub(crate) fn stop(self) -> Vec<Answer> {
        self.enough.store(true, Relaxed);
        for client in self.clients {
            client.join().unwrap_or_else(|cause| panic::resume_unwind(cause));
        }
        std::mem::take(&mut self.answered.lock().expect("a lock"))
    }
}

fn ask_on(addr: SocketAddr, answered: &Mutex<Vec<Answer>>, enough: &AtomicBool) {
    use std::{io::Read, net::TcpStream};

    while !enough.load(Relaxed) {
        // Gone: so is the testbed.
        let Ok(mut stream) = TcpStream::connect(addr) else { return };
        stream.set_nodelay(true).expect("an option");
        stream.set_read_timeout(Some(PATIENCE)).expect("an option");
        let mut answer = Vec::new();
        while !enough.load(Relaxed) {
            answer.clear();
            if stream.write_all(b"GET /users/7 HTTP/1.1\r\nhost: h\r\n\r\n").is_err() {
                break;
            }
            let mut chunk = [0; 1024];
            while !answer.ends_with(b"{\"id\":\"7\"}") {
                match stream.read(&mut chunk) {
                    Ok(n) if n > 0 => answer.extend_from_slice(&chunk[..n]),
                    _ => break,
                }
            }
            let text = String::from_utf8_lossy(&answer);
            let id = text.lines().find_map(|line| line.strip_prefix("x-request-id: "));
            let whole = text.starts_with("HTTP/1.1 200 ") && text.ends_with("{\"id\":\"7\"}");
            match id {
                Some(id) if whole => {
                    answered.lock().expect("a lock").push((Instant::now(), id.to_owned()));
                }
                _ => break,
            }
            // A load, but one that leaves the writer its share of a small machine.
            thread::sleep(Duration::from_micros(500));
        }
    }
}
