#!/usr/bin/python3
"""How fast and in how much memory addresses of one big program are symbolised, by us and by others.

Function, inlined functions and line of 1, 1,000 and 100,000 random code addresses read from standard
input, and of the same 100,000 twice, which tells what an address costs once all is warm. Medians of
interleaved runs after one that is not counted; files are in the page cache. Memory is the peak of
resident memory, of all processes of a tool together. "cold" is without a symbol cache, "warm" with one
that "snapanalyze cache build" has filled.
"""
import argparse
import os
import shutil
import statistics
import subprocess
import tempfile

from measure import Meter, progress, sampled_peak
from symbolize_truth import Elf

ONE, THOUSAND, MANY, TWICE = COUNTS = (1, 1000, 100000, 200000)
# To reach: milliseconds, MiB; for the whole machine's speed to fall out, also in terms of what
# llvm-symbolizer took on the machine on which the bounds were set.
LLVM_THEN = {ONE: 60, THOUSAND: 1182, MANY: 4622}
WALL = {"ours, cold": {ONE: 15, THOUSAND: 400, MANY: 1900}, "ours, warm": {ONE: 4, THOUSAND: 10, MANY: 200}}
PEAK = {"ours, cold": {ONE: 30, THOUSAND: 120, MANY: 180}, "ours, warm": {ONE: 20, THOUSAND: 30, MANY: 40}}
PER_ADDRESS = {"ours, cold": 2, "ours, warm": 1.5}
BUILD_MS, BUILD_MIB, BUILD_MB = 1400, 250, 15
OURS = tuple(WALL)


def verdict(value, bound):
    return f"{value:.3g} (<= {bound:.3g}: {'yes' if value <= bound else 'NO'})"


def tree_size(path):
    return sum(os.lstat(os.path.join(where, name)).st_size
               for where, _, names in os.walk(path) for name in names)


def build_cache(args, meter, cache):
    argv = [args.snapanalyze, "cache", "build", "--cache", cache, args.elf]

    def anew():
        shutil.rmtree(cache, ignore_errors=True)
        os.mkdir(cache)

    walls, peak = [], 0
    for _ in range(args.runs):
        progress("cache build")
        anew()
        wall, largest = meter.run(argv)
        walls.append(wall)
        peak = max(peak, largest)
    anew()
    peak = max(peak, sampled_peak(argv))
    return statistics.median(walls), peak, tree_size(cache) / 1e6


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("elf")
    parser.add_argument("--snapanalyze", default=os.environ.get("ANALYZE", "build/bin/snapanalyze"))
    parser.add_argument("--measure", default="build/bench/measure", help="the launcher, built of measure.c")
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--slow-runs", type=int, default=3, help="of what takes seconds")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only-ours", action="store_true", help="of the others only llvm-symbolizer")
    args = parser.parse_args()
    os.environ["LC_ALL"] = "C"
    os.environ.pop("DEBUGINFOD_URLS", None)
    meter = Meter(args.measure)

    with tempfile.TemporaryDirectory(prefix="snapcrash-bench.") as directory:
        cache = os.path.join(directory, "cache")
        build = build_cache(args, meter, cache)
        # In --addr2line's form, so that all print the same.
        ours = [args.snapanalyze, "symbolize", "--addr2line"]
        tools = {
            "llvm-symbolizer": ["llvm-symbolizer", "-e", args.elf, "-f", "-i", "-C"],
            "addr2line": ["addr2line", "-f", "-i", "-C", "-e", args.elf],
            "eu-addr2line": ["eu-addr2line", "-f", "-i", "-C", "-e", args.elf],
            OURS[0]: [*ours, "--no-cache", args.elf],
            OURS[1]: [*ours, "--cache", cache, args.elf],
        }
        if args.only_ours:
            del tools["addr2line"], tools["eu-addr2line"]
        addresses = Elf(args.elf).sample(MANY, args.seed)
        result = {}
        for count in COUNTS:
            stdin = os.path.join(directory, f"{count}")
            with open(stdin, "w", encoding="ascii") as file:
                file.writelines(f"{address:#x}\n" for address in (addresses * 2)[:count])
            jobs = {}
            for name, argv in tools.items():
                if name == "eu-addr2line" and count > THOUSAND:
                    continue  # minutes
                slow = name not in OURS and count > ONE
                jobs[name] = argv, args.slow_runs if slow else args.runs
            result[count] = meter.medians(jobs, stdin, lambda name, n=count: progress(f"{n}: {name}"))
            for name in OURS:
                wall, peak = result[count][name]
                result[count][name] = wall, max(peak, sampled_peak(tools[name], stdin))
        progress("")

    print(f"{os.path.basename(args.elf)}, {os.stat(args.elf).st_size / 1e6:.0f} MB; "
          f"seed {args.seed}; medians of {args.runs} ({args.slow_runs} of what takes seconds)\n")
    print(f"{'':<16} {'ms at 1':>9} {'1,000':>9} {'100,000':>9} {'twice':>9} {'us/address':>11}   "
          f"{'MiB at 1':>8} {'1,000':>8} {'100,000':>8}")
    again = {}
    for name in tools:
        figures = {count: result[count].get(name) for count in COUNTS}
        if figures[TWICE]:
            again[name] = (figures[TWICE][0] - figures[MANY][0]) * 1000 / MANY
        print(f"{name:<16}", *(f"{figures[c][0]:>9.1f}" if figures[c] else f"{'-':>9}" for c in COUNTS),
              f"{again[name]:>11.2f}" if name in again else f"{'-':>11}", " ",
              *(f"{figures[c][1]:>8.1f}" if figures[c] else f"{'-':>8}" for c in COUNTS[:3]))
    print("\nus/address: what the same 100,000 addresses cost the second time in one run.\n\nTo reach:")
    for name in OURS:
        for count in COUNTS[:3]:
            wall, peak = result[count][name]
            llvm = result[count]["llvm-symbolizer"][0]
            best = min(result[count][other][0] for other in result[count] if other not in OURS)
            print(f"  {name} {count:>7}: ms {verdict(wall, WALL[name][count])}, "
                  f"of llvm-symbolizer's {verdict(wall / llvm, WALL[name][count] / LLVM_THEN[count])}, "
                  f"of the best of the others' {wall / best:.3g}, MiB {verdict(peak, PEAK[name][count])}")
        mean = (result[MANY][name][0] - result[ONE][name][0]) * 1000 / (MANY - 1)
        print(f"  {name}: us/address once warm {verdict(again[name], PER_ADDRESS[name])}; "
              f"(t(100,000) - t(1)) / 99,999: {mean:.3g} us")
    print(f"  cache build: ms {verdict(build[0], BUILD_MS)}, MiB {verdict(build[1], BUILD_MIB)}, "
          f"MB on disk {verdict(build[2], BUILD_MB)}")


if __name__ == "__main__":
    main()
