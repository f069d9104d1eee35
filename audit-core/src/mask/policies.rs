//! The settings that records on their way were gathered under.

use std::sync::{
    Arc,
    atomic::{Ordering::Acquire, fence},
};

use super::{MaskRules, known::Known};
use crate::policy::{Checked, Config};

/// The newest settings, and older ones as long as a frame may name them.
#[derive(Debug)]
pub(super) struct Policies {
    all: Vec<Generation>,
    /// The one of the record that is made, and the place of its rule.
    at: usize,
    rule: usize,
    /// What masks it, where no rule has decided yet.
    mask: Option<usize>,
}

#[derive(Debug)]
struct Generation {
    config: Arc<Config>,
    /// What names said, for each of its masks.
    known: Vec<Known>,
    /// No request is left that began under it.
    over: bool,
}

impl Policies {
    pub(super) fn new(first: Arc<Config>) -> Self {
        let mut policies = Self { all: Vec::new(), at: 0, rule: 0, mask: None };
        policies.add(first);
        policies
    }

    /// Adds newer settings.
    pub(super) fn add(&mut self, config: Arc<Config>) {
        let known = config.masks.iter().map(|_| Known::default()).collect();
        self.all.push(Generation { config, known, over: false });
    }

    /// Marks settings under which no request is in flight. Their last frames are in the log by
    /// then, so they can go after all of it was read once more.
    pub(super) fn mark(&mut self) {
        let Some((_, older)) = self.all.split_last_mut() else { return };
        for generation in older {
            // Requests hold their settings until their frame is appended; nobody takes old ones.
            generation.over = Arc::strong_count(&generation.config) == 1;
        }
        // What the requests did before they let go of them is seen from here on.
        fence(Acquire);
    }

    /// Forgets what was marked.
    pub(super) fn forget(&mut self) {
        self.all.retain(|generation| !generation.over);
        self.at = self.all.len() - 1;
    }

    /// Turns to the settings and the rule that a frame names.
    pub(super) fn turn_to(&mut self, generation: u32, rule: u16) {
        if self.config().generation != generation {
            let found = self.all.iter().rposition(|g| g.config.generation == generation);
            // The newest ones stand for those that nobody knows, which no frame names.
            self.at = found.unwrap_or(self.all.len() - 1);
        }
        self.rule = usize::from(rule);
        self.mask = None;
    }

    /// Turns to the settings of a request that no rule has decided on, and to what masks it.
    pub(super) fn turn_to_mask(&mut self, generation: u32, mask: usize) {
        self.turn_to(generation, 0);
        self.mask = Some(mask.min(self.config().masks.len() - 1));
    }

    pub(super) fn config(&self) -> &Config {
        &self.all[self.at].config
    }

    pub(super) fn rule(&self) -> &Checked {
        self.config().rules.get(self.rule)
    }

    /// What the present rule masks, and what names said under it.
    pub(super) fn mask(&self) -> (&MaskRules, &Known) {
        let generation = &self.all[self.at];
        let mask = self.mask.unwrap_or(self.rule().says.mask);
        (&generation.config.masks[mask], &generation.known[mask])
    }
}
