//! Redacting, and what is ordered of a living writer.

use audit_core::{Group, Timestamp};

use super::*;
use crate::{Known, MaintainError, Maintenance, Prune, Pruned, Redact, Redacted, verify};

/// As real records are: with an id that tells when it was written.
pub(super) fn write(trail: &mut Trail, numbers: std::ops::Range<usize>) {
    for n in numbers {
        let (id, time) = (uuid::Uuid::now_v7(), Timestamp::now());
        let core = format!("\"kind\":\"event\",\"n\":{n},\"id\":\"{id}\",\"time\":\"{time}\"");
        let group = format!("{{\"user\":\"user-{n}\"}}");
        trail.push(core.as_bytes(), [("actor", group.as_bytes())].into_iter()).unwrap();
    }
    trail.commit().unwrap();
}

/// All groups of the records of these users.
pub(super) fn of(users: &[&str]) -> impl FnMut(&Line) -> Vec<Group> {
    let names: Vec<String> = users.iter().map(|user| format!("\"user\":\"{user}\"")).collect();
    move |line| match names.iter().any(|name| line.text().contains(name)) {
        true => Group::ALL.to_vec(),
        false => Vec::new(),
    }
}

pub(super) fn maintenance(root: &Root) -> Maintenance {
    Maintenance::open(&root.path, None).unwrap().patience(Duration::from_secs(5))
}

pub(super) fn redact(root: &Root, users: &[&str]) -> Redacted {
    let how = Redact { reason: Some("case 7".into()), dry_run: false };
    let mut done = maintenance(root).redact(&how, &mut of(users)).unwrap();
    done.remove(0).unwrap()
}

pub(super) fn whole(root: &Root, anchors: &[String]) -> crate::Verdict {
    let known = Known { key: None, anchors: anchors.to_vec() };
    let verdict = verify(&root.path, &known, &mut |_, _| {}).unwrap().remove(0);
    assert!(verdict.is_good(), "{verdict}");
    verdict
}

/// The files in which a text occurs.
pub(super) fn with_text(root: &Root, text: &str) -> Vec<String> {
    let holds = |path: &PathBuf| {
        let bytes = fs::read(path).unwrap();
        memchr::memmem::find(&bytes, text.as_bytes()).is_some()
    };
    let found =
        files(&root.path.join("00"), "").into_iter().filter(|path| path.is_file() && holds(path));
    found.map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect()
}

pub(super) fn prune(root: &Root, anchors: &[String], force: bool) -> Result<Pruned, MaintainError> {
    let before = Some(Timestamp::now());
    let what = Prune { before, anchors: anchors.to_vec(), force, ..Prune::default() };
    maintenance(root).prune(&what)?.remove(0)
}

#[test]
fn what_is_redacted_is_in_no_file_and_the_rest_is_proved() {
    for living in [true, false] {
        let root = Root::new();
        let mut trail = root.builder().segment_bytes(1_000).open().unwrap();
        (0..30).for_each(|n| write(&mut trail, n..n + 1));
        trail.checkpoint();
        let anchor = fs::read_to_string(root.checkpoint()).unwrap();
        if !living {
            trail.close().unwrap();
        }
        assert!(root.segments().len() > 3);
        let size = whole(&root, &[]).size;
        // One in the first segment, one in the active one.
        let done = redact(&root, &["user-0", "user-29"]);
        assert_eq!((done.records, done.held.len()), (2, 0));
        for user in ["user-0", "user-29"] {
            assert_eq!(with_text(&root, &format!("\"{user}\"")), [""; 0], "living: {living}");
        }
        assert_eq!(with_text(&root, "\"user-1\"").len(), 1);
        let verdict = whole(&root, &[anchor]);
        assert_eq!((verdict.redacted, verdict.anchors[0].holds), (2, Some(true)));
        assert!(verdict.size > size);
        assert_eq!(root.records(), numbers(0..30));
        // Once more does nothing, and adds nothing.
        let before = verdict.size;
        assert_eq!(redact(&root, &["user-0", "user-29"]).records, 0);
        if !living {
            assert_eq!(whole(&root, &[]).size, before);
        }
        // The writer goes on.
        if living {
            write(&mut trail, 30..31);
            trail.close().unwrap();
        }
        root.trail().close().unwrap();
        assert_eq!(whole(&root, &[]).redacted, 2);
        assert_eq!(
            fs::read_dir(root.path.join("00"))
                .unwrap()
                .filter(|entry| {
                    let name = entry.as_ref().unwrap().file_name();
                    name == "order" || name.to_string_lossy().ends_with(".new")
                })
                .count(),
            0
        );
    }
}

#[test]
fn single_groups_are_taken_out_one_after_the_other() {
    let root = Root::new();
    let mut trail = root.trail();
    let groups = [("actor", &b"{\"user\":\"ann\"}"[..]), ("request", b"{\"path\":\"/secret\"}")];
    trail.push(b"\"kind\":\"request\",\"id\":\"x\"", groups.into_iter()).unwrap();
    trail.commit().unwrap();
    trail.close().unwrap();
    let how = Redact::default();
    let only = |group: Group| {
        let mut pick = |line: &Line| match line.kind() {
            "request" => vec![group],
            _ => Vec::new(),
        };
        let done = maintenance(&root).redact(&how, &mut pick).unwrap().remove(0).unwrap();
        done.records
    };
    assert_eq!(only(Group::Error), 0, "it has none");
    assert_eq!(only(Group::Request), 1);
    assert_eq!(with_text(&root, "/secret"), [""; 0]);
    assert_eq!(with_text(&root, "\"ann\"").len(), 1);
    whole(&root, &[]);
    assert_eq!(only(Group::Actor), 1);
    assert_eq!(with_text(&root, "\"ann\""), [""; 0]);
    assert_eq!(with_text(&root, "\"salt"), [""; 0]);
    whole(&root, &[]);
}

#[test]
fn a_dry_run_changes_nothing() {
    let root = Root::new();
    let mut trail = root.builder().segment_bytes(1_000).open().unwrap();
    (0..30).for_each(|n| write(&mut trail, n..n + 1));
    trail.close().unwrap();
    let state = || -> Vec<_> {
        let all = files(&root.path.join("00"), "");
        all.into_iter().map(|path| (fs::read(&path).unwrap(), path)).collect()
    };
    let before = state();
    let how = Redact { dry_run: true, ..Redact::default() };
    let done = maintenance(&root).redact(&how, &mut of(&["user-3"])).unwrap().remove(0).unwrap();
    assert_eq!(done.records, 1);
    let what =
        Prune { before: Some(Timestamp::now()), dry_run: true, force: true, ..Prune::default() };
    let done = maintenance(&root).prune(&what).unwrap().remove(0).unwrap();
    assert!(done.segments > 3 && done.bytes > 3_000, "{done:?}");
    assert_eq!(state(), before);
}

#[test]
fn an_order_that_was_carried_out_is_not_carried_out_again() {
    let root = Root::new();
    let mut trail = root.trail();
    write(&mut trail, 0..3);
    let order = root.path.join("00/order");
    let caught = std::thread::scope(|threads| {
        let catching = threads.spawn(|| {
            loop {
                if let Ok(text) = fs::read_to_string(&order) {
                    return text;
                }
            }
        });
        assert_eq!(redact(&root, &["user-1"]).records, 1);
        catching.join().unwrap()
    });
    let size = whole(&root, &[]).size;
    fs::write(&order, caught).unwrap();
    until(|| !order.exists());
    trail.checkpoint();
    assert_eq!(whole(&root, &[]).size, size);
    trail.close().unwrap();
}

#[test]
fn what_was_moved_away_is_redacted_too() {
    let root = Root::new();
    let mut trail = root.trail();
    write(&mut trail, 0..5);
    trail.close().unwrap();
    // Records of somebody, moved away with what was torn.
    let text = fs::read_to_string(&root.segments()[0]).unwrap();
    let lines: Vec<_> = text.lines().filter(|line| line.contains("user-")).collect();
    let torn = format!("{}\n{}\n\u{0}\u{1}{}", lines[2], lines[3], &lines[4][..40]);
    fs::write(root.path.join("00/x.jsonl.7.bad"), &torn).unwrap();
    let done = redact(&root, &["user-2"]);
    assert_eq!(done.moved_away, [("x.jsonl.7.bad".to_owned(), 1)]);
    assert_eq!(with_text(&root, "\"user-2\""), [""; 0]);
    let now = fs::read(root.path.join("00/x.jsonl.7.bad")).unwrap();
    assert!(now.ends_with(torn.split_once('\n').unwrap().1.as_bytes()), "the rest is as it was");
    whole(&root, &[]);
}

#[test]
fn another_key_and_a_changed_trail_are_refused() {
    let root = Root::new();
    let mut trail = root.builder().segment_bytes(1_000).open().unwrap();
    (0..30).for_each(|n| write(&mut trail, n..n + 1));
    trail.close().unwrap();
    let other = root.path.with_file_name("other.key");
    crate::SigningKey::generate("audit").unwrap().save(&other).unwrap();
    let with_other = Maintenance::open(&root.path, Some(&other)).unwrap();
    let done = with_other.redact(&Redact::default(), &mut of(&["user-3"])).unwrap().remove(0);
    assert!(matches!(done, Err(MaintainError::OtherKey { .. })), "{done:?}");
    assert!(matches!(Maintenance::open(&root.path, None), Err(MaintainError::Busy { .. })));
    drop(with_other);
    fs::remove_file(root.path.with_file_name("audit.key")).unwrap();
    let error = Maintenance::open(&root.path, None).unwrap_err().to_string();
    assert!(error.contains("audit.key") && error.contains("AUDIT_SIGNING_KEY"), "{error}");
    assert!(!root.path.with_file_name("audit.key").exists(), "none is made");
}

#[test]
fn an_order_that_is_none_is_refused_once_and_removed() {
    let root = Root::new();
    let mut trail = root.trail();
    write(&mut trail, 0..3);
    let order = root.path.join("00/order");
    fs::write(&order, "audit-trail-1 order\nforged\n").unwrap();
    until(|| !order.exists());
    // A folder in its place stops nothing.
    fs::create_dir(&order).unwrap();
    assert_eq!(redact(&root, &["user-1"]).records, 1);
    write(&mut trail, 3..6);
    trail.close().unwrap();
    assert_eq!(root.records(), numbers(0..6));
    whole(&root, &[]);
}
