#!/usr/bin/python3
"""Makes the seeds of the fuzz targets: make_seeds.py SNAPANALYZE OUTPUT-DIR

From tests/fixtures, from programs that are compiled here, and by hand.
"""
import glob
import lzma
import os
import struct
import subprocess
import sys
import tempfile

analyze, output = sys.argv[1:3]
fixtures = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "tests", "fixtures")
SECTIONS = ["info", "types", "abbrev", "line", "str", "line_str", "str_offsets", "addr", "ranges", "rnglists",
            "loc", "loclists", "aranges", "cu_index", "tu_index"]


def put(target, name, data):
    os.makedirs(os.path.join(output, target), exist_ok=True)
    with open(os.path.join(output, target, name), "wb") as file:
        file.write(data)


def read(path):
    with (lzma.open if path.endswith(".xz") else open)(path, "rb") as file:
        return file.read()


def elf_sections(data):
    """Name to bytes of a 64-bit little-endian file."""
    shoff = struct.unpack_from("<Q", data, 0x28)[0]
    shentsize, shnum, shstrndx = struct.unpack_from("<HHH", data, 0x3A)
    headers = [struct.unpack_from("<IIQQQQII", data, shoff + i * shentsize) for i in range(shnum)]
    found = {}
    for name, kind, _, _, off, size, _, _ in headers:
        start = headers[shstrndx][4] + name
        if kind != 8:
            found[data[start:data.index(b"\0", start)].decode()] = data[off:off + size]
    return found


def dwarf(first, second=None, flags=0, suffix=".dwo"):
    """What fuzz/dwarf_input.h says."""
    out = bytearray([flags])
    for mark, sections, end in ((0, first, ""), (0x80, second or {}, suffix)):
        for i, name in enumerate(SECTIONS):
            data = sections.get(f".debug_{name}{'' if name.endswith('_index') else end}")
            if data:
                out += struct.pack("<BI", mark | i, len(data)) + data
    return bytes(out)


SOURCE = """
#include <vector>
namespace outer { struct C { int f(int); template <typename T> static T g(T t) { return t * 2; } }; }
static inline int twice(int x) { return x > 3 ? x * 2 : outer::C::g(x); }
int outer::C::f(int x) { return twice(x) + 1; }
extern "C" int tail(int x);
int entry(int n) { outer::C c; int s = 0; for (int i = 0; i < n; i++) s += c.f(i); return tail(s); }
"""
C_SOURCE = """
static inline int twice(int x) { return x > 3 ? x * 2 : x; }
int tail(int);
int f(int x) { return twice(x) + 1; }
int entry(int n) { int s = 0; for (int i = 0; i < n; i++) s += f(i); return tail(s); }
"""


VARIABLES_SOURCE = """
enum Flags { A = 1, B = 2, C = 4 };
struct Point { int x, y; unsigned low : 3, high : 5; };
union Either { int i; float f; };
struct Tree { struct Tree *left, *right; const char *name; double values[3]; enum Flags flags; };
int use(const void *);
int leaf(struct Tree *tree, const char *text, int n, struct Point point)
{
	char buffer[16] = "text";
	int numbers[n > 0 ? n : 1], grid[2][3] = {{1, 2, 3}, {4, 5, 6}};
	union Either either = {n};
	int (*function)(const void *) = use;
	long double wide = n;
	numbers[0] = n;
	return use(buffer) + use(numbers) + use(grid) + use(&either) + function(text) + use(&point) + use(&wide) +
		use(tree->left);
}
int middle(struct Tree *tree, int n)
{
	struct Point point = {n, n + 1, 2, 3};
	int twice = 2 * n;
	return leaf(tree, tree->name, n, point) + twice;
}
int top(struct Tree *tree) { return middle(tree, 3) + middle(tree->left, 4); }
"""
# As the standard library lays them out, so that the seeds need none.
CONTAINERS_SOURCE = """
namespace std {
struct alloc {};
template <typename T> struct data { T *_M_start, *_M_finish, *_M_end_of_storage; };
template <typename T> struct impl : alloc, data<T> {};
template <typename T> struct vector_base { impl<T> _M_impl; };
template <typename T> struct vector : vector_base<T> {};
template <typename T> struct optional_payload { union { T _M_value; } _M_payload; bool _M_engaged; };
template <typename T> struct optional { optional_payload<T> _M_payload; };
struct counts { virtual void f(); int _M_use_count, _M_weak_count; };
template <typename T> struct shared_ptr { T *_M_ptr; struct { counts *_M_pi; } _M_refcount; };
template <int N, typename T, bool> struct _Head_base { T _M_head_impl; };
template <int N, typename T> struct _Tuple_impl : _Head_base<N, T, false> {};
template <typename T> struct tuple : _Tuple_impl<0, T> {};
template <typename T> struct unique_ptr { struct { tuple<T *> _M_t; } _M_t; };
inline namespace __cxx11 {
template <typename _CharT> struct basic_string {
	struct _Alloc_hider { _CharT *_M_p; } _M_dataplus;
	unsigned long _M_string_length;
	union { _CharT _M_local_buf[16]; unsigned long _M_allocated_capacity; };
};
}
}
struct Base { virtual int f() const; int base; };
struct Left : virtual Base { int left; };
struct Right : virtual Base { int right; };
struct Both : Left, Right { int Both::*member; int (Both::*method)() const; int g() const; };
int use(const void *);
int holds(std::vector<int> numbers, std::vector<std::basic_string<char>> words, std::basic_string<char> &text,
	  std::optional<double> perhaps, std::shared_ptr<int> shared, std::unique_ptr<int> &owner, const Both &both)
{
	auto add = [&text, perhaps](int n) { return n + use(&text) + (int)perhaps._M_payload._M_engaged; };
	Both copy = both;
	return use(&numbers) + use(&words) + use(&shared) + use(&owner) + use(&copy) + add(3);
}
"""


def words(*values):
    return b"".join(struct.pack("<Q", value & (1 << 64) - 1) for value in values)


def captured(names):
    """What fuzz_variables.c has instead of a second file: memory, registers, and where the frames are."""
    base = 0x700000
    memory = words(base + 0x100, base + 0x110, base + 0x120, 0, base + 0x18, 2, 0, 0) + b"some text\0".ljust(64, b"x")
    memory = (memory * 4)[:512] + bytes(range(256))
    registers = words(*(base + 16 * i for i in range(17)))
    pcs = b"".join(struct.pack("<I", start + size // 2) for start, size in names)
    return b"".join(struct.pack("<BI", 0x80 | i, len(data)) + data for i, data in enumerate((memory, registers, pcs)))


def compile_variables(work):
    """Programs whose functions have variables of many kinds."""
    for name, source in (("v.c", VARIABLES_SOURCE), ("v.cc", CONTAINERS_SOURCE)):
        with open(os.path.join(work, name), "w") as file:
            file.write(source)
    for compiler, source in (("gcc", "v.c"), ("g++", "v.cc"), ("clang", "v.c"), ("clang++", "v.cc")):
        for level in ("-O0", "-O2"):
            for version in (2, 4, 5) if compiler == "gcc" else (4, 5):
                subprocess.run([compiler, "-nostdlib", "-shared", "-fPIC", level, f"-gdwarf-{version}", "-o", "v", source],
                               cwd=work, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                listed = subprocess.run(["nm", "-S", "--defined-only", "v"], cwd=work, check=True, capture_output=True,
                                        text=True).stdout.split("\n")
                names = [(int(line.split()[0], 16), int(line.split()[1], 16)) for line in listed
                         if len(line.split()) == 4 and line.split()[2] in "tTwW"]
                put("variables", f"{compiler}{level}-{version}",
                    dwarf(elf_sections(read(os.path.join(work, "v")))) + captured(names))


def compile_dwarf(work):
    """Small libraries with debug information of several kinds."""
    def run(*command):
        subprocess.run(command, cwd=work, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    with open(os.path.join(work, "a.c"), "w") as file:
        file.write(C_SOURCE)
    with open(os.path.join(work, "b.cc"), "w") as file:
        file.write(SOURCE.replace("#include <vector>\n", ""))
    link = ["-nostdlib", "-shared", "-fPIC", "-O2", "-Wl,--build-id"]
    for compiler, source in (("gcc", "a.c"), ("g++", "b.cc"), ("clang", "a.c"), ("clang++", "b.cc")):
        for version in (2, 4, 5) if compiler == "gcc" else (4, 5):
            name = f"{compiler}-{version}"
            run(compiler, *link, f"-gdwarf-{version}", "-o", name, source)
            data = read(os.path.join(work, name))
            put("dwarf", name, dwarf(elf_sections(data)))
            put("object", name, data)
    run("gcc", *link, "-g", "-fdebug-types-section", "-gdwarf-4", "-o", "types", "b.cc")
    put("dwarf", "types", dwarf(elf_sections(read(os.path.join(work, "types")))))
    run("gcc", *link, "-g", "-gz", "-o", "compressed", "a.c")
    put("object", "compressed", read(os.path.join(work, "compressed")))
    run("gcc", *link, "-g", "-gdwarf64", "-o", "dwarf64", "a.c")
    put("dwarf", "dwarf64", dwarf(elf_sections(read(os.path.join(work, "dwarf64")))))
    for version in (4, 5):
        for source in ("a.c", "b.cc"):
            name = f"split{version}-{source}"
            base = f"{version}{source[0]}"
            run("gcc", "-c", "-fPIC", "-O2", f"-gdwarf-{version}", "-gsplit-dwarf", "-o", f"{base}.o", source)
            run("gcc", *link, "-o", name, f"{base}.o")
            main = elf_sections(read(os.path.join(work, name)))
            dwo = read(os.path.join(work, f"{base}.dwo"))
            put("dwarf", name, dwarf(main, elf_sections(dwo), 8 | 16))
            if version == 4:
                run("dwp", "-o", f"{base}.dwp", f"{base}.dwo")
            else:
                pack = os.path.join(os.path.dirname(os.path.dirname(fixtures)), "bench", "pack_dwp.py")
                run(sys.executable, pack, f"{base}.dwp", f"{base}.dwo")
            put("package", name, dwarf(main, elf_sections(read(os.path.join(work, f"{base}.dwp"))), 8 | 16))
    with open(os.path.join(work, "mini"), "wb") as file:
        file.write(lzma.compress(read(os.path.join(work, "gcc-5"))))
    run("objcopy", "-g", "--add-section", ".gnu_debugdata=mini", "gcc-5", "with-mini")
    put("object", "mini", read(os.path.join(work, "with-mini")))
    put("find", "mini", read(os.path.join(work, "with-mini")))
    run("objcopy", "--only-keep-debug", "gcc-5", "gcc-5.debug")
    run("objcopy", "-g", "--add-gnu-debuglink=gcc-5.debug", "gcc-5", "with-link")
    put("find", "link", read(os.path.join(work, "with-link")))
    put("find", "debug", read(os.path.join(work, "gcc-5.debug")))
    for name, link in (("alternate", b"../../.dwz/x.debug\0" + bytes(range(20))), ("absolute", b"/usr/lib/debug/.dwz/x\0" + bytes(20))):
        with open(os.path.join(work, "link"), "wb") as file:
            file.write(link)
        run("objcopy", "--add-section", ".gnu_debugaltlink=link", "gcc-5", "with-alternate")
        put("find", name, read(os.path.join(work, "with-alternate")))
    cache = os.path.join(work, "cache")
    run(analyze, "cache", "build", "--no-local", "--cache", cache, "gcc-5", "g++-5")
    for path in glob.glob(os.path.join(cache, "**", "*"), recursive=True):
        if os.path.isfile(path) and os.path.getsize(path) > 256:
            put("symbol_image", os.path.basename(path)[:12], read(path))
    return [os.path.join(work, name) for name in ("gcc-5", "clang++-5")]


def core_notes(core):
    phoff = struct.unpack_from("<Q", core, 0x20)[0]
    for i in range(struct.unpack_from("<H", core, 0x38)[0]):
        kind, _, off, _, _, size = struct.unpack_from("<IIQQQQ", core, phoff + 56 * i)
        if kind == 4:
            return core[off:off + size]
    return b""


def entries():
    """What a worker tells of a crash, for the index."""
    def field(number, payload):
        return bytes([number << 3 | 2] if number < 16 else [(number << 3 | 2) & 127 | 128, number >> 4, ]) \
            + bytes([len(payload)]) + payload

    def framed(entry):
        return struct.pack("<I", len(entry)) + entry

    empty = field(5, b"none")
    entry = (field(2, bytes(range(16))) + field(5, b"segv") + field(6, b"s1:00112233445566778899aabbccddeeff")
             + field(7, b"segv | f | g") + field(8, b"s1:ffeeddccbbaa99887766554433221100")
             + field(11, struct.pack("<QQ", 5, 6)) + b"\x60\x01" + field(13, field(1, b"f")) + field(13, b"")
             + field(16, b"1.2") + field(17, field(1, b"site") + field(2, b"north"))
             + field(20, field(1, b"f") + b"\x11" + bytes(8)))
    put("entry", "one", framed(entry))
    put("entry", "several", framed(empty) + framed(entry) + framed(entry))


def messages():
    """What the sockets' peers send."""
    def message(kind, body):
        return struct.pack("<IHHII", 0x48434E53, 1, kind, 16 + len(body), 0) + body

    put("protocol", "request", b"\x01" + message(1, struct.pack("<QQqIIII", 12, 13, 1700000000, 11, 1000, 0, 0)
                                                + b"sensord".ljust(64, b"\0") + b"/usr/bin/sensord".ljust(256, b"\0")))
    put("protocol", "queued", b"\x00" + message(2, b""))
    put("protocol", "granted", b"\x00" + message(3, b"0123456789abcdef.part".ljust(32, b"\0")))
    put("protocol", "refused", b"\x00" + message(4, struct.pack("<II", 2, 0)))
    put("protocol", "complete", b"\x01" + message(5, bytes(16) + struct.pack("<II", 1000, 0)))
    put("protocol", "done", b"\x00" + message(6, struct.pack("<iI", 0, 0) + b"a.snap".ljust(256, b"\0")))
    app = struct.pack("<II", 7, 4) + b"hang".ljust(256, b"\0")
    put("protocol", "app-snapshot", b"\x00" + struct.pack("<IHHI", 0x50414E53, 1, 1, 12 + len(app)) + app)
    crash = app + struct.pack("<iIII", 11, 128, 216, 512) + bytes(128 + 512 + 1024)
    put("protocol", "app-crash", b"\x00" + struct.pack("<IHHI", 0x50414E53, 1, 2, 12 + len(crash)) + crash)


def workers():
    """What snapanalyze's workers ask of their parent."""
    for op, first, second in ((1, b"", b""), (2, b"a line", b""), (7, b"/usr/lib/libc.so.6", b""), (10, b"symbols", b"00ff"),
                              (13, bytes(20), b"name"), (16, b"ab", b"cdef.debug")):
        put("worker", str(op), b"\1" + struct.pack("<IIII", op, 1, len(first), len(second)) + first + second)
    put("worker", "note", b"\0" + struct.pack("<II", 1, 2) + bytes(252) + struct.pack("<II", 20, 4) + b"\1" * 64 + b"libc".ljust(180, b"\0"))


def trees():
    """Changes of the entry that fuzz_trees.c makes: of its head, of directories, of files."""
    for name, changes in (("none", ()), ("counts", ((16, words(1)),)), ("directory", ((32, bytes(24)),)), ("deep", ((44, b"\1\0\0\0" * 3),)),
                          ("files", ((32 + 4 * 24, bytes(16)),)), ("names", ((32 + 4 * 24 + 5 * 16 + 40, b"../x"),))):
        put("trees", name, b"".join(struct.pack("<HB", off, len(data)) + data for off, data in changes))


def texts():
    """fuzz_text.c: the format, then the text."""
    for i, form in enumerate(("gdb", "asan", "json", "plain")):
        for path in glob.glob(os.path.join(os.path.dirname(fixtures), "traces", form + "-*")):
            put("text", os.path.basename(path), bytes([i]) + read(path))
    for name in ("segv-null", "signal-frame"):
        put("text", "json-" + name, b"\2" + read(os.path.join(fixtures, name, "report.json")))


def tokens():
    """fuzz_tokens.c: the database's form, its length, it; flags; messages, each with its length."""
    strings = [(1, b"one %d %s"), (2, b"$AQAAAA== $#00000003"), (3, b"[%*.*f] %c %p %llu"), (1, b"other %u"), (4, b"$BAAAAA==$BAAAAA==")]
    marks = b"\xe2\x96\xa0msg\xe2\x99\xa6%s\xe2\x96\xa0module\xe2\x99\xa6M"
    strings.append((5, marks))
    csv = b"".join(b'%08x,2020-01-02,dom,"%s"\n' % entry for entry in strings) + b'6,,"a ""b"\n7,x,y\n'
    binary = b"TOKENS\0\0" + struct.pack("<II", len(strings), 0) + b"".join(
        struct.pack("<IBBH", token, 1, 2, 2020) for token, _ in strings) + b"".join(s + b"\0" for _, s in strings)
    section = b"".join(struct.pack("<4I", 0xBAA98DEE, token, 4, len(s) + 1) + b"dom\0" + s + b"\0" for token, s in strings)
    names = b"\0.pw_tokenizer.entries\0.names\0"
    elf = (b"\x7fELF\1\1\1" + bytes(9) + struct.pack("<HHIIIIIHHHHHH", 2, 40, 1, 0, 0, 52 + len(section) + len(names), 0, 52, 0, 0, 40, 3, 2)
           + section + names + bytes(40) + struct.pack("<10I", 1, 1, 0, 0, 52, len(section), 0, 0, 1, 0)
           + struct.pack("<10I", 23, 3, 0, 0, 52 + len(section), len(names), 0, 0, 1, 0))
    texts = [struct.pack("<I", 1) + b"\x02\x03abc", struct.pack("<I", 2), struct.pack("<I", 3) + b"\x10\x04" + struct.pack("<f", 1.5) + b"\x41\x02\x80\x01",
             struct.pack("<I", 4), struct.pack("<I", 5) + b"\x82hi", b"text $AQAAAAIDYWJj and ${dom}#00000003, $10#0000000001", b"$AQAAAAI=", b"\xff"]
    messages = b"".join(bytes([len(text)]) + text for text in texts)
    for i, database in enumerate((csv, binary, section, elf)):
        put("tokens", str(i), bytes([i]) + struct.pack("<H", len(database)) + database + bytes([i]) + messages)


FIELDS_PROTO = """
syntax = "proto2";
package d;
enum Color { RED = 0; BLUE = 2; MINUS = -1; }
message All {
  optional double a = 1; optional float b = 2; optional int64 c = 3; optional uint64 d = 4; optional int32 e = 5;
  optional fixed64 f = 6; optional fixed32 g = 7; optional bool h = 8; optional string i = 9; optional bytes l = 12;
  optional group Grouped = 10 { optional int32 in = 1; }
  optional uint32 m = 13; optional Color n = 14; optional sfixed32 o = 15; optional sfixed64 p = 16;
  optional sint32 q = 17; optional sint64 r = 18; optional All k = 11;
  repeated int32 packed = 21 [packed = true]; repeated double many = 22; repeated string texts = 24;
  map<string, All> texts_map = 31; map<sint32, Color> numbers = 32; map<bool, bytes> flags = 33;
  extensions 100 to 200;
}
extend All { optional string extra = 100; }
message Thread { optional All stats = 1040; optional bytes name = 1; optional uint64 id = 12; }
message Snapshot { optional All all = 8; repeated All alls = 9; repeated Thread threads = 18; repeated uint32 n = 2000; }
"""
FIELDS_TEXT = """
all { a: 1.5 b: -0.1 c: -3 d: 18446744073709551615 e: -1 f: 1 g: 2 h: true i: "text" l: "\\000\\377" Grouped { in: 1 }
  m: 3 n: BLUE o: -4 p: -5 q: -6 r: -7 k { e: 1 k { k { i: "deep" } } } packed: 1 packed: 300 many: 0.1 many: nan
  texts: "a" texts: "b" texts_map { key: "x" value { e: 1 } } texts_map { key: "y" } numbers { key: -1 value: MINUS }
  flags { key: true value: "\\001" } [d.extra]: "more" }
alls { e: 1 } alls { e: 2 }
threads { name: "main" id: 7 stats { e: 1 } } threads { id: 8 stats { i: "x" } }
n: 1 n: 2
"""


def fields():
    """What fuzz_fields.c says. One seed more is that of a message for another."""
    with tempfile.TemporaryDirectory() as work:
        with open(os.path.join(work, "d.proto"), "w", encoding="ascii") as file:
            file.write(FIELDS_PROTO)
        subprocess.run(["protoc", "-I", work, f"--descriptor_set_out={work}/set", "d.proto"], check=True)
        data = subprocess.run(["protoc", "-I", work, "--encode=d.Snapshot", "d.proto"], check=True,
                              input=FIELDS_TEXT.encode(), stdout=subprocess.PIPE).stdout
        described = read(os.path.join(work, "set"))
    for which in range(8):
        put("fields", str(which), struct.pack("<HB", len(described), which) + described + data)


def by_hand():
    trees()
    texts()
    tokens()
    root = os.path.dirname(os.path.dirname(fixtures))
    put("config", "example", read(os.path.join(root, "packaging", "snapcrash.conf")))
    put("config", "some", b"spool = /var/x\nmax_bytes = 10M # c\nignore = foo* uid=7\nonly=/bin/*\nhook = /bin/h a b\n"
                          b"dump_time = 5s\nmemory = indirect\nsoftware_build_uuid = 00112233\nowner_access = yes\n")
    # fuzz_expression.c: atom, shape, number.
    op = lambda atom, number=0: bytes([atom, 0x21]) + bytes([number & 0xFF])
    put("expression", "plt", b"\x08" + op(0x77, 8) + op(0x80, 0) + op(0x3F) + op(0x1A) + op(0x3B) + op(0x2A) + op(0x33)
        + op(0x24) + op(0x22))
    put("expression", "deref", b"\x10" + op(0x70, 8) + op(0x06) + op(0x94, 4) + op(0x12) + op(0x28, 0xF9) + op(0x9F))
    put("expression", "registers", b"\x01" + op(0x50) + op(0x90, 3) + op(0x92, 4) + op(0x9C) + op(0x23, 1) + op(0x2F, 0xFE))
    for i, name in enumerate((b"_ZN5outer1C1fEi", b"_ZNSt6vectorIiSaIiEE9push_backERKi", b"_RNvC6_123foo3bar",
                              b"_ZN4core3fmt9Formatter3pad17h0123456789abcdefE", b"_ZNK1AIXadL_ZN1B1cEvEEEcvT_Ev.cold")):
        put("demangle", str(i), name)


def main():
    for path in sorted(glob.glob(os.path.join(fixtures, "*", "snapshot.snap.xz"))):
        name = os.path.basename(os.path.dirname(path))
        if name in ("segv-null", "thread", "signal-frame", "cxx-inline", "two-modules", "aarch64-deep", "arm-deep",
                    "riscv64-deep", "i386-deep", "guest-pac-threads", "arm-stripped-deep"):
            put("snapshot", name, read(path))
            put("export", name, read(path))
    with tempfile.TemporaryDirectory() as work:
        for name in ("segv-null", "thread", "aarch64-deep", "arm-exidx", "arm-deep", "riscv64-deep", "i386-deep",
                     "ppc64le-deep", "s390x-deep", "mips64el-deep"):
            path = os.path.join(fixtures, name, "core.xz")
            if not os.path.exists(path):
                continue
            core = read(path)
            if core[4] == 2 and core[5] == 1:
                notes = core_notes(core)
                machine = {62: 0, 183: 1, 243: 3}.get(struct.unpack_from("<H", core, 18)[0])
                if machine is not None:
                    put("notes", name, struct.pack("<BH", machine, len(notes)) + notes + bytes(256))
            # Through a snapshot it becomes small.
            small = os.path.join(work, name)
            full = os.path.join(work, "core")
            with open(full, "wb") as file:
                file.write(core)
            if subprocess.run([analyze, "import", full, "-o", small + ".snap"], stderr=subprocess.DEVNULL).returncode < 2 \
                    and subprocess.run([analyze, "export", "--no-local", small + ".snap", "-o", small],
                                       stderr=subprocess.DEVNULL).returncode < 2:
                put("core", name, read(small))
            elif len(core) < 100_000:
                put("core", name, core)
        compile_variables(work)
        for path in compile_dwarf(work):
            data = read(path)
            put("build_id", os.path.basename(path), data[:4096])
            sections = elf_sections(data)
            for flags in (0, 16):
                put("cfi", f"{os.path.basename(path)}-{flags}", bytes([flags]) + sections[".eh_frame"])
    for path in sorted(glob.glob(os.path.join(fixtures, "arm-exidx", "*.so"))):
        data = read(path)
        shoff = struct.unpack_from("<I", data, 0x20)[0]
        shentsize, shnum = struct.unpack_from("<HH", data, 0x2E)
        exidx = extab = b""
        for i in range(shnum):
            _, kind, _, _, off, size = struct.unpack_from("<IIIIII", data, shoff + i * shentsize)
            if kind == 0x70000001:
                exidx = data[off:off + size]
        put("exidx", os.path.basename(path), struct.pack("<HH", len(extab), 0xFFFF) + extab + exidx)
    inline = b"".join(struct.pack("<II", 0x7FFFE000 + 64 * i - 8 * i, word) for i, word in enumerate(
        (0x80B0B0B0, 0x80A8B0B0, 0x809BAA80, 0x80C9B1B0, 0x81B20284, 0x1, 0x80B10F00)))
    put("exidx", "inline", struct.pack("<HH", 0, 0xFFFF) + inline)
    put("build_id", "arm", read(os.path.join(fixtures, "arm-exidx", "arm.so"))[:4096])
    entries()
    fields()
    messages()
    workers()
    by_hand()


main()
