#!/usr/bin/env python3
"""Verifies audit trails: a second program, written from docs/trail-format.md alone.
usage: verify_trail.py KEYFILE DIR [ANCHOR]...      DIR: a writer directory, or a root of them"""
import base64, fcntl, hashlib, itertools, os, re, stat, sys
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

MAX_LINE, MAX_UINT, LEVELS, CONTROLS = 1 << 20, 2**63 - 1, 64, bytes(range(0x20))
GROUPS = [b"actor", b"request", b"response", b"event", b"change", b"metadata", b"error"]
UINT, HEX64, ORIGIN, GNAME = b"(0|[1-9][0-9]{0,18})", b'"[0-9a-f]{64}"', b"([A-Za-z0-9._/-]+)", b"|".join(GROUPS)
STRING = rb'"[^"\\]*+(?:\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4})[^"\\]*+)*+"'  # record() refuses bytes below 0x20
NUMBER, NAME = rb"-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?", STRING + b" *+: *+"
SCALAR = b"(?:%b|%b|true|false|null)" % (STRING, NUMBER)
JSON_SCALAR, JSON_NAME, JSON_NEXT = map(re.compile, (SCALAR, NAME, rb" *+(?:(,) *+|([]}]))"))
JSON_OPEN = re.compile(rb"([\[{]) *+([]}]?)")
# Members and items that are scalars and followed by a comma: as many as there are, at once.
JSON_MEMBERS, JSON_ITEMS = re.compile(b"(?:%b%b *+, *+)*+" % (NAME, SCALAR)), re.compile(b"(?:%b *+, *+)*+" % SCALAR)
CORE, MEMBER = re.compile(b'"seq":%b,"kind":"[a-z_]+"' % UINT), re.compile(b',"([a-z][a-z0-9_]*)":')
GROUP, SALT = re.compile(rb'"(%b)":(?:("#[0-9a-f]{64}")\Z|(?=\{))' % GNAME), b'"([0-9a-f]{32})"'
CONTROL = rb'\{"seq":%b,"kind":"control","control":\{"op":' % UINT
REDACT = re.compile(rb'%b"redact","seq":%b,"groups":\[("(?:%b)"(?:,"(?:%b)")*)\][,}]' % (CONTROL, UINT, GNAME, GNAME))
PRUNE, BARE = re.compile(b'%b"prune","to":%b[,}]' % (CONTROL, UINT)), re.compile(CONTROL + b'"(redact|prune)"')
UNSEALED = re.compile(rb'%b"open",[^\t]*?"unsealed":\{"from":%b,"to":%b\}' % (CONTROL, UINT, UINT))
HEADER = re.compile(rb'\{"trail":"audit-trail-1","origin":"%b","from":%b,"hashes":\[((?:%b(?:,%b)*)?)\]\}\n'
                    % (ORIGIN, UINT, HEX64, HEX64))

def need(condition, otherwise):
    if not condition:
        raise ValueError(otherwise)
    return condition

def unbase64(text):
    data = base64.b64decode(text)
    need(base64.b64encode(data) == text, "base64 is not canonical")
    return data

def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()

def read_lines(*path):
    """The lines of a regular file that is no link; of one that is too long the first MAX_LINE + 1 bytes."""
    with open(os.open(os.path.join(*path), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
        need(stat.S_ISREG(os.fstat(file.fileno()).st_mode), "not a regular file")
        while line := file.readline(MAX_LINE + 1):
            yield line
            while len(line) > MAX_LINE and not line.endswith(b"\n"):
                line = file.readline(MAX_LINE + 1)
            if not line.endswith(b"\n"):
                return  # what a living writer adds from here on is not looked at

class Key:
    def __init__(self, line):
        found = need(re.fullmatch(rb"([A-Za-z0-9._-]+)\+([0-9a-f]{8})\+(.+?)\n?", line), "not a public key")
        self.name, data = found[1], unbase64(found[3])
        self.id = sha256(self.name, b"\n", data)[:4]
        need(len(data) == 33 and data[0] == 1 and self.id.hex().encode() == found[2], "not a public key")
        self.public = Ed25519PublicKey.from_public_bytes(data[1:])

    def text(self, note):
        """What a signed note says, if its one signature is this key's and valid."""
        text, _, line = note.rpartition(b"\n\n")
        name, data = need(re.fullmatch("\u2014 (.+) (.+)\n".encode(), line), "not a signed note").groups()
        data = unbase64(data)
        need((name, data[:4], len(data)) == (self.name, self.id, 68), "a signature of another key")
        try:
            self.public.verify(data[4:], text + b"\n")
        except InvalidSignature:
            raise ValueError("a signature that is not valid") from None
        return text + b"\n"

    def checkpoint(self, note):
        """The origin, the size and the root that a note vouches for."""
        found = need(re.fullmatch(b"%b\n%b\n(.{44})\n" % (ORIGIN, UINT), self.text(note)), "not a checkpoint")
        size, root = int(found[2]), unbase64(found[3])
        need(size <= MAX_UINT and len(root) == 32, "not a checkpoint")
        return found[1], size, root

    def checkpoint_line(self, line):
        found = need(re.fullmatch(rb'\{"checkpoint":"(.+)"\}\n', line), "not a checkpoint")
        need(len(line) <= MAX_LINE, "longer than 1 MiB")
        return self.checkpoint(found[1].replace(b"\\n", b"\n"))

def value_end(text, pos, levels):
    """Where the JSON value at pos ends; its arrays and objects nest at most `levels` deep."""
    if found := JSON_SCALAR.match(text, pos):
        return found.end()
    found = need(JSON_OPEN.match(text, pos), "not JSON")
    in_object, close, pos = found[1] == b"{", b"}" if found[1] == b"{" else b"]", found.end()
    need(levels, "nested too deep")
    if found[2]:
        return need(found[2] == close, "not JSON") and pos
    while True:
        pos = (JSON_MEMBERS if in_object else JSON_ITEMS).match(text, pos).end()
        if in_object:
            pos = need(JSON_NAME.match(text, pos), "not JSON").end()
        found = need(JSON_NEXT.match(text, value_end(text, pos, levels - 1)), "not JSON")
        pos = found.end()
        if not found[1]:
            return need(found[2] == close, "not JSON") and pos

def record(line):
    """The seq, the leaf and the names of the redacted groups of a record."""
    need(len(line) <= MAX_LINE, "longer than 1 MiB")
    core, *groups = parts = line[1:-2].split(b",\t")
    need(len(line) - len(line.translate(None, CONTROLS)) == len(parts), "a byte below 0x20")
    need(line.decode().startswith("{") and line.endswith(b"}\n"), "not a record")
    start, members = need(CORE.match(core), "not a record"), {b"seq", b"kind", b"salt", b"salts", *GROUPS}
    pos = start.end()
    while pos < len(core):
        member = need(MEMBER.match(core, pos), "not a record")
        need(member[1] not in members, "a member of the core that may not be, or is there twice")
        members.add(member[1])
        pos = value_end(core, member.end(), LEVELS)
    salts = groups.pop() if groups and groups[-1].startswith(b'"salt') else b""
    found = [need(GROUP.match(group), "not a group") for group in groups]
    names, opened = [group[1] for group in found], [group[1] for group in found if not group[2]]
    need(names == [name for name in GROUPS if name in names], "groups that are not in order")
    need(not (names and BARE.match(line)), "groups where none may be")
    if opened and opened == names:
        seed = need(re.fullmatch(b'"salt":' + SALT, salts), "no salt")[1]
        salt = [sha256(b"\2", seed, name).hex()[:32].encode() for name in names]
    else:
        form = b'"salts":{%b}' % b",".join(b'"%b":%b' % (name, SALT) for name in opened) if opened else b"()"
        salt = list(need(re.fullmatch(form, salts), "salts that are not those of the open groups").groups())
    for i, group in enumerate(found):
        if not group[2]:
            value = groups[i][group.end():]
            need(value_end(value, 0, LEVELS + 1) == len(value), "a group that is not one object")
            groups[i] = b'"%b":"#%b"' % (group[1], sha256(b"\3", salt.pop(0), value).hex().encode())
    leaf = sha256(b"\0{", b",\t".join([core, *groups]), b"}")
    return int(start[1]), leaf, [name for name in names if name not in opened]

class Tree:
    def __init__(self):
        self.count, self.peaks = 0, []  # peaks: the roots of the perfect subtrees, the largest first

    def add(self, leaf):
        odd = self.count
        while odd & 1:
            leaf, odd = sha256(b"\1", self.peaks.pop(), leaf), odd >> 1
        self.peaks.append(leaf)
        self.count += 1

    def root(self):
        root = self.peaks[-1] if self.peaks else sha256()
        for left in self.peaks[-2::-1]:
            root = sha256(b"\1", left, root)
        return root

class Directory:
    """The walk through one directory; `held` are the checkpoints that do not stand in its lines."""
    def __init__(self, path, key, held):
        self.path, self.key, self.held, self.tree, self.origin, self.first = path, key, held, Tree(), None, None
        self.sealed, self.sealed_line, self.roots = (-1, b""), b"", {}  # roots: at the sizes of the held ones
        self.copy = None  # the lines of the next segment, while those of this one only repeat them
        self.stop, self.damaged, self.problems, self.foreign = None, False, [], []
        self.redacted, self.redacts, self.prunes, self.unsealed = {}, [], [], []

    def walk(self):
        need(not os.path.islink(self.path), "a link")
        try:
            note = itertools.islice(read_lines(self.path, "checkpoint"), 6)  # it has five lines
            self.held["checkpoint"] = self.key.checkpoint(b"".join(note))
            self.origin = self.held["checkpoint"][0]  # until a header states it
        except FileNotFoundError:
            pass
        except (OSError, ValueError) as why:
            self.problems.append(f"checkpoint: {why}")
        segments = []
        for name in sorted(name for name in os.listdir(self.path) if name.endswith(".jsonl")):
            regular = stat.S_ISREG(os.lstat(os.path.join(self.path, name)).st_mode)
            good = regular and re.fullmatch(r"[0-9]{20}\.jsonl", name) and int(name[:20]) <= MAX_UINT
            if good:
                segments.append((int(name[:20]), name))
            else:
                self.foreign.append(name)
        if not segments or segments[0][0] == 0:
            self.roots[0] = self.tree.root()
        for segment, later in zip(segments, segments[1:] + [None]):
            self.segment(*segment, later)

    def segment(self, start, name, later):
        number, self.copy = 0, None
        try:
            for number, line in enumerate(read_lines(self.path, name), 1):
                stopped = self.stop
                try:
                    if not stopped:
                        self.take(line, number, start, later)
                except (OSError, ValueError) as why:
                    self.stop = f"{name} line {number}, seq {self.tree.count}: {why}"
                if self.stop:
                    self.rest(line, f"{name} line {number}", not stopped)
            need(self.stop or number or (not later and start == self.tree.count), "an empty segment")
        except (OSError, ValueError) as why:
            self.stop = self.stop or f"{name} line {number + 1}, seq {self.tree.count}: {why}"

    def rest(self, line, where, here):
        """After the tree has stopped, here or earlier: whether something signed shows what it should have been."""
        try:
            origin, size, root = self.key.checkpoint_line(line)
        except ValueError:
            return
        other = size > self.tree.count or (here and (size, root) != (self.tree.count, self.tree.root()))
        if other and self.origin in (None, origin) and not self.damaged:
            self.damaged = True
            self.problems.append(f"{self.stop} (signed records are damaged: {where} is a checkpoint of size {size})")

    def take(self, line, number, start, later):
        """A line that continues the tree."""
        need(number > 1 or self.first is None or start == self.tree.count, f"a segment from {start} does not follow")
        need(len(line) <= MAX_LINE, "longer than 1 MiB")
        if not line.endswith(b"\n"):
            need(not later and len(line) < MAX_LINE and self.living(), "an unfinished line")
        elif number == 1:
            self.header(line, start)
        elif number == 2 and line == self.sealed_line:
            pass  # the checkpoint at the end of the segment before, repeated
        elif line.startswith(b'{"checkpoint":"') and not self.copy:
            self.checkpoint(line)
        elif later and self.tree.count == later[0]:  # the later segment must repeat it
            if not self.copy:
                self.copy = read_lines(self.path, later[1])
                next(self.copy, None)  # not its header
            need(any(line == other for other in self.copy), f"not a line of {later[1]}")
        else:
            self.record(line)

    def living(self):
        """Whether a process holds LOCK. Asked only for an unfinished line; what it takes it gives back at once."""
        try:
            with open(os.open(os.path.join(self.path, "LOCK"), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)) as lock:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError as why:
            return isinstance(why, BlockingIOError)

    def header(self, line, start):
        found = need(HEADER.fullmatch(line), "not a header")
        hashes = [bytes.fromhex(digest.decode()) for digest in re.findall(b"[0-9a-f]{64}", found[3])]
        need(int(found[2]) == start, "a header whose from is not the name's")
        if self.first is None:
            need(len(hashes) == start.bit_count(), "a header with another number of hashes")
            self.origin, self.first, self.tree.count, self.tree.peaks = found[1], start, start, hashes
            self.reached()
        need(found[1] == self.origin, "a header of another origin")
        need(hashes == self.tree.peaks, "a header whose hashes are not the tree's")

    def checkpoint(self, line):
        origin, size, root = self.key.checkpoint_line(line)
        need(origin == self.origin, "a checkpoint of another origin")
        need(size == self.tree.count, f"a checkpoint of size {size}")
        since = max(self.first, self.sealed[0])
        need(root == self.tree.root(), f"another root: something changed in seq {since} to {size - 1}")
        need(size > self.sealed[0], "a checkpoint again")
        self.sealed, self.sealed_line = (size, root), line

    def record(self, line):
        seq, leaf, redacted = record(line)
        need(seq == self.tree.count, f"the record has seq {seq}")
        self.tree.add(leaf)
        self.reached()
        if redacted:
            self.redacted[seq] = redacted
        if (found := REDACT.match(line)) and int(found[2]) in self.redacted:
            self.redacts.append((seq, int(found[2]), found[3].replace(b'"', b"").split(b",")))
        elif (found := PRUNE.match(line)) and 0 < self.first <= int(found[2]) <= MAX_UINT:
            self.prunes.append(seq)
        elif found := UNSEALED.match(line):
            self.unsealed.append(f"{int(found[2])}-{int(found[3])}")

    def reached(self):
        if any(size == self.tree.count for _, size, _ in self.held.values()):
            self.roots[self.tree.count] = self.tree.root()

    def judge(self):
        """The verdict as a line, and whether it is good."""
        seals = [self.sealed] if self.sealed_line else []
        for name, (origin, size, root) in self.held.items():
            if origin != self.origin:
                if name == "checkpoint":
                    self.problems.append("checkpoint: of another origin")
            elif size not in self.roots:
                self.problems.append(f"{name}: its size {size} is not reached, the records end at {self.tree.count}")
            elif self.roots[size] != root:
                self.problems.append(f"{name}: another root: something changed in seq {self.first or 0} to {size - 1}")
            else:
                seals.append((size, root))
        if not seals:
            self.problems.append("no checkpoint")
        size, root = max(seals, default=(0, b""))
        allowed = {}
        for seq, of, groups in self.redacts:
            if of < seq < size:
                allowed.setdefault(of, set()).update(groups)
        for seq, groups in self.redacted.items():
            if seq < size and not allowed.get(seq, set()).issuperset(groups):
                self.problems.append(f"seq {seq}: redacted without a redact record that is signed")
        if self.first and not any(seq < size for seq in self.prunes):
            self.problems.append(f"pruned to seq {self.first} without a prune record that is signed")
        tail_damage = self.stop and not self.damaged
        reasons = self.problems[:9] + ([self.stop] if tail_damage else [])
        foreign = ", ".join(map(ascii, self.foreign[:9])) or "none"
        return (f"{self.path}: integrity {'FAIL' if self.problems else 'ok'}, size {size}, root {root.hex() or '-'}, "
                f"tail {self.tree.count - size}, tail damage {'yes' if tail_damage else 'no'}, "
                f"pruned {self.first or 0}, unsealed {' '.join(self.unsealed) or 'none'}, foreign {foreign}"
                + "".join(f"; {reason}" for reason in reasons)), not (reasons or self.foreign)

def main(args):
    sys.stdout.reconfigure(errors="backslashreplace")
    ok, anchors, origins = True, {}, set()
    try:
        need(len(args) > 1, "usage: verify_trail.py KEYFILE DIR [ANCHOR]...")
        with open(args[0], "rb") as file:
            key = Key(file.read(MAX_LINE))
        names = os.listdir(args[1])
        # A root holds none of these: so nobody turns a writer directory into a root by making folders in it.
        is_root = not any(name in ("LOCK", "checkpoint") or name.endswith(".jsonl") for name in names)
        writers = sorted(name for name in names if is_root and re.fullmatch("[0-9]{2}", name))
    except (OSError, ValueError) as why:
        print(why)
        return 1
    for name in args[2:]:
        try:
            with open(name, "rb") as file:
                anchors[f"anchor {name}"] = key.checkpoint(file.read(MAX_LINE))
        except (OSError, ValueError) as why:
            print(f"anchor {name}: FAIL; {why}")
            ok = False
    for path in [os.path.join(args[1], name) for name in writers] or [os.path.realpath(args[1])]:
        directory = Directory(path, key, dict(anchors))
        try:
            directory.walk()
        except (OSError, ValueError) as why:
            directory.problems.append(str(why))
        if directory.origin and directory.origin in origins:
            directory.problems.append("its origin is that of another directory")
        origins.add(directory.origin)
        line, good = directory.judge()
        print(line)
        ok = ok and good
    for name, (origin, _, _) in anchors.items():
        if origin not in origins:
            print(f"{name}: FAIL; of no directory")
            ok = False
    return 0 if ok else 1

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
