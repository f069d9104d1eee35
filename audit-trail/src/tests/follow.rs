use std::io::Write as _;

use super::*;

fn texts(reader: &mut Reader) -> Vec<String> {
    drain(reader).iter().map(short).collect()
}

#[test]
fn what_is_appended_is_seen_once_over_many_segments() {
    let root = Root::new();
    let mut trail = root.builder().segment_bytes(700).open().unwrap();
    let mut reader = Reader::open(&root.path).unwrap();
    let mut seen = texts(&mut reader);
    for n in 0..200 {
        write(&mut trail, n..n + 1);
        if n % 3 == 0 {
            seen.extend(texts(&mut reader));
        }
    }
    trail.close().unwrap();
    seen.extend(texts(&mut reader));
    seen.retain(|item| item.starts_with(['#', '!']));
    assert_eq!(seen, numbers(0..200));
}

#[test]
fn a_live_trail_is_followed_from_another_thread() {
    let root = Root::new();
    let mut trail = root.builder().segment_bytes(5_000).open().unwrap();
    let path = root.path.clone();
    let follower = std::thread::spawn(move || {
        let mut reader = Reader::tail(&path, 0).unwrap();
        let (mut seen, mut closed) = (Vec::new(), false);
        while !closed {
            for item in drain(&mut reader) {
                let text = short(&item);
                closed |= text == "close";
                seen.push(text);
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        seen
    });
    std::thread::sleep(Duration::from_millis(50));
    for n in 0..400 {
        write(&mut trail, n * 5..n * 5 + 5);
        std::thread::sleep(Duration::from_micros(300));
    }
    trail.close().unwrap();
    let mut seen = follower.join().unwrap();
    assert_eq!(seen.pop().unwrap(), "close");
    assert_eq!(seen, numbers(0..2_000));
}

#[test]
fn a_line_is_given_when_it_is_whole() {
    let root = Root::new();
    drop(root.trail());
    let mut reader = Reader::open(&root.path).unwrap();
    assert_eq!(texts(&mut reader), ["open"]);
    let path = root.segments().remove(0);
    let mut file = fs::OpenOptions::new().append(true).open(path).unwrap();
    for byte in "{\"seq\":1,\"kind\":\"event\",\"n\":7}".bytes() {
        file.write_all(&[byte]).unwrap();
        assert!(texts(&mut reader).is_empty());
    }
    file.write_all(b"\n").unwrap();
    assert_eq!(texts(&mut reader), ["#7"]);
}

#[test]
fn new_writers_are_found_and_silent_ones_hold_nobody_up() {
    let root = Root::new();
    let mut one = root.trail();
    write(&mut one, 0..1);
    let mut reader = Reader::open(&root.path).unwrap();
    assert_eq!(texts(&mut reader), ["open", "#0"]);
    let mut two = root.trail();
    write(&mut two, 1..2);
    until(|| texts(&mut reader) == ["open", "#1"] || !texts(&mut reader).is_empty());
    write(&mut one, 2..3);
    assert_eq!(texts(&mut reader), ["#2"]);
    write(&mut two, 3..4);
    assert_eq!(texts(&mut reader), ["#3"]);
}

#[test]
fn a_repaired_end_is_followed() {
    // The cut can be above, at and below what was read, and what is appended shorter or longer.
    for below in [0, 1, 3] {
        for more in [0, 1, 10] {
            let root = Root::new();
            let mut trail = root.trail();
            write(&mut trail, 0..6);
            let mut reader = Reader::open(&root.path).unwrap();
            assert_eq!(texts(&mut reader).len(), 7);
            drop(trail);
            let path = root.segments().remove(0);
            let mut bytes = fs::read(&path).unwrap();
            // A byte of a line that was read is damaged: recovery cuts there.
            if below > 0 {
                let feeds: Vec<usize> = (0..bytes.len()).filter(|i| bytes[*i] == b'\n').collect();
                bytes[feeds[feeds.len() - 1 - below] + 5] = b'!';
            } else {
                bytes.extend(b"garbage");
            }
            fs::write(&path, bytes).unwrap();
            let mut trail = root.trail();
            write(&mut trail, 10..10 + more);
            let mut expected = vec!["open".to_owned(), "repair".to_owned()];
            expected.extend(numbers(10..10 + more));
            assert_eq!(texts(&mut reader), expected, "{below} {more}");
            trail.close().unwrap();
            assert_eq!(texts(&mut reader), ["close"], "{below} {more}");
        }
    }
}

#[test]
fn a_segment_made_anew_under_the_same_name_is_followed() {
    let root = Root::new();
    let mut trail = root.trail();
    write(&mut trail, 0..3);
    let mut reader = Reader::open(&root.path).unwrap();
    assert_eq!(texts(&mut reader).len(), 4);
    trail.close().unwrap();
    let path = root.segments().remove(0);
    let mut bytes = fs::read(&path).unwrap();
    bytes[3] = b'!';
    fs::write(&path, bytes).unwrap();
    fs::remove_file(root.checkpoint()).unwrap();
    let mut trail = root.trail();
    write(&mut trail, 7..9);
    let seen = texts(&mut reader);
    assert!(seen.ends_with(&["open", "repair", "#7", "#8"].map(str::to_owned)), "{seen:?}");
    drop(trail);
}

#[test]
fn a_folder_that_goes_away_is_waited_for() {
    let root = Root::new();
    let mut trail = root.trail();
    write(&mut trail, 0..3);
    let mut reader = Reader::open(&root.path).unwrap();
    texts(&mut reader);
    fs::remove_dir_all(&root.path).unwrap();
    texts(&mut reader);
    until(|| root.path.join("00").exists());
    write(&mut trail, 3..5);
    until(|| texts(&mut reader).ends_with(&["#4".to_owned()]));
}
