//! Settings as they come together: defaults, a file, the environment.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fmt,
    fs::File,
    io::{self, Read as _},
    path::Path,
};

use super::{
    ConfigError, Problem, Settings, Value,
    document::Source,
    keys::{KEYS, meant_variable, sets_nothing},
    probe::probe,
    problem::Place,
    reader::Reader,
};

/// The largest file that is read, in bytes.
const LARGEST: u64 = 4 << 20;

/// Where a setting comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// Nothing was read for it: a default, or what code set.
    #[default]
    Default,
    /// A file.
    File {
        /// Its name, as it was given.
        name: String,
        /// The line, from 1.
        line: usize,
    },
    /// An environment variable of this name.
    Environment(String),
}

impl Origin {
    /// The line of the file.
    #[must_use]
    pub const fn line(&self) -> Option<usize> {
        match self {
            Self::File { line, .. } => Some(*line),
            Self::Default | Self::Environment(_) => None,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { name, line } => write!(f, "{}:{line}", name.escape_debug()),
            Self::Environment(name) => write!(f, "environment {name}"),
        }
    }
}

/// Settings, and where each of them comes from.
///
/// What is read later counts more: read the file, then the environment. Only what is present
/// changes; a list replaces the one before, and `[[rule]]` replaces all rules. What cannot be read
/// changes nothing.
///
/// ```
/// use audit_core::settings::{Origin, Reading};
///
/// let mut reading = Reading::default();
/// reading.text("audit.toml", "[auditor]\ncapture = \"headers\"\n")?;
/// reading.variables([("AUDIT_MEMORY", "16MiB")])?;
/// assert_eq!(reading.settings().auditor.memory, 16 << 20);
/// assert_eq!(reading.origin("auditor.capture").to_string(), "audit.toml:2");
/// assert_eq!(reading.origin("trail.dir"), Origin::Default);
/// # Ok::<(), audit_core::settings::ConfigError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Reading {
    settings: Settings,
    origins: BTreeMap<String, Origin>,
}

impl Reading {
    /// Beneath what is read: what code says.
    #[must_use]
    pub fn over(settings: Settings) -> Self {
        Self { settings, origins: BTreeMap::new() }
    }

    /// Reads a TOML file of at most 4 MiB.
    ///
    /// # Errors
    ///
    /// When it cannot be read; and all that is wrong in it, each with its line.
    pub fn file(&mut self, path: impl AsRef<Path>) -> Result<(), ConfigError> {
        let path = path.as_ref();
        let failed = |source| ConfigError::Read { path: path.to_owned(), source };
        let mut text = Vec::new();
        let file = File::open(path).map_err(failed)?;
        file.take(LARGEST + 1).read_to_end(&mut text).map_err(failed)?;
        if text.len() as u64 > LARGEST {
            return Err(failed(io::Error::other("it has more than 4 MiB")));
        }
        let name = path.to_string_lossy();
        match String::from_utf8(text) {
            Ok(text) => self.text(&name, &text),
            Err(error) => {
                let at = error.utf8_error().valid_up_to();
                let text = String::from_utf8_lossy(error.as_bytes());
                let why = "is no UTF-8; save the file as UTF-8";
                let problem = Source::new(&name, &text).problem("", why, &(at..at + 1));
                Err(ConfigError::Wrong(vec![problem]))
            }
        }
    }

    /// Reads TOML; `name` is what messages call it.
    ///
    /// # Errors
    ///
    /// All that is wrong in it, each with its line.
    pub fn text(&mut self, name: &str, text: &str) -> Result<(), ConfigError> {
        let reader = Reader::read(name, text, &mut self.settings)?;
        if reader.origins.keys().any(|key| key.starts_with("rule")) {
            self.origins.retain(|key, _| !key.starts_with("rule"));
        }
        self.origins.extend(reader.origins);
        Ok(())
    }

    /// Reads the environment of this process: `AUDIT_TRAIL_DIR`, `AUDIT_CAPTURE` and the variables
    /// of all other keys but lists and rules. One with the name of a list is refused; others are
    /// not looked at.
    ///
    /// # Errors
    ///
    /// All that is wrong in it.
    pub fn environment(&mut self) -> Result<(), ConfigError> {
        // Those that are no Unicode are lossy, and then refused where it matters.
        let lossy = |text: OsString| text.to_string_lossy().into_owned();
        self.variables(std::env::vars_os().map(|(name, value)| (lossy(name), lossy(value))))
    }

    /// Reads these environment variables: names and values.
    ///
    /// # Errors
    ///
    /// All that is wrong in them.
    pub fn variables<N: AsRef<str>, V: Into<String>>(
        &mut self,
        variables: impl IntoIterator<Item = (N, V)>,
    ) -> Result<(), ConfigError> {
        let mut read = self.clone();
        let mut problems = Vec::new();
        for (name, value) in variables {
            let name = name.as_ref();
            let problem = |key: &str, why| Problem {
                place: Place::Environment(name.to_owned()),
                key: key.to_owned(),
                why,
            };
            let Some(key) = KEYS.iter().find(|key| key.variable().as_deref() == Some(name)) else {
                problems.extend(sets_nothing(name).map(|(key, why)| problem(key, why)));
                continue;
            };
            let value = Value::Raw(value.into());
            let wrong = probe(key, &value);
            if wrong.is_empty() {
                (key.set)(&mut read.settings, &value);
                read.origins.insert(key.name.to_owned(), Origin::Environment(name.to_owned()));
            }
            problems.extend(wrong.into_iter().map(|(_, why)| problem(key.name, why)));
        }
        if !problems.is_empty() {
            problems.sort_by(|one, other| one.key.cmp(&other.key));
            return Err(ConfigError::Wrong(problems));
        }
        *self = read;
        Ok(())
    }

    /// The variable that one of this name was likely meant to be, if it sets nothing:
    /// `AUDIT_CAPTURE` of `AUDIT_CAPTUR`. No error, since it may be somebody else's.
    #[must_use]
    pub fn meant_variable(name: &str) -> Option<String> {
        let known = KEYS.iter().any(|key| key.variable().as_deref() == Some(name));
        if known || !name.starts_with("AUDIT_") || name.len() > 64 {
            return None;
        }
        meant_variable(name)
    }

    /// Sets what counts more than all that was read, such as flags. Where a value comes from stays
    /// as it was read.
    pub fn set(&mut self, change: impl FnOnce(&mut Settings)) {
        change(&mut self.settings);
    }

    /// The settings as read so far.
    #[must_use]
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The settings as read.
    #[must_use]
    pub fn into_settings(self) -> Settings {
        self.settings
    }

    /// Where a rule's key comes from, or what there is of the rule; by its place.
    pub(super) fn origin_of_rule(&self, at: usize, key: &str) -> Origin {
        let rule = format!("rule[{}].", at + 1);
        let exact = self.origins.get(&format!("{rule}{key}"));
        let first = || {
            let of_rule =
                self.origins.range(rule.clone()..).take_while(|(k, _)| k.starts_with(&rule));
            of_rule.map(|(_, origin)| origin).min_by_key(|origin| origin.line())
        };
        exact.or_else(first).cloned().unwrap_or_else(|| self.origin("rule"))
    }

    /// Where the value of a key comes from: `trail.dir`, or `rule[1].capture` of the first rule.
    #[must_use]
    pub fn origin(&self, key: &str) -> Origin {
        self.origins.get(key).cloned().unwrap_or_default()
    }
}

impl Settings {
    /// The defaults, with a file over them, and the environment over that.
    ///
    /// ```no_run
    /// use audit_core::{Auditor, Settings, sink::Memory};
    ///
    /// let settings = Settings::load("audit.toml")?;
    /// let auditor = Auditor::builder().settings(settings).build(Memory::new())?;
    /// // Later, when the file has changed:
    /// auditor.reload(Settings::load("audit.toml"))?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When the file cannot be read; and all that is wrong in it, or in the environment.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, ConfigError> {
        let mut settings = Self::default();
        settings.read_file(path)?;
        settings.read_environment()?;
        Ok(settings)
    }

    /// Reads a TOML file over these settings: [`Reading::file`].
    ///
    /// # Errors
    ///
    /// When it cannot be read; and all that is wrong in it, each with its line. Nothing is changed
    /// then.
    pub fn read_file(&mut self, path: impl AsRef<Path>) -> Result<(), ConfigError> {
        self.reading(|reading| reading.file(path))
    }

    /// Reads TOML over these settings; `name` is what messages call it.
    ///
    /// # Errors
    ///
    /// All that is wrong in it, each with its line. Nothing is changed then.
    pub fn read_text(&mut self, name: &str, text: &str) -> Result<(), ConfigError> {
        self.reading(|reading| reading.text(name, text))
    }

    /// Reads the environment over these settings: [`Reading::environment`].
    ///
    /// # Errors
    ///
    /// All that is wrong in it. Nothing is changed then.
    pub fn read_environment(&mut self) -> Result<(), ConfigError> {
        self.reading(Reading::environment)
    }

    fn reading(
        &mut self,
        read: impl FnOnce(&mut Reading) -> Result<(), ConfigError>,
    ) -> Result<(), ConfigError> {
        let mut reading = Reading::over(self.clone());
        read(&mut reading)?;
        *self = reading.settings;
        Ok(())
    }
}
