#!/usr/bin/python3
"""Compares "snapanalyze symbolize" with llvm-symbolizer on random code addresses.

    symbolize_truth.py [OPTIONS] ELF
    symbolize_truth.py [OPTIONS] --ready DIR/READY     all that corpora.sh made

Per address are compared: how many frames there are, every frame's function, file and line. What is not
the same is counted by kind, with examples, and for a sample of it addr2line (binutils) and eu-addr2line
(elfutils) are asked: who sides with whom? Exit status 1 if for any program less than 99.9 % of the
addresses are the same in all aspects, or if the answers out of the cache are not those without it.
"""
import argparse
import bisect
import collections
import json
import os
import random
import re
import shlex
import struct
import subprocess
import sys
import tempfile

Frame = collections.namedtuple("Frame", "raw function file line column")
Difference = collections.namedtuple("Difference", "address kind aspects ours theirs")

ASPECTS = ("depth", "function", "chain", "file", "line", "all", "column")
EXPLAIN = """\
depth: as many frames. function: the name of the outermost, the one that is not inlined. chain: depth and
every name. file, line: of every frame, or of the innermost only where the depth differs. all: all of these.
column: for information, where both sides know one; not part of all."""


# ---------------------------------------------------------------- which addresses

class Elf:
    """Symbols and executable sections of a 64 bit little endian ELF file."""

    def __init__(self, path):
        with open(path, "rb") as file:
            data = file.read()
        if data[:6] != b"\x7fELF\x02\x01":
            sys.exit(f"symbolize_truth: not a 64 bit little endian ELF file: {path}")
        shoff = struct.unpack_from("<Q", data, 0x28)[0]
        shentsize, shnum = struct.unpack_from("<HH", data, 0x3A)
        sections = [struct.unpack_from("<IIQQQQII", data, shoff + i * shentsize) for i in range(shnum)]
        executable = {i for i, s in enumerate(sections) if s[1] == 1 and s[2] & 4}
        self.code = [(s[3], data[s[4]:s[4] + s[5]]) for i, s in enumerate(sections) if i in executable]
        self.values = collections.defaultdict(set)  # name: addresses
        self.files = set()  # what STT_FILE symbols say
        ranges = []
        for section in sections:
            if section[1] not in (2, 11):  # SHT_SYMTAB, SHT_DYNSYM
                continue
            names = sections[section[6]][4]
            for name, info, _, shndx, value, size in struct.iter_unpack(
                    "<IBBHQQ", data[section[4]:section[4] + section[5]]):
                text = data[names + name:data.index(b"\0", names + name)].decode(errors="replace")
                if info & 15 == 4:  # STT_FILE
                    self.files.add(text)
                if info & 15 not in (2, 10) or shndx not in executable:  # STT_FUNC, STT_GNU_IFUNC
                    continue
                self.values[text].add(value)
                if size:
                    ranges.append((value, value + size))
        self.starts, self.sums, total = [], [], 0
        end = 0
        for low, high in sorted(ranges):
            low = max(low, end)
            if low < high:
                self.starts.append(low)
                self.sums.append(total)
                total += high - low
                end = high
        self.total = total

    def sample(self, number, seed):
        """Uniform over the bytes that function symbols cover, each at most once."""
        rng = random.Random(seed)
        result = []
        for position in rng.sample(range(self.total), min(number, self.total)):
            i = bisect.bisect_right(self.sums, position) - 1
            result.append(self.starts[i] + position - self.sums[i])
        return result


# ---------------------------------------------------------------- who is asked

def answer_of(argv, addresses):
    text = "".join(f"{address:#x}\n" for address in addresses)
    done = subprocess.run(argv, input=text, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          errors="replace")
    return done.returncode, done.stdout


def parse_ours(text):
    for line in text.splitlines():
        record = json.loads(line)
        yield int(record["address"], 16), [
            Frame(f["raw_function"], f["function"], f["file"], f["line"] or 0, f["column"] or 0)
            for f in record["frames"]]


def ask_llvm(elf, addresses):
    # Linkage names: --functions=linkage is what -f means, and not demangled they say more.
    _, text = answer_of(["llvm-symbolizer", "-e", elf, "--output-style=JSON", "-i", "--no-demangle",
                         "--functions=linkage"], addresses)
    for line in text.splitlines():
        record = json.loads(line)
        yield [Frame(f["FunctionName"], None, f["FileName"], f["Line"], f["Column"])
               for f in record["Symbol"]]


def ask_addr2line(program, elf, addresses):
    """Both addr2line print the same: an address, then two lines for each frame."""
    _, text = answer_of([program, "-f", "-i", "-a", "-e", elf], addresses)
    frames, lines = None, iter(text.splitlines())
    for line in lines:
        if re.fullmatch(r"0x[0-9a-f]+", line):
            if frames is not None:
                yield frames
            frames = []
            continue
        place = re.match(r"(.*?)(?::(\d+|\?))?(?::\d+)?(?: \(discriminator \d+\))?$", next(lines, ""))
        name = line.split(" inlined at ")[0]  # eu-addr2line says there what the next frame says
        frames.append(Frame("" if name == "??" else name, None,
                            "" if place[1] == "??" else place[1],
                            int(place[2]) if (place[2] or "?") != "?" else 0, 0))
    if frames is not None:
        yield frames


# ---------------------------------------------------------------- what counts as the same

# GCC and clang make several pieces or copies of one function and tell them apart in the symbol table by
# suffixes. All are the function of the source, which is what DWARF and a reader call it.
CLONE = re.compile(r"(\.(cold|part|constprop|isra|lto_priv|localalias|llvm)(\.\d+)*)+$|@.*$")
PATHS = {}


def plain_path(path):
    """"./", "//" and "a/../" say nothing, and every tool joins directory and name in its own way."""
    if path not in PATHS:
        PATHS[path] = os.path.normpath(path) if path else ""
    return PATHS[path]


def demangle(names, *options):
    names = sorted(names)
    if not names:
        return {}
    done = subprocess.run(["c++filt", *options], input="\n".join(names) + "\n", text=True, check=True,
                          stdout=subprocess.PIPE)
    return dict(zip(names, done.stdout.splitlines()))


class Names:
    def __init__(self, elf):
        self.values, self.files = elf.values, elf.files
        self.plain = {"": ""}  # without parameters and return type, as debuggers name functions
        self.full = {"": ""}
        self.known = {}

    def learn(self, frames):
        new = {CLONE.sub("", f.raw) for f in frames if f.raw} - self.plain.keys()
        self.plain.update(demangle(new, "-p"))
        self.full.update(demangle(new))

    def same(self, a, b, outermost):
        key = a.raw, a.function, b.raw, b.function, outermost
        if key not in self.known:
            self.known[key] = self.compare(a, b, outermost)
        return self.known[key]

    def compare(self, a, b, outermost):
        """Which rule makes them the same, or None."""
        a_raw, b_raw = CLONE.sub("", a.raw or ""), CLONE.sub("", b.raw or "")
        if a_raw and a_raw == b_raw:
            return "linkage name"
        # Several symbols of one address: which one is taken is taste.
        if outermost and self.values.get(a.raw, set()) & self.values.get(b.raw, set()):
            return "alias"
        mangled = [raw.startswith(("_Z", "_R")) for raw in (a_raw, b_raw)]
        if all(mangled):
            # Of a constructor or destructor the symbol table has C1, C2, D0 ..., DWARF C4, D4; in the
            # source and with all its parameters that is one function.
            return "constructor" if self.full[a_raw] == self.full[b_raw] else None
        # One has a linkage name and the other not: compared as we name functions.
        a_name, b_name = (f.function or self.plain[raw] for f, raw in ((a, a_raw), (b, b_raw)))
        if a_name == b_name:
            return "name"
        # Where DWARF has no linkage name, llvm-symbolizer and both addr2line give DW_AT_name alone,
        # without namespace and class; we qualify it.
        for long, short, has_linkage_name in ((a_name, b_name, mangled[1]), (b_name, a_name, mangled[0])):
            if short and not has_linkage_name and long.endswith("::" + short):
                return "short name"
        return None


def differences(ours, theirs, names, rules=None):
    """The kind of each difference, as (aspect, words); columns apart."""
    found = []
    if not ours and not any(f.raw or f.file for f in theirs):
        return found  # nothing is known: no frame, or one of which all is unknown
    ours = ours or [Frame("", None, "", 0, 0)]
    # Where no line is known, llvm-symbolizer takes the file's name from the STT_FILE symbol before the
    # function's: without a directory, and not from debug information. No one else does.
    ours, theirs = ([f._replace(file="") if not f.line and f.file in names.files else f for f in frames]
                    for frames in (ours, theirs))
    same_depth = len(ours) == len(theirs)
    if not same_depth:
        found.append(("depth", "ours is deeper" if len(ours) > len(theirs) else "theirs is deeper"))
        pairs = [("name", ours[-1], theirs[-1], True), ("place", ours[0], theirs[0], False)]
    else:
        last = len(ours) - 1
        pairs = [("both", a, b, i == last) for i, (a, b) in enumerate(zip(ours, theirs))]
    for what, a, b, outermost in pairs:
        which = "outermost" if outermost else "inlined"
        if what != "place":
            rule = names.same(a, b, outermost)
            if rule is None:
                known = ("ours unknown" if not (a.raw or a.function) else
                         "theirs unknown" if not (b.raw or b.function) else "another name")
                found.append(("function" if outermost else "chain", f"{which} function: {known}"))
            elif rules is not None:
                rules[rule] += 1
        if what != "name":
            if plain_path(a.file) != plain_path(b.file):
                known = ("ours unknown" if not a.file else "theirs unknown" if not b.file else "another")
                found.append(("file", f"file: {known}"))
            # Line 0 is how the line table says "no line", which is our null.
            elif a.line != b.line:
                known = ("ours unknown" if not a.line else "theirs unknown" if not b.line else "another")
                found.append(("line", f"line: {known}"))
    return list(dict.fromkeys(found))


def show(frames, names, first):
    """A few frames, from the first that differs."""
    words = []
    for frame in frames[first:first + 3]:
        name = frame.function or frame.raw and names.plain[CLONE.sub("", frame.raw)] or "??"
        name = name if len(name) <= 80 else f"{name[:38]}...{name[-38:]}"
        words.append(f"{name} {plain_path(frame.file) or '??'}:{frame.line}")
    return f"{len(frames)} frames: {'... < ' if first else ''}{' < '.join(words)}" if words else "nothing"


def first_difference(ours, theirs, names):
    last = min(len(ours), len(theirs)) - 1
    for i, (a, b) in enumerate(zip(ours, theirs)):
        if (plain_path(a.file), a.line) != (plain_path(b.file), b.line) or not names.same(a, b, i == last):
            return i
    return 0


# ---------------------------------------------------------------- one program

def ask_ours(args, elf, options, addresses):
    base = [args.snapanalyze, "symbolize", "--json", *options]
    status, text = answer_of([*base, "--no-cache", elf], addresses)
    ours = list(parse_ours(text))
    if [address for address, _ in ours] != addresses:
        sys.exit(f"symbolize_truth: {args.snapanalyze} did not answer for each address, in order "
                 f"(exit status {status}): {elf}")
    cache_same = None
    if not args.no_cache:
        with tempfile.TemporaryDirectory(prefix="snapcrash-bench.") as cache:
            if subprocess.run([args.snapanalyze, "cache", "build", "--cache", cache, elf],
                              stdout=subprocess.DEVNULL).returncode:
                sys.exit(f"symbolize_truth: no cache was built (--no-cache does without): {elf}")
            _, warm = answer_of([*base, "--cache", cache, elf], addresses)
            cache_same = warm == text
    return [frames for _, frames in ours], cache_same


def compare(args, name, elf, truth, options, at_least):
    symbols = Elf(truth)
    if truth != elf and Elf(elf).code != symbols.code:
        sys.exit(f"symbolize_truth: not the same code: {elf} and {truth}")
    number = args.number or (100000 if symbols.total > 1 << 20 else 20000)
    addresses = symbols.sample(number, args.seed)
    ours, cache_same = ask_ours(args, elf, options, addresses)
    theirs = list(ask_llvm(truth, addresses))
    if len(theirs) != len(addresses):
        sys.exit(f"symbolize_truth: llvm-symbolizer did not answer for each address: {truth}")
    names = Names(symbols)
    names.learn(frame for answer in (ours, theirs) for frames in answer for frame in frames)

    right, rules, found = collections.Counter(), collections.Counter(), collections.defaultdict(list)
    columns = 0
    for address, a, b in zip(addresses, ours, theirs):
        kinds = differences(a, b, names, rules)
        wrong = {aspect for aspect, _ in kinds}
        if wrong & {"depth", "function", "chain"}:
            wrong.add("chain")
        if wrong:
            wrong.add("all")
        for aspect in ASPECTS[:-1]:
            right[aspect] += aspect not in wrong
        for aspect, words in kinds:
            found[aspect, words].append((address, a, b))
        if "all" not in wrong and a and a[0].column and b[0].column:
            columns += 1
            right["column"] += a[0].column == b[0].column
    total = {aspect: len(addresses) for aspect in ASPECTS} | {"column": columns}
    print(f"{name:<11} {len(addresses):>9}", *(
        f"{100 * right[a] / total[a]:>9.3f}" if total[a] else f"{'-':>9}" for a in ASPECTS),
        "" if cache_same is None else "   same" if cache_same else "   DIFFERS")
    sys.stdout.flush()
    detail(args, name, truth, names, rules, found)
    good = 100 * right["all"] >= at_least * len(addresses)
    return good and cache_same is not False


def detail(args, name, truth, names, rules, found):
    """Kept for after the table."""
    lines = args.details
    lines.append(f"\n{name}: names are the same by: " +
                 ", ".join(f"{rule} {count}" for rule, count in rules.most_common()))
    for (aspect, words), cases in sorted(found.items(), key=lambda item: -len(item[1])):
        sample = random.Random(1).sample(cases, min(args.sample, len(cases)))
        sides = []
        for program in ("addr2line", "eu-addr2line"):
            peer = list(ask_addr2line(program, truth, [address for address, _, _ in sample]))
            if len(peer) != len(sample):
                sides.append(f"{program} did not answer")
                continue
            names.learn(frame for frames in peer for frame in frames)
            count = collections.Counter()
            for (_, a, b), third in zip(sample, peer):
                with_us, with_them = (
                    not any(kind[0] == aspect for kind in differences(side, third, names))
                    for side in (a, b))
                count["us" if with_us and not with_them else "llvm" if with_them and not with_us
                      else "both" if with_us else "nobody"] += 1
            sides.append(f"{program} sides with " + ", ".join(f"{who} {n}" for who, n in count.most_common()))
        lines.append(f"  {words}: {len(cases)}   (of {len(sample)}: {'; '.join(sides)})")
        for address, a, b in cases[:args.examples]:
            first = first_difference(a, b, names)
            lines += [f"    {address:#x}", f"      ours {show(a, names, first)}",
                      f"      llvm {show(b, names, first)}"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, epilog=EXPLAIN,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("elf", nargs="?")
    parser.add_argument("--ready", help="the list that corpora.sh wrote")
    parser.add_argument("--only", help="of that list, only these (NAME,NAME...)")
    parser.add_argument("--truth", help="what the others are asked about, if not ELF itself")
    parser.add_argument("--options", default="", help="more options for snapanalyze symbolize, one word")
    parser.add_argument("--snapanalyze", default=os.environ.get("ANALYZE", "build/bin/snapanalyze"))
    parser.add_argument("--number", type=int, help="of addresses (default: 100000; 20000 for small ones)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sample", type=int, default=100, help="of a kind of difference, for the others")
    parser.add_argument("--examples", type=int, default=2, help="shown of each kind of difference")
    parser.add_argument("--at-least", type=float, help="per cent that must agree (default: 99.9)")
    parser.add_argument("--no-cache", action="store_true", help="don't compare with answers from the cache")
    args = parser.parse_args()
    args.details = []
    args.at_least = args.at_least or 99.9
    os.environ["LC_ALL"] = "C"
    os.environ.pop("DEBUGINFOD_URLS", None)

    jobs = []
    if args.ready:
        directory = os.path.dirname(args.ready)
        with open(args.ready, encoding="utf-8") as file:
            for line in file:
                name, elf, options = line.rstrip("\n").split("\t")
                own = parser.parse_args([elf, *shlex.split(options)])
                if not args.only or name in args.only.split(","):
                    jobs.append((name, os.path.join(directory, elf),
                                 os.path.join(directory, own.truth or elf), shlex.split(own.options),
                                 own.at_least or args.at_least))
    elif args.elf:
        jobs.append((os.path.basename(args.elf), args.elf, args.truth or args.elf,
                     shlex.split(args.options), args.at_least))
    if not jobs:
        parser.error("nothing to compare")
    print(f"{'program':<11} {'addresses':>9}", *(f"{aspect + ' %':>9}" for aspect in ASPECTS),
          "" if args.no_cache else "  cached")
    good = [compare(args, *job) for job in jobs]
    print("\n".join(args.details))
    print("\n" + EXPLAIN)
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
