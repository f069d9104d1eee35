//! The Merkle tree over records, as RFC 6962 builds it.

mod branch;

use sha2::{Digest as _, Sha256};

pub(crate) use self::branch::{Branch, MAX_BRANCH, root_of};

/// SHA-256.
pub(crate) type Hash = [u8; 32];

/// A tree of which only the roots of its perfect subtrees are kept: 63 hashes at most, whatever
/// its size.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tree {
    size: u64,
    /// One for each 1 in the binary form of `size`, the largest subtree first.
    roots: Vec<Hash>,
}

impl Tree {
    /// A tree that begins in the middle. `None` where these are not the roots of one.
    pub(crate) fn from_roots(size: u64, roots: Vec<Hash>) -> Option<Self> {
        (roots.len() == size.count_ones() as usize).then_some(Self { size, roots })
    }

    /// How many leaves it has.
    pub(crate) const fn size(&self) -> u64 {
        self.size
    }

    /// The roots of its perfect subtrees, the largest first.
    pub(crate) fn roots(&self) -> &[Hash] {
        &self.roots
    }

    /// Adds a leaf, which is a hash already.
    pub(crate) fn push(&mut self, leaf: Hash) {
        self.join(leaf, |_, _, _| {});
    }

    /// Likewise, and tells of each two subtrees that become one: the place that the left one had
    /// among the roots, the left and the right.
    fn join(&mut self, leaf: Hash, mut joined: impl FnMut(usize, &Hash, &Hash)) {
        let mut hash = leaf;
        // Each 1 at the end of the size is a subtree as large as what was just made.
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.roots.pop() {
                joined(self.roots.len(), &left, &hash);
                hash = node(&left, &hash);
            }
        }
        self.roots.push(hash);
        self.size += 1;
    }

    /// The root.
    pub(crate) fn root(&self) -> Hash {
        let mut roots = self.roots.iter().rev();
        let Some(last) = roots.next() else { return Sha256::digest([]).into() };
        roots.fold(*last, |right, left| node(left, &right))
    }
}

/// The hash of two subtrees beside each other.
pub(crate) fn node(left: &Hash, right: &Hash) -> Hash {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// In lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|b| [b >> 4, b & 15]);
    digits.map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
}

/// Likewise, the first digits of a hash, without allocating: every record has several.
pub(crate) fn hex_of<const N: usize>(hash: &Hash) -> [u8; N] {
    let mut text = [0; N];
    for (pair, byte) in text.as_chunks_mut::<2>().0.iter_mut().zip(hash) {
        *pair = [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]];
    }
    text
}

/// From lower-case hex; `None` for any other spelling.
pub(crate) fn unhex<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    let digit = |b: u8| match b {
        b'0'..=b'9' => Some(b - b'0'),
        b'a'..=b'f' => Some(b - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; N];
    let (pairs, rest) = text.as_chunks::<2>();
    if pairs.len() != N || !rest.is_empty() {
        return None;
    }
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The leaves of the vectors of RFC 6962's first implementation.
    pub(super) const LEAVES: [&str; 8] = [
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    ];
    const ROOTS: [&str; 8] = [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];

    pub(super) fn leaf(hex: &str) -> Hash {
        let bytes: Vec<u8> = (0..hex.len() / 2)
            .map(|at| u8::from_str_radix(&hex[at * 2..at * 2 + 2], 16).unwrap())
            .collect();
        Sha256::new().chain_update([0]).chain_update(bytes).finalize().into()
    }

    #[test]
    fn roots_are_those_of_rfc_6962() {
        let mut tree = Tree::default();
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(hex(&tree.root()), empty);
        for (one, root) in LEAVES.iter().zip(ROOTS) {
            tree.push(leaf(one));
            assert_eq!(hex(&tree.root()), root);
        }
    }

    #[test]
    fn a_tree_goes_on_from_its_roots() {
        let mut whole = Tree::default();
        for n in 0..200_u64 {
            let again = Tree::from_roots(whole.size(), whole.roots().to_vec());
            assert_eq!(again.as_ref(), Some(&whole));
            assert_eq!(whole.roots().len(), n.count_ones() as usize);
            whole.push(leaf(&format!("{n:04x}")));
        }
        assert_eq!(Tree::from_roots(3, vec![[0; 32]]), None);
        assert_eq!(Tree::from_roots(0, vec![[0; 32]]), None);
    }

    #[test]
    fn hex_has_one_spelling() {
        assert_eq!(unhex::<2>(b"0aff"), Some([10, 255]));
        let hash: Hash = std::array::from_fn(|at| at as u8 * 7);
        assert_eq!(hex_of::<64>(&hash), *hex(&hash).as_bytes());
        assert_eq!(hex_of::<32>(&hash), hex(&hash).as_bytes()[..32]);
        for wrong in ["0AFF", "0af", "0aff0", "0afg", "", "+aff"] {
            assert_eq!(unhex::<2>(wrong.as_bytes()), None, "{wrong}");
        }
    }
}
