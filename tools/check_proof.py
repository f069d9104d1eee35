#!/usr/bin/env python3
"""Checks the proof of one record: a second program, written from docs/trail-format.md alone.
usage: check_proof.py KEYFILE PROOF [RECORD]      RECORD: a file with the line, in place of that in the proof"""
import re, sys
from verify_trail import MAX_LINE, MAX_UINT, UINT, Key, need, read_text, record, sha256, unbase64

MAX, FORM = 3 << 19, re.compile(rf"c2sp\.org/tlog-proof@v1\n(?:extra (.+)\n)?index {UINT}\n((?:.{{44}}\n){{0,63}})\n((?s:.+))")

def root(leaf, index, size, hashes):
    """The root of a tree by the definition in RFC 6962: from it down to the leaf."""
    if size == 1:
        need(not hashes, "too many hashes")
        return leaf
    split = 1 << (size - 1).bit_length() - 1
    *rest, beside = need(hashes, "too few hashes")
    if index < split:
        return sha256(b"\1", root(leaf, index, split, rest), beside)
    return sha256(b"\1", beside, root(leaf, index - split, size - split, rest))

def check(key, proof, line=None):
    """The origin, the size, the seq and the line of what is proven; ValueError if it is not."""
    need(len(proof) <= MAX, "longer than any proof")
    extra, index, hashes, note = need(FORM.fullmatch(proof.decode()), "not a proof").groups()
    held = unbase64(extra) if extra else None
    need(held is None or len(held) < MAX_LINE and held.decode(), "a record longer than 1 MiB")
    line, index = need(held if line is None else line.removesuffix(b"\n"), "no record"), int(index)
    need(index <= MAX_UINT, "not a proof")
    hashes = [unbase64(hash) for hash in hashes.split("\n")[:-1]]
    need(all(len(hash) == 32 for hash in hashes), "a hash that is none")
    origin, size, signed = key.checkpoint(note)
    seq, _, leaf, _ = record(line + b"\n")
    need(seq == index, f"the record is number {seq}, and the proof is of {index}")
    need(index < size, "a checkpoint that does not cover it")
    need(root(leaf, index, size, hashes) == signed, "another root than the one that was signed")
    return origin, size, seq, line.decode()

def read(name):
    with open(name, "rb") as file:
        return file.read(MAX + 1)

def main(args):
    sys.stdout.reconfigure(errors="backslashreplace")
    if len(args) not in (2, 3):
        print("usage: check_proof.py KEYFILE PROOF [RECORD]")
        return 1
    try:
        origin, size, seq, line = check(Key(read_text(args[0])), *map(read, args[1:]))
    except (OSError, ValueError) as why:
        print(f"FAIL: {why}")
        return 1
    print(f"ok: record {seq} of {origin}, which is in a checkpoint of {size} records:")
    print(line.encode("ascii", "backslashreplace").decode())
    return 0

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
