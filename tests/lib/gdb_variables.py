"""What gdb says of the variables of every frame: what snapanalyze's are compared with.

	VARIABLES_LIST=list gdb -nx -batch -x gdb_variables.py

The list has lines of what to write, program, and core, separated by tabs. Written is {"threads":
[{"tid", "frames": [{"pc", "function", "inline", "arguments", "locals"}]}]}, each variable
{"name", "value", "optimized"}; value is null where gdb can't read it, and "error" says why.
"""

import json
import os
import sys

import gdb

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import gdb_shared

# libstdc++'s own printers, of the types that snapanalyze knows. What is in no scope of std is raw.
sys.path.insert(0, "/usr/share/gcc/python")
from libstdcxx.v6 import printers


class HomedStringPrinter:
    """One whose pointer is in a class that clang leaves to libstdc++ to describe."""

    def __init__(self, value):
        self.value = value

    def to_string(self):
        kind = self.value.type.strip_typedefs().template_argument(0)
        pointer = self.value.address.cast(kind.pointer().pointer()).dereference()
        return pointer.lazy_string(length=self.value["_M_string_length"])

    def display_hint(self):
        return "string"


class VariantPrinter(printers.StdVariantPrinter):
    """Which one it is, without the names of all types, which can be spelt in several ways."""

    def to_string(self):
        return "std::variant [" + super().to_string().rpartition(" [")[2]


KNOWN = {
    "std::__cxx11::basic_string": printers.StdStringPrinter,
    "std::basic_string_view": printers.StdExpStringViewPrinter,
    "std::vector": printers.StdVectorPrinter,
    "std::unique_ptr": printers.UniquePointerPrinter,
    "std::shared_ptr": printers.SharedPointerPrinter,
    "std::weak_ptr": printers.SharedPointerPrinter,
    "std::optional": printers.StdExpOptionalPrinter,
    "std::__cxx11::list": printers.StdListPrinter,
    "std::forward_list": printers.StdForwardListPrinter,
    "std::deque": printers.StdDequePrinter,
    "std::map": printers.StdMapPrinter,
    "std::multimap": printers.StdMapPrinter,
    "std::set": printers.StdSetPrinter,
    "std::multiset": printers.StdSetPrinter,
    "std::unordered_map": printers.Tr1UnorderedMapPrinter,
    "std::unordered_multimap": printers.Tr1UnorderedMapPrinter,
    "std::unordered_set": printers.Tr1UnorderedSetPrinter,
    "std::unordered_multiset": printers.Tr1UnorderedSetPrinter,
    "std::variant": VariantPrinter,
    "std::tuple": printers.StdTuplePrinter,
    "std::pair": printers.StdPairPrinter,
}


def find_printer(value):
    kind = value.type.strip_typedefs()
    if kind.code != gdb.TYPE_CODE_STRUCT or not kind.tag or value.type.code == gdb.TYPE_CODE_REF:
        return None
    name = kind.tag.split("<")[0]
    if name == "std::__cxx11::basic_string" and not value["_M_dataplus"].type.fields():
        return HomedStringPrinter(value)
    shown = "std::list" if name == "std::__cxx11::list" else name
    return KNOWN[name](shown, value) if name in KNOWN else None


gdb.pretty_printers.insert(0, find_printer)

# Characters of one byte are bytes, wide ones are text.
gdb_shared.prepare("target-charset ASCII")

# Of deep recursions these are enough.
MAX_FRAMES = 100


STYLE = {
    "max_elements": 200,
    "repeat_threshold": 10,
    "max_depth": 20,
    "static_members": False,
    "symbols": True,
    "unions": True,
    "deref_refs": True,
}


def describe(symbol, frame):
    out = {"name": symbol.name, "value": None, "optimized": False}
    try:
        value = symbol.value(frame)
        out["optimized"] = value.is_optimized_out
        try:
            out["value"] = value.format_string(**STYLE)
        except gdb.error:
            # For printers, references of what is none are followed.
            out["value"] = value.format_string(raw=True, **STYLE)
        # Arrays of variable length come right by command alone.
        if "variable length" in str(symbol.type) or (
            symbol.type.code == gdb.TYPE_CODE_ARRAY and value.type.sizeof != symbol.type.sizeof
        ):
            frame.select()
            out["value"] = gdb.execute("output " + symbol.name, to_string=True)
    except (gdb.error, gdb.MemoryError, NotImplementedError) as e:
        out["error"] = str(e)
    return out


def variables(frame):
    arguments, found = [], []
    try:
        block = frame.block()
    except RuntimeError:
        return [], []
    seen = set()
    while block is not None:
        for symbol in block:
            if symbol.is_argument and (symbol.name, symbol.line) not in seen:
                seen.add((symbol.name, symbol.line))
                arguments.append(describe(symbol, frame))
            elif symbol.is_variable or symbol.is_constant:
                if symbol.addr_class != gdb.SYMBOL_LOC_TYPEDEF and symbol.type is not None:
                    found.append(describe(symbol, frame))
        if block.function is not None:
            break
        block = block.superblock
    return arguments, found


def walk():
    frames = []
    frame = gdb.newest_frame()
    while frame is not None and len(frames) < MAX_FRAMES:
        if frame.type() != gdb.TAILCALL_FRAME and frame.type() != gdb.SIGTRAMP_FRAME:
            arguments, found = variables(frame) if frame.function() else ([], [])
            frames.append(
                {
                    "pc": hex(frame.pc()),
                    "function": frame.name(),
                    "inline": frame.type() == gdb.INLINE_FRAME,
                    "arguments": arguments,
                    "locals": found,
                }
            )
        try:
            frame = frame.older()
        except gdb.error:
            break
    return frames


def tell(path):
    threads = gdb_shared.threads(lambda: {"frames": walk()})
    with open(path, "w", encoding="utf-8") as f:
        json.dump({"threads": threads}, f)


gdb_shared.each_core(os.environ["VARIABLES_LIST"], tell)
