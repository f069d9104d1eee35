"""Tests of verify_trail.py: the vectors, the grammar, and honest trails, which pass. The attacks are
in test_verify_trail_attacks.py. Run by `python3 -m unittest discover tools`."""
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import verify_trail
from trail_writer import CAP, GROUPS, SEED, Case, Trail, commitment, example, header, leaf, perfect, record, salt_of, sealed, sha, tree


class Vectors(Case):
    def test_tree_of_rfc_6962(self):
        leaves = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657",
                  "606162636465666768696a6b6c6d6e6f"]
        roots = """6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d
            fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125
            aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77
            d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7
            4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4
            76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef
            ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c
            5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328""".split()
        grown, hashes = verify_trail.Tree(), []
        self.assertEqual(grown.root().hex(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        for data, root in zip(leaves, roots):
            hashes.append(sha(b"\0", bytes.fromhex(data)))
            grown.add(hashes[-1])
            self.assertEqual(grown.root().hex(), root)
            self.assertEqual(tree(hashes).hex(), root)
            self.assertEqual(grown.peaks, perfect(hashes))

    def test_signed_note_of_c2sp(self):
        key = verify_trail.Key("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW\n")
        text = ("If you think cryptography is the answer to your problem,\n"
                "then you don't know what your problem is.\n")
        line = ("\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngot"
                "pRZb6KE6RyyBwJnAM=\n")
        self.assertEqual(key.text(f"{text}\n{line}"), text)
        for wrong in (f"{text}x\n\n{line}", f"{text}\n{line}{line}", f"{text}\n{line}\n", f"{text}{line}"):
            with self.assertRaises(ValueError):
                key.text(wrong)

    def test_vectors_of_the_format(self):
        line = '{"seq":0,"kind":"event","module":"m",\t"actor":{"user":"admin"},\t"salt":"%s"}' % SEED
        self.assertEqual(salt_of("actor"), "72a06f17a8d63e0923956bf627efdd7a")
        self.assertEqual(commitment("actor", '{"user":"admin"}'),
                         '"#10a40ae4b64b1729a093b0f1053ebe6151bb2ea263b1bfafd7d83f3e76a75761"')
        seq, kind, leaf_, redacted = verify_trail.record(line.encode() + b"\n")
        self.assertEqual((seq, kind, redacted), (0, "event", []))
        self.assertEqual(leaf_.hex(), "6817bf75cd8db5a52cc96ba439ac0f2fd6f2b2df5e97f053765d8cb9597954fe")
        self.assertTrue(verify_trail.HEADER.fullmatch(header([]) + "\n"))
        closed = '{"seq":1,"kind":"control","control":{"op":"close"},"id":"x","time":"2026-11-21T20:31:00.000000Z"}\n'
        self.assertEqual(verify_trail.record(closed.encode())[0], 1)


class Grammar(unittest.TestCase):
    def accept(self, *lines):
        for line in lines:
            with self.subTest(line=line[:99]):
                verify_trail.record(line if isinstance(line, bytes) else line.encode() + b"\n")

    def refuse(self, *lines):
        for line in lines:
            with self.subTest(line=line[:99]), self.assertRaises(ValueError):
                verify_trail.record(line if isinstance(line, bytes) else line.encode() + b"\n")

    def test_records(self):
        salt = f',\t"salt":"{SEED}"}}'
        self.accept('{"seq":0,"kind":"event"}', '{"seq":9223372036854775807,"kind":"a_b"}',
                    '{"seq":1,"kind":"event","a_1":[ ],"b":{ }}',
                    '{"seq":1,"kind":"event",\t"error":{}' + salt)
        self.refuse(
            '', '{', '}', '{}', ' {"seq":0,"kind":"event"}', '{"seq":0,"kind":"event"} ', '[]', 'null',
            '{"seq":9223372036854775808,"kind":"event"}', '{"seq":01,"kind":"event"}', '{"seq":-1,"kind":"event"}', '{"seq":1e0,"kind":"event"}',
            '{"seq":1, "kind":"event"}', '{"kind":"event","seq":1}', '{"seq":1,"kind":""}',
            '{"seq":1,"kind":"Event"}', '{"seq":1,"kind":"ev\\u0065nt"}', '{"seq":1,"kind":"event","a":1,"a":1}',
            '{"seq":1,"kind":"event","seq":1}', '{"seq":1,"kind":"event","kind":"event"}',
            '{"seq":1,"kind":"event","A":1}', '{"seq":1,"kind":"event","1a":1}', '{"seq":1,"kind":"event","":1}',
            '{"seq":1,"kind":"event","\\u0061":1}', '{"seq":1,"kind":"event","a": 1}', '{"seq":1,"kind":"event","a":1 }',
            '{"seq":1,"kind":"event","a" :1}', '{"seq":1,"kind":"event",}', '{"seq":1,"kind":"event","a"}',
            '{"seq":1,"kind":"event","actor":{}}', '{"seq":1,"kind":"event","salt":1}', '{"seq":1,"kind":"event","salts":1}',
            '{"seq":1,"kind":"event",\t"actor":{}}', '{"seq":1,"kind":"event",\t"actor":[]' + salt,
            '{"seq":1,"kind":"event",\t"actor":{} ' + salt, '{"seq":1,"kind":"event",\t"actor": {}' + salt,
            '{"seq":1,"kind":"event",\t"actor":{}}' + salt, '{"seq":1,"kind":"event",\t"actor":{},"x":{}' + salt,
            '{"seq":1,"kind":"event",\t"user":{}' + salt, '{"seq":1,"kind":"event",\t"actor":"#0"' + salt,
            '{"seq":1,"kind":"event",\t"error":{},\t"actor":{}' + salt,
            '{"seq":1,"kind":"event",\t"actor":{},\t"actor":{}' + salt, '{"seq":1,"kind":"event"' + salt,
            '{"seq":1,"kind":"event",\t"actor":{}' + salt.replace("aa", "AA"),
            '{"seq":1,"kind":"event",\t"actor":{}' + salt.replace("0011", "001"),
            '{"seq":1,"kind":"event",\t"actor":{}' + salt[:-1] + salt, '{"seq":1,"kind":"event",\t"a":1}',
            '{"seq":1,"kind":"event"\t,"a":1}', '{"seq":1,"kind":"event","a":"x\ty"}', '{"seq":1,"kind":"event","a":"x,\ty"}',
            '{"seq":1,"kind":"event","a":"\x00"}', '{"seq":1,"kind":"event"}\r', '{"seq":1,"kind":"event","a":[1,\r2]}',
            b'{"seq":1,"kind":"event"}', b'{"seq":1,"kind":"event"}\n\n', b'\xef\xbb\xbf{"seq":1,"kind":"event"}\n')

    def test_values(self):
        def core(value):
            return b'{"seq":1,"kind":"event","a":%b}\n' % (value if isinstance(value, bytes) else value.encode())
        self.accept(*map(core, (
            '0', '-0', '1.50', '1e999', '-1E+05', '9' * 5000, 'true', 'false', 'null', '""', '"\u00e9\x7f\u2028"',
            r'"\"\\\/\b\f\n\r\t\u00fF"', r'"\ud800"', r'"\udc00\ud800"', r'"\u0000"', '[]', '{}', '[ 1 , 2 ]', '{ "a" : 1 , "a" : 1 }',
            '[' * 64 + ']' * 64, '{"a":' * 63 + '{}' + '}' * 63, '[[1],[2],{"a":[{}]}]',
            '[' * 64 + '1' + ']' * 64, '{"a":' * 64 + '"["' + '}' * 64, '["' + r'\"' * 9 + '[' * 99 + '"]')))
        self.refuse(*map(core, (
            '', '01', '1.', '.1', '+1', '1e', '--1', '0x1', 'NaN', 'Infinity', '-Infinity', 'True', 'nul', 'nulll', "'a'",
            '"a', r'"\x"', r'"\u12g4"', r'"\u123"', r'"\u+123"', '[1,]', '[,1]', '[1 2]', '[', ']', '[1}', '{1:1}', '{"a"}',
            '{"a":1,}', '{"a":1,"b":2 , }', '[1, 2 ,]', '{ ]', '[ }', '{,}', '{"a":1 "b":2}', '{"a"::1}', '\u00a01', '[\u00a01]', '1\u0660', b'"\xff"', b'"\xc0\x80"',
            b'"\xed\xa0\x80"', b'"\xf4\x90\x80\x80"', b'"\xe2\x82"', '[' * 65 + ']' * 65, '{"a":' * 65 + '1' + '}' * 65,
            '[' * 500_000, ']' * 9 + '[' * 500_000, '"' + r'\"' * 300_000, '[1,' * 64 + '"' + '[' * 500_000, '1,"b":2]', '1}', '/**/1')))

    def test_nesting_of_a_group(self):
        def group(levels):
            return record(1, groups=[("request", '{"body":' + '[' * levels + ']' * levels + '}')])
        self.accept(group(64), group(64).replace("[]", "[1]"), record(1, groups=[("actor", '{"a":%s,"b":%s}' % (("[" * 64 + "]" * 64,) * 2))]))
        self.refuse(group(65), group(65).replace("[]", "[1]"))

    def test_length(self):
        fits = '{"seq":1,"kind":"event","a":"%s"}' % ("x" * (CAP - 32))
        self.assertEqual(len(fits) + 1, CAP)
        self.accept(fits)
        self.refuse(fits.replace("xx", "xxx", 1))

    def test_salts(self):
        groups = GROUPS
        self.accept(record(1, groups=groups), record(1, groups=groups, redacted=("actor",)),
                    record(1, groups=groups, redacted=("actor", "request", "event")))
        partly = record(1, groups=groups, redacted=("actor",))
        salts = partly[partly.index(',\t"salts"'):]
        entry = f'"request":"{salt_of("request")}"'
        self.refuse(
            partly.replace(salts, "}"), partly.replace(salts, f',\t"salt":"{SEED}"}}'), partly.replace(entry + ",", ""),
            partly.replace(entry, entry + "," + entry), partly.replace(entry, f'"actor":"{SEED}",' + entry),
            partly.replace(salts, ',\t"salts":{}}'), partly.replace(entry, entry.upper()), partly.replace(entry, entry + " "),
            partly.replace(salts, salts.replace(entry + ",", "")[:-2] + "," + entry + "}}"),
            record(1, groups=groups)[:-1] + ',\t"salts":{"actor":"%s"}}' % SEED,
            record(1, groups=groups, redacted=("actor", "request", "event"))[:-1] + f',\t"salt":"{SEED}"}}')

    def test_redacting_keeps_the_leaf(self):
        for redacted in ((), ("actor",), ("request", "event"), ("actor", "request", "event")):
            line = record(1, groups=GROUPS, redacted=redacted).encode() + b"\n"
            self.assertEqual(verify_trail.record(line), (1, "event", leaf(1, groups=GROUPS), list(redacted)))

    def test_control_records_have_no_groups(self):
        for op in ('"redact","seq":0,"groups":["actor"]', '"prune","to":4'):
            rest = '"kind":"control","control":{"op":%s}' % op
            self.accept(record(1, rest))
            self.refuse(record(1, rest, GROUPS), record(1, rest.replace(',"control"', ',"x":[1],"control"'), GROUPS),
                        record(1, rest, GROUPS, ("actor", "request", "event")))
            self.accept(record(1, rest.replace('"kind":"control"', '"kind":"event"'), GROUPS),
                        record(1, rest.replace('{"op"', '{"x":0,"op"'), GROUPS), record(1, rest.replace('{"op"', '{ "op"'), GROUPS))
        self.refuse(record(1, '"kind":"control","control":{"op":"prune"}', GROUPS))
        self.accept(record(1, '"kind":"control","control":{"op":"intent","record":"x"}', GROUPS[:2]))


class Honest(Case):
    def test_one_segment(self):
        trail = Trail()
        trail.seal()
        trail.control('"open","format":1')
        trail.add(groups=GROUPS)
        trail.seal()
        trail.add()
        self.good(trail, says=[f"size 2, root {tree(trail.leaves[:2]).hex()}, tail 1,", "unsealed none"])

    def test_several_segments_and_anchors(self):
        trail = example()
        anchors = [trail.signer.note(trail.leaves[:n]) for n in (0, 3, 4, 12)]
        self.good(trail, *anchors, says=["size 12,", "tail 1,", "pruned 0"])
        self.good(trail, trail.signer.note(trail.leaves), says=["size 13,", "tail 0,"])

    def test_checkpoint_lines_alone_or_file_alone(self):
        trail = example()
        trail.note = None
        self.good(trail)
        trail = Trail()
        trail.add()
        trail.seal(line=False)
        self.good(trail, says=["size 1,"])

    def test_last_segment_empty_or_with_a_header_only(self):
        trail = example(0)
        trail.roll()
        self.good(trail)
        trail.segments[12] = []
        self.good(trail)
        trail = example(0)
        trail.roll()
        trail.seal()
        del trail.segments[8][-1]
        self.good(trail)  # a checkpoint that comes first after a header

    def test_pruned(self):
        trail = example(0)
        trail.control('"prune","to":9,"reason":"age"')
        trail.seal()
        del trail.segments[0], trail.segments[4]
        self.good(trail, says=["pruned 8"])
        old = [trail.signer.note(trail.leaves[:4]), trail.signer.note([leaf(9)] * 7)]
        self.good(trail, *old, says=["pruned 8"])  # they cannot be compared
        self.good(trail, trail.signer.note(trail.leaves[:8]))
        self.bad(trail, "anchor", "another root", anchors=[trail.signer.note([leaf(9)] * 8)])
        trail.note = old[0]
        self.bad(trail, "checkpoint: its size 4 is before the first segment")
        trail.note = None
        trail.segments = {start: [line for line in lines if "checkpoint" not in line] for start, lines in trail.segments.items()}
        self.bad(trail, "no checkpoint", "pruned to seq 8 without", anchors=old)

    def test_redacted(self):
        trail = example(0)
        for groups in ('["actor"]', '["request"]'):
            trail.control('"redact","seq":7,"groups":%s,"reason":"x"' % groups)
        trail.seal()
        trail.segments[4][5] = record(7, '"kind":"event","n":7', GROUPS, ("actor", "request"))
        self.good(trail)

    def test_redacted_in_the_tail_is_not_judged(self):
        trail = example(0)
        trail.add(groups=GROUPS, redacted=("actor",))
        self.good(trail)

    def test_unsealed(self):
        trail = example()
        trail.control('"open","format":1,"unclean":true,"size":12,"unsealed":{"from":12,"to":12}')
        self.good(trail, says=["unsealed none"])  # nobody vouches for it yet
        trail.seal()
        self.good(trail, says=["unsealed 12-12"])

    def test_live_with_an_unfinished_line(self):
        for unfinished in (b'{"seq":13', b'{"checkpoint":"', b"{"):
            trail = example()
            trail.current.append(unfinished)
            folder = trail.write(self.temp / "d")
            with self.living(folder):
                self.good(folder, says=["tail 1,"])
            self.bad(folder, f"seq 13: an unfinished line", "tail damage yes", integrity="ok")

    def test_live_with_an_unfinished_header(self):
        trail = example(0)
        trail.roll()
        trail.segments[12] = [b'{"trail"']
        folder = trail.write(self.temp / "d")
        with self.living(folder):
            self.good(folder)
        self.bad(folder, "tail damage yes", integrity="ok")

    def overlapping(self):
        trail = example(3)
        last = trail.segments[8]
        trail.segments[13] = [header(trail.leaves[:13]), *last[-2:]]
        trail.current = trail.segments[13]
        trail.seal()
        return trail

    def test_segment_that_was_given_up(self):
        self.good(self.overlapping(), says=["size 15,"])
        trail = self.overlapping()
        trail.segments[8] = trail.segments[8][:-1]
        self.good(trail)
        trail = self.overlapping()  # a checkpoint before the repeated records
        trail.segments[8].insert(-2, sealed(trail.signer.note(trail.leaves[:13])))
        self.good(trail)
        trail = self.overlapping()  # checkpoints between the records of the later one
        trail.segments[13].insert(2, sealed(trail.signer.note(trail.leaves[:14])))
        trail.segments[13].insert(1, sealed(trail.signer.note(trail.leaves[:13])))
        self.good(trail)

    def test_unfinished_line_where_a_segment_was_given_up(self):
        for kept in (-2, -1, 99):  # after record 12, and after one and two repetitions
            for unfinished in (b"{", b'{"checkpoint":"', record(13).encode(), b"\0" * 99, b"\xff"):
                trail = self.overlapping()
                trail.segments[8][kept:] = [unfinished]
                self.good(trail, says=["size 15,"])
        trail = self.overlapping()
        trail.segments[8][-3:] = [record(12).encode()]
        self.bad(trail, "00000000000000000008.jsonl line 8, seq 12: an unfinished line")

    def test_segment_that_was_given_up_with_other_lines(self):
        for number, line, says in (
                (-1, record(14, '"kind":"event","n":0'), "line 10, seq 13: not a line of 00000000000000000013.jsonl"),
                (-2, record(14), "line 9, seq 13: a repetition that does not follow"),
                (-1, record(13), "line 10, seq 13: a repetition that does not follow"),
                (-2, record(13).encode() + b"\n\n", "line 10, seq 13: "), (-1, "", "line 10, seq 13: "),
                (-1, header(example(3).leaves[:13]), "line 10, seq 13: not a record")):
            trail = self.overlapping()
            trail.segments[8][number] = line
            self.bad(trail, "00000000000000000008.jsonl " + says, "line 4 is a checkpoint of size 15")
        trail = self.overlapping()  # more than the later one has
        trail.segments[8].append(record(15))
        self.bad(trail, "00000000000000000008.jsonl line 11, seq 13: not a line of")

    def test_checkpoint_after_repetitions(self):
        for size, integrity in ((12, "ok"), (13, "FAIL"), (14, "FAIL"), (15, "FAIL")):
            for number in (-1, 99):
                trail = self.overlapping()
                trail.segments[13].pop()
                trail.note = trail.signer.note(trail.leaves[:12])
                trail.segments[8].insert(number, sealed(trail.signer.note(trail.leaves[:size])))
                self.bad(trail, f"00000000000000000008.jsonl line {10 if number < 0 else 11}, seq 13: not a record", integrity=integrity)

    def test_just_begun(self):
        def begun(number):
            trail = Trail()
            trail.segments[0] = trail.segments[0][:max(number, 0)]
            for _ in range(1, number):
                trail.segments[0].append(record(len(trail.segments[0]) - 1, '"kind":"control","control":{"op":"open"}'))
            trail.segments = {} if number < 0 else trail.segments
            return trail
        for number in range(-1, 4):  # no segment, an empty one, a header, and records
            folder = begun(number).write(self.temp / "d")
            self.bad(folder, "nothing is signed by this key", integrity="none")
            with self.living(folder):
                self.good(folder, says=["size 0,"], integrity="none")
        for line in (record(1), record(1, '"kind":"control","control":{"op":"intent"}'), record(7),
                     record(1, '"kind":"event","control":{"op":"open"}'), record(1, '"kind":"control","a":1,"control":{"op":"open"}')):
            for before in ([], [b"garbage\n"]):
                trail = begun(2)
                trail.segments[0] += [*before, line]
                with self.living(trail.write(folder)):
                    self.bad(folder, "no checkpoint")
        trail.segments[0][2:] = [b"garbage\n", record(1, '"kind":"control","control":{"op":"repair"}')]
        with self.living(trail.write(folder)):
            self.bad(folder, "tail damage yes", integrity="none")
        trail = begun(2)
        trail.segments = {1: [header([leaf(0)])]}
        with self.living(trail.write(folder)):
            self.bad(folder, "no checkpoint")

    def test_begun_beside_others(self):
        root = self.temp / "root"
        root.mkdir()
        example().write(root / "00")
        (root / "01").mkdir()
        self.good(root)
        trail = Trail("audit/00000000000000ff/01")
        trail.write(root / "01")
        self.good(root)
        self.bad(root, "its size 1 is not reached", anchors=[trail.signer.note([leaf(0)], trail.origin)])

    def test_root_with_two_writers(self):
        root = self.temp / "root"
        root.mkdir()
        other = Trail("audit/00000000000000ff/01")
        other.add()
        other.seal()
        first = example()
        first.write(root / "00")
        other.write(root / "01")
        self.good(root, first.note, other.note, says=["root/00: ", "root/01: "])
        stranger = Trail("audit/other/00")
        stranger.seal()
        self.bad(root, "of no directory", anchors=[stranger.note], integrity="ok")
        other.write(root / "02")
        self.bad(root, "root/02: integrity FAIL", "another directory")
        (root / "02").rename(self.temp / "away")
        (root / "99").mkdir()
        self.good(root)  # a start that was cut off
        (root / "99" / "0.jsonl").mkdir()
        self.bad(root, "root/99: integrity none", "foreign '0.jsonl'", integrity="ok")
        (root / "99" / "0.jsonl").rmdir()
        (root / "99").rmdir()
        (root / "999").mkdir()  # no name of a directory
        self.good(root)
        (root / "03").symlink_to(self.temp / "away")
        self.bad(root, "root/03: integrity FAIL", "a link")

    def test_what_is_a_directory(self):
        for name in ("LOCK", "checkpoint", "verifier.key", "x.jsonl"):
            root = self.temp / name
            root.mkdir()
            example().write(root / "00")
            self.good(root)
            (root / name).mkdir()
            self.bad(root, f"{root}: integrity FAIL")


if __name__ == "__main__":
    unittest.main()
