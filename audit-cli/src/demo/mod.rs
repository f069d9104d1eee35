//! `audit demo`: a small shop under traffic it makes itself.

mod script;
mod shop;

use std::{
    borrow::Cow,
    ffi::OsString,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use audit_core::{Auditor, Capture, Kind};
use audit_trail::Trail;
use clap::Parser as _;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use tempfile::TempDir;

use self::script::{HEALTH, STEPS, Step};
use crate::{
    args::{Cli, Color, Command, Demo, Look},
    exit::Failure,
    output::Output,
    query,
    source::Source,
    talk::{notice, say},
};

/// The longest pause between two requests.
const PAUSE: Duration = Duration::from_millis(500);
/// How often is looked for new records.
const POLL: Duration = Duration::from_millis(50);

/// Runs the shop, shows its records and how to look at them, and removes everything.
pub(crate) fn run(args: &Demo, color: Color) -> Result<(), Failure> {
    // Before there is a file: from here on a signal ends the show, and the files go with it.
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        signal_hook::flag::register(signal, stop.clone())
            .map_err(|error| Failure::Io(format!("cannot wait for signals: {error}")))?;
    }
    let folder = folder()?;
    let root = folder.path().join("audit");
    let shown = play(args, color, &root, &stop);
    if args.keep {
        say(format_args!("the trail is kept in {}", root.display()));
        let _ = folder.keep();
        return shown;
    }
    let path = folder.path().to_owned();
    let removed = folder.close().map_err(|error| {
        Failure::Io(format!("cannot remove {}: {error}; remove it by hand", path.display()))
    });
    shown.and(removed)
}

/// A fresh folder that nobody else can enter.
fn folder() -> Result<TempDir, Failure> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::Permissions::from_mode(0o700);
    tempfile::Builder::new().prefix("audit-demo-").permissions(mode).tempdir().map_err(|error| {
        let parent = std::env::temp_dir();
        Failure::Io(format!("cannot make a folder in {}: {error}; set TMPDIR", parent.display()))
    })
}

/// The show. When it is over, however it ended, nothing writes to the trail any more.
fn play(args: &Demo, color: Color, root: &Path, stop: &AtomicBool) -> Result<(), Failure> {
    let trail = Trail::open(root).map_err(|error| Failure::Io(error.to_string()))?;
    let auditor = Auditor::builder()
        .service("shop", env!("CARGO_PKG_VERSION"))
        .capture(Capture::Full)
        .exclude_path(HEALTH)
        .build(trail)
        .map_err(|error| Failure::Io(error.to_string()))?;
    let mut show = Show {
        out: Output::new(Look { json: false, verbose: false }, color),
        color,
        root: root.to_owned(),
        stop,
        waiting: Vec::new(),
    };
    let shown = show.traffic(&auditor, Duration::from_secs(args.seconds));
    // Before the files are removed: a trail whose folder is gone would make it anew.
    let closed = auditor.close_blocking().map_err(|error| Failure::Io(error.to_string()));
    let source = shown?;
    closed?;
    if stop.load(Relaxed) {
        return Ok(());
    }
    show.finale(source, &auditor, args.keep)
}

struct Show<'a> {
    out: Output,
    color: Color,
    root: PathBuf,
    stop: &'a AtomicBool,
    /// Steps whose records are still to be seen for the first time, with their request ids.
    waiting: Vec<(String, &'static Step)>,
}

impl Show<'_> {
    /// Sends requests and shows records until the time is over or a signal came.
    fn traffic(&mut self, auditor: &Auditor, time: Duration) -> Result<Source, Failure> {
        self.out.text(format_args!(
            "# A small shop, audited with both bodies, and some requests to it. Ctrl-C ends it.\n\
             # Each line is one record of its trail, as `audit tail` shows it.\n"
        ))?;
        let mut source = Source::range(&self.root, None, None)?;
        let end = Instant::now() + time;
        let pause = PAUSE.min(time / (STEPS.len() as u32 + 1));
        for round in 1_u64.. {
            for step in &STEPS {
                if self.stop.load(Relaxed) || (round > 1 && Instant::now() >= end) {
                    return Ok(source);
                }
                let id = format!("{}-{round}", step.name);
                shop::serve(auditor, step, &id);
                match (round, step.path) {
                    (1, HEALTH) => self.out.text(format_args!("    # {}\n", step.says))?,
                    (1, _) => self.waiting.push((id, step)),
                    _ => {}
                }
                self.watch(&mut source, Instant::now() + pause)?;
            }
        }
        Ok(source)
    }

    /// Shows what comes until then.
    fn watch(&mut self, source: &mut Source, until: Instant) -> Result<(), Failure> {
        while !self.stop.load(Relaxed) {
            self.show(source)?;
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            self.out.wait(left.min(POLL))?;
        }
        Ok(())
    }

    /// Shows the records that are there.
    fn show(&mut self, source: &mut Source) -> Result<(), Failure> {
        while let Some(record) = source.next()? {
            if record.entry.kind == Kind::Control {
                notice(&record.entry).into_iter().for_each(say);
                continue;
            }
            self.out.record(&record)?;
            let id = record.entry.request().and_then(|request| request.id.as_deref());
            if let Some(at) = self.waiting.iter().position(|(waits, _)| Some(&**waits) == id) {
                let (_, step) = self.waiting.swap_remove(at);
                self.out.text(format_args!("    # {}\n", step.says))?;
            }
        }
        self.out.flush()
    }

    /// The last records, and the commands to try.
    fn finale(&mut self, mut source: Source, auditor: &Auditor, keep: bool) -> Result<(), Failure> {
        self.show(&mut source)?;
        let counters = auditor.counters();
        self.out.text(format_args!(
            "\n# The books add up: {} requests = {} records + {} excluded + {} lost.\n",
            counters.started, counters.written, counters.excluded, counters.dropped
        ))?;
        self.out.text(format_args!("\n# What was refused or failed:\n"))?;
        self.query(&["--status", ">=400"])?;
        self.out.text(format_args!("\n# One record, whole:\n"))?;
        self.query(&["--request-id", "login-1", "-v"])?;
        let root = quoted(&self.root.to_string_lossy()).into_owned();
        self.out.text(format_args!(
            "\n# More to try:\n\
             $ audit query {root} --user ann --since 1m\n\
             $ audit tail {root} -f --path '/orders/**'\n\
             $ jq -c 'select(.outcome) | [.time, .response.status, .request.path]' {root}/*/*.jsonl\n\
             $ audit verify {root}\n\
             $ audit prove {root} 00/2 --without actor | audit check-proof --key {root}/00/verifier.key\n"
        ))?;
        if !keep {
            self.out.text(format_args!(
                "\n# This trail is removed now; `audit demo --keep` leaves one to try them on.\n"
            ))?;
        }
        self.out.flush()
    }

    /// Shows a command and what it prints.
    fn query(&mut self, options: &[&str]) -> Result<(), Failure> {
        let root = quoted(&self.root.to_string_lossy()).into_owned();
        let shown: Vec<_> = options.iter().map(|option| quoted(option)).collect();
        self.out.text(format_args!("$ audit query {root} {}\n", shown.join(" ")))?;
        self.out.flush()?;
        let mut line: Vec<OsString> =
            vec!["audit".into(), "query".into(), self.root.clone().into()];
        line.extend(options.iter().map(Into::into));
        // Read as typed, so that what is shown is a command that works.
        match Cli::try_parse_from(line).map(|cli| cli.command) {
            Ok(Command::Query(args)) => query::run(&args, &mut Output::new(args.look, self.color)),
            Ok(_) => Ok(()),
            Err(error) => Err(Failure::Usage(error.to_string())),
        }
    }
}

/// A word as a shell takes it.
fn quoted(word: &str) -> Cow<'_, str> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_./".contains(&b);
    if word.bytes().all(plain) {
        return word.into();
    }
    format!("'{}'", word.replace('\'', r"'\''")).into()
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn words_are_quoted_where_a_shell_needs_it() {
        assert_eq!(quoted("/tmp/audit-demo-1/audit"), "/tmp/audit-demo-1/audit");
        assert_eq!(quoted(">=400"), "'>=400'");
        assert_eq!(quoted("/tmp/it's $HOME"), r"'/tmp/it'\''s $HOME'");
    }
}
