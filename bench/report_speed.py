#!/usr/bin/python3
"""How fast and in how much memory one crash is reported, by us and by others.

Of three cores made by cores.sh: a tiny crash, 64 threads of 20 frames, and a big program that crashed some
40 frames deep. Medians of interleaved runs after one that is not counted; files are in the page cache.
Memory is the peak of resident memory, of all processes of a tool together. "cold" is without a symbol
cache, "warm" with what a run before has left in one.
"""
import argparse
import os
import tempfile

from measure import Meter, progress, sampled_peak

TO_REACH = {  # (ms, MiB)
    "ours, cold": {"tiny": (10, 12), "threads": (20, 16), "big": (45, 50)},
    "ours, warm": {"tiny": (5, 8), "threads": (12, 12), "big": (8, 16)},
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cores", help="the directory with the cores")
    parser.add_argument("victims", help="the programs of the first two")
    parser.add_argument("big", help="the program of the third")
    parser.add_argument("--snapanalyze", default=os.environ.get("ANALYZE", "build/bin/snapanalyze"))
    parser.add_argument("--measure", default="build/bench/measure", help="the launcher, built of measure.c")
    parser.add_argument("--runs", type=int, default=11)
    args = parser.parse_args()
    os.environ["LC_ALL"] = "C"
    os.environ.pop("DEBUGINFOD_URLS", None)
    meter = Meter(args.measure)
    programs = {"tiny": os.path.join(args.victims, "null_deref"),
                "threads": os.path.join(args.victims, "many_threads"), "big": args.big}

    print(f"{'':<8} {'':<22} {'ms':>8} {'to reach':>9} {'MiB':>8} {'to reach':>9}")
    for name, program in programs.items():
        core = os.path.join(args.cores, name + ".core")
        with tempfile.TemporaryDirectory(prefix="snapcrash-bench.") as cache:
            jobs = {
                "eu-stack": ["eu-stack", "--core", core, "-e", program],
                "eu-stack -i -s": ["eu-stack", "-i", "-s", "--core", core, "-e", program],
                "gdb": ["gdb", "-nx", "-batch", "-iex", "set debuginfod enabled off", "-ex",
                        "thread apply all bt", program, core],
                # As the others: what the bars were set for, names and lines.
                "ours, cold": [args.snapanalyze, "json", "--variables=none", "--no-cache", core],
                "ours, warm": [args.snapanalyze, "json", "--variables=none", "--cache", cache, core],
                # As people have it; gdb's "bt" shows arguments, too.
                "ours, cold, default": [args.snapanalyze, "json", "--no-cache", core],
                "ours, warm, default": [args.snapanalyze, "json", "--cache", cache, core],
            }
            # The run that is not counted fills the cache.
            result = meter.medians({job: (argv, args.runs) for job, argv in jobs.items()},
                                   say=lambda job, core=name: progress(f"{core}: {job}"))
            for job in jobs:
                if not job.startswith("ours"):
                    continue
                wall, peak = result[job]
                result[job] = wall, max(peak, sampled_peak(jobs[job]))
        progress("")
        for job, (wall, peak) in result.items():
            ms, mib = TO_REACH.get(job, {}).get(name, (None, None))
            print(f"{name:<8} {job:<22} {wall:>8.1f} {ms or '':>9} {peak:>8.1f} {mib or '':>9}" +
                  ("" if ms is None else "   reached" if wall <= ms and peak <= mib else "   NOT reached"))
        best = min((wall, job) for job, (wall, _) in result.items() if not job.startswith("ours"))
        print(f"{name:<8} of {best[1]}'s time: " + ", ".join(
            f"{job} {result[job][0] / best[0]:.2f}" for job in result if job.startswith("ours")))


if __name__ == "__main__":
    main()
