//! Path selectors: `$.items[*].pin`, matched while a document is walked.

use super::selector::{lower, lowered};

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    /// A member of this name, in lower case.
    Key(String),
    /// An element of an array.
    Index(usize),
    /// Every member, or every element.
    Any,
    /// What follows may be at any depth below.
    Deeper,
}

/// A path from the root of a document to the values it selects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Path(Vec<Step>);

/// Most steps of a path.
const STEPS: usize = 64;

impl Path {
    /// Reads `$.a.b`, `a[*].b`, `$..b`, `$['a b'][0]`.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        let mut steps = Vec::new();
        let Some(mut rest) = text.strip_prefix('$') else {
            // `a.b` is `$.a.b`.
            return Self::parse(&format!("$.{text}"));
        };
        while !rest.is_empty() {
            if steps.len() >= STEPS {
                return Err("has more than 64 steps");
            }
            if let Some(after) = rest.strip_prefix("..") {
                steps.push(Step::Deeper);
                rest = after;
                if !rest.starts_with('[') {
                    rest = key(&mut steps, rest)?;
                }
            } else if let Some(after) = rest.strip_prefix('.') {
                rest = key(&mut steps, after)?;
            } else if let Some(after) = rest.strip_prefix('[') {
                rest = bracket(&mut steps, after)?;
            } else {
                return Err("is not a path");
            }
        }
        match steps.last() {
            None => Err("selects the whole document"),
            Some(Step::Deeper) => Err("ends in `..`"),
            Some(_) => Ok(Self(steps)),
        }
    }

    /// Whether it has more than one step.
    pub(super) fn is_deep(&self) -> bool {
        self.0.len() > 1
    }

    /// Fewest names that lead to what it selects.
    pub(super) fn fewest(&self) -> usize {
        self.0.iter().filter(|step| **step != Step::Deeper).count()
    }
}

fn key<'a>(steps: &mut Vec<Step>, text: &'a str) -> Result<&'a str, &'static str> {
    let end = text.find(['.', '[']).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    match name {
        "" => return Err("has a step without a name"),
        "*" => steps.push(Step::Any),
        name => steps.push(Step::Key(lower(name))),
    }
    Ok(rest)
}

fn bracket<'a>(steps: &mut Vec<Step>, text: &'a str) -> Result<&'a str, &'static str> {
    for quote in ['\'', '"'] {
        if let Some(quoted) = text.strip_prefix(quote) {
            let (name, rest) = quoted.split_once(quote).ok_or("has a quote that is not closed")?;
            steps.push(Step::Key(lower(name)));
            return rest.strip_prefix(']').ok_or("has a bracket that is not closed");
        }
    }
    let (inside, rest) = text.split_once(']').ok_or("has a bracket that is not closed")?;
    steps.push(match inside {
        "*" => Step::Any,
        index => {
            Step::Index(index.parse().map_err(|_| "has an index that is neither a number nor `*`")?)
        }
    });
    Ok(rest)
}

/// Where a walk can be in a path: this many of its steps are done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Done {
    path: u16,
    steps: u16,
}

/// The places in paths where a text lies, for the document that it may hold.
#[derive(Debug, Default)]
pub(super) struct Reached(Vec<Done>);

/// A child of the container that the walk is in.
#[derive(Clone, Copy, Debug)]
pub(super) enum Child<'a> {
    Member(&'a str),
    Element(usize),
    /// One of them, of which nothing tells which.
    SomeElement,
}

/// The places in paths that a walk through one document has reached, container by container.
#[derive(Debug, Default)]
pub(super) struct Walk {
    reached: Vec<Done>,
    /// Where the places of each open container begin.
    levels: Vec<usize>,
}

impl Walk {
    /// At the root of a document.
    pub(super) fn begin(&mut self, paths: &[(Path, usize)]) {
        self.reached.clear();
        self.levels.clear();
        for path in 0..paths.len() {
            self.reached.push(Done { path: path as u16, steps: 0 });
        }
        self.levels.push(0);
    }

    /// At the root of a document in a text, which lies where another walk is.
    pub(super) fn begin_at(&mut self, paths: &[(Path, usize)], reached: &Reached) {
        self.begin(paths);
        reached.0.iter().for_each(|done| self.add(0, *done));
    }

    /// Where the child that was looked at last is.
    pub(super) fn reached(&self) -> Reached {
        let from = self.levels.last().copied().unwrap_or_default();
        Reached(self.reached.get(from..).unwrap_or_default().to_vec())
    }

    /// Looks at a child of the present container: whether a path ends there (what it selects for).
    /// If the child is a container, [`enter`](Self::enter) follows; else [`pass`](Self::pass).
    pub(super) fn look(&mut self, paths: &[(Path, usize)], child: Child<'_>) -> Option<usize> {
        let from = *self.levels.last()?;
        let to = self.reached.len();
        let mut selected = None;
        for at in from..to {
            let done = self.reached[at];
            let Some((Path(steps), selects)) = paths.get(usize::from(done.path)) else { continue };
            let mut next = usize::from(done.steps);
            if matches!(steps.get(next), Some(Step::Deeper)) {
                self.add(to, done);
                next += 1;
            }
            let Some(step) = steps.get(next) else { continue };
            if !step.takes(child) {
                continue;
            }
            if next + 1 == steps.len() {
                selected = selected.or(Some(*selects));
            } else {
                self.add(to, Done { path: done.path, steps: next as u16 + 1 });
            }
        }
        // The child's own places stay, for `enter`.
        self.levels.push(to);
        selected
    }

    fn add(&mut self, from: usize, done: Done) {
        if !self.reached[from..].contains(&done) {
            self.reached.push(done);
        }
    }

    /// Whether a path selects something inside of the child that was looked at last, by more than
    /// being anywhere below: what it selects for.
    pub(super) fn goes_on(&self, paths: &[(Path, usize)]) -> Option<usize> {
        let reached = self.reached.get(*self.levels.last()?..)?;
        reached.iter().find_map(|done| {
            let (Path(steps), selects) = paths.get(usize::from(done.path))?;
            let next = steps.get(usize::from(done.steps))?;
            (done.steps > 0 && *next != Step::Deeper).then_some(*selects)
        })
    }

    /// The child that was looked at is over, or is no container.
    pub(super) fn leave(&mut self) {
        if let Some(from) = self.levels.pop() {
            self.reached.truncate(from);
        }
    }
}

impl Step {
    fn takes(&self, child: Child<'_>) -> bool {
        match (self, child) {
            (Self::Any, _) | (Self::Index(_), Child::SomeElement) => true,
            (Self::Key(wanted), Child::Member(name)) => match name.is_ascii() {
                true => wanted.eq_ignore_ascii_case(name),
                false => lowered(name).eq(wanted.chars()),
            },
            (Self::Index(wanted), Child::Element(at)) => *wanted == at,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether the path of children is selected by `path`, at its end and not before.
    fn selects(path: &str, children: &[Child<'_>]) -> bool {
        let paths = [(Path::parse(path).unwrap(), 7)];
        let mut walk = Walk::default();
        walk.begin(&paths);
        let found: Vec<_> = children.iter().map(|child| walk.look(&paths, *child)).collect();
        children.iter().for_each(|_| walk.leave());
        assert_eq!((walk.levels.len(), walk.reached.len()), (1, 1));
        found.iter().position(Option::is_some) == Some(children.len() - 1)
    }

    #[test]
    fn paths_select_what_they_say() {
        use Child::{Element as E, Member as M};
        for (path, children, expected) in [
            ("$.user.name", &[M("user"), M("name")][..], true),
            ("$.user.name", &[M("User"), M("NAME")], true),
            ("user.name", &[M("user"), M("name")], true),
            ("$.user.name", &[M("resource"), M("name")], false),
            ("$.user.name", &[M("user"), M("x"), M("name")], false),
            ("$.items[*].pin", &[M("items"), E(1), M("pin")], true),
            ("$.items[*].pin", &[M("pin")], false),
            ("$.items[1].pin", &[M("items"), E(1), M("pin")], true),
            ("$.items[1].pin", &[M("items"), E(0), M("pin")], false),
            ("$..pin", &[M("pin")], true),
            ("$..pin", &[M("a"), E(0), M("pin")], true),
            ("$.a..b.c", &[M("a"), M("b"), M("b"), M("c")], true),
            ("$.a..b.c", &[M("b"), M("c")], false),
            ("$.*.b", &[M("x"), M("b")], true),
            ("$['a b'].c", &[M("a b"), M("c")], true),
            ("$.größe.x", &[M("GRÖßE"), M("x")], true),
            ("$[0]", &[E(0)], true),
            ("$..[0]", &[M("a"), E(0)], true),
        ] {
            assert_eq!(selects(path, children), expected, "{path} {children:?}");
        }
    }
}
