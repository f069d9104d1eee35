#!/usr/bin/env python3
"""Verifies audit trails: a second program, written from docs/trail-format.md alone.
usage: verify_trail.py KEYFILE DIR [ANCHOR]...      DIR: a writer directory, or a root of them"""
import base64, fcntl, hashlib, itertools, json, os, re, stat, sys
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

MAX_LINE, MAX_UINT, LEVELS, CONTROLS, FIELD = 1 << 20, 2**63 - 1, 64, bytes(range(0x20)), 2**255 - 19
GROUPS = ["actor", "request", "response", "event", "change", "metadata", "error"]
UINT, HEX64, ORIGIN, GNAME = "(0|[1-9][0-9]{0,18})", '"[0-9a-f]{64}"', "([A-Za-z0-9._/-]+)", "|".join(GROUPS)
STRING, BRACKET = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?'), re.compile(r"[\[\]{}]")
CORE, MEMBER = re.compile(f'"seq":{UINT},"kind":"([a-z_]+)"'), re.compile(',"([a-z][a-z0-9_]*)":')
GROUP, SALT = re.compile(rf'"({GNAME})":(?:("#[0-9a-f]{{64}}")\Z|(?=\{{))'), '"([0-9a-f]{32})"'
CONTROL = rf'\{{"seq":{UINT},"kind":"control","control":\{{"op":'
REDACT = re.compile(rf'{CONTROL}"redact","seq":{UINT},"groups":\[("(?:{GNAME})"(?:,"(?:{GNAME})")*)\][,}}]')
PRUNE = re.compile(rf'{CONTROL}"prune","to":{UINT}[,}}]')
START = re.compile(rf'{CONTROL}"(?:open|repair)"')
OPEN = re.compile(rf'{CONTROL}"open"')
UNSEALED = re.compile(rf'{CONTROL}"open",[^\t]*?"unsealed":\{{"from":{UINT},"to":{UINT}\}}')
HEADER = re.compile(rf'\{{"trail":"audit-trail-1","origin":"{ORIGIN}","from":{UINT},'
                    rf'"hashes":\[((?:{HEX64}(?:,{HEX64})*)?)\]\}}\n')

def need(condition, otherwise):
    if not condition:
        raise ValueError(otherwise)
    return condition

# The numbers are not looked at, and NaN and Infinity are none.
JSON = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=lambda text: need(False, "not JSON"))

def unbase64(text):
    data = base64.b64decode(text)
    need(base64.b64encode(data).decode() == text, "base64 is not canonical")
    return data

def sha256(*parts):
    return hashlib.sha256(b"".join(part if isinstance(part, bytes) else part.encode() for part in parts)).digest()

def read_text(path):
    with open(path, "rb") as file:
        return file.read(MAX_LINE).decode()

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
        line = line.rstrip("\r\n")
        found = need(re.fullmatch(r"([A-Za-z0-9._-]{1,64})\+([0-9a-f]{8})\+(.+)", line), "not a public key")
        self.name, data = found[1], unbase64(found[3])
        self.id = sha256(self.name, "\n", data)[:4]
        need(len(data) == 33 and data[0] == 1 and self.id.hex() == found[2], "not a public key")
        y = int.from_bytes(data[1:], "little") % 2**255
        # Of order 1, 2 or 4; of order 8: such a key verifies signatures that nobody made.
        need(y * (y * y - 1) % FIELD and (121666 * (2 * y * y - 1) - 121665 * y**4) % FIELD, "a key of small order")
        self.public = Ed25519PublicKey.from_public_bytes(data[1:])

    def text(self, note):
        """What a signed note says, if its one signature is this key's and valid."""
        need(len(note.encode()) <= 1024, "longer than any checkpoint")
        text, _, line = note.rpartition("\n\n")
        name, data = need(re.fullmatch("\u2014 (.+) (.+)\n", line), "not a signed note").groups()
        data = unbase64(data)
        need((name, data[:4], len(data)) == (self.name, self.id, 68), "a signature of another key")
        try:
            self.public.verify(data[4:], (text + "\n").encode())
        except InvalidSignature:
            raise ValueError("a signature that is not valid") from None
        return text + "\n"

    def checkpoint(self, note):
        """The origin, the size and the root that a note vouches for."""
        found = need(re.fullmatch(f"{ORIGIN}\n{UINT}\n(.{{44}})\n", self.text(note)), "not a checkpoint")
        size, root = int(found[2]), unbase64(found[3])
        need(size <= MAX_UINT and len(root) == 32, "not a checkpoint")
        return found[1], size, root

    def checkpoint_line(self, line):
        need(len(line) <= MAX_LINE, "longer than 1 MiB")
        found = need(re.fullmatch(r'\{"checkpoint":"(.+)"\}\n', line.decode()), "not a checkpoint")
        return self.checkpoint(found[1].replace("\\n", "\n"))

def shallow(text, levels):
    """The text, if its arrays and objects nest at most so deep."""
    level = 0
    for bracket in BRACKET.findall(STRING.sub("", text)):
        level += 1 if bracket in "[{" else -1
        need(level <= levels, "nested too deep")
    return text

def record(line):
    """The seq, the kind, the leaf and the names of the redacted groups of a record."""
    need(len(line) <= MAX_LINE, "longer than 1 MiB")
    need(len(line) - len(line.translate(None, CONTROLS)) == line.count(b",\t") + 1, "a byte below 0x20")
    text = line.decode()
    need(text.startswith("{") and text.endswith("}\n"), "not a record")
    core, *groups = text[1:-2].split(",\t")
    start = need(CORE.match(shallow(core, LEVELS)), "not a record")
    seq, kind, pos = int(start[1]), start[2], start.end()
    need(seq <= MAX_UINT, "not a record")
    members = dict.fromkeys(["seq", "kind", "salt", "salts", *GROUPS])
    while pos < len(core):
        member = need(MEMBER.match(core, pos), "not a record")
        need(member[1] not in members, "a member of the core that may not be, or is there twice")
        pos = JSON.raw_decode(core, member.end())[1]
        members[member[1]] = core[member.end():pos]
    salts = groups.pop() if groups and groups[-1].startswith('"salt') else ""
    found = [need(GROUP.match(group), "not a group") for group in groups]
    names, opened = [group[1] for group in found], [group[1] for group in found if not group[2]]
    need(names == [name for name in GROUPS if name in names], "groups that are not in order")
    if names and kind == "control":
        need(not members.get("control", "").startswith(('{"op":"redact"', '{"op":"prune"')), "groups where none may be")
    if opened and opened == names:
        seed = need(re.fullmatch('"salt":' + SALT, salts), "no salt")[1]
        salt = [sha256(b"\2", seed, name).hex()[:32] for name in names]
    else:
        form = '"salts":{%s}' % ",".join(f'"{name}":{SALT}' for name in opened) if opened else "()"
        salt = list(need(re.fullmatch(form, salts), "salts that are not those of the open groups").groups())
    for i, group in enumerate(found):
        if not group[2]:
            end = JSON.raw_decode(shallow(groups[i], LEVELS + 1), group.end())[1]
            need(end == len(groups[i]), "a group that is not one object")
            commitment = sha256(b"\3", salt.pop(0), groups[i][group.end():]).hex()
            groups[i] = f'"{group[1]}":"#{commitment}"'
    leaf = sha256(b"\0{", ",\t".join([core, *groups]), "}")
    return seq, kind, leaf, [name for name in names if name not in opened]

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
        self.sealed, self.roots = (-1, b""), {0: self.tree.root()}  # roots: at the sizes of the held ones
        self.copy, self.repeated = None, 0  # the lines of the next segment, and how many of them this one repeats
        self.stop, self.damaged, self.problems, self.foreign, self.begun = None, False, [], [], False
        self.redacted, self.redacts, self.prunes, self.unsealed = {}, [], [], []
        self.listed = []

    def walk(self):
        need(not os.path.islink(self.path), "a link")
        try:
            note = itertools.islice(read_lines(self.path, "checkpoint"), 6)  # it has five lines
            self.held["checkpoint"] = self.key.checkpoint(b"".join(note).decode())
            self.origin = self.held["checkpoint"][0]  # until a header states it
        except FileNotFoundError:
            pass
        except (OSError, ValueError) as why:
            self.problems.append(f"checkpoint: {why}")
        segments, names = [], os.listdir(self.path)
        self.listed = [name for name in names if re.fullmatch(r"[0-9]{20}\.jsonl", name)]
        self.begun = any(re.fullmatch("[0-9]{2}", name) for name in names)  # a root, made to look like a directory
        for name in sorted(name for name in names if name.endswith(".jsonl")):
            regular = stat.S_ISREG(os.lstat(os.path.join(self.path, name)).st_mode)
            if regular and re.fullmatch(r"[0-9]{20}\.jsonl", name) and int(name[:20]) <= MAX_UINT:
                segments.append((int(name[:20]), name))
            else:
                self.foreign.append(name)
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

    def rest(self, line, where, first):
        """The first line that fails, and those after it: whether something signed shows what it should have been."""
        try:
            origin, size, root = self.key.checkpoint_line(line)
        except ValueError:
            if not self.sealed[1]:
                self.unsigned(line)
            return
        # Smaller, or the same again: a copy of something old, which anybody can append.
        other = size > self.tree.count or (first and size == self.tree.count and (size, root) != self.sealed)
        if other and self.origin in (None, origin) and not self.damaged:
            self.damaged = True
            self.problems.append(f"{self.stop} (signed records are damaged: {where} is a checkpoint of size {size})")

    def unsigned(self, line):
        """Where nothing is signed, no damage hides what is more than a start leaves that was cut off."""
        try:
            self.begun = self.begun or bool(record(line)) and not START.match(line.decode())
        except ValueError:
            pass

    def take(self, line, number, start, later):
        """A line that continues the tree."""
        repeating = later and self.tree.count == later[0]
        need(number > 1 or self.first is None or start == self.tree.count, f"a segment from {start} does not follow")
        need(len(line) <= MAX_LINE, "longer than 1 MiB")
        if not line.endswith(b"\n"):
            need(len(line) < MAX_LINE and (repeating or not later and self.living()), "an unfinished line")
        elif number == 1:
            self.header(line.decode(), start)
        elif line.startswith(b'{"checkpoint":"') and not self.copy:
            self.checkpoint(line)
        elif repeating:
            self.repetition(line, later)
        else:
            self.record(line)

    def living(self):
        """Whether a process holds LOCK. Asked only where it matters; what it takes it gives back at once."""
        try:
            with open(os.open(os.path.join(self.path, "LOCK"), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)) as lock:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError as why:
            return isinstance(why, BlockingIOError)

    def header(self, line, start):
        found = need(HEADER.fullmatch(line), "not a header")
        hashes = [bytes.fromhex(digest) for digest in re.findall("[0-9a-f]{64}", found[3])]
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
        self.sealed = size, root

    def repetition(self, line, later):
        """A record that stands in the next segment too, and counts there."""
        if not self.copy:
            self.copy, self.repeated = read_lines(self.path, later[1]), 0
        seq = record(line)[0]
        self.begun = self.begun or not START.match(line.decode())
        need(seq == self.tree.count + self.repeated, "a repetition that does not follow")
        need(any(line == other for other in self.copy), f"not a line of {later[1]}")
        self.repeated += 1

    def record(self, line):
        seq, _, leaf, redacted = record(line)
        self.begun = self.begun or not START.match(line.decode())
        need(seq == self.tree.count, f"the record has seq {seq}")
        self.tree.add(leaf)
        self.reached()
        if redacted:
            self.redacted[seq] = redacted
        text = line.decode()
        if OPEN.match(text):  # what no checkpoint covers was taken over as the file was: it grants nothing
            held = [size for origin, size, root in self.held.values() if origin == self.origin and self.roots.get(size) == root]
            covered = max([self.sealed[0], *held])
            self.redacts = [one for one in self.redacts if one[0] < covered]
            self.prunes = [seq for seq in self.prunes if seq < covered]
        if (found := REDACT.match(text)) and int(found[2]) in self.redacted:
            self.redacts.append((seq, int(found[2]), found[3].replace('"', "").split(",")))
        elif (found := PRUNE.match(text)) and 0 < self.first <= int(found[2]) <= MAX_UINT:
            self.prunes.append(seq)
        elif found := UNSEALED.match(text):
            self.unsealed.append((seq, f"{found[2]}-{found[3]}"))

    def reached(self):
        if any(size == self.tree.count for _, size, _ in self.held.values()):
            self.roots[self.tree.count] = self.tree.root()

    def seals(self):
        """The sizes and roots that are signed and those of the tree; what is wrong with others is noted."""
        first, seals = self.first or 0, [self.sealed] if self.sealed[1] else []
        for name, (origin, size, root) in self.held.items():
            if name != "checkpoint" and (origin != self.origin or size < first):
                pass  # an anchor of another directory, or one that cannot be compared
            elif origin != self.origin:
                self.problems.append("checkpoint: of another origin")
            elif size < first:
                self.problems.append(f"checkpoint: its size {size} is before the first segment")
            elif size not in self.roots:
                self.problems.append(f"{name}: its size {size} is not reached, the records end at {self.tree.count}")
            elif self.roots[size] != root:
                self.problems.append(f"{name}: another root: something changed in seq {first} to {size - 1}")
            else:
                seals.append((size, root))
        return seals

    def judge(self):
        """The verdict as a line, and whether it is good."""
        seals = self.seals()
        if not seals and (self.begun or self.first):
            self.problems.append("no checkpoint")
        size, root = self.signed = max(seals, default=(0, b""))
        allowed = {}
        for seq, of, groups in self.redacts:
            if of < seq < size:
                allowed.setdefault(of, set()).update(groups)
        for seq, groups in self.redacted.items():
            if seq < size and not allowed.get(seq, set()).issuperset(groups):
                self.problems.append(f"seq {seq}: redacted without a redact record that is signed")
        if self.first and not any(seq < size for seq in self.prunes):
            self.problems.append(f"pruned to seq {self.first} without a prune record that is signed")
        unsealed = " ".join(text for seq, text in self.unsealed if seq < size) or "none"
        tail_damage = self.stop and not self.damaged
        reasons = self.problems[:9] + ([self.stop] if tail_damage else [])
        foreign = ", ".join(map(ascii, self.foreign[:9])) or "none"
        return (f"{self.path}: integrity {'FAIL' if self.problems else 'ok' if seals else 'none'}, size {size}, root {root.hex() or '-'}, "
                f"tail {self.tree.count - size}, tail damage {'yes' if tail_damage else 'no'}, "
                f"pruned {self.first or 0}, unsealed {unsealed}, foreign {foreign}"
                + "".join(f"; {reason}" for reason in reasons)), not (reasons or self.foreign)

def verify(keyfile, directory, anchors=()):
    """Prints a verdict for each directory and each anchor that fails; returns 0 if all is well, else 1."""
    ok, held, origins = True, {}, set()
    try:
        key, names = Key(read_text(keyfile)), os.listdir(directory)
        paths = [os.path.realpath(directory)]
        # A root holds none of these: so nobody turns a directory into a root by making folders in it.
        if not any(name in ("LOCK", "checkpoint", "verifier.key") or name.endswith(".jsonl") for name in names):
            paths = [os.path.join(directory, name) for name in sorted(names) if re.fullmatch("[0-9]{2}", name)]
        need(paths, f"{directory}: FAIL; neither a directory nor a root of some")
    except (OSError, ValueError) as why:
        print(why)
        return 1
    for name in anchors:
        try:
            held[f"anchor {name}"] = key.checkpoint(read_text(name))
        except (OSError, ValueError) as why:
            print(f"anchor {name}: FAIL; {why}")
            ok = False
    signed = False
    for path in paths:
        for _ in range(100):
            walk = Directory(path, key, dict(held))
            try:
                walk.walk()
            except (OSError, ValueError) as why:
                walk.problems.append(str(why))
            # Where segments were pruned between listing and reading them, it is read again.
            if all(os.path.lexists(os.path.join(path, name)) for name in walk.listed):
                break
        if walk.origin and walk.origin in origins:
            walk.problems.append("its origin is that of another directory")
        origins.add(walk.origin)
        line, good = walk.judge()
        print(line)
        ok, signed = ok and good, signed or walk.signed[1] or walk.problems or walk.living()
    if not signed:
        print(f"{directory}: FAIL; nothing is signed by this key")
        ok = False
    for name, (origin, _, _) in held.items():
        if origin not in origins:
            print(f"{name}: FAIL; of no directory")
            ok = False
    return 0 if ok else 1

def main(args):
    sys.stdout.reconfigure(errors="backslashreplace")
    if len(args) < 2:
        print("usage: verify_trail.py KEYFILE DIR [ANCHOR]...")
        return 1
    return verify(args[0], args[1], args[2:])

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
