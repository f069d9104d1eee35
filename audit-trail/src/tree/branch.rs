//! The way from one leaf to the root: an inclusion proof, as RFC 6962 has it.

use super::{Hash, Tree, node};

/// The most hashes a way to the root has: a tree has at most 2^63 leaves.
pub(crate) const MAX_BRANCH: usize = 63;

/// What stands beside the way from one leaf up, while the tree grows: 63 hashes at most, whatever
/// its size.
#[derive(Clone, Debug)]
pub(crate) struct Branch {
    /// What stands beside it within its perfect subtree, from the leaf up.
    beside: Vec<Hash>,
    /// The place of that subtree among the roots of the tree.
    place: usize,
}

impl Branch {
    /// Adds a leaf, and follows it from here on.
    pub(crate) fn begin(tree: &mut Tree, leaf: Hash) -> Self {
        let mut beside = Vec::new();
        tree.join(leaf, |_, left, _| beside.push(*left));
        Self { beside, place: tree.roots().len() - 1 }
    }

    /// Adds a later leaf to the same tree.
    pub(crate) fn grow(&mut self, tree: &mut Tree, leaf: Hash) {
        let mut within = false;
        tree.join(leaf, |place, left, right| {
            if within {
                self.beside.push(*left);
            } else if place == self.place {
                self.beside.push(*right);
                within = true;
            }
        });
        if within {
            self.place = tree.roots().len() - 1;
        }
    }

    /// All that stands beside the way from the leaf to the root, from the leaf up. The tree is the one
    /// that it grew with.
    pub(crate) fn hashes(&self, tree: &Tree) -> Vec<Hash> {
        let roots = tree.roots();
        let mut hashes = self.beside.clone();
        // The smaller subtrees after it are one subtree on its right.
        let mut after = roots.iter().skip(self.place + 1).rev();
        if let Some(last) = after.next() {
            hashes.push(after.fold(*last, |right, left| node(left, &right)));
        }
        hashes.extend(roots.iter().take(self.place).rev());
        hashes
    }
}

/// The root of the tree of `size` leaves whose leaf `index` this is, if these hashes stand beside
/// its way. `None` where they are too few or too many, or the tree has no such leaf.
pub(crate) fn root_of(leaf: Hash, index: u64, size: u64, hashes: &[Hash]) -> Option<Hash> {
    // The last leaf tells where the tree is incomplete: there the way goes up without a hash.
    let (mut at, mut last) = (index, size.checked_sub(1).filter(|last| index <= *last)?);
    let mut root = leaf;
    for hash in hashes {
        while at == last && last != 0 && last & 1 == 0 {
            (at, last) = (at >> 1, last >> 1);
        }
        if last == 0 {
            return None;
        }
        root = if at & 1 == 1 { node(hash, &root) } else { node(&root, hash) };
        (at, last) = (at >> 1, last >> 1);
    }
    (last == 0).then_some(root)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::{
        hex,
        tests::{LEAVES, leaf},
    };

    fn number(n: u64) -> Hash {
        leaf(&format!("{n:016x}"))
    }

    /// The way by the definition in RFC 6962, section 2.1.1.
    fn defined(leaves: &[Hash], index: usize) -> Vec<Hash> {
        if leaves.len() < 2 {
            return Vec::new();
        }
        let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
        let (mut way, beside) = match index.checked_sub(left.len()) {
            None => (defined(left, index), right),
            Some(index) => (defined(right, index), left),
        };
        let mut tree = Tree::default();
        beside.iter().for_each(|leaf| tree.push(*leaf));
        way.push(tree.root());
        way
    }

    fn grown(leaves: &[Hash], index: usize) -> (Tree, Vec<Hash>) {
        let mut tree = Tree::default();
        leaves[..index].iter().for_each(|leaf| tree.push(*leaf));
        let mut branch = Branch::begin(&mut tree, leaves[index]);
        leaves[index + 1..].iter().for_each(|leaf| branch.grow(&mut tree, *leaf));
        let hashes = branch.hashes(&tree);
        (tree, hashes)
    }

    #[test]
    fn ways_are_those_of_rfc_6962() {
        // Leaf, size, and the way, of the vectors of RFC 6962's first implementation.
        let vectors: [(usize, usize, &[&str]); 5] = [
            (0, 1, &[]),
            (
                0,
                8,
                &[
                    "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                    "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
                ],
            ),
            (
                5,
                8,
                &[
                    "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
                    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
                ],
            ),
            (2, 3, &["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]),
            (
                1,
                5,
                &[
                    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
                    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                    "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
                ],
            ),
        ];
        let leaves: Vec<Hash> = LEAVES.iter().map(|hex| leaf(hex)).collect();
        for (index, size, way) in vectors {
            let (tree, hashes) = grown(&leaves[..size], index);
            let found: Vec<String> = hashes.iter().map(|hash| hex(hash)).collect();
            assert_eq!(found, way, "{index} of {size}");
            assert_eq!(
                root_of(leaves[index], index as u64, size as u64, &hashes),
                Some(tree.root())
            );
        }
    }

    #[test]
    fn every_leaf_of_every_tree_has_one_way() {
        let leaves: Vec<Hash> = (0..130).map(number).collect();
        for size in 1..=leaves.len() {
            for index in 0..size {
                let (tree, hashes) = grown(&leaves[..size], index);
                assert_eq!(hashes, defined(&leaves[..size], index), "{index} of {size}");
                let (leaf, at, of) = (leaves[index], index as u64, size as u64);
                assert_eq!(root_of(leaf, at, of, &hashes), Some(tree.root()));
                // Nothing of it can be left out, added or exchanged.
                let not = |leaf, at, of, hashes: &[Hash]| {
                    assert_ne!(root_of(leaf, at, of, hashes), Some(tree.root()), "{at} of {of}");
                };
                not(number(999), at, of, &hashes);
                not(leaf, at ^ 1, of, &hashes[..hashes.len().saturating_sub(1)]);
                for other in [0, at.saturating_sub(2), at.saturating_sub(1), at + 1, at + 2, of - 1]
                {
                    if other != at {
                        not(leaf, other, of, &hashes);
                    }
                }
                not(leaf, at, of, &[&hashes[..], &[tree.root()]].concat());
                if let [_, shorter @ ..] = &hashes[..] {
                    not(leaf, at, of, shorter);
                    not(leaf, at, of, &hashes[..hashes.len() - 1]);
                }
                for n in 0..hashes.len() {
                    let mut changed = hashes.clone();
                    changed[n][n % 32] ^= 1;
                    not(leaf, at, of, &changed);
                }
            }
        }
    }

    #[test]
    fn a_way_is_found_in_a_tree_that_begins_in_the_middle() {
        let leaves: Vec<Hash> = (0..100).map(number).collect();
        for from in 0..leaves.len() {
            let mut before = Tree::default();
            leaves[..from].iter().for_each(|leaf| before.push(*leaf));
            for index in [from, (from + 7).min(99), 99] {
                let mut tree = before.clone();
                leaves[from..index].iter().for_each(|leaf| tree.push(*leaf));
                let mut branch = Branch::begin(&mut tree, leaves[index]);
                leaves[index + 1..].iter().for_each(|leaf| branch.grow(&mut tree, *leaf));
                assert_eq!(branch.hashes(&tree), defined(&leaves, index), "{index} from {from}");
            }
        }
    }

    #[test]
    fn no_numbers_make_it_panic() {
        let hashes = [[7; 32]; 70];
        for (index, size) in [(0, 0), (1, 1), (0, u64::MAX), (u64::MAX - 1, u64::MAX), (5, 1 << 63)]
        {
            for count in [0, 1, 63, 64, 70] {
                let root = root_of([1; 32], index, size, &hashes[..count]);
                assert!(root.is_none() || (size > index && count <= 64), "{index} of {size}");
            }
        }
    }
}
