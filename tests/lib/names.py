"""Function names in a form in which gdb's and snapanalyze's can be compared.

Without parameters, return type, clone suffixes and white space: none of them says which function
it is, and every demangler writes them in its own way.
"""

import re

# Operators whose names contain brackets, which would confuse the counting of them.
OPERATORS = ("<=>", "->*", "<<=", ">>=", "<<", ">>", "<=", ">=", "->", "<", ">", "()", "[]")
CLONE = re.compile(
    r"((\.(constprop|isra|part|cold|lto_priv|llvm|localalias)(\.[0-9a-f]+)*|\.[0-9]+)"
    r"|\s*\[clone [^\]]*\])+$"
)


def _hide_operators(name):
    def hide(match):
        return "operator@%d@" % OPERATORS.index(match.group(1))

    alternatives = "|".join(re.escape(op) for op in OPERATORS)
    # "operator<T>" cannot occur, "operator< <T>" is how a template of it is written.
    return re.sub(r"\boperator\s*(" + alternatives + r")\s*", hide, name)


def _show_operators(name):
    return re.sub(r"operator@(\d+)@", lambda m: "operator" + OPERATORS[int(m.group(1))], name)


def normalise(name):
    if name is None or name == "??":
        return None
    name = CLONE.sub("", _hide_operators(name.strip()))
    name = re.sub(r"(\s*\b(const|volatile|noexcept)|\s*&&?)+$", "", name)
    if name.endswith(")"):
        depth = 0
        for i in range(len(name) - 1, -1, -1):
            if name[i] == ")":
                depth += 1
            elif name[i] == "(":
                depth -= 1
                if depth == 0:
                    # "(anonymous namespace)" alone is no parameter list.
                    if i > 0 and not name[:i].endswith("::"):
                        name = name[:i]
                    break
    depth = 0
    start = 0
    for i, c in enumerate(name):
        if c in "<({[":
            depth += 1
        elif c in ">)}]":
            depth -= 1
        elif c == " " and depth == 0 and not name[:i].endswith("operator"):
            start = i + 1
    name = name[start:].lstrip("*&")
    return re.sub(r"\s+", "", _show_operators(name)) or None
