#!/usr/bin/python3
"""Makes the corpus of labelled crashes anew: make.py [--jobs N] [--build DIR]

Builds the programs of programs/ in three versions by several compilers and settings, runs them
under gdb until one of their bugs crashes them, and writes what gdb says of the stacks to
"traces.xz", the bugs to "labels", the builds to "builds" (README.rst). Needs gcc, clang, gdb, and rustc for fleet.rs.
"""
import argparse
import collections
import concurrent.futures
import lzma
import os
import random
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
REPORTS = 1400
# A report that is cut has so many frames.
CUT_SHARE, CUT = 0.05, (3, 10)

C_BUILDS = {
    # name: version, compiler, options, whether it is stripped, how common it is
    "gcc-O2": (1, "gcc", "-O2 -g", False, 4),
    "gcc-O0": (1, "gcc", "-O0 -g", False, 1),
    "clang-O2": (1, "clang", "-O2 -g", False, 1),
    "gcc-O2-2": (2, "gcc", "-O2 -g", False, 3),
    "gcc-O3-lto-2": (2, "gcc", "-O3 -flto -g", False, 2),
    "gcc-O2-symbols-2": (2, "gcc", "-O2", False, 2),
    "gcc-O2-3": (3, "gcc", "-O2 -g", False, 3),
    "clang-O2-3": (3, "clang", "-O2 -g", False, 2),
    "gcc-O2-stripped-3": (3, "gcc", "-O2", True, 1),
}
RUST_BUILDS = {
    "rust-O0": (1, "rustc", "-C opt-level=0 -g", False, 2),
    "rust-O2-2": (2, "rustc", "-C opt-level=2 -g", False, 4),
    "rust-O3-3": (3, "rustc", "-C opt-level=3 -g", False, 2),
}
PROGRAMS = {
    "server": ["server.c"],
    "interp": ["interp.c"],
    "codec": ["codec.c"],
    "scene": ["scene.cc"],
    "store": ["store.cc"],
    "fleet": ["fleet.rs"],
}


def builds_of(program):
    return RUST_BUILDS if PROGRAMS[program][0].endswith(".rs") else C_BUILDS


def build(directory, program, name):
    version, compiler, options, is_stripped, _ = builds_of(program)[name]
    source = os.path.join(HERE, "programs", PROGRAMS[program][0])
    out = os.path.join(directory, name, program)
    os.makedirs(os.path.dirname(out), exist_ok=True)
    sources = [os.path.join(HERE, "programs", name) for name in os.listdir(os.path.join(HERE, "programs"))]
    if os.path.exists(out) and os.path.getmtime(out) > max(map(os.path.getmtime, sources)):
        return
    options = options.split()
    if compiler == "rustc":
        command = ["rustc", "--edition", "2021", "-C", "panic=abort", *options, "-o", out, source]
    else:
        if source.endswith(".cc"):
            compiler = {"gcc": "g++", "clang": "clang++"}[compiler]
            options += ["-std=c++17"]
        command = [compiler, *options, "-w", f"-DVERSION={version}", "-rdynamic", "-pthread", "-o", out,
                   source, "-lm"]
    subprocess.run(command, check=True)
    made = [out]
    if program == "server":
        plugin = [c for c in command if c not in ("-rdynamic", "-lm", out, source)]
        plugin[-1:] = ["-fPIC", "-shared", "-o", out + ".so",
                       os.path.join(HERE, "programs", "server_plugin.c")]
        subprocess.run(plugin, check=True)
        made.append(out + ".so")
    if is_stripped:
        subprocess.run(["strip", *made], check=True)


def bugs_of(program):
    text = ""
    for name in sorted(os.listdir(os.path.join(HERE, "programs"))):
        if name.split(".")[0] in (program, program + "_plugin"):
            text += open(os.path.join(HERE, "programs", name), encoding="utf-8").read()
    return sorted(set(re.findall(r"BUG!?\((?:world, )?([a-z0-9_]+)\)", text)))


def plan(random_source, programs):
    """[(program, bug, build, seed, frames)] in the order of time; some more than are needed."""
    bugs = [(program, bug) for program in programs for bug in bugs_of(program)]
    random_source.shuffle(bugs)
    # Some bugs are hit all the time, most hardly ever.
    shares = [1 / (rank + 3) ** 0.8 for rank in range(len(bugs))]
    reports = []
    for (program, bug), share in zip(bugs, shares):
        start, length = random_source.uniform(0, 0.85), random_source.uniform(0.15, 1)
        for _ in range(max(1, round(1.25 * REPORTS * share / sum(shares)))):
            time = random_source.uniform(start, min(1, start + length))
            builds = builds_of(program)
            weights = [common * max(0.05, 1 - 1.6 * abs(time - (version - 1) / 2))
                       for version, _, _, _, common in builds.values()]
            name = random_source.choices(list(builds), weights)[0]
            frames = random_source.randint(*CUT) if random_source.random() < CUT_SHARE else 0
            reports.append((time, program, bug, name, random_source.randrange(1 << 32), frames))
    return [report[1:] for report in sorted(reports)]


def crash_all(directory, program, name, wanted):
    """The traces of one build: of each (number, bug, seed, frames) its text, by number."""
    base = os.path.join(directory, name, program)
    text = "".join("%d %s %d %d\n" % one for one in wanted)
    if not is_made(base, text):
        run_gdb(base, text)
    with open(base + ".traces", encoding="utf-8") as f:
        parts = f.read().split("\n\n")
    return {int(part.split("\n", 1)[0]): part.split("\n", 1)[1] for part in parts if part.strip()}


def is_made(base, wanted):
    """By a run before this one, that was ended."""
    try:
        made = os.path.getmtime(base + ".traces")
        with open(base + ".wanted", encoding="utf-8") as f:
            return f.read() == wanted and all(
                made > os.path.getmtime(path) for path in (base, base + ".wanted", os.path.join(HERE, "trace.py")))
    except FileNotFoundError:
        return False


def run_gdb(base, wanted):
    with open(base + ".wanted", "w", encoding="utf-8") as f:
        f.write(wanted)
    env = {"PATH": os.environ["PATH"], "CORPUS_PROGRAM": base, "LC_ALL": "C"}
    with open(base + ".log", "w", encoding="utf-8") as log:
        subprocess.run(["gdb", "-nx", "-batch", "-x", os.path.join(HERE, "trace.py")], env=env, stdout=log,
                       stderr=log, stdin=subprocess.DEVNULL, check=True)
    os.rename(base + ".part", base + ".traces")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--build", default=os.path.join(HERE, "..", "..", "build", "corpus"))
    options = parser.parse_args()
    programs = sorted(PROGRAMS)
    if subprocess.run(["sh", "-c", "command -v rustc"], stdout=subprocess.DEVNULL).returncode != 0:
        print("without fleet.rs: there is no rustc", file=sys.stderr)
        programs.remove("fleet")
    directory = os.path.abspath(options.build)
    random_source = random.Random(20)
    reports = plan(random_source, programs)
    by_build = collections.defaultdict(list)
    for i, (program, bug, name, seed, frames) in enumerate(reports):
        by_build[program, name].append((i, bug, seed, frames))
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        list(pool.map(lambda b: build(directory, *b), by_build))
        traces = {}
        for found in pool.map(lambda b: crash_all(directory, *b, by_build[b]), by_build):
            traces.update(found)
    numbers = sorted(traces)
    numbers = sorted(random_source.sample(numbers, min(REPORTS, len(numbers))))
    with lzma.open(os.path.join(HERE, "traces.xz"), "wt", preset=9, encoding="utf-8") as f:
        f.write("\n\n".join(traces[i] for i in numbers) + "\n")
    with open(os.path.join(HERE, "labels"), "w", encoding="utf-8") as f:
        f.writelines(f"{reports[i][0]}.{reports[i][1]}\n" for i in numbers)
    with open(os.path.join(HERE, "builds"), "w", encoding="utf-8") as f:
        f.writelines(f"{reports[i][2]}\n" for i in numbers)
    bugs = {reports[i][:2] for i in numbers}
    print(f"{len(numbers)} reports of {len(bugs)} bugs")


main()
