"""Tests of verify_trail.py: every attack must be found, and named by file, line and seq.
Run by `python3 -m unittest discover tools`."""
import base64
import os
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from trail_writer import CAP, GROUPS, SEED, TOOLS, Case, Signer, Trail, example, header, leaf, record, salt_of, sealed, sha


# All encodings of points whose order divides 8, also those with a coordinate that is not reduced.
SMALL_ORDER = [y + "%02x" % (last | sign) for sign in (0, 0x80) for y, last in (
    ("00" * 31, 0), ("01" + "00" * 30, 0), ("ec" + "ff" * 30, 0x7f), ("ed" + "ff" * 30, 0x7f), ("ee" + "ff" * 30, 0x7f),
    ("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc", 0x05),
    ("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03", 0x7a))]


class Attacks(Case):
    """The table of negative tests."""

    def lines(self, change, *says, segment=4, integrity="FAIL", anchors=()):
        trail = example()
        change(trail.segments[segment])
        self.bad(trail, *says, integrity=integrity, anchors=anchors)

    def test_edit_a_value(self):
        # of the core, and of a group: both are well formed, so the next checkpoint finds them
        def core(lines):
            lines[1] = lines[1].replace('"n":4', '"n":5')
        def group(lines):
            lines[5] = lines[5].replace("admin", "nobody")
        def commit(lines):
            lines[5] = record(7, '"kind":"event","n":7', (("actor", "{}"),) + GROUPS[1:], ("actor",))
        self.lines(core, "00000000000000000004.jsonl line 4, seq 6: another root: something changed in seq 4 to 5")
        self.lines(group, "00000000000000000004.jsonl line 7, seq 8: another root: something changed in seq 6 to 7")
        self.lines(commit, "seq 8: another root")

    def test_edit_and_hash_again_what_needs_no_key(self):
        trail = example()
        trail.leaves[5] = leaf(5)
        trail.segments[4][2] = record(5)
        trail.segments[8][0] = header(trail.leaves[:8])
        self.bad(trail, "seq 6: another root")
        trail.segments[4] = [line for line in trail.segments[4] if "checkpoint" not in line]
        self.bad(trail, "00000000000000000008.jsonl line 4, seq 10: another root")

    def test_delete_swap_duplicate_insert(self):
        def swap(lines):
            lines[1], lines[2] = lines[2], lines[1]
        self.lines(lambda lines: lines.pop(1), "line 2, seq 4: the record has seq 5")
        self.lines(lambda lines: lines.pop(4), "line 5, seq 6: the record has seq 7")
        self.lines(swap, "line 2, seq 4: the record has seq 5")
        self.lines(lambda lines: lines.insert(1, lines[1]), "line 3, seq 5: the record has seq 4")
        self.lines(lambda lines: lines.insert(1, record(4)), "line 3, seq 5: the record has seq 4")
        self.lines(lambda lines: lines.insert(1, ""), "line 2, seq 4: ")
        self.lines(lambda lines: lines.insert(1, b"\x00" * 4096 + b"\n"), "line 2, seq 4: a byte below")
        self.lines(lambda lines: lines.insert(1, b"x" * (3 * CAP) + b"\n"), "line 2, seq 4: longer", "line 5 is a checkpoint")
        self.lines(lambda lines: lines.insert(1, b"x" * CAP + b"\n"), "line 2, seq 4: longer", "line 5 is a checkpoint")
        self.lines(lambda lines: lines.pop(0), "line 1, seq 4: not a header")

    def test_drop_segments(self):
        for start, says in ((0, "pruned to seq 4 without"), (4, "00000000000000000008.jsonl line 1, seq 4: a segment from 8"),
                            (8, "checkpoint: its size 12 is not reached, the records end at 8")):
            trail = example()
            del trail.segments[start]
            (self.temp / str(start)).mkdir()
            self.bad(trail.write(self.temp / str(start) / "d"), says)

    def test_rename_or_cut_a_segment(self):
        folder = example().write(self.temp / "d")
        (folder / f"{4:020}.jsonl").rename(folder / f"{5:020}.jsonl")
        self.bad(folder, "00000000000000000005.jsonl line 1, seq 4: a segment from 5")
        (folder / f"{5:020}.jsonl").rename(folder / f"{4:020}.jsonl")
        (folder / f"{0:020}.jsonl").rename(folder / f"{2:020}.jsonl")
        self.bad(folder, "00000000000000000002.jsonl line 1, seq 0: a header whose from")
        self.lines(lambda lines: lines.__setitem__(slice(3, None), []), "00000000000000000008.jsonl line 1, seq 6")
        self.lines(lambda lines: lines.__setitem__(-2, lines[-2].encode()), "00000000000000000004.jsonl line 6, seq 7: ")
        self.lines(lambda lines: lines.__setitem__(slice(-2, None), [lines[-2].encode()]), "00000000000000000004.jsonl line 6, seq 7: an unf")
        self.lines(lambda lines: lines.clear(), "00000000000000000004.jsonl line 1, seq 4: an empty")

    def test_roll_back(self):
        trail = example()
        anchor = trail.note
        back = Trail()
        for seq in range(4):
            back.add('"kind":"event","n":%d' % seq, GROUPS[:seq % 4])
        back.seal()
        self.good(back)  # cannot be seen
        self.bad(back, "its size 12 is not reached", anchors=[anchor])

    def test_fork(self):
        trail = example()
        other = trail.signer.note([leaf(9)] * 12)
        self.bad(trail, "another root", anchors=[other])
        trail.note = other
        self.bad(trail, "checkpoint: another root")

    def test_strip_every_checkpoint(self):
        trail = example()
        trail.note = None
        for start, lines in trail.segments.items():
            trail.segments[start] = [line for line in lines if "checkpoint" not in line]
        self.bad(trail, "no checkpoint")

    def test_another_key(self):
        mallory = Signer(b"m" * 32)
        trail = example()
        trail.note = mallory.note(trail.leaves)
        self.bad(trail, "checkpoint: a signature of another key")
        for start, lines in trail.segments.items():
            trail.segments[start] = [line for line in lines if "checkpoint" not in line]
        trail.segments[8].append(sealed(trail.note))
        trail.signer = mallory
        self.bad(trail, "checkpoint: a signature of another key", "line 7, seq 13: a signature of another key")

    def test_another_log(self):
        other = Trail("audit/0000000000000001/00")
        for seq in range(13):
            if seq in (4, 8):
                other.roll()
            other.add()
        other.seal()
        trail = example()
        trail.segments[4] = other.segments[4]
        self.bad(trail, "00000000000000000004.jsonl line 1, seq 4: a header of another origin")
        trail.segments[4], trail.segments[8] = example().segments[4], other.segments[8]
        self.bad(trail, "00000000000000000008.jsonl line 1, seq 8: a header of another origin")
        trail = example()
        trail.note = other.note
        self.bad(trail, "checkpoint: of another origin")
        trail.note = example().note
        trail.current.append(sealed(other.note))
        self.bad(trail, "seq 13: a checkpoint of another origin", integrity="ok")
        self.good(other)  # the whole folder: cannot be seen
        self.bad(other, "of no directory", anchors=[trail.note], integrity="ok")

    def test_members_and_bytes(self):
        for old, new in (('"n":4', '"N":4'), ('"seq":4,"kind":"event"', '"kind":"event","seq":4'), (',"n"', ', "n"'),
                         ('"n":4', '"n":4,"n":4'), ('"n":4', '"n":"\t"'), ('"n":4', '"n":"\x01"'), ('"n":4', '"n":NaN'),
                         ('"n":4', '"n":' + '[' * 65 + ']' * 65), ('"n":4', '"actor":4'), ("{", " {"), ("}", "}\r")):
            def change(lines):
                lines[1] = lines[1].replace(old, new)
            self.lines(change, "00000000000000000004.jsonl line 2, seq 4:", "line 4 is a checkpoint of size 6")
        for new in ('1e999', '9' * 5000, r'"\ud800"', '{"a":1,"a":2}'):  # well formed, so another leaf
            self.lines(lambda lines: lines.__setitem__(1, lines[1].replace('"n":4', '"n":' + new)), "seq 6: another root")
        for new in (b'"\xff"', b'"\xed\xa0\x80"'):
            self.lines(lambda lines: lines.__setitem__(1, record(4).encode()[:-1] + b',"a":' + new + b"}\n"), "line 2, seq 4")

    def test_group_that_closes_early(self):
        def change(lines):
            lines[5] = lines[5].replace('"actor":{"user":"admin"}', '"actor":{"user":"admin"},"x":{}')
        self.lines(change, "line 6, seq 7: a group that is not one object")

    def test_slack_in_notes(self):
        trail = example()
        note = trail.note
        body, line = note.split("\n\n")
        last = body.split("\n")
        name, data = line.split(" ", 1)[1].rstrip("\n").rsplit(" ", 1)
        raw = base64.b64decode(data)
        for wrong in (
                note + line, note + "\n", note.rstrip("\n"), "\n" + note, note.replace("\n", "\r\n"), note.replace("\n12\n", "\n012\n"),
                note.replace("\n12\n", "\n+12\n"), body + "\nextension\n\n" + line, note.replace("\u2014 ", "- "),
                note.replace("\u2014 ", "\u2014  "), note.replace(data, data.rstrip("=") + "=="), note.replace(data, data[:9] + "\\n" + data[9:]),
                note.replace(data, base64.urlsafe_b64encode(raw + b"\xff").decode()), note.replace(name + " ", "Audit "),
                note.replace(data, base64.b64encode(raw + b"\0").decode()), note.replace(last[2], last[2].rstrip("=")),
                trail.signer.sign("\n".join(last[:2] + [last[2][:-2] + chr(ord(last[2][-2]) + 1) + "="]) + "\n"),
                trail.signer.sign(body.replace("\n12\n", "\n012\n") + "\n"), trail.signer.sign(body + "\nextension\n"),
                trail.signer.sign(body + "\n\nx\n"), trail.signer.sign(body.replace("audit/", "aud it/") + "\n"),
                trail.signer.sign(body.replace("\n12\n", "\n9999999999999999999\n") + "\n"), "", "\n\n", "x" * CAP):
            with self.subTest(note=wrong[:200]):
                trail.note = wrong
                self.bad(trail, "checkpoint: ")
                trail.note = note
                trail.current[6] = sealed(wrong)
                self.bad(trail, "00000000000000000008.jsonl line 7, seq 12:", integrity="ok")
                trail.current[6] = sealed(note)
        trail.current[6] = sealed(note).replace("\\n", "\\u000a")
        self.bad(trail, "line 7, seq 12:", integrity="ok")
        trail.current[6] = sealed(note).replace("}", " }")
        self.bad(trail, "line 7, seq 12:", integrity="ok")

    def test_slack_in_headers(self):
        for old, new in (('"from":4', '"from":04'), (',"from"', ', "from"'), ('["', '[ "'), ("}", ',"x":1}'), ('["', '["' + "0" * 64 + '","'),
                         ("audit-trail-1", "audit-trail-2"), ('"from":4', '"from":5')):
            self.lines(lambda lines: lines.__setitem__(0, lines[0].replace(old, new)), "line 1, seq 4: ", "line 4 is a checkpoint")
        def upper(lines):
            lines[0] = lines[0][:-67] + lines[0][-67:].upper()
        self.lines(upper, "line 1, seq 4: not a header")
        def other(lines):
            lines[0] = header([leaf(9)] * 4)
        self.lines(other, "line 1, seq 4: a header whose hashes")
        self.lines(lambda lines: lines.__setitem__(0, header([leaf(9)] * 3, start=0)), "line 1, seq 0: ", segment=0)

    def test_checkpoint_lines_out_of_place(self):
        trail = example()
        signed = {n: sealed(trail.signer.note(trail.leaves[:n])) for n in range(13)}
        self.lines(lambda lines: lines.insert(2, signed[4]), "line 3, seq 5: a checkpoint of size 4")
        self.lines(lambda lines: lines.insert(4, lines[3]), "line 5, seq 6: a checkpoint again")
        for size in (0, 6, 12):  # copies of something old
            self.lines(lambda lines: lines.append(signed[size]), f"seq 13: a checkpoint of size {size}", "tail damage yes", segment=8, integrity="ok")
        def end(*lines):
            lines = [sealed(trail.signer.note(line)) if isinstance(line, list) else line for line in lines]
            return lambda old: old.__setitem__(slice(-1, None), lines)
        self.lines(end(trail.leaves[:12]), "seq 12: a checkpoint again", "tail damage yes", segment=8, integrity="ok")
        self.lines(end([leaf(9)] * 12), "seq 12: another root", segment=8)
        self.lines(end([leaf(9)] * 11), "seq 12: a checkpoint of size 11", segment=8, integrity="ok")
        self.lines(end("x", [leaf(9)] * 12), "seq 12: ", segment=8, integrity="ok")
        self.lines(end("x", [leaf(9)] * 13), "seq 12: ", "line 9 is a checkpoint of size 13", segment=8)
        self.lines(end(sealed(trail.signer.note([leaf(9)] * 13, "audit/other/00"))), "another origin", segment=8, integrity="ok")
        self.lines(lambda lines: lines.append(sealed(trail.signer.note([leaf(9)] * 13))), "seq 13: another root", segment=8)
        self.lines(lambda lines: lines.append(sealed(trail.signer.note([leaf(9)] * 14))), "seq 13: a checkpoint of size 14", segment=8)

    def redacting(self, op='"redact","seq":7,"groups":["actor"]', redacted=("actor",), seal=True):
        trail = example(0)
        if op:
            trail.control(op)
        if seal:
            trail.seal()
        trail.segments[4][5] = record(7, '"kind":"event","n":7', GROUPS, redacted)
        return trail

    def test_redact_without_authority(self):
        self.good(self.redacting())
        for trail in (self.redacting(redacted=("actor", "event")), self.redacting(op=None), self.redacting(seal=False),
                      self.redacting('"redact","seq":6,"groups":["actor"]'), self.redacting('"redact","groups":["actor"],"seq":7'),
                      self.redacting('"redact","seq":7,"groups":["request"]'), self.redacting('"redact","seq":7,"groups":["act\\u006fr"]'),
                      self.redacting('"redact","seq":7,"groups": ["actor"]'), self.redacting('"redact","seq":7,"groups":["actor",1]'),
                      self.redacting('"redact","seq":7,"groups":[]'), self.redacting('"r\\u0065dact","seq":7,"groups":["actor"]')):
            self.bad(trail, "seq 7: redacted without")

    def test_redact_before_the_record(self):
        trail = Trail()
        trail.control('"redact","seq":1,"groups":["actor"]')
        trail.add(groups=GROUPS, redacted=("actor",))
        trail.seal()
        self.bad(trail, "seq 1: redacted without")

    def test_redact_and_keep_the_salt(self):
        trail = self.redacting()
        line = trail.segments[4][5]
        trail.segments[4][5] = line[:line.index(',\t"salts"')] + f',\t"salt":"{SEED}"}}'
        self.bad(trail, "00000000000000000004.jsonl line 6, seq 7: salts")
        trail.segments[4][5] = line.replace('"salts":{', f'"salts":{{"actor":"{salt_of("actor")}",')
        self.bad(trail, "00000000000000000004.jsonl line 6, seq 7: salts")

    def test_prune_further_than_authorised(self):
        for op, seal in (('"prune","to":7', True), ('"prune","to":8', False), ('"prune","to":08', True), ('"prune","reason":"x","to":8', True),
                         ('"prune","to":8.5', True), ('"prune","to":"8"', True), ('"prune","to":9999999999999999999', True),
                         ('"close"},"x":{"op":"prune","to":8', True)):
            trail = example(0)
            with self.subTest(op=op):
                trail.control(op)
                if seal:
                    trail.seal()
                del trail.segments[0], trail.segments[4]
                self.bad(trail, "seq 12:" if "08" in op else "pruned to seq 8 without")

    def test_foreign(self):
        trail = example()
        folder = trail.write(self.temp / "d")
        for name in ("!.jsonl", "x\n.jsonl", "0.jsonl", "9223372036854775808".zfill(20) + ".jsonl", "\u0660" * 20 + ".jsonl"):
            (folder / name).write_text("")
            self.bad(folder, "foreign " + ascii(name), integrity="ok")
            (folder / name).unlink()
        (folder / "x.bad").write_text("")
        (folder / "x.new").write_text("")
        self.good(folder)
        (folder / f"{13:020}.jsonl").mkdir()
        self.bad(folder, "foreign '00000000000000000013.jsonl'", integrity="ok")
        (folder / f"{8:020}.jsonl").rename(folder / "x.bad")
        (folder / f"{8:020}.jsonl").symlink_to("x.bad")
        self.bad(folder, "foreign '00000000000000000008.jsonl'", "size 12 is not reached")
        (folder / f"{8:020}.jsonl").unlink()
        os.mkfifo(folder / f"{8:020}.jsonl")
        self.bad(folder, "foreign '00000000000000000008.jsonl'")

    def test_the_tail(self):
        for line in (b"garbage\n", b"\n", b"\0" * 4096, b'{"seq":13', record(14), record(13)[:-1], b"\xff\n", b"x" * (2 * CAP)):
            self.lines(lambda lines: lines.append(line), "00000000000000000008.jsonl line 9, seq 13: ", "tail damage yes",
                       segment=8, integrity="ok")
        trail = example()
        trail.add()  # a whole record, added by who has no key: counted, and not vouched for
        self.good(trail, says=["size 12,", "tail 2,"])
        trail.control('"open","unclean":true,"size":12,"unsealed":{"from":12,"to":13}')
        trail.seal()
        self.good(trail, says=["size 15,", "tail 0,", "unsealed 12-13"])

    def test_garbage_below_a_living_writer(self):
        trail = example(0)
        trail.current.append(b"garbage\n")
        folder = trail.write(self.temp / "d")
        with self.living(folder):
            self.bad(folder, "line 8, seq 12: ", integrity="ok")
            trail.add()
            trail.seal()
            trail.write(folder)
            self.bad(folder, "line 8, seq 12: ", "line 10 is a checkpoint of size 13")

    def test_empty_folder(self):
        (self.temp / "d").mkdir()
        code, out = self.verify(self.temp / "d")
        self.assertEqual(code, 1)
        self.assertIn("neither a directory nor a root", out)
        folder = example().write(self.temp / "d")
        for path in folder.glob("*.jsonl"):
            path.unlink()
        self.bad(folder, "size 12 is not reached, the records end at 0")

    def test_usage_and_keys(self):
        folder = example().write(self.temp / "d")
        good = Signer().vkey
        name, number, data = good.rstrip("\n").split("+", 2)
        for key in ("", "x", good + good, good + "x", f"{name}+00000000+{data}", f"{name}+{number.upper()}x+{data}",
                    f"{name}+{number}+{data[:-4]}", f"na me+{number}+{data}", f"{name}+{number}+{data} "):
            with self.subTest(key=key):
                code, out = self.verify(folder, key=key or " ")
                self.assertEqual(code, 1)
                self.assertTrue(out)
        for end in ("", "\n", "\r\n", "\n\r\n\n"):
            self.assertEqual(self.verify(folder, key=good.rstrip("\n") + end)[0], 0)
        for wrong in (good + "\n" + good, " " + good, good.rstrip("\n") + " \n", "a" * 65 + good[len(name):]):
            self.assertEqual(self.verify(folder, key=wrong)[0], 1)
        self.assertEqual(self.verify(self.temp / "none")[0], 1)
        self.assertEqual(self.verify(folder, "no anchor")[0], 1)
        (folder / "checkpoint").unlink()
        (folder / "checkpoint").symlink_to("verifier.key")
        self.bad(folder, "checkpoint: ")

    def test_keys_of_small_order(self):
        folder = example().write(self.temp / "d")
        for key in SMALL_ORDER:
            data = b"\1" + bytes.fromhex(key)
            number = sha(b"audit\n", data)[:4].hex()
            code, out = self.verify(folder, key=f"audit+{number}+{base64.b64encode(data).decode()}\n")
            self.assertEqual((code, out), (1, "a key of small order\n"))

    def test_command_line(self):
        folder = example().write(self.temp / "d\udcff")
        key = self.temp / "key"
        key.write_text(Signer().vkey)
        program = [sys.executable, str(TOOLS / "verify_trail.py")]
        for arguments, code in (([], 1), ([key], 1), ([self.temp, folder], 1), ([self.temp / "none", folder], 1), ([key, folder], 0),
                                ([key, folder, self.temp / "none"], 1), ([key, key], 1)):
            done = subprocess.run([*program, *arguments], capture_output=True, env={"LC_ALL": "C"})
            self.assertEqual((done.returncode, done.stderr), (code, b""), done)
            self.assertTrue(done.stdout)

    def test_bytes_of_the_signed_part(self):
        """Changes of bytes, and cuts, all along a segment."""
        folder = example(0).write(self.temp / "d")
        path = folder / f"{4:020}.jsonl"
        *lines, last = path.read_bytes().splitlines(keepends=True)
        data = b"".join(lines)
        for pos in range(0, len(data), 7):
            for changed in (data[:pos], data[:pos] + bytes([data[pos] ^ 1]) + data[pos + 1:], data[:pos] + data[pos + 1:],
                            data[:pos] + b"\n" + data[pos:], data[:pos] + b"\x80" + data[pos:]):
                path.write_bytes(changed + last)
                code, out = self.verify(folder)
                self.assertEqual(code, 1, (pos, out))
                self.assertIn("integrity FAIL", out)
        for end in (len(data), len(data) + len(last) - 1):  # a checkpoint that was written in part, or not at all
            path.write_bytes((data + last)[:end])
            self.good(folder)


if __name__ == "__main__":
    unittest.main()
