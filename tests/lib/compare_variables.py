#!/usr/bin/python3
"""Whether the variables in reports are those that gdb shows.

compare_variables.py [-v] NAME GDB.json REPORT.json ...   (three arguments for each crash)

Both sides are brought to one form first: gdb's symbols behind pointers are left out where the
report has none, and runs of characters are written out. Counted are variables that are
    equal    the same, or not kept by the program according to both
    missing  not captured, according to the report
    lost     optimised out according to the report, though gdb has a value
    extra    known to the report alone: what the caller passed, which gdb tells elsewhere
    wrong    different
Prints the counts and, with -v, what is not equal; each wrong one in any case. Status 1 if any is
wrong, or less than 95 % of those that are not missing are equal.
"""

import collections
import json
import re
import sys

LACKS = re.compile(r"<(not captured|optimized out|synthetic pointer|error|incomplete|No data)")


def strip_symbols(text):
    """0x1234 <name+5> without the name, which may have <> of its own."""
    out, i = [], 0
    while i < len(text):
        if text[i] == "<" and re.search(r"0x[0-9a-f]+ $", "".join(out[-24:])) and not LACKS.match(
            text, i
        ):
            depth = 0
            while i < len(text):
                depth += {"<": 1, ">": -1}.get(text[i], 0)
                # "->" and operators of C++ are no brackets.
                i += 1
                if depth == 0:
                    break
            while out and out[-1] == " ":
                out.pop()
            continue
        out.append(text[i])
        i += 1
    return "".join(out)


def shorten_bases(text):
    """<std::allocator<int>> = {...} without template arguments: they can be spelt in several ways."""
    out, i = [], 0
    while i < len(text):
        match = re.compile(r"<[\w~]").match(text, i)
        if not match or not re.search(r"(?:\{|, )$", "".join(out[-2:])) or LACKS.match(text, i):
            out.append(text[i])
            i += 1
            continue
        begun, depth = i, 0
        while i < len(text):
            depth += {"<": 1, ">": -1}.get(text[i], 0)
            i += 1
            if depth == 0:
                break
        out.extend("<" + text[begun + 1 : i - 1].split("<")[0] + ">")
    return "".join(out)


STRING = re.compile(
    r"""(?:"(?:\\.|[^"\\])*"|'(?:\\[0-7]{3}|\\.|[^'\\])' <repeats \d+ times>)"""
    r"""(?:, (?:"(?:\\.|[^"\\])*"|'(?:\\[0-7]{3}|\\.|[^'\\])' <repeats \d+ times>))*(?:\.\.\.)?"""
)
PART = re.compile(r""""((?:\\.|[^"\\])*)"|'((?:\\[0-7]{3}|\\.|[^'\\]))' <repeats (\d+) times>""")


def expand(match):
    """A string as one, whatever its runs."""
    text = match.group(0)
    whole = "".join(
        m.group(1) if m.group(1) is not None else m.group(2) * int(m.group(3))
        for m in PART.finditer(text)
    )
    goes_on = text.endswith("...")
    # What is shown of a long one differs. A quote needs a backslash in one kind of quotes only.
    whole = whole.replace("\\'", "'").replace('\\"', '"')
    return f'"{whole[:160]}{"..." if goes_on and len(whole) < 160 else ""}"'


def normalise(text):
    text = shorten_bases(strip_symbols(text))
    text = STRING.sub(expand, text)
    text = re.sub(r"\((?:[^()]|\([^()]*\))*\) (?=0x|@0x)", "", text)
    # The virtual function that a pointer means has no parameters in a report.
    text = re.sub(r"(&virtual [\w:]+)\([^()]*\)(?: const)?", r"\1", text)
    text = re.sub(r"<error: Cannot access memory at address 0x[0-9a-f]+>", "<not captured>", text)
    text = re.sub(r"<not captured[^<>]*>", "<not captured>", text)
    # How long a string is that is not captured, gdb does not say; and it has names of its own.
    text = re.sub(r"\bstd::(?:w|u16|u32)?string(_view)? of length \d+ = (?=<not captured)", "", text)
    text = re.sub(r"\blong int\b", "long", text)
    return re.sub(r"\s+", " ", text).strip()


def same(ours, theirs):
    ours, theirs = normalise(ours), normalise(theirs)
    if ours == theirs:
        return True
    # Cut: what is there must be the same.
    end = min(x.find("...") if "..." in x else len(x) for x in (ours, theirs))
    return end < max(len(ours), len(theirs)) and end > 40 and ours[: end - 1] == theirs[: end - 1]


def fits(ours, theirs):
    """Whether what there is of ours is the same."""
    parts = re.split(r'(?:\.\.\."? ?)?<not captured>(?:\.\.\.)?|\.\.\."?', normalise(ours))
    return re.match(".*".join(re.escape(part.strip()) for part in parts), normalise(theirs))


def judge(ours, theirs):
    if theirs["value"] is None:
        return "equal" if ours["state"] != "value" else "extra"
    if ours["state"] == "not-captured":
        return "missing"
    if same(ours["value"], theirs["value"]):
        return "equal"
    left = theirs["value"].replace("<optimized out>", "")
    if ours["state"] == "optimized-out" and "<optimized out>" in theirs["value"]:
        if not re.search(r"= (?!\{|$)|, \d", re.sub(r"= (?=[,}])", "", left)):
            return "equal"
    if theirs["optimized"]:
        return "extra"
    if ours["state"] == "optimized-out":
        return "lost"
    if ours["state"] == "error":
        return "lost"
    # As it lies in memory: that its elements are where gdb takes them to be could not be proved.
    if "{_M_t = {_M_impl = {" in ours["value"] and "std::" in theirs["value"]:
        return "missing"
    # What is captured of it must be the same.
    if "<not captured" in ours["value"] and fits(ours["value"], theirs["value"]):
        return "missing"
    return "wrong"


def by_name(variables):
    found = collections.defaultdict(list)
    for variable in variables:
        found[variable["name"]].append(variable)
    return found


def compare(name, truth, report, verbose, counts):
    truth = {t["tid"]: t["frames"] for t in truth["threads"]}
    for thread in report["threads"]:
        theirs = truth.get(thread["tid"], [])
        ours = [f for f in thread["frames"] if not f["signal_frame"] and not f["tail_call"]]
        for mine, other in zip(ours, theirs):
            if mine["pc"] != other["pc"] or mine["inline"] != other["inline"]:
                break
            where = f"{name}: #{mine['index']} {mine['function']}"
            for key in ("arguments", "locals"):
                if key == "locals" and not thread["crashed"]:
                    continue
                has = by_name(mine[key])
                for variable in other[key]:
                    candidates = has.get(variable["name"])
                    if not candidates:
                        kind = "equal" if variable["optimized"] else "lost"
                        counts[kind] += 1
                        if kind != "equal" and verbose:
                            print(f"{kind}: {where}: {variable['name']}: gdb {variable['value']}")
                        continue
                    # Blocks may be in another order: of several, one that fits.
                    verdicts = [judge(c, variable) for c in candidates]
                    best = min(
                        range(len(verdicts)),
                        key=lambda i: ("equal", "missing", "extra", "lost", "wrong").index(
                            verdicts[i]
                        ),
                    )
                    kind = verdicts[best]
                    chosen = candidates.pop(best)
                    counts[kind] += 1
                    if kind == "wrong" or (verbose and kind != "equal"):
                        print(
                            f"{kind}: {where}: {chosen['type']} {variable['name']}:"
                            f"\n    gdb  {variable['value']}\n    ours {chosen['value']}"
                        )


def main():
    args = sys.argv[1:]
    verbose = args[:1] == ["-v"]
    args = args[verbose:]
    counts = collections.Counter()
    for i in range(0, len(args), 3):
        with open(args[i + 1], encoding="utf-8") as t, open(args[i + 2], encoding="utf-8") as r:
            compare(args[i], json.load(t), json.load(r), verbose, counts)
    known = sum(counts[k] for k in ("equal", "lost", "extra", "wrong"))
    share = counts["equal"] / known if known else 0
    print(
        ", ".join(f"{counts[k]} {k}" for k in ("equal", "missing", "lost", "extra", "wrong")),
        f"({100 * share:.2f} % of what was captured)",
    )
    return 1 if counts["wrong"] or share < 0.95 else 0


if __name__ == "__main__":
    sys.exit(main())
