#!/usr/bin/python3
"""What the sandbox costs, and what variables and the faulting instruction do: snapanalyze beside itself.

A program is compiled and waits in one of two functions; snapcrash-debugger takes a snapshot of each, and
copies of the two are the batch. Each row is measured in pairs of runs, in turns, and what counts is the
median of their ratios (or differences), with its 95 % interval from order statistics. All files are in
the page cache, symbols in a symbol cache. Nothing here is compared with other tools.
"""
import argparse
import os
import shutil
import statistics
import subprocess
import tempfile
import time

from measure import Meter, progress

SOURCE = """
#include <unistd.h>
struct point { int x, y; const char *name; };
__attribute__((noinline, aligned(4096))) int first(struct point *p) { int n = p->x; pause(); return n; }
__attribute__((noinline, aligned(65536))) int second(struct point *p) { int n = p->y; pause(); return n + 1; }
int main(int argc, char **argv)
{
	struct point p = {argc, 2, argv[0]};
	return argc > 1 ? second(&p) : first(&p);
}
"""

# Of ratios; "ms" is a difference.
TO_REACH = {"one input": ("ms", 1.0), "batch, --jobs 1": ("ratio", 1.03), "batch": ("ratio", 1.03),
            "long batch": ("ratio", 1.03), "long batch, --jobs 1": ("ratio", 1.03)}


def snapshots(debugger, cc, directory):
    source, program = os.path.join(directory, "waits.c"), os.path.join(directory, "waits")
    with open(source, "w", encoding="ascii") as file:
        file.write(SOURCE)
    subprocess.run([cc, "-g", "-O1", "-o", program, source], check=True)
    taken = []
    for arguments in [], ["two"]:
        taken.append(os.path.join(directory, f"{len(taken)}.snap"))
        with subprocess.Popen([program, *arguments]) as process:
            while True:  # until it pauses
                with open(f"/proc/{process.pid}/wchan", encoding="ascii") as file:
                    if "pause" in file.read():
                        break
                time.sleep(0.01)
            subprocess.run([debugger, "-o", taken[-1], str(process.pid)], check=True,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            process.kill()
    return taken


def interval(values):
    """Of 31 values the 10th and the 22nd; of others as far from the middle."""
    values, by = sorted(values), max(1, round(0.98 * len(values) ** 0.5))
    middle = len(values) // 2
    return values[max(0, middle - by)], values[min(len(values) - 1, middle + by)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", default="build/bin", help="where our programs are")
    parser.add_argument("--measure", default="build/bench/measure", help="the launcher, built of measure.c")
    parser.add_argument("--cc", default=os.environ.get("CC", "cc").split()[0])
    parser.add_argument("--runs", type=int, default=31, help="pairs of each row")
    parser.add_argument("--inputs", type=int, default=200, help="of the batch")
    parser.add_argument("--rows", nargs="*", help="only those that begin so")
    args = parser.parse_args()
    os.environ["LC_ALL"] = "C"
    os.environ.pop("DEBUGINFOD_URLS", None)
    meter = Meter(args.measure)
    analyze = os.path.join(args.bin, "snapanalyze")
    with tempfile.TemporaryDirectory(prefix="snapcrash-bench.") as directory:
        two = snapshots(os.path.join(args.bin, "snapcrash-debugger"), args.cc, directory)
        batch = []
        for i in range(args.inputs):
            batch.append(os.path.join(directory, f"batch.{i:06}.snap"))
            shutil.copyfile(two[i % 2], batch[-1])
        json = [analyze, "json", "--cache", os.path.join(directory, "cache"), "--variables=none"]
        free, every = ["--no-sandbox"], ["--worker-inputs", "1000000"]
        rows = {
            "one input": (json + two[:1], json + free + two[:1]),
            "batch, --jobs 1": (json + ["--jobs", "1"] + batch, json + free + batch),
            "batch": (json + batch, json + free + batch),
            "long batch": (json + 10 * batch, json + free + 10 * batch),
            "long batch, --jobs 1": (json + every + ["--jobs", "1"] + 10 * batch, json + free + 10 * batch),
            "variables, one input": (json + free + ["--variables=all"] + two[:1], json + free + two[:1]),
            "variables, batch": (json + free + ["--variables=all"] + batch, json + free + batch),
        }
        print(f"{'':<22} {'ms':>8} {'without':>8} {'ratio':>6} {'interval':>15} {'more, ms':>9}  to reach")
        for name, sides in rows.items():
            if args.rows and not name.startswith(tuple(args.rows)):
                continue
            times = [[], []]
            for i in range(-1, args.runs):
                progress(f"{name}: {i + 1} of {args.runs}")
                for side in (0, 1) if i % 2 else (1, 0):
                    wall, _ = meter.run(sides[side])
                    if i >= 0:
                        times[side].append(wall)
            progress("")
            ratios = [a / b for a, b in zip(*times)]
            more = statistics.median(a - b for a, b in zip(*times))
            low, high = interval(ratios)
            unit, bound = TO_REACH.get(name, (None, None))
            got = more if unit == "ms" else statistics.median(ratios)
            words = "" if unit is None else f"{bound} {'ms' if unit == 'ms' else ''}".strip() + (
                ", reached" if got <= bound else ", NOT reached")
            print(f"{name:<22} {statistics.median(times[0]):>8.2f} {statistics.median(times[1]):>8.2f} "
                  f"{statistics.median(ratios):>6.3f} [{low:.3f}, {high:.3f}] {more:>9.2f}  {words}", flush=True)


if __name__ == "__main__":
    main()
