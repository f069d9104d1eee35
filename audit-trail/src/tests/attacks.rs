//! What somebody with the files, and without the key, can do to them.

use super::*;

/// A change to writer 00, and what is told of it.
pub(super) type Attack = (&'static str, fn(&Root), &'static str);

pub(super) fn lines(path: &Path) -> Vec<String> {
    fs::read_to_string(path).unwrap().split_inclusive('\n').map(str::to_owned).collect()
}

/// Changes the lines of the segment at this place.
fn change(root: &Root, segment: usize, with: impl FnOnce(&mut Vec<String>)) {
    let path = root.segments().remove(segment);
    let mut all = lines(&path);
    with(&mut all);
    fs::write(path, all.concat()).unwrap();
}

/// The place of the line of this record in the first segment.
fn at(all: &[String], seq: u64) -> usize {
    let begin = format!("{{\"seq\":{seq},");
    all.iter().position(|line| line.starts_with(&begin)).unwrap()
}

fn swap(text: &mut String, from: &str, to: &str) {
    assert!(text.contains(from), "{text}");
    *text = text.replacen(from, to, 1);
}

pub(super) const ATTACKS: &[Attack] = &[
    (
        "edit a value",
        |r| {
            change(r, 0, |l| {
                let i = at(l, 3);
                swap(&mut l[i], "user-2", "user-3");
            });
        },
        "records 1 to 5 are not",
    ),
    (
        "edit a value in the core",
        |r| change(r, 1, |l| swap(&mut l[2], "event", "evenu")),
        "are not those that were signed",
    ),
    (
        "another salt",
        |r| {
            change(r, 0, |l| {
                let i = at(l, 3);
                swap(&mut l[i], "\"salt\":\"", "\"salt\":\"0");
                let e = l[i].len() - 4;
                l[i].remove(e);
            });
        },
        "not",
    ),
    (
        "delete a line",
        |r| {
            change(r, 0, |l| {
                let i = at(l, 3);
                l.remove(i);
            });
        },
        "line 6: record 3: is numbered 4",
    ),
    (
        "swap two lines",
        |r| {
            change(r, 0, |l| {
                let i = at(l, 3);
                l.swap(i, i + 1);
            });
        },
        "record 3: is numbered 4",
    ),
    (
        "double a line",
        |r| {
            change(r, 0, |l| {
                let i = at(l, 3);
                l.insert(i, l[i].clone());
            });
        },
        "record 4: is numbered 3",
    ),
    (
        "insert a line",
        |r| {
            change(r, 0, |l| {
                let i = at(l, 3);
                l.insert(i, l[i].replace("user-2", "eve"));
            });
        },
        "record 4: is numbered 3",
    ),
    (
        "insert and number anew",
        |r| {
            change(r, 0, |l| {
                let i = at(l, 4);
                l.remove(i);
                let other = l[i - 1].replace("\"seq\":3", "\"seq\":4");
                l.insert(i, other);
            });
        },
        "records 1 to 5 are not",
    ),
    (
        "a blank line",
        |r| change(r, 0, |l| l.insert(3, "\n".into())),
        "line 4: record 1: not a record",
    ),
    (
        "drop the first segment",
        |r| fs::remove_file(r.segments().remove(0)).unwrap(),
        "are gone, and no signed record",
    ),
    (
        "drop a middle segment",
        |r| fs::remove_file(r.segments().remove(1)).unwrap(),
        "a segment is missing",
    ),
    (
        "drop the last segment",
        |r| fs::remove_file(r.segments().pop().unwrap()).unwrap(),
        "cut or rolled back",
    ),
    (
        "empty the last segment",
        |r| fs::write(r.segments().pop().unwrap(), "").unwrap(),
        "cut or rolled back",
    ),
    (
        "cut the last segment",
        |r| {
            let n = r.segments().len() - 1;
            change(r, n, |l| l.truncate(1));
        },
        "cut or rolled back",
    ),
    (
        "cut a line short",
        |r| {
            change(r, 0, |l| {
                let i = at(l, 3);
                l[i].truncate(20);
                l[i].push('\n');
            });
        },
        "line 6: record 3",
    ),
    (
        "rename a segment",
        |r| {
            let path = r.segments().remove(1);
            let other = path.with_file_name("00000000000000000031.jsonl");
            fs::rename(path, other).unwrap();
        },
        "the header is that of another segment",
    ),
    (
        "another header",
        |r| {
            change(r, 1, |l| {
                let n = l[0].len();
                l[0].replace_range(n - 8..n - 5, "abc");
            });
        },
        "the header states another tree",
    ),
    (
        "the header of nothing",
        |r| change(r, 1, |l| l[0] = "\n".into()),
        "the first line is no header",
    ),
    (
        "strip every checkpoint",
        |r| {
            for n in 0..r.segments().len() {
                change(r, n, |l| l.retain(|line| !line.starts_with("{\"check")));
            }
            fs::remove_file(r.checkpoint()).unwrap();
        },
        "there is no checkpoint",
    ),
    (
        "strip the lines of checkpoints and edit",
        |r| {
            for n in 0..r.segments().len() {
                change(r, n, |l| l.retain(|line| !line.starts_with("{\"check")));
            }
            let last = r.segments().len() - 1;
            change(r, last, |l| swap(l.last_mut().unwrap(), "close", "clone"));
        },
        "checkpoint: is of other records",
    ),
    (
        "an older checkpoint in the file's place",
        |r| {
            let line =
                lines(&r.segments()[0]).into_iter().find(|l| l.starts_with("{\"check")).unwrap();
            let note =
                line.trim_start_matches("{\"checkpoint\":\"").trim_end().trim_end_matches("\"}");
            fs::write(r.checkpoint(), note.replace("\\n", "\n")).unwrap();
            let last = r.segments().len() - 1;
            change(r, last, |l| {
                let n = l.len() - 2;
                swap(&mut l[n], "close", "clone");
            });
        },
        "not those that were signed",
    ),
    (
        "a checkpoint of nothing",
        |r| fs::write(r.checkpoint(), "x").unwrap(),
        "checkpoint: is no checkpoint",
    ),
    (
        "a checkpoint twice",
        |r| {
            change(r, 0, |l| {
                let i = l.iter().position(|x| x.starts_with("{\"check")).unwrap();
                l.insert(i, l[i].clone());
            });
        },
        "a checkpoint of size",
    ),
    (
        "a checkpoint moved",
        |r| {
            change(r, 0, |l| {
                let i = l.iter().position(|x| x.starts_with("{\"check")).unwrap();
                l.swap(i, i + 1);
            });
        },
        "a checkpoint of size 1 at record 2",
    ),
    (
        "slack in the base64",
        |r| {
            change(r, 0, |l| {
                let i = l.iter().position(|x| x.starts_with("{\"check")).unwrap();
                swap(&mut l[i], "=\\n", "\\n");
            });
        },
        "has not signed",
    ),
    (
        "a second signature",
        |r| {
            change(r, 0, |l| {
                let i = l.iter().position(|x| x.starts_with("{\"check")).unwrap();
                let sign = l[i].split("\\n").nth(4).unwrap().to_owned();
                swap(&mut l[i], "\\n\"}", &format!("\\n{sign}\\n\"}}"));
            });
        },
        "has not signed",
    ),
    (
        "white space",
        |r| {
            change(r, 0, |l| {
                let i = at(l, 3);
                swap(&mut l[i], "\"kind\":", "\"kind\": ");
            });
        },
        "record 3",
    ),
    (
        "a control byte",
        |r| {
            change(r, 0, |l| {
                let i = at(l, 3);
                swap(&mut l[i], "user-2", "user\u{1}2");
            });
        },
        "a control byte",
    ),
    (
        "a tab",
        |r| {
            change(r, 0, |l| {
                let i = at(l, 3);
                swap(&mut l[i], "{\"user", "{\t\"user");
            });
        },
        "record 3",
    ),
    (
        "another order",
        |r| {
            change(r, 0, |l| {
                let i = at(l, 3);
                swap(&mut l[i], "\"seq\":3,\"kind\":\"event\"", "\"kind\":\"event\",\"seq\":3");
            });
        },
        "does not begin with",
    ),
    (
        "a member twice",
        |r| {
            change(r, 0, |l| {
                let i = at(l, 3);
                swap(&mut l[i], "\"n\":2,", "\"n\":2,\"n\":2,");
            });
        },
        "twice",
    ),
    (
        "an unknown member",
        |r| {
            change(r, 0, |l| {
                let i = at(l, 3);
                swap(&mut l[i], "\"n\":2,", "\"n\":2,\"x\":2,");
            });
        },
        "records 1 to 5 are not",
    ),
    (
        "upper-case hex",
        |r| {
            change(r, 0, |l| {
                let i = at(l, 3);
                let s = l[i].rfind("salt").unwrap() + 7;
                let upper = l[i][s..].to_uppercase();
                l[i].replace_range(s.., &upper);
            });
        },
        "record 3",
    ),
    (
        "redact by oneself",
        |r| {
            change(r, 0, |l| {
                let i = at(l, 3);
                redact(&mut l[i]);
            });
        },
        "record 3: was redacted, and no signed record",
    ),
    (
        "redact and keep the salt",
        |r| {
            change(r, 0, |l| {
                let i = at(l, 3);
                let salt = l[i][l[i].rfind(",\t").unwrap()..].to_owned();
                redact(&mut l[i]);
                let end = l[i].len() - 2;
                l[i].replace_range(end.., &salt);
            });
        },
        "the salt does not fit",
    ),
    (
        "a foreign segment that sorts first",
        |r| fs::write(r.path.join("00/!.jsonl"), "x\n").unwrap(),
        "foreign files: !.jsonl",
    ),
    (
        "a link in place of a segment",
        |r| {
            let path = r.segments().remove(1);
            let other = path.with_extension("away");
            fs::rename(&path, &other).unwrap();
            std::os::unix::fs::symlink(&other, &path).unwrap();
        },
        "a segment is missing",
    ),
    (
        "empty the folder",
        |r| r.segments().into_iter().for_each(|p| fs::remove_file(p).unwrap()),
        "covers 62 records, and 0 are there",
    ),
    (
        "not a number",
        |r| {
            change(r, 0, |l| {
                let i = at(l, 3);
                swap(&mut l[i], "\"n\":2", "\"n\":NaN");
            });
        },
        "record 3",
    ),
    (
        "invalid UTF-8",
        |r| {
            let path = r.segments().remove(0);
            let mut bytes = fs::read(&path).unwrap();
            let at = bytes.windows(6).position(|w| w == b"user-2").unwrap();
            bytes[at] = 0xff;
            fs::write(path, bytes).unwrap();
        },
        "record 3: not UTF-8",
    ),
    (
        "a deep value",
        |r| {
            change(r, 0, |l| {
                let i = at(l, 3);
                let deep = format!("{}{}", "[".repeat(65), "]".repeat(65));
                swap(&mut l[i], "\"n\":2", &format!("\"n\":{deep}"));
            });
        },
        "record 3",
    ),
    (
        "a slice that closes early",
        |r| {
            change(r, 0, |l| {
                let i = at(l, 3);
                swap(&mut l[i], "{\"user\":\"user-2\"}", "{},\"x\":{\"user\":\"user-2\"}");
            });
        },
        "record 3",
    ),
];

/// Redacts the only group of a line, as a tool would that knows the format.
fn redact(line: &mut String) {
    let salt = line[line.rfind("\"salt\":\"").unwrap() + 8..][..32].to_owned();
    let from = line.find("{\"user\"").unwrap();
    let to = from + line[from..].find('}').unwrap() + 1;
    let commitment = crate::line::commitment(
        &crate::line::salt_of(salt.as_bytes(), b"actor"),
        &line.as_bytes()[from..to],
    );
    line.replace_range(from..to, &format!("\"#{}\"", crate::tree::hex(&commitment)));
    let end = line.rfind(",\t\"salt\"").unwrap();
    line.replace_range(end.., "}\n");
}
