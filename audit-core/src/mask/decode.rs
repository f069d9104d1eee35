//! Compressed bodies, decoded before they are masked.

use std::io::{self, Read};

use brotli_decompressor::Decompressor;
use flate2::bufread::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use ruzstd::decoding::StreamingDecoder;

use super::unparsable::Unparsable;
use crate::exchange::body::Coding;

/// Most decoded bytes for each byte that was captured: more of them is a bomb's.
const RATIO: usize = 100;
/// Largest window of a zstd frame: that is memory which its first bytes ask for.
const WINDOW: u64 = 8 * 1024 * 1024;

/// Decodes as much as is there, at most `limit` bytes; and whether there is more. What is cut
/// gives its beginning; what is broken gives nothing.
pub(super) fn decode(
    coding: Coding,
    bytes: &[u8],
    limit: usize,
) -> Result<(Vec<u8>, bool), Unparsable> {
    let limit = limit.min(bytes.len().saturating_mul(RATIO));
    match coding {
        Coding::Identity => {
            let kept = &bytes[..bytes.len().min(limit)];
            Ok((kept.to_vec(), kept.len() < bytes.len()))
        }
        Coding::Gzip => read(MultiGzDecoder::new(bytes), limit),
        // Some send it without the header that its standard asks for.
        Coding::Deflate if has_zlib_header(bytes) => read(ZlibDecoder::new(bytes), limit),
        Coding::Deflate => read(DeflateDecoder::new(bytes), limit),
        Coding::Brotli => brotli(bytes, limit),
        Coding::Zstd => zstd(bytes, limit),
    }
}

fn has_zlib_header(bytes: &[u8]) -> bool {
    matches!(bytes, [method, flags, ..]
        if method & 0x0f == 8 && (u16::from(*method) << 8 | u16::from(*flags)) % 31 == 0)
}

/// Reads up to the limit; whether there is more. A reader that ends too early was cut.
fn read(reader: impl Read, limit: usize) -> Result<(Vec<u8>, bool), Unparsable> {
    let mut out = Vec::new();
    let cut = append(&mut out, reader, limit)?;
    Ok((out, cut))
}

fn brotli(bytes: &[u8], limit: usize) -> Result<(Vec<u8>, bool), Unparsable> {
    let mut out = Vec::new();
    let mut rest = bytes;
    let read = append(&mut out, Decompressor::new(&mut rest, 4096), limit);
    match read {
        Ok(cut) => Ok((out, cut)),
        // The decoder does not tell what is cut from what is broken; cut has no input left.
        Err(Unparsable) if rest.is_empty() && !out.is_empty() => Ok((out, true)),
        Err(Unparsable) => Err(Unparsable),
    }
}

fn append(out: &mut Vec<u8>, mut reader: impl Read, limit: usize) -> Result<bool, Unparsable> {
    let mut buffer = [0; 4096];
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => return Ok(false),
            Ok(read) => {
                let kept = read.min(limit - out.len());
                out.extend_from_slice(&buffer[..kept]);
                if kept < read {
                    return Ok(true);
                }
            }
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(true),
            Err(_) => return Err(Unparsable),
        }
    }
}

/// Frames one after the other.
fn zstd(bytes: &[u8], limit: usize) -> Result<(Vec<u8>, bool), Unparsable> {
    let mut out = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        match window(rest)? {
            None => return Ok((out, true)),
            Some(window) if window > WINDOW => return Err(Unparsable),
            Some(_) => {}
        }
        let mut decoder = StreamingDecoder::new(&mut rest).map_err(|_| Unparsable)?;
        let before = out.len();
        match append(&mut out, &mut decoder, limit) {
            Ok(false) => {}
            Ok(true) => return Ok((out, true)),
            // The decoder does not tell what is cut from what is broken; cut has no input left.
            Err(Unparsable) if decoder.get_ref().is_empty() && before < out.len() => {
                return Ok((out, true));
            }
            Err(Unparsable) => return Err(Unparsable),
        }
    }
    Ok((out, false))
}

/// The window that the header of a frame asks for; `None`: the header is cut. Frames with a
/// dictionary cannot be decoded, and those that hold something else are nothing that is sent.
fn window(frame: &[u8]) -> Result<Option<u64>, Unparsable> {
    const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
    if !frame.starts_with(&MAGIC) {
        return if MAGIC.starts_with(frame) { Ok(None) } else { Err(Unparsable) };
    }
    let Some((descriptor, after)) = frame[MAGIC.len()..].split_first() else { return Ok(None) };
    if descriptor & 3 != 0 {
        return Err(Unparsable);
    }
    if descriptor & 0x20 == 0 {
        return Ok(after.first().map(|window| {
            let base = 1_u64 << (10 + (window >> 3));
            base + base / 8 * u64::from(window & 7)
        }));
    }
    // The whole content is the window.
    let len = [1, 2, 4, 8][usize::from(descriptor >> 6)];
    let Some(size) = after.get(..len) else { return Ok(None) };
    let mut whole = [0; 8];
    whole[..len].copy_from_slice(size);
    let size = u64::from_le_bytes(whole);
    Ok(Some(if len == 2 { size + 256 } else { size }))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::{
        Compression,
        write::{DeflateEncoder, GzEncoder, ZlibEncoder},
    };

    use super::*;

    const TEXT: &[u8] = b"{\"password\":\"hunter2\"}";
    /// `hello`, by the reference encoder.
    const BROTLI: &[u8] = &[0x0b, 0x02, 0x80, b'h', b'e', b'l', b'l', b'o', 0x03];

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn zstd_of(text: &[u8]) -> Vec<u8> {
        ruzstd::encoding::compress_to_vec(text, ruzstd::encoding::CompressionLevel::Fastest)
    }

    fn all(text: &[u8]) -> Vec<(Coding, Vec<u8>)> {
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::fast());
        zlib.write_all(text).unwrap();
        let mut raw = DeflateEncoder::new(Vec::new(), Compression::fast());
        raw.write_all(text).unwrap();
        vec![
            (Coding::Identity, text.to_vec()),
            (Coding::Gzip, gzip(text)),
            (Coding::Deflate, zlib.finish().unwrap()),
            (Coding::Deflate, raw.finish().unwrap()),
            (Coding::Zstd, zstd_of(text)),
        ]
    }

    #[test]
    fn every_coding_is_decoded() {
        for (coding, bytes) in all(TEXT) {
            assert_eq!(decode(coding, &bytes, 1000), Ok((TEXT.to_vec(), false)), "{coding:?}");
            assert_eq!(decode(coding, &bytes, 10), Ok((TEXT[..10].to_vec(), true)), "{coding:?}");
        }
        assert_eq!(
            decode(Coding::Brotli, BROTLI, 1000).map(|(text, _)| text),
            Ok(b"hello".to_vec())
        );
        for end in 1..BROTLI.len() {
            // What is cut, and gives nothing yet, may be called broken.
            let cut = decode(Coding::Brotli, &BROTLI[..end], 1000);
            assert!(
                cut.is_err() || cut.is_ok_and(|(text, cut)| cut && b"hello".starts_with(&text))
            );
        }
        assert_eq!(decode(Coding::Brotli, b"{\"password\":1}", 1000), Err(Unparsable));
        let two = [gzip(b"ab"), gzip(b"cd")].concat();
        assert_eq!(decode(Coding::Gzip, &two, 100), Ok((b"abcd".to_vec(), false)));
        let two = [zstd_of(b"ab"), zstd_of(b"cd")].concat();
        assert_eq!(decode(Coding::Zstd, &two, 100), Ok((b"abcd".to_vec(), false)));
    }

    #[test]
    fn what_is_cut_gives_its_beginning_and_what_is_broken_nothing() {
        for (coding, bytes) in all(&TEXT.repeat(100)) {
            for end in 0..bytes.len() {
                if let Ok((text, cut)) = decode(coding, &bytes[..end], 100_000) {
                    assert!(TEXT.repeat(100).starts_with(&text), "{coding:?}");
                    assert!(cut || end == 0 || coding == Coding::Identity, "{coding:?} {end}");
                }
            }
            // Without a header, nearly anything is a beginning of deflate.
            if !matches!(coding, Coding::Identity | Coding::Deflate) {
                assert_eq!(
                    decode(coding, b"{\"password\":1}", 1000),
                    Err(Unparsable),
                    "{coding:?}"
                );
            }
        }
        // A window of 2 GiB in a frame's header.
        assert_eq!(
            decode(Coding::Zstd, &[0x28, 0xb5, 0x2f, 0xfd, 0, 0xa8, 0, 0, 0, 0], 9),
            Err(Unparsable)
        );
    }

    #[test]
    fn a_bomb_is_stopped() {
        let zeros = vec![0; 16 * 1024 * 1024];
        for (coding, bytes) in all(&zeros).into_iter().skip(1) {
            let began = std::time::Instant::now();
            let (out, cut) = decode(coding, &bytes, 64 * 1024).unwrap();
            assert!(cut && out.len() == (64 * 1024).min(bytes.len() * RATIO), "{coding:?}");
            assert!(began.elapsed().as_millis() < 200, "{coding:?} {:?}", began.elapsed());
        }
    }
}
