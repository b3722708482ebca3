#!/usr/bin/python3
"""Mutants of whole inputs through the whole of snapanalyze.

mutate_pairs.py [--count N] [--seed N] [--plain PROGRAM] [--sanitized PROGRAM] [--findings DIR]

Each mutant is a snapshot or core and the ELF file of its program; one of them or both are changed: bits
and fields, records and sections, ends cut off, parts of others put in. Snapshots are sealed again, so that
the checksums are right. Many go through one process, each pair with a build ID of its own; what a process
does wrong is then looked for by giving it one pair after the other.

Wrong is: a signal, a sanitizer's word, more than 5 s or (of the plain program) 512 MiB, an exit status that
is not documented, status 2 without a line on stderr that names the file, or with more than that, JSON that is
none, UTF-8 that is none, characters that a terminal obeys. The same seed makes the same mutants. Exit status
1 if anything was wrong; the mutant is kept in the directory of findings.
"""
import argparse
import glob
import hashlib
import json
import lzma
import os
import random
import re
import resource
import shutil
import struct
import subprocess
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FIXTURES = os.path.join(TOP, "tests", "fixtures")
BATCH = 40
MAX_SECONDS = 5
MAX_BYTES = 512 << 20
# A sanitized program takes so many times as long.
SLOWER = 4
VERBS = ("json", "report", "signature", "check", "modules")
# What a terminal obeys or hides: but for line feeds.
UNSAFE = re.compile("[\0-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
SANITIZER = re.compile(rb"(AddressSanitizer|LeakSanitizer|UndefinedBehaviorSanitizer|runtime error)")
NO_SANDBOX = b"snapanalyze: --no-sandbox: what is wrong with a file may take over this process"
WORKER = re.compile(rb"(its|a) worker |took more than \d+ s|forbidden system call|was ended by SIG|ended early, with status|asked for what no")
ENVIRONMENT = dict(os.environ, ASAN_OPTIONS="detect_leaks=1:exitcode=99:allocator_may_return_null=1",
                   UBSAN_OPTIONS="print_stacktrace=1:halt_on_error=1:exitcode=99", LSAN_OPTIONS="exitcode=99",
                   NO_COLOR="1", DEBUGINFOD_URLS="")

# ---------------------------------------------------------------- snapshots

CRC_TABLE = []
for n in range(256):
    for _ in range(8):
        n = n >> 1 ^ (0x82F63B78 if n & 1 else 0)
    CRC_TABLE.append(n)


def crc32c(crc, data):
    crc ^= 0xFFFFFFFF
    table = CRC_TABLE
    for byte in data:
        crc = table[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


def varint(n):
    out = bytearray()
    n &= (1 << 64) - 1
    while n >= 0x80:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    out.append(n)
    return bytes(out)


def read_varint(data, at):
    value = shift = 0
    while at < len(data) and shift < 70:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if not byte & 0x80:
            return value & (1 << 64) - 1, at
        shift += 7
    raise ValueError


def fields_of(data):
    """[(number, type, start, value start, end)], as far as it can be read, and whether that is to the end."""
    found, at = [], 0
    try:
        while at < len(data):
            start = at
            tag, at = read_varint(data, at)
            kind = tag & 7
            value = at
            if kind == 0:
                _, at = read_varint(data, at)
            elif kind == 2:
                size, value = read_varint(data, at)
                at = value + size
            elif kind in (1, 5):
                at += 8 if kind == 1 else 4
            else:
                raise ValueError
            if at > len(data) or tag >> 3 == 0:
                raise ValueError
            found.append((tag >> 3, kind, start, value, at))
    except ValueError:
        return found, False
    return found, True


ODD = (0, 1, 2, 7, 8, 0x7F, 0x80, 0xFF, 0x100, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 1 << 32,
       (1 << 63) - 1, 1 << 63, (1 << 64) - 1, (1 << 64) - 4096, 0x7FFFFFFFF000)
HOSTILE = (b"\x1b[31mred\x1b[0m", b"\xff\xfe\xfd", b"a\nb\r\nc", "\u202eevil\u2066".encode(), b"\0\0", b"\xc2\x9b31m",
           b"%s%n", b"../../etc/passwd", b"A" * 5000, "\u200bz".encode(), b'"\\<script>', b"_ZN" + b"1a" * 2000 + b"Ev")


def bits(rng, data):
    data = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 4, 16))):
        if data:
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return bytes(data)


def mutate_bytes(rng, data):
    choice = rng.randrange(8)
    if choice == 0:
        return data[:rng.randrange(len(data) + 1)]
    if choice == 1:
        return rng.choice(HOSTILE)
    if choice == 2:
        at = rng.randrange(len(data) + 1)
        return data[:at] + bytes(rng.randrange(256) for _ in range(rng.randrange(1, 32))) + data[at:]
    if choice == 3 and len(data) >= 8:
        at = rng.randrange(len(data) - 7) & ~7
        return data[:at] + struct.pack("<Q", rng.choice(ODD)) + data[at + 8:]
    return bits(rng, data)


def mutate_message(rng, data, depth=0):
    fields, whole = fields_of(data)
    if not fields or depth > 0 and not whole:
        return mutate_bytes(rng, data)
    number, kind, start, value, end = rng.choice(fields)
    other = rng.choice(fields)
    choice = rng.randrange(20)
    if choice == 0:
        return data[:start] + data[end:]
    if choice == 1:
        return data[:start] + data[other[2]:other[4]] + data[start:]
    if choice == 2:
        return data[:start] + data[start:end] * rng.choice((2, 3, 50, 1000)) + data[end:]
    if kind == 2:
        inner = data[value:end]
        inner = mutate_message(rng, inner, depth + 1) if rng.randrange(4) else mutate_bytes(rng, inner)
        return data[:start] + varint(number << 3 | 2) + varint(len(inner)) + inner + data[end:]
    if kind == 0:
        old, _ = read_varint(data, value)
        new = rng.choice((rng.choice(ODD), old + rng.randrange(-16, 17), old ^ 1 << rng.randrange(64)))
        return data[:start] + varint(number << 3) + varint(new) + data[end:]
    return data[:value] + bits(rng, data[value:end]) + data[end:]


def seal(data):
    data = bytearray(data)
    crc = summed = 0
    for number, kind, start, value, end in fields_of(bytes(data))[0]:
        if number != 1033 or kind != 2:
            continue
        crc = crc32c(crc, data[summed:start])
        summed = start
        for inner, inner_kind, _, at, _ in fields_of(bytes(data[value:end]))[0]:
            if inner == 1 and inner_kind == 1:
                data[value + at:value + at + 8] = struct.pack("<Q", start)
            elif inner == 2 and inner_kind == 5:
                data[value + at:value + at + 4] = struct.pack("<I", crc)
    return bytes(data)


def mutate_snapshot(rng, data, _):
    for _ in range(rng.choice((1, 1, 2, 5))):
        data = mutate_message(rng, data)
    if rng.randrange(12) == 0:
        return data[:rng.randrange(len(data) + 1)]
    return seal(data) if rng.randrange(12) else data


# ---------------------------------------------------------------- ELF

class Elf:
    def __init__(self, data):
        self.wide = data[4] == 2
        self.order = ">" if data[5] == 2 else "<"
        names = ("Q" if self.wide else "I") * 3
        _, self.phoff, self.shoff, _, _, self.phentsize, self.phnum, self.shentsize, self.shnum, self.shstrndx = \
            struct.unpack_from(f"{self.order}{names}IHHHHHH", data, 24)
        self.ehsize = 64 if self.wide else 52

    def section(self, data, i):
        """(where its header is, type, offset, size)"""
        at = self.shoff + i * self.shentsize
        _, kind = struct.unpack_from(self.order + "II", data, at)
        off, size = struct.unpack_from(self.order + ("QQ" if self.wide else "II"), data, at + (24 if self.wide else 16))
        return at, kind, off, size

    def name(self, data, i):
        _, _, strings, size = self.section(data, self.shstrndx)
        start = strings + struct.unpack_from(self.order + "I", data, self.section(data, i)[0])[0]
        return data[start:data.index(b"\0", start, strings + size)].decode("latin-1")

    def segment(self, i):
        return self.phoff + i * self.phentsize


def put_odd(rng, data, at, order):
    """An odd number of some width over what stands at a place."""
    size, code = rng.choice(((1, "B"), (2, "H"), (4, "I"), (4, "I"), (8, "Q")))
    if at + size > len(data):
        return
    old = struct.unpack_from(order + code, data, at)[0]
    mask = (1 << 8 * size) - 1
    new = rng.choice((rng.choice(ODD), old + rng.choice((-16, -8, -4, -1, 1, 4, 8, 16)), old ^ 1 << rng.randrange(8 * size),
                      old * 2, len(data), len(data) - at))
    struct.pack_into(order + code, data, at, new & mask)


def put_leb(rng, data, at):
    bytes_ = rng.choice((b"\xff" * 9 + b"\x7f", b"\x80" * 10, b"\xff\xff\xff\xff\x0f", b"\x80\x00", b"\xff\x7f", b"\0"))
    data[at:at + len(bytes_)] = bytes_[:len(data) - at]


def heads(elf, data, name, off, size):
    """Where lengths stand in the section: of units, programs, entries, notes."""
    found, at = [off], off
    while at + 4 <= off + size and len(found) < 200:
        length = struct.unpack_from(elf.order + "I", data, at)[0]
        if name.startswith(".note"):
            length = 8 + sum(-(-n // 4) * 4 for n in struct.unpack_from(elf.order + "II", data, at)) if at + 8 <= len(data) else 0
        if length == 0 or length >= 0xFFFFFFF0:
            break
        at += 4 + length
        found.append(at)
    return found


def mutate_section(rng, data, elf, i):
    _, kind, off, size = elf.section(data, i)
    if kind == 8 or size == 0 or off + size > len(data):
        return
    name = elf.name(data, i)
    choice = rng.randrange(8)
    if choice < 3 and name.startswith((".debug", ".eh_frame", ".note")):
        # The head of a unit, a line program, an entry, a note.
        at = rng.choice(heads(elf, data, name, off, size)) + rng.choice((0, 0, 0, 4, 5, 6, 8, 10, 12, 15, 20, 24))
        if at < off + size:
            put_odd(rng, data, at, elf.order)
        return
    if choice == 3:
        put_leb(rng, data, off + rng.randrange(size))
    elif choice == 4:
        length = min(size, rng.choice((4, 16, 64, 256)))
        a, b = (off + rng.randrange(size - length + 1) for _ in range(2))
        data[a:a + length] = data[b:b + length]
    elif choice == 5:
        length = min(size, rng.choice((1, 8, 64)))
        at = off + rng.randrange(size - length + 1)
        data[at:at + length] = bytes([rng.choice((0, 0xFF, 0x80, 1, 0x41))]) * length
    elif choice == 6:
        text = rng.choice(HOSTILE)[:size]
        at = off + rng.randrange(size - len(text) + 1)
        data[at:at + len(text)] = text
    else:
        put_odd(rng, data, off + rng.randrange(size), elf.order)


def mutate_elf(rng, data, others):
    data = bytearray(data)
    elf = Elf(data)
    debug = [i for i in range(elf.shnum) if elf.name(data, i).startswith((".debug", ".eh_frame", ".ARM", ".sym", ".str", ".dyn", ".note", ".gnu_debug"))]
    for _ in range(rng.choice((1, 1, 2, 4, 8))):
        choice = rng.randrange(16)
        try:
            if choice == 0:
                put_odd(rng, data, rng.randrange(16, elf.ehsize), elf.order)
            elif choice in (1, 2) and elf.shnum:
                at = elf.section(data, rng.randrange(elf.shnum))[0]
                put_odd(rng, data, at + rng.randrange(0, elf.shentsize, 4), elf.order)
            elif choice == 3 and elf.phnum:
                put_odd(rng, data, elf.segment(rng.randrange(elf.phnum)) + rng.randrange(0, elf.phentsize, 4), elf.order)
            elif choice == 4:
                # A section is another's.
                a, b = (elf.section(data, rng.randrange(elf.shnum)) for _ in range(2))
                half = elf.shentsize // 2 - (8 if elf.wide else 4)
                data[a[0] + half:a[0] + half + 16] = data[b[0] + half:b[0] + half + 16]
            elif choice == 5:
                other = others[rng.randrange(len(others))]
                length = rng.choice((16, 256, 4096))
                at, start = rng.randrange(len(data)), rng.randrange(len(other))
                data[at:at + length] = other[start:start + length][:len(data) - at]
            elif choice == 6:
                data = bytearray(bits(rng, data))
            else:
                mutate_section(rng, data, elf, rng.choice(debug) if debug and rng.randrange(8) else rng.randrange(elf.shnum))
        except (IndexError, struct.error, ValueError):
            pass  # what was changed before has led out of the file
    if rng.randrange(20) == 0:
        data = data[:rng.randrange(len(data) + 1)]
    return bytes(data)


def mutate_core(rng, data, others):
    data = bytearray(data)
    elf = Elf(data)
    notes = None
    for i in range(elf.phnum):
        at = elf.segment(i)
        if struct.unpack_from(elf.order + "I", data, at)[0] == 4:
            notes = struct.unpack_from(elf.order + ("Q" if elf.wide else "I"), data, at + (8 if elf.wide else 4))[0], \
                struct.unpack_from(elf.order + ("Q" if elf.wide else "I"), data, at + (32 if elf.wide else 16))[0]
    for _ in range(rng.choice((1, 2, 4, 8))):
        choice = rng.randrange(8)
        if choice == 0:
            put_odd(rng, data, rng.randrange(16, elf.ehsize), elf.order)
        elif choice < 3 and elf.phnum:
            put_odd(rng, data, elf.segment(rng.randrange(elf.phnum)) + rng.randrange(0, elf.phentsize, 4), elf.order)
        elif choice < 6 and notes and 0 < notes[1] and sum(notes) <= len(data):
            at = rng.choice(heads(elf, data, ".note", *notes) + [notes[0] + rng.randrange(notes[1])] * 3)
            put_odd(rng, data, min(at + rng.choice((0, 4, 8)), len(data) - 8), elf.order)
        elif choice == 6:
            other = others[rng.randrange(len(others))]
            at, start = rng.randrange(len(data)), rng.randrange(len(other))
            data[at:at + 4096] = other[start:start + 4096][:len(data) - at]
        else:
            put_odd(rng, data, rng.randrange(len(data)), elf.order)
    if rng.randrange(12) == 0:
        data = data[:rng.randrange(len(data) + 1)]
    return bytes(data)


# ---------------------------------------------------------------- pairs

class Pair:
    """A fixture: its inputs, its program, the build ID by which they belong together."""

    def __init__(self, directory):
        name = os.path.basename(directory)
        load = lambda path: lzma.open(path).read() if os.path.exists(path) else None
        self.name = name
        self.snapshot = load(os.path.join(directory, "snapshot.snap.xz"))
        self.core = load(os.path.join(directory, "core.xz"))
        self.elf = load(os.path.join(directory, name + ".xz"))
        if self.core and len(self.core) > 400_000:
            self.core = None
        at = self.elf.index(b"GNU\0") if self.elf else -1
        self.build_id = None
        while at >= 0:
            size, kind = struct.unpack_from((">" if self.elf[5] == 2 else "<") + "II", self.elf, at - 8)
            if kind == 3 and size == 20:
                self.build_id = self.elf[at + 4:at + 24]
                break
            at = self.elf.find(b"GNU\0", at + 4)


def read_pairs():
    pairs = [Pair(path) for path in sorted(glob.glob(os.path.join(FIXTURES, "*")))
             if os.path.exists(os.path.join(path, "command")) and
             os.path.exists(os.path.join(path, os.path.basename(path) + ".xz"))]
    return [pair for pair in pairs if pair.build_id and (pair.snapshot or pair.core)]


def make_mutant(rng, pair, build_id, elves, cores):
    """(input, its suffix, ELF file), one of them changed or both."""
    which = rng.choice(("input", "elf", "elf", "both"))
    kinds = [kind for kind in ("snapshot", "core") if getattr(pair, kind)]
    kind = rng.choice(kinds)
    # Before, so that what is changed may be the build ID itself.
    data = getattr(pair, kind).replace(pair.build_id, build_id)
    elf = pair.elf.replace(pair.build_id, build_id)
    if kind == "snapshot" and which == "elf":
        data = seal(data)
    if which != "elf":
        data = mutate_snapshot(rng, data, None) if kind == "snapshot" else mutate_core(rng, data, cores)
    if which != "input":
        elf = mutate_elf(rng, elf, elves)
    return data, ".snap" if kind == "snapshot" else ".core", elf


# ---------------------------------------------------------------- running

def run(command, slower):
    """(status, seconds, bytes, stdout, stderr); status None: it took too long."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        begun = time.monotonic()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=ENVIRONMENT)
        deadline = begun + slower * MAX_SECONDS * BATCH
        while True:
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                break
            if time.monotonic() > deadline:
                process.kill()
                _, status, usage = os.wait4(process.pid, 0)
                status = None
                break
            time.sleep(0.002)
        process.returncode = 0
        seconds = usage.ru_utime + usage.ru_stime
        out.seek(0)
        err.seek(0)
        code = None if status is None else os.waitstatus_to_exitcode(status)
        return code, seconds, usage.ru_maxrss * 1024, out.read(), err.read()


def wrong(verb, files, result, is_plain, alone):
    """What is wrong with the result, in words; None: nothing."""
    status, seconds, size, out, err = result
    slower = 1 if is_plain else SLOWER
    if status is None or seconds > MAX_SECONDS * slower:
        return f"took {seconds:.1f} s"
    if SANITIZER.search(err):
        return "a sanitizer"
    # Nothing that is lost by that may be the parser's fault.
    if WORKER.search(err) or WORKER.search(out):
        return f"a worker: {(WORKER.search(err) or WORKER.search(out)).group().decode()}"
    if status not in (0, 1, 2):
        return f"status {status}"
    if is_plain and size > MAX_BYTES:
        return f"took {size >> 20} MiB"
    for data in (out, err):
        try:
            text = data.decode()
        except UnicodeDecodeError as error:
            return f"invalid UTF-8: {error}"
        if UNSAFE.search(text) and verb != "signature":
            return f"a character that a terminal obeys: {UNSAFE.search(text).group()!r}"
        if verb == "signature" and UNSAFE.search(text.replace("\t", "")):
            return "a character that a terminal obeys"
    failed = [line for line in err.split(b"\n") if line and line != NO_SANDBOX]
    if any(not line.startswith(b"snapanalyze: ") for line in failed):
        return "a line on stderr that is not the program's"
    if verb == "json":
        lines = out.split(b"\n")[:-1]
        for line in lines:
            try:
                json.loads(line.decode())
            except ValueError as error:
                return f"no JSON: {error}"
        if len(lines) + len(failed) != len(files):
            return f"{len(lines)} reports and {len(failed)} complaints of {len(files)} files"
    if verb == "signature" and len(out.split(b"\n")) - 1 + len(failed) != len(files):
        return "neither a line nor a complaint of a file"
    if alone and (status == 2) != (len(failed) == 1):
        return f"status {status} and {len(failed)} lines on stderr"
    return None


def command(program, is_plain, verb, symbols, files):
    """The sanitized program reads in its own process, the plain one in workers, as users have it."""
    options = [] if verb == "check" else ["--no-local", "--no-cache", "--symbols", symbols]
    if not is_plain:
        options.append("--no-sandbox")
    return [program, verb, *options, *files]


class Driver:
    def __init__(self, arguments):
        self.arguments = arguments
        self.pairs = read_pairs()
        self.elves = [pair.elf for pair in self.pairs]
        self.cores = [pair.core for pair in self.pairs if pair.core]
        self.findings = 0
        self.inputs = 0
        self.worst = {"seconds": 0, "bytes": 0}

    def programs(self):
        if self.arguments.sanitized:
            yield self.arguments.sanitized, False
        if self.arguments.plain:
            yield self.arguments.plain, True

    def keep(self, work, name, what, result):
        self.findings += 1
        to = os.path.join(self.arguments.findings, name)
        os.makedirs(to, exist_ok=True)
        for path in glob.glob(os.path.join(work, name + "*")) + [os.path.join(work, "symbols", name)]:
            shutil.copy(path, to)
        with open(os.path.join(to, "why"), "ab") as file:
            file.write(what.encode() + b"\n" + result[4][:20000] + b"\n")
        print(f"{name}: {what}", flush=True)

    def batch(self, work, number, count):
        rng = random.Random(f"{self.arguments.seed}/{number}")
        symbols = os.path.join(work, "symbols")
        os.makedirs(symbols)
        files = []
        for i in range(count):
            pair = rng.choice(self.pairs)
            name = f"{self.arguments.seed}-{number}-{i}-{pair.name}"
            build_id = hashlib.sha1(name.encode()).digest()
            data, suffix, elf = make_mutant(rng, pair, build_id, self.elves, self.cores)
            path = os.path.join(work, name + suffix)
            for to, bytes_ in ((path, data), (os.path.join(symbols, name), elf)):
                with open(to, "wb") as file:
                    file.write(bytes_)
            files.append(path)
        for program, is_plain in self.programs():
            # Beside the other one, the plain program shows time and memory: that takes no more than these.
            for verb in ("json", "report") if is_plain and self.arguments.sanitized else VERBS:
                result = run(command(program, is_plain, verb, symbols, files), 1 if is_plain else SLOWER)
                self.inputs += len(files)
                what = wrong(verb, files, result, is_plain, False)
                if what:
                    self.blame(work, program, is_plain, verb, symbols, files, what, result)

    def blame(self, work, program, is_plain, verb, symbols, files, what, result):
        blamed = False
        for path in files:
            alone = run(command(program, is_plain, verb, symbols, [path]), 1 if is_plain else SLOWER)
            self.worst["seconds"] = max(self.worst["seconds"], alone[1] if is_plain else 0)
            self.worst["bytes"] = max(self.worst["bytes"], alone[2] if is_plain else 0)
            its = wrong(verb, [path], alone, is_plain, True)
            if its:
                blamed = True
                self.keep(work, os.path.splitext(os.path.basename(path))[0], f"{verb}: {its}", alone)
        # Many small ones may add up to much: that is no finding.
        if not blamed and not what.startswith("took"):
            self.keep(work, os.path.splitext(os.path.basename(files[0]))[0], f"{verb}, all together: {what}", result)

    def run(self):
        done = number = 0
        while done < self.arguments.count:
            count = min(BATCH, self.arguments.count - done)
            with tempfile.TemporaryDirectory(dir="/dev/shm") as work:
                self.batch(work, number, count)
            done += count
            number += 1
        print(f"{done} mutants (seed {self.arguments.seed}), {self.inputs} analyses, {self.findings} findings")
        return 1 if self.findings else 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--plain")
    parser.add_argument("--sanitized")
    parser.add_argument("--findings", default="build/fuzz/findings/pairs")
    arguments = parser.parse_args()
    os.nice(10)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.exit(Driver(arguments).run())


if __name__ == "__main__":
    main()
