//! A frame while its record is made.

use std::{
    borrow::Cow,
    net::{IpAddr, Ipv6Addr},
};

use crate::{
    exchange::{
        flags::{Flag, Flags},
        frame::{self, Field, Fixed, Tag},
    },
    record::json as token,
};

const DIGITS: [char; 16] =
    ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];

/// A frame while its record is made.
pub(super) struct Draft<'a> {
    pub(super) fixed: &'a Fixed,
    pub(super) arena: &'a [u8],
    pub(super) flags: Flags,
}

impl<'a> Draft<'a> {
    pub(super) fn all(&self, tag: Tag) -> impl Iterator<Item = Field<'a>> + use<'a> {
        frame::fields(self.arena).filter(move |field| field.tag == tag)
    }

    pub(super) fn one(&self, tag: Tag) -> Option<&'a [u8]> {
        self.all(tag).next().map(|field| field.value)
    }

    pub(super) fn peer(&self) -> Option<IpAddr> {
        let octets: [u8; 16] = self.one(Tag::Peer)?.try_into().ok()?;
        Some(Ipv6Addr::from(octets).to_canonical())
    }

    pub(super) fn text(&mut self, out: &mut Vec<u8>, name: &str, tag: Tag) {
        if let Some(value) = self.one(tag) {
            let value = self.readable(value);
            token::text_member(out, name, &value);
        }
    }

    /// Bytes as text. Those that are not UTF-8 become `\xNN`, a backslash beside them `\\`, and
    /// the record says so; a character cut in two at the end of a limit is dropped.
    pub(super) fn readable(&mut self, bytes: &'a [u8]) -> Cow<'a, str> {
        let error = match std::str::from_utf8(bytes) {
            Ok(text) => return Cow::Borrowed(text),
            Err(error) => error,
        };
        let cut_in_two = error.error_len().is_none() && self.flags != Flags::default();
        if cut_in_two {
            return String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
        }
        self.flags.set(Flag::BytesEscaped);
        let mut text = String::with_capacity(bytes.len() * 2);
        for chunk in bytes.utf8_chunks() {
            text.push_str(&chunk.valid().replace('\\', "\\\\"));
            for byte in chunk.invalid() {
                text.push_str("\\x");
                [byte >> 4, byte & 15].iter().for_each(|n| text.push(DIGITS[usize::from(*n)]));
            }
        }
        Cow::Owned(text)
    }
}
