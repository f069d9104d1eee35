"""Tests of check_proof.py: the vectors of RFC 6962 and of the format, every leaf of small trees, and attacks.
Run by `python3 -m unittest discover tools`."""
import base64
import contextlib
import io
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import check_proof
import verify_trail
from trail_writer import GROUPS, ORIGIN, Case, Signer, leaf, record, sha, tree

PAGE = pathlib.Path(__file__).parent.parent / "docs" / "trail-format.md"


def path(leaves, index):
    """The audit path by growing the tree level by level, not as the checker goes down it."""
    hashes, level = [], list(leaves)
    while len(level) > 1:
        if index ^ 1 < len(level):
            hashes.append(level[index ^ 1])
        pairs = [level[n:n + 2] for n in range(0, len(level), 2)]
        level, index = [sha(b"\1", *pair) if len(pair) == 2 else pair[0] for pair in pairs], index >> 1
    return hashes


def b64(data):
    return base64.b64encode(data).decode()


def proof(line, index, hashes, note):
    extra = "" if line is None else f"extra {b64(line.encode())}\n"
    return f"c2sp.org/tlog-proof@v1\n{extra}index {index}\n" + "".join(b64(h) + "\n" for h in hashes) + "\n" + note


class CheckProof(Case):
    def setUp(self):
        super().setUp()
        self.signer = Signer()
        self.key = verify_trail.Key(self.signer.vkey)

    def check(self, text, line=None):
        return check_proof.check(self.key, text if isinstance(text, bytes) else text.encode(), line)

    def refuse(self, text, line=None, why=""):
        with self.subTest(text=text[-200:], line=line), self.assertRaisesRegex(ValueError, why):
            self.check(text, line)

    def made(self, size=11, index=5, redacted=(), origin=ORIGIN):
        leaves = [leaf(seq, groups=GROUPS) for seq in range(size)]
        line = record(index, groups=GROUPS, redacted=redacted)
        return proof(line, index, path(leaves, index), self.signer.note(leaves, origin))

    def test_paths_of_rfc_6962(self):
        data = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
        leaves = [sha(b"\0", bytes.fromhex(text)) for text in data]
        for index, size, expected in (
                (0, 1, ""),
                (0, 8, """96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7
                    5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e
                    6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"""),
                (5, 8, """bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b
                    ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0
                    d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"""),
                (2, 3, "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"),
                (1, 5, """6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d
                    5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e
                    bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b""")):
            hashes = [bytes.fromhex(text) for text in expected.split()]
            self.assertEqual(path(leaves[:size], index), hashes)
            self.assertEqual(check_proof.root(leaves[index], index, size, hashes), tree(leaves[:size]))

    def test_every_leaf_of_every_small_tree(self):
        leaves = [sha(b"\0", bytes([n])) for n in range(70)]
        for size in range(1, 71):
            root = tree(leaves[:size])
            for index in range(size):
                hashes = path(leaves[:size], index)
                self.assertEqual(check_proof.root(leaves[index], index, size, hashes), root)
                for wrong in (hashes[1:], hashes[:-1], [*hashes, root]):
                    if wrong != hashes:
                        with self.assertRaises(ValueError):
                            check_proof.root(leaves[index], index, size, wrong)
                for other in {index - 1, index + 1} & set(range(size)):
                    with contextlib.suppress(ValueError):
                        self.assertNotEqual(check_proof.root(leaves[index], other, size, hashes), root)

    def test_vector_of_the_format(self):
        page = PAGE.read_text()
        text = page[page.index("c2sp.org/tlog-proof@v1\nextra"):]
        text = text[:text.index("```")]
        self.assertIn(self.signer.vkey.strip(), page)
        origin, size, seq, line = self.check(text)
        self.assertEqual((origin, size, seq), (ORIGIN, 2, 0))
        self.assertTrue(line.startswith('{"seq":0,"kind":"event","module":"m",\t"actor":{"user":"admin"}'))

    def test_groups_may_be_left_out(self):
        names = [name for name, _ in GROUPS]
        for redacted in ((), names[:1], names[1:], names):
            self.assertEqual(self.check(self.made(redacted=redacted))[1:3], (11, 5))

    def test_no_changed_byte_holds(self):
        data = self.made().encode()
        for at in range(len(data)):
            for change in (1, 32, 128):
                with self.assertRaises(ValueError, msg=f"{at} ^ {change}"):
                    self.check(data[:at] + bytes([data[at] ^ change]) + data[at + 1:])
            with self.assertRaises(ValueError, msg=f"cut at {at}"):
                self.check(data[:at])

    def test_attacks(self):
        text = self.made()
        lines = text.split("\n")
        first = lines[3]
        self.check(text)
        for wrong in (
                text.replace("\n", "\r\n"), text + "\n", "\n" + text, text[:-1], text + lines[-2] + "\n",
                text.replace("index 5", "index 05"), text.replace("index 5", "index +5"), text.replace("index 5\n", ""),
                text.replace("index 5", "index 9223372036854775808"), text.replace("index 5", "index \u0665"),
                text.replace("index 5", "index 6"), text.replace("index 5", "index 4"),
                text.replace(first + "\n", ""), text.replace(first, f"{first}\n{first}"),
                text.replace(first + "\n", f"{first}\n" * 70), text.replace(first, first + " "),
                text.replace(first, first[:-2] + "B="), text.replace(first, first.rstrip("=")),
                text.replace("extra ", "extra  "), text.replace("@v1", "@v2"), ""):
            self.refuse(wrong)
        # Of a smaller and a larger tree, of another record, of another key, of another origin.
        for size in (6, 10, 12):
            self.refuse(text.split("\n\n")[0] + "\n\n" + self.made(size).split("\n\n", 1)[1])
        note = text.split("\n\n", 1)[1]
        self.refuse(self.made(index=4).split("\n\n")[0].replace("index 4", "index 5") + "\n\n" + note)
        self.refuse(self.made(size=5, index=4).split("\n\n")[0].replace("index 4", "index 5") + "\n\n" + note)
        other = Signer(b"x" * 32)
        leaves = [leaf(seq, groups=GROUPS) for seq in range(11)]
        self.refuse(text.split("\n\n")[0] + "\n\n" + other.note(leaves), why="another key")
        self.refuse(text.replace(ORIGIN, ORIGIN[:-1] + "1"), why="not valid")
        self.assertEqual(self.check(self.made(origin="other/1/00"))[0], "other/1/00")
        # The checkpoint does not reach it; it covers nothing.
        self.refuse(proof(record(11, groups=GROUPS), 11, [], self.signer.note(leaves)), why="does not cover")
        self.refuse(proof(record(0), 0, [], self.signer.note([])), why="does not cover")

    def test_the_record_may_come_another_way(self):
        text, line = self.made(), record(5, groups=GROUPS).encode()
        bare = text.replace(text.split("\n")[1] + "\n", "")
        self.refuse(bare, why="no record")
        for good in (line, line + b"\n"):
            self.assertEqual(self.check(bare, good)[2], 5)
        for wrong in (line + b"\n\n", b" " + line, record(6, groups=GROUPS).encode(), b"", b"\xff",
                      line.replace(b"admin", b"Admin")):
            self.refuse(bare, wrong)
            self.refuse(text, wrong)

    def test_as_a_program(self):
        names = [str(self.temp / name) for name in ("key", "good", "bad")]
        for name, text in zip(names, (self.signer.vkey, self.made(), self.made() + "\n")):
            pathlib.Path(name).write_text(text)
        for args, code, says in ((names[:2], 0, f"ok: record 5 of {ORIGIN}"), ([names[0], names[2]], 1, "FAIL: "),
                                 ([names[0], "nothing"], 1, "FAIL: "), (names[:1], 1, "usage"), (names * 2, 1, "usage")):
            out = io.TextIOWrapper(io.BytesIO())
            with contextlib.redirect_stdout(out):
                self.assertEqual(check_proof.main(args), code)
            out.seek(0)
            self.assertIn(says, out.read())
