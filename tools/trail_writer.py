"""A small writer of trails, made from docs/trail-format.md alone, for the tests of verify_trail.py."""
import base64
import contextlib
import fcntl
import hashlib
import io
import pathlib
import sys
import tempfile
import unittest

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

TOOLS = pathlib.Path(__file__).parent
sys.path.insert(0, str(TOOLS))
import verify_trail

ORIGIN = "audit/00000000000000ff/00"
SEED = "00112233445566778899aabbccddeeff"
CAP = 1 << 20


def sha(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def tree(leaves):
    """The root as RFC 6962 defines it: by recursion, not as the verifier does it."""
    if len(leaves) < 2:
        return leaves[0] if leaves else sha()
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return sha(b"\1", tree(leaves[:split]), tree(leaves[split:]))


def perfect(leaves):
    hashes, start = [], 0
    for bit in reversed(range(len(leaves).bit_length())):
        if len(leaves) >> bit & 1:
            hashes.append(tree(leaves[start:start + (1 << bit)]))
            start += 1 << bit
    return hashes


class Signer:
    def __init__(self, seed=b"k" * 32, name="audit"):
        self.name, self.private = name, Ed25519PrivateKey.from_private_bytes(seed)
        public = b"\1" + self.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.id = sha(name.encode(), b"\n", public)[:4]
        self.vkey = f"{name}+{self.id.hex()}+{base64.b64encode(public).decode()}\n"

    def sign(self, text):
        data = base64.b64encode(self.id + self.private.sign(text.encode())).decode()
        return f"{text}\n\u2014 {self.name} {data}\n"

    def note(self, leaves, origin=ORIGIN, size=None):
        root = base64.b64encode(tree(leaves)).decode()
        return self.sign(f"{origin}\n{len(leaves) if size is None else size}\n{root}\n")


def salt_of(name, seed=SEED):
    return sha(b"\2", seed.encode(), name.encode()).hex()[:32]


def commitment(name, value, seed=SEED):
    return '"#' + sha(b"\3", salt_of(name, seed).encode(), value.encode()).hex() + '"'


def record(seq, rest='"kind":"event"', groups=(), redacted=()):
    """A line without LF; groups are (name, value)."""
    line = f'{{"seq":{seq},{rest}'
    for name, value in groups:
        line += f',\t"{name}":{commitment(name, value) if name in redacted else value}'
    opened = [name for name, _ in groups if name not in redacted]
    if opened and not redacted:
        line += f',\t"salt":"{SEED}"'
    elif opened:
        line += ',\t"salts":{' + ",".join(f'"{name}":"{salt_of(name)}"' for name in opened) + "}"
    return line + "}"


def leaf(seq, rest='"kind":"event"', groups=()):
    bare = f'{{"seq":{seq},{rest}' + "".join(f',\t"{n}":{commitment(n, v)}' for n, v in groups) + "}"
    return sha(b"\0", bare.encode())


def header(leaves, origin=ORIGIN, start=None):
    hashes = ",".join(f'"{h.hex()}"' for h in perfect(leaves))
    return f'{{"trail":"audit-trail-1","origin":"{origin}","from":{len(leaves) if start is None else start},"hashes":[{hashes}]}}'


def sealed(note):
    return '{"checkpoint":"' + note.replace("\n", "\\n") + '"}'


class Trail:
    """Segments as lists of lines, to be built, attacked, and written to a folder."""

    def __init__(self, origin=ORIGIN, signer=None):
        self.origin, self.signer = origin, signer or Signer()
        self.leaves, self.segments, self.note = [], {}, None
        self.roll()

    def roll(self):
        self.current = self.segments[len(self.leaves)] = [header(self.leaves, self.origin)]

    def add(self, rest='"kind":"event"', groups=(), redacted=()):
        self.current.append(record(len(self.leaves), rest, groups, redacted))
        self.leaves.append(leaf(len(self.leaves), rest, groups))

    def control(self, op):
        self.add(f'"kind":"control","control":{{"op":{op}}},"id":"x"')

    def seal(self, line=True):
        self.note = self.signer.note(self.leaves, self.origin)
        if line:
            self.current.append(sealed(self.note))

    def write(self, folder):
        folder = pathlib.Path(folder)
        folder.mkdir(exist_ok=True)
        for old in (*folder.glob("*.jsonl"), *folder.glob("checkpoint")):
            old.unlink()
        for start, lines in self.segments.items():
            data = b"".join(line if isinstance(line, bytes) else line.encode() + b"\n" for line in lines)
            (folder / f"{start:020}.jsonl").write_bytes(data)
        if self.note is not None:
            (folder / "checkpoint").write_text(self.note)
        (folder / "LOCK").write_text("1")
        (folder / "verifier.key").write_text(self.signer.vkey)
        return folder


GROUPS = (("actor", '{"user":"admin"}'), ("request", '{"path":"/a","n":[1, 2.5e3,{}]}'), ("event", '{}'))


def example(tail=1):
    """Three segments of 4, 4 and 4 records, a checkpoint after each two, and a tail."""
    trail = Trail()
    for seq in range(12):
        if seq in (4, 8):
            trail.roll()
        trail.add('"kind":"event","n":%d' % seq, GROUPS[:seq % 4])
        if seq % 2:
            trail.seal()
    for _ in range(tail):
        trail.add()
    return trail


class Case(unittest.TestCase):
    def setUp(self):
        temp = tempfile.TemporaryDirectory()
        self.addCleanup(temp.cleanup)
        self.temp = pathlib.Path(temp.name)

    def verify(self, folder, *anchors, key=None):
        (self.temp / "key").write_text(key or Signer().vkey)
        paths = []
        for number, anchor in enumerate(anchors):
            paths.append(str(self.temp / f"a{number}"))
            pathlib.Path(paths[-1]).write_text(anchor)
        with contextlib.redirect_stdout(io.StringIO()) as out:
            code = verify_trail.verify(str(self.temp / "key"), str(folder), paths)
        return code, out.getvalue()

    @contextlib.contextmanager
    def living(self, folder):
        with open(folder / "LOCK") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def good(self, trail, *anchors, says=(), integrity="ok"):
        folder = trail if isinstance(trail, pathlib.Path) else trail.write(self.temp / "d")
        code, out = self.verify(folder, *anchors)
        self.assertEqual(code, 0, out)
        for part in (f"integrity {integrity}", "tail damage no", "foreign none", *says):
            self.assertIn(part, out)

    def bad(self, trail, *says, anchors=(), integrity="FAIL"):
        folder = trail if isinstance(trail, pathlib.Path) else trail.write(self.temp / "d")
        code, out = self.verify(folder, *anchors)
        self.assertEqual(code, 1, out)
        for part in (f"integrity {integrity}", *says):
            self.assertIn(part, out)
