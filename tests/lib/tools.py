#!/usr/bin/python3
"""tools.py PID DIR: the tools of the tests that are written in Python, in one process for a whole script.

To start Python, and to read the schema, takes longer than to look at a report, and a script does so
hundreds of times. DIR/tools.in and DIR/tools.out are FIFOs. A request is strings, each ended by a NUL:
how many follow, the directory that paths are relative to, the tool, its arguments. The tool NAME is
main(arguments) of NAME.py beside this file; "get" is this file's own. The answer is its status and
its output, each ended by a NUL. Ends with the process PID.

One request at a time: "tool" of testlib.sh, its only client, waits for the answer.
"""

import contextlib
import importlib
import io
import json
import os
import select
import sys
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))


def get(arguments):
    """FILE EXPRESSION: prints a Python expression over the report r, null as "null"."""
    path, expression = arguments
    with open(path, encoding="utf-8") as f:
        report = json.load(f)
    value = eval(expression, {"r": report, "json": json})
    print("null" if value is None else str(value).lower() if isinstance(value, bool) else value)
    return 0


def answer(directory, name, arguments):
    """(status, output) as if the tool had been a process of its own."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        try:
            os.chdir(directory)
            status = get(arguments) if name == "get" else importlib.import_module(name).main(arguments)
        except SystemExit as e:
            status = e.code
        except Exception:
            traceback.print_exc()
            status = 1
    if isinstance(status, str):
        out.write(status + "\n")
        status = 1
    return status or 0, out.getvalue()


def requests(pid, fd):
    """Each request's strings, until the process has gone."""
    data = b""
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    while True:
        if not poll.poll(2000):
            try:
                os.kill(pid, 0)
            except ProcessLookupError:
                return
            continue
        data += os.read(fd, 1 << 16)
        num, _, rest = data.partition(b"\0")
        if not rest or rest.count(b"\0") < int(num):
            continue
        *words, data = rest.split(b"\0", int(num))
        yield [os.fsdecode(word) for word in words]


def main():
    pid, directory = int(sys.argv[1]), sys.argv[2]
    sys.path.insert(0, HERE)
    # For writing, too: so it has no end when a client closes it.
    fd = os.open(os.path.join(directory, "tools.in"), os.O_RDWR)
    for where, name, *arguments in requests(pid, fd):
        status, text = answer(where, name, arguments)
        with open(os.path.join(directory, "tools.out"), "wb") as out:
            out.write(b"%d\0%s\0" % (status, text.replace("\0", "").encode("utf-8", "surrogateescape")))


if __name__ == "__main__":
    main()
