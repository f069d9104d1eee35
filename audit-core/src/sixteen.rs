//! Sixteen bytes at once: most of what a record is made of is looked through for a few of them.

/// Those of sixteen bytes that are asked for, each as a byte with all bits, the first one lowest.
/// Without a branch and each byte alike, which compilers turn into a few instructions for all of
/// them; so what is asked must have no branch either.
#[inline(always)]
pub(crate) fn which(sixteen: &[u8; 16], is: impl Fn(u8) -> bool) -> u128 {
    let mut which = [0; 16];
    for (all, byte) in which.iter_mut().zip(sixteen) {
        *all = u8::from(is(*byte)).wrapping_neg();
    }
    u128::from_le_bytes(which)
}

/// The place of the first one, if there is any.
#[inline(always)]
pub(crate) fn first(which: u128) -> Option<usize> {
    (which != 0).then(|| which.trailing_zeros() as usize / 8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_place_is_told() {
        for place in 0..16 {
            let mut bytes = *b"abcdefghijklmnop";
            bytes[place] = b'!';
            let found = which(&bytes, |byte| byte == b'!');
            assert_eq!((found, first(found)), (0xff << (place * 8), Some(place)));
        }
        assert_eq!(first(which(b"abcdefghijklmnop", |byte| byte == b'!')), None);
    }
}
