//! Power cuts: a run is recorded call by call, the disks that a cut could have left are made of it
//! (each sector written since the last sync lost, kept or torn), and each is verified and opened.

use std::{
    collections::{BTreeMap, HashMap},
    os::fd::{AsRawFd as _, BorrowedFd, OwnedFd, RawFd},
    sync::{Arc, Mutex},
};

use rand::{Rng as _, RngExt as _, SeedableRng as _, rngs::StdRng};
use rustix::{
    fs::{FileType, OFlags},
    io::Result,
};

use super::{verifying::verdict, *};
use crate::{
    Known, SigningKey,
    disk::{Disk, Os},
};

const SECTOR: usize = 512;

#[derive(Clone, Debug)]
enum Op {
    Create(String),
    Write(String, Vec<u8>),
    Truncate(String, u64),
    Sync(String),
    Rename(String, String),
    Remove(String),
    SyncFolder,
    /// All records before this number were promised to be durable.
    Durable(usize),
}

/// Passes calls on, but for syncs, and keeps them in their order.
#[derive(Clone, Default)]
struct Recorder(Arc<Mutex<Log>>);

/// The calls, and the names of the files that are open.
type Log = (Vec<Op>, HashMap<RawFd, String>);

impl Recorder {
    fn add(&self, op: impl FnOnce(&HashMap<RawFd, String>) -> Option<Op>) {
        let mut log = self.0.lock().unwrap();
        let op = op(&log.1);
        log.0.extend(op);
    }
}

impl Disk for Recorder {
    fn open(&self, dir: BorrowedFd<'_>, name: &str, flags: OFlags) -> Result<OwnedFd> {
        let file = Os.open(dir, name, flags)?;
        let mut log = self.0.lock().unwrap();
        log.1.insert(file.as_raw_fd(), name.to_owned());
        if flags.contains(OFlags::CREATE | OFlags::EXCL) {
            log.0.push(Op::Create(name.to_owned()));
        }
        Ok(file)
    }

    fn write(&self, file: BorrowedFd<'_>, bytes: &[u8]) -> Result<usize> {
        // Under one lock: the log has the order of the file.
        let mut log = self.0.lock().unwrap();
        let written = Os.write(file, bytes)?;
        let name = log.1.get(&file.as_raw_fd()).cloned();
        log.0.extend(name.map(|name| Op::Write(name, bytes[..written].to_vec())));
        Ok(written)
    }

    fn sync_data(&self, file: BorrowedFd<'_>) -> Result<()> {
        self.add(|names| names.get(&file.as_raw_fd()).cloned().map(Op::Sync));
        Ok(())
    }

    fn sync(&self, file: BorrowedFd<'_>) -> Result<()> {
        // Folders are opened elsewhere, and may have the number of a file that was closed.
        let stat = rustix::fs::fstat(file)?;
        let folder = FileType::from_raw_mode(stat.st_mode) == FileType::Directory;
        self.add(|names| match folder {
            true => Some(Op::SyncFolder),
            false => names.get(&file.as_raw_fd()).cloned().map(Op::Sync),
        });
        Ok(())
    }

    fn rename(&self, dir: BorrowedFd<'_>, from: &str, to: &str) -> Result<()> {
        let mut log = self.0.lock().unwrap();
        Os.rename(dir, from, to)?;
        log.0.push(Op::Rename(from.to_owned(), to.to_owned()));
        Ok(())
    }

    fn truncate(&self, file: BorrowedFd<'_>, len: u64) -> Result<()> {
        let mut log = self.0.lock().unwrap();
        Os.truncate(file, len)?;
        let name = log.1.get(&file.as_raw_fd()).cloned();
        log.0.extend(name.map(|name| Op::Truncate(name, len)));
        Ok(())
    }

    fn unlink(&self, dir: BorrowedFd<'_>, name: &str) -> Result<()> {
        let mut log = self.0.lock().unwrap();
        Os.unlink(dir, name)?;
        log.0.push(Op::Remove(name.to_owned()));
        Ok(())
    }
}

/// What is on the disk for sure, and what may be.
#[derive(Clone, Default)]
struct File {
    durable: Vec<u8>,
    len: u64,
    /// Writes at an offset, and cuts, since the last sync.
    pending: Vec<(u64, Option<Vec<u8>>)>,
}

#[derive(Clone, Default)]
struct Model {
    files: Vec<File>,
    names: BTreeMap<String, usize>,
    durable_names: BTreeMap<String, usize>,
    /// Names as they were after each change since the last sync of the folder.
    changes: Vec<BTreeMap<String, usize>>,
    promised: usize,
}

impl Model {
    fn apply(&mut self, op: &Op) {
        match op {
            Op::Create(name) => {
                self.files.push(File::default());
                self.names.insert(name.clone(), self.files.len() - 1);
                self.changes.push(self.names.clone());
            }
            Op::Rename(from, to) => {
                if let Some(file) = self.names.remove(from) {
                    self.names.insert(to.clone(), file);
                    self.changes.push(self.names.clone());
                }
            }
            Op::Remove(name) => {
                self.names.remove(name);
                self.changes.push(self.names.clone());
            }
            Op::SyncFolder => {
                self.durable_names.clone_from(&self.names);
                self.changes.clear();
            }
            Op::Durable(count) => self.promised = *count,
            Op::Write(name, bytes) => self.with(name, |file| {
                file.pending.push((file.len, Some(bytes.clone())));
                file.len += bytes.len() as u64;
            }),
            Op::Truncate(name, len) => self.with(name, |file| {
                file.pending.push((*len, None));
                file.len = *len;
            }),
            Op::Sync(name) => self.with(name, |file| {
                let mut keep = || true;
                file.durable = image(file, &mut keep);
                file.pending.clear();
            }),
        }
    }

    fn with(&mut self, name: &str, change: impl FnOnce(&mut File)) {
        if let Some(file) = self.names.get(name) {
            change(&mut self.files[*file]);
        }
    }

    /// A disk that a cut could have left: names and contents.
    fn cut(&self, rng: &mut StdRng) -> Vec<(String, Vec<u8>)> {
        let at = rng.random_range(0..=self.changes.len());
        let names = if at == 0 { &self.durable_names } else { &self.changes[at - 1] };
        // Now and then all of it or nothing, else sector by sector.
        let likely = [0.0, 0.5, 0.9, 1.0][rng.random_range(0..4)];
        let content = |(name, file): (&String, &usize)| {
            (name.clone(), image(&self.files[*file], &mut || rng.random_bool(likely)))
        };
        names.iter().map(content).collect()
    }
}

/// The content of a file of which some sectors were kept.
fn image(file: &File, keep: &mut dyn FnMut() -> bool) -> Vec<u8> {
    let mut content = file.durable.clone();
    for (at, bytes) in &file.pending {
        let at = usize::try_from(*at).unwrap();
        let Some(bytes) = bytes else {
            if keep() {
                content.truncate(at);
            }
            continue;
        };
        let mut done = 0;
        while done < bytes.len() {
            let end = ((at + done) / SECTOR + 1) * SECTOR - at;
            let end = end.min(bytes.len());
            if keep() {
                if content.len() < at + end {
                    // What lies between was lost: it reads as zeros.
                    content.resize(at + end, 0);
                }
                content[at + done..at + end].copy_from_slice(&bytes[done..end]);
            }
            done = end;
        }
    }
    content
}

/// A run with segments that roll, syncs, and checkpoints at odd moments; its key, and its log.
fn recorded(seed: u64) -> (SigningKey, Vec<Op>) {
    let (root, key, recorder) =
        (Root::new(), SigningKey::generate("audit").unwrap(), Recorder::default());
    let mut rng = StdRng::seed_from_u64(seed);
    key.save(root.path.with_file_name("audit.key")).unwrap();
    let mut taken = 0;
    for run in 0..2 {
        let builder = quiet(&root, &key).disk(recorder.clone());
        let mut trail = builder.open().unwrap();
        for step in 0..25 {
            if step == 20 {
                // Somebody takes something out, of a closed segment and of the active one.
                let user = [format!("user-{run}"), format!("user-{}", taken - 1)];
                // Only what is signed is taken out, and this writer signs when it is told to.
                trail.checkpoint();
                let disk: Arc<dyn Disk> = Arc::new(recorder.clone());
                let one = crate::Maintenance::with_disk(&root.path, None, &disk).unwrap();
                let of = |line: &Line| user.iter().any(|user| line.text().contains(user));
                let mut pick = |line: &Line| match of(line) {
                    true => vec![audit_core::Group::Actor],
                    false => Vec::new(),
                };
                let done = one.redact(&crate::Redact::default(), &mut pick).unwrap().remove(0);
                assert!(done.unwrap().records >= 2);
            }
            let more = rng.random_range(1..6);
            write(&mut trail, taken..taken + more);
            taken += more;
            match rng.next_u32() % 4 {
                0 => {
                    trail.sync().unwrap();
                    recorder.add(|_| Some(Op::Durable(taken)));
                }
                1 => trail.checkpoint(),
                _ => {}
            }
        }
        trail.close().unwrap();
        recorder.add(|_| Some(Op::Durable(taken)));
    }
    let log = recorder.0.lock().unwrap().0.clone();
    (key, log)
}

fn quiet(root: &Root, key: &SigningKey) -> Builder {
    let long = Duration::from_secs(60);
    let builder = root.builder().key(key.clone()).segment_bytes(3_000);
    // It syncs when it is told to, so that the log is the same each time.
    builder.commit_interval(long).checkpoint_interval(long).checkpoint_records(1 << 20)
}

/// How many records that were promised are lost, and how many disks seem forged or cannot be
/// gone on with, of so many.
fn tried(key: &SigningKey, log: &[Op], seed: u64, images: usize) -> (usize, usize) {
    let mut rng = StdRng::seed_from_u64(seed);
    let (mut lost, mut alarms) = (0, 0);
    for _ in 0..images {
        let mut model = Model::default();
        let end = rng.random_range(1..=log.len());
        log[..end].iter().for_each(|op| model.apply(op));
        let root = Root::new();
        let folder = root.path.join("00");
        fs::create_dir_all(&folder).unwrap();
        for path in [&root.path, &folder] {
            fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
        }
        let ours =
            |name: &str| name.ends_with(".jsonl") || name == "checkpoint" || name == "announced";
        for (name, content) in model.cut(&mut rng).into_iter().filter(|(name, _)| ours(name)) {
            let path = folder.join(name);
            fs::write(&path, content).unwrap();
            fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600))
                .unwrap();
        }
        // Or the start would wait for whoever may have it.
        fs::write(folder.join("LOCK"), "").unwrap();
        fs::set_permissions(
            folder.join("LOCK"),
            std::os::unix::fs::PermissionsExt::from_mode(0o600),
        )
        .unwrap();
        fs::write(folder.join("verifier.key"), format!("{}\n", key.verifying_key())).unwrap();
        let known = Known { key: Some(key.verifying_key()), ..Known::default() };
        // Before anything was signed only a key from outside would ask for more.
        let before = verdict(&root, &Known::default());
        alarms += usize::from(!before.broken.is_empty());
        let trail = quiet(&root, key).disk(crate::disk::faulty::Faulty::fast()).open().unwrap();
        let left = !trail.directory().ends_with("00");
        drop(trail);
        let after = verdict(&root, &known);
        alarms += usize::from(left || !after.is_good());
        let there = root.records();
        lost += (0..model.promised).filter(|n| !there.contains(&format!("#{n}"))).count();
    }
    (lost, alarms)
}

#[test]
fn no_power_cut_loses_what_was_promised_or_looks_like_a_forgery() {
    for seed in 0..4 {
        let (key, log) = recorded(seed);
        let rolls =
            log.iter().filter(|op| matches!(op, Op::Create(name) if name.ends_with(".jsonl")));
        assert!(rolls.count() > 3, "segments roll in it");
        assert_eq!(tried(&key, &log, seed, 250), (0, 0), "seed {seed}: (lost, alarms)");
    }
}

#[test]
fn without_syncs_promised_records_would_be_lost() {
    let (key, log) = recorded(1);
    let is_data = |op: &&Op| matches!(op, Op::Sync(name) if name.ends_with(".jsonl"));
    let without: Vec<Op> = log.iter().filter(|op| !is_data(op)).cloned().collect();
    let (lost, _) = tried(&key, &without, 1, 60);
    assert!(lost > 0, "this test would not see a sync that is missing");
}

#[test]
fn a_checkpoint_that_is_written_with_its_data_would_look_like_a_forgery() {
    let (key, log) = recorded(1);
    // The sync right before each checkpoint's line is taken away.
    let is_note =
        |op: Option<&Op>| matches!(op, Some(Op::Write(_, bytes)) if bytes.starts_with(b"{\"check"));
    let kept = log.iter().enumerate().filter(|(at, op)| {
        !(matches!(op, Op::Sync(name) if name.ends_with(".jsonl")) && is_note(log.get(at + 1)))
    });
    let together: Vec<Op> = kept.map(|(_, op)| op.clone()).collect();
    assert!(together.len() < log.len());
    let (_, alarms) = tried(&key, &together, 1, 200);
    assert!(alarms > 0, "this test would not see a note that is written too early");
}
