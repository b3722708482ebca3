#!/usr/bin/python3
"""How fast crashes are signed, grouped and found in an index: snapanalyze beside itself.

Snapshots of one program, each with another uuid, are the batch. A row is the median of interleaved runs,
with the peak of resident memory of all processes together; "ratio" compares it with the row that its
name ends with. Files are in the page cache, symbols in a symbol cache.
"""
import argparse
import lzma
import os
import statistics
import subprocess
import sys
import tempfile

from measure import Meter, progress

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LIB = os.path.join(TOP, "tests", "lib")
FIXTURE = os.path.join(TOP, "tests", "fixtures", "segv-null")
TO_REACH = {"index of 100,000": 1000}  # ms


def unpacked(name, target):
    with lzma.open(os.path.join(FIXTURE, name)) as source, open(target, "wb") as file:
        file.write(source.read())
    return target


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--snapanalyze", default=os.environ.get("ANALYZE", "build/bin/snapanalyze"))
    parser.add_argument("--measure", default="build/bench/measure", help="the launcher, built of measure.c")
    parser.add_argument("--runs", type=int, default=11)
    parser.add_argument("--inputs", type=int, default=200, help="of the batch")
    parser.add_argument("--crashes", type=int, nargs="*", default=[100000, 1000000], help="of the indices")
    args = parser.parse_args()
    os.environ["LC_ALL"] = "C"
    os.environ.pop("DEBUGINFOD_URLS", None)
    meter = Meter(args.measure)
    with tempfile.TemporaryDirectory(prefix="snapcrash-bench.") as directory:
        def path(name):
            return os.path.join(directory, name)

        os.mkdir(path("symbols"))
        unpacked("segv-null.xz", path("symbols/segv-null"))
        one = unpacked("snapshot.snap.xz", path("one.snap"))
        os.mkdir(path("batch"))
        for i in range(args.inputs):
            subprocess.run([sys.executable, os.path.join(LIB, "edit_snapshot.py"), one,
                            path(f"batch/{i:06}.snap"), f"uuid={i:032x}"], check=True)
        batch = [path(f"batch/{i:06}.snap") for i in range(args.inputs)]
        options = ["--no-local", "--symbols", path("symbols"), "--cache", path("cache")]
        run = [args.snapanalyze]
        subprocess.run(run + ["ingest", *options, path("batch"), "--index", path("batch.db")], check=True,
                       stdout=subprocess.DEVNULL)
        rows = {
            "json": run + ["json", "--variables=none", *options, one],
            "signature / json": run + ["signature", *options, one],
            "batch: signature": run + ["signature", *options, *batch],
            "batch: dedup / batch: signature": run + ["dedup", *options, path("batch")],
            "batch: ingest, known": run + ["ingest", *options, path("batch"), "--index", path("batch.db")],
        }
        for crashes in args.crashes:
            progress(f"an index of {crashes:,} crashes is made")
            index = path(f"{crashes}.db")
            subprocess.run([sys.executable, os.path.join(LIB, "make_index.py"), path("batch.db"), index,
                            str(crashes)], check=True)
            rows[f"index of {crashes:,}"] = run + ["dedup", "--index", index]
            rows[f"index of {crashes:,}, --json"] = run + ["dedup", "--json", "--index", index]
            # After the first run, which decides.
            rows[f"index of {crashes:,}, --similar"] = run + ["dedup", "--similar", "--index", index]
        times, peaks = {name: [] for name in rows}, {name: 0 for name in rows}
        for i in range(-1, args.runs):
            progress(f"{i + 1} of {args.runs}")
            for name, argv in rows.items():
                wall, peak = meter.run(argv)
                if i >= 0:
                    times[name].append(wall)
                    peaks[name] = max(peaks[name], peak)
        progress("")
        print(f"{'':<34} {'ms':>9} {'ratio':>6} {'MiB':>7}  to reach")
        for name in rows:
            got = statistics.median(times[name])
            other = name.split(" / ")[1] if " / " in name else None
            ratio = f"{statistics.median(a / b for a, b in zip(times[name], times[other])):.2f}" if other else ""
            bound = TO_REACH.get(name)
            words = "" if bound is None else f"{bound} ms, {'reached' if got <= bound else 'NOT reached'}"
            print(f"{name:<34} {got:>9.2f} {ratio:>6} {peaks[name]:>7.1f}  {words}")


if __name__ == "__main__":
    main()
