#!/usr/bin/python3
"""How long a crash or a live snapshot holds a process, and how many bytes it leaves: beside the least
that a program can do there, and what the kernel does by itself.

Every round runs every way once, one after the other, and the next round begins with another one: what
is compared are the two runs of one round. See README.rst for what the columns mean.
"""
import argparse
import glob
import math
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

from measure import progress

KERNEL = "/proc/sys/kernel/"
HERE = os.path.dirname(os.path.abspath(__file__))
GUARD = os.path.join(HERE, "../tests/lib/core_pattern_guard.py")
CLIENT_ARGS = "%P %I %s %t %d %u %g %c %F %e"

# threads, MiB of heap, KiB of frames on each thread's stack
CRASHES = {"tiny": (1, 0, 0), "64": (64, 0, 20), "512": (512, 0, 20), "2000": (2000, 0, 20),
           "heap": (1, 1024, 0)}
LIVES = {"1": (1, 0, 0), "64": (64, 0, 20), "512": (512, 0, 20), "2000": (2000, 0, 20)}

# What must be reached: the largest ratio of ours to the other way's.
CRASH_TARGETS = [
    *(("client", "floor", point, 1.3) for point in CRASHES),
    *(("client+server", "floor", point, 1.3) for point in CRASHES),
    ("socket", "core file", "tiny", 1.0),
    *(("socket", "floor", point, 1.0) for point in CRASHES if point != "tiny"),
    # What the way itself costs, whoever goes it; and what we do.
    *(("socket floor", "floor", point, None) for point in CRASHES),
    *(("socket", "socket floor", point, None) for point in CRASHES),
]
LIVE_TARGETS = [(what, point, bound) for what, bound in (("pause", 1.5), ("wall", 2.0)) for point in LIVES]


class Tiers:
    """The bytes of stack that Snapcrash takes, for the floor: by default (common/stack_budget.h), or as
    many KiB of each thread."""

    def __init__(self, threads, each_kib=None):
        self.FIRST, self.SECOND, self.NUM, self.TAKEN = 64 << 10, 16 << 10, 63, 1024
        if each_kib:
            self.FIRST = self.SECOND = each_kib << 10
            self.NUM, self.TAKEN = 4095, 4096
        self.num_third = max(min(threads, self.TAKEN) - 1 - self.NUM, 0)
        self.third = 512

    @staticmethod
    def conf(each_kib):
        if not each_kib:
            return ""
        return (f"max_snapshot = 128M\nstack_first = {each_kib}K\nstack_second = {each_kib}K\n"
                "stack_second_threads = 4095\nstack_threads = 4096\n")

    def even_out(self, ours, least):
        """What is left for the third tier depends on what the others needed: from a trial of each."""
        if self.num_third:
            self.third = max(self.third + (ours - least) // self.num_third, 16) & ~15

    def __str__(self):
        return f"{self.FIRST},{self.SECOND},{self.NUM},{self.third},{self.TAKEN}"


# ---------------------------------------------------------------- figures

def interval(values):
    """Of the median, by the order statistics: no assumption about the distribution, at least 95 %."""
    values = sorted(values)
    n = len(values)
    rank, below = 0, 0.0
    while rank < n // 2:
        below += math.comb(n, rank) / 2 ** n
        if 2 * below > 0.05:
            break
        rank += 1
    return values[max(rank - 1, 0)], values[min(n - rank, n - 1)]


def verdict(low, high, bound):
    if high <= bound:
        return "reached"
    return "open" if low <= bound else "NOT reached"


def show_ratio(name, pairs, bound):
    ratios = [ours / other for ours, other in pairs]
    low, high = interval(ratios)
    result = verdict(low, high, bound) if bound else ""
    print(f"{name:<40} {statistics.median(ratios):>7.2f} [{low:.2f}, {high:.2f}]"
          + (f"{bound:>9.2f}   {result}" if bound else ""), flush=True)
    return result != "NOT reached"


# ---------------------------------------------------------------- what a snapshot holds

def fields(data):
    """(number, value) of a protobuf message's fields; of bytes, the bytes."""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(data):
        tag = varint()
        kind = tag & 7
        if kind == 0:
            yield tag >> 3, varint()
            continue
        size = {1: 8, 5: 4}.get(kind) or varint()
        yield tag >> 3, data[at:at + size]
        at += size


def stack_bytes(snapshot):
    total = 0
    for number, value in fields(snapshot):
        if number == 1036:  # memory
            memory = dict(fields(value))
            if memory.get(3) == 1:  # reason STACK
                total += len(memory[2])
    return total


# ---------------------------------------------------------------- crashes

class Crashes:
    """core_pattern, the spool, the server: everything is put back in __exit__."""

    def __init__(self, args):
        self.args = args
        self.dir = tempfile.mkdtemp(prefix="sc.", dir="/tmp")
        self.spool = self.dir + "/spool"
        self.server = self.floor = None
        self.tiers = {point: Tiers(crash[0], args.stack_kib) for point, crash in CRASHES.items()}
        os.mkdir(self.spool, 0o700)

    def __enter__(self):
        try:
            status = subprocess.run([sys.executable, GUARD, str(os.getpid()), self.dir],
                                    stdin=subprocess.DEVNULL).returncode
            if status != 0:
                sys.exit(status)
            for name in ("client", "floor", "server"):
                os.symlink(os.path.abspath(getattr(self.args, name)), f"{self.dir}/{name}")
            with open(self.dir + "/conf", "w") as file:
                file.write(f"spool = {self.spool}\nsocket = {self.dir}/server.sock\n"
                           f"coredump_socket = {self.dir}/core.sock\napp_socket = none\n"
                           "rate_burst = 0\nlog = stderr\n" + Tiers.conf(self.args.stack_kib))
        except BaseException:
            shutil.rmtree(self.dir, ignore_errors=True)
            raise
        return self

    def __exit__(self, *_):
        self.stop_server()
        self.stop_floor()
        with open(self.dir + "/released", "r+b", buffering=0) as answer:
            with open(self.dir + "/control", "r+b", buffering=0) as control:
                control.write(b"release\n")
            answer.readline()
        shutil.rmtree(self.dir, ignore_errors=True)

    @staticmethod
    def set(pattern):
        for name, value in (("core_pattern", pattern), ("core_pipe_limit", "16")):
            with open(KERNEL + name, "w") as file:
                file.write(value + "\n")
        with open(KERNEL + "core_pattern") as file:
            if file.read().rstrip("\n") != pattern:
                sys.exit(f"capture_speed: the kernel does not take core_pattern '{pattern}'")

    def start_server(self):
        if self.server:
            return
        with open(self.dir + "/log", "ab") as log:
            self.server = subprocess.Popen(
                [self.dir + "/server", "--config", self.dir + "/conf"], stdin=subprocess.DEVNULL,
                stdout=log, stderr=log)
        for _ in range(200):
            if os.path.exists(self.dir + "/server.sock"):
                return
            time.sleep(0.02)
        sys.exit("capture_speed: the server does not start: " + open(self.dir + "/log").read())

    def start_floor(self, point):
        """The one that stays; anew for each crash, as it is told of the tiers when it starts."""
        path = self.dir + "/floor.sock"
        self.floor = subprocess.Popen([self.dir + "/floor", "socket", path, self.dir + "/least",
                                       str(self.tiers[point])], stdin=subprocess.DEVNULL)
        for _ in range(200):
            if os.path.exists(path):
                return
            time.sleep(0.01)
        sys.exit("capture_speed: the floor does not start")

    def stop_floor(self):
        if self.floor:
            self.floor.kill()
            self.floor.wait()
            self.floor = None
            os.unlink(self.dir + "/floor.sock")

    def stop_server(self):
        if self.server:
            self.server.send_signal(signal.SIGTERM)
            self.server.wait(20)
            self.server = None

    def ways(self):
        """Name: (core_pattern, whether the server is to run, the file that comes of it)."""
        client = f"|{self.dir}/client --config {self.dir}/conf {CLIENT_ARGS}"
        ways = {
            "no core": ("", False, None),
            "core file": (self.dir + "/core", False, "core"),
            "exits at once": ("|/bin/true", False, None),
            "floor": (f"|{self.dir}/floor pipe %P %I {self.dir}/least TIERS", False, "least"),
            "client": (client, False, "spool/*.snap"),
        }
        if os.access(self.args.server, os.X_OK):
            ways["client+server"] = (client, True, "spool/*.snap")
            if hasattr(os, "pidfd_open") and self.has_socket():
                ways["socket"] = (f"@@{self.dir}/core.sock", True, "spool/*.snap")
                ways["socket floor"] = (f"@@{self.dir}/floor.sock", False, "least")
        return ways

    @staticmethod
    def has_socket():
        return tuple(int(n) for n in os.uname().release.split(".")[:2]) >= (6, 17)

    def crash(self, way, point, keep=None):
        """Nanoseconds from the crash until its parent has reaped the process."""
        pattern, with_server, result = way
        threads = CRASHES[point][0]
        if with_server:
            self.start_server()
        else:
            self.stop_server()
        if pattern.endswith("/floor.sock"):
            self.start_floor(point)
        self.set(pattern.replace("TIERS", str(self.tiers[point])))
        out = subprocess.run(
            [self.args.times, "crash", *map(str, CRASHES[point])], check=True, stdout=subprocess.PIPE,
            preexec_fn=lambda: self.limit(result == "core"))
        # What comes after the process was reaped is not to disturb the next one.
        found = self.wait_for(result) if result else []
        time.sleep(0.03)
        self.stop_floor()
        if keep is not None and found:
            with open(found[0], "rb") as file:
                keep["allocated"] = os.fstat(file.fileno()).st_blocks * 512
                if result == "spool/*.snap":
                    keep["bytes"] = os.fstat(file.fileno()).st_size
                    keep["stack"] = stack_bytes(file.read())
                elif result == "least":
                    keep["bytes"] = os.fstat(file.fileno()).st_size
                    keep["stack"] = keep["bytes"] - min(threads, 1 << 16) * 216
        for file in found:
            os.unlink(file)
        return int(out.stdout)

    @staticmethod
    def limit(core):
        import resource
        resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY if core else 0, ) * 2)

    def wait_for(self, result):
        for _ in range(500):
            found = glob.glob(f"{self.dir}/{result}")
            if found:
                return found
            time.sleep(0.01)
        log = self.dir + "/log"
        sys.exit(f"capture_speed: no {result} came; " + (open(log).read() if os.path.exists(log) else ""))


def measure_crashes(args, points):
    fine = True
    sizes = {}
    for point in points:
        # One lock for each point, so that others have their turn.
        with Crashes(args) as crashes:
            ways = {name: way for name, way in crashes.ways().items() if not args.ways or name in args.ways}
            times = {name: [] for name in ways}
            for name, way in ways.items():
                crashes.crash(way, point, sizes.setdefault((name, point), {}))
            if "floor" in ways and "client" in ways:
                crashes.tiers[point].even_out(
                    sizes["client", point]["stack"], sizes["floor", point]["stack"])
                crashes.crash(ways["floor"], point, sizes["floor", point])
            order = list(ways)
            for i in range(args.rounds):
                random.shuffle(order)
                for name in order:
                    progress(f"crash {point}: {i + 1}/{args.rounds} {name}")
                    times[name].append(crashes.crash(ways[name], point))
        progress("")
        print(f"\ncrash to reaped, {point}: medians of {args.rounds}, and the least of each, ms")
        for name in ways:
            print(f"  {name:<38} {statistics.median(times[name]) / 1e6:>9.3f} {min(times[name]) / 1e6:>9.3f}")
        for ours, other, where, bound in CRASH_TARGETS:
            if where == point and ours in times and other in times:
                fine &= show_ratio(f"  {ours} / {other}", list(zip(times[ours], times[other])), bound)
    print("\nbytes written, and bytes of stack among them")
    for (name, point), size in sizes.items():
        if size:
            print(f"  {point:<6} {name:<16} {size.get('bytes', size['allocated']):>12} "
                  f"{size.get('stack', ''):>12}")
    for (name, point), size in sizes.items():
        if name in ("client", "client+server", "socket") and size and not args.stack_kib:
            bound = 24 << 10 if point == "tiny" else 2 << 20
            good = size["bytes"] <= bound
            fine &= good
            print(f"  {point:<6} {name:<16} at most {bound:>8}: {'reached' if good else 'NOT reached'}")
    return fine


# ---------------------------------------------------------------- live processes

def live_once(args, point, directory, command):
    """Nanoseconds that the process was held, and that the program ran."""
    # Replacing a file makes ext4 bring it to disk.
    if os.path.exists(directory + "/snap"):
        os.unlink(directory + "/snap")
    out = subprocess.run([args.times, "live", *map(str, LIVES[point]), *command],
                         check=True, stdout=subprocess.PIPE).stdout
    gap_ns, wall_ns, status = map(int, out.split())
    if status != 0:
        sys.exit(f"capture_speed: exit status {status}: {' '.join(command)}")
    return gap_ns, wall_ns


def measure_live(args, point, directory):
    with open(directory + "/conf", "w") as file:
        file.write(f"spool = {directory}/spool\n" + Tiers.conf(args.stack_kib))
    tiers = Tiers(LIVES[point][0], args.stack_kib)
    debugger = [args.debugger, "-o", directory + "/snap", "--config", directory + "/conf", "@PID@"]
    floor = [args.floor, "live", "@PID@"]
    least = directory + "/least"
    live_once(args, point, directory, [*floor, str(tiers), least])
    live_once(args, point, directory, debugger)
    with open(directory + "/snap", "rb") as snap, open(least) as count:
        tiers.even_out(stack_bytes(snap.read()), int(count.read()))
    ways = {"floor": [*floor, str(tiers)], "debugger": debugger}
    pause = {name: [] for name in ways}
    wall = {name: [] for name in ways}
    order = list(ways)
    for i in range(args.rounds):
        random.shuffle(order)
        for name in order:
            progress(f"live {point}: {i + 1}/{args.rounds} {name}")
            gap_ns, wall_ns = live_once(args, point, directory, ways[name])
            pause[name].append(gap_ns)
            wall[name].append(wall_ns)
    progress("")
    return pause, wall


def measure_lives(args, points):
    fine = True
    for point in points:
        with tempfile.TemporaryDirectory(prefix="sc.", dir="/tmp") as directory:
            pause, wall = measure_live(args, point, directory)
        print(f"\nlive snapshot, {point}: medians of {args.rounds}, and the least, ms: pause, wall")
        for name in pause:
            print(f"  {name:<38} {statistics.median(pause[name]) / 1e6:>9.3f} "
                  f"{statistics.median(wall[name]) / 1e6:>9.3f}"
                  f"   {min(pause[name]) / 1e6:>9.3f} {min(wall[name]) / 1e6:>9.3f}")
        for what, where, bound in LIVE_TARGETS:
            if where == point:
                times = {"pause": pause, "wall": wall}[what]
                fine &= show_ratio(f"  debugger / floor, {what}",
                                   list(zip(times["debugger"], times["floor"])), bound)
    return fine


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", default="build/bin", help="our programs")
    parser.add_argument("--tools", default="build/bench", help="capture_times and capture_floor")
    parser.add_argument("--rounds", type=int, default=31)
    parser.add_argument("--crash", nargs="*", default=list(CRASHES), choices=list(CRASHES), metavar="POINT",
                        help="only these of " + ", ".join(CRASHES))
    parser.add_argument("--live", nargs="*", default=list(LIVES), choices=list(LIVES), metavar="POINT",
                        help="only these of " + ", ".join(LIVES))
    parser.add_argument("--stack-kib", type=int, metavar="N",
                        help="so much of each thread's stack, on both sides, instead of the defaults")
    parser.add_argument("--ways", nargs="*", help="only these ways to capture a crash")
    args = parser.parse_args()
    args.bin, args.tools = os.path.abspath(args.bin), os.path.abspath(args.tools)
    args.client, args.server, args.debugger = (f"{args.bin}/snapcrash-{name}"
                                               for name in ("client", "server", "debugger"))
    args.times, args.floor = args.tools + "/capture_times", args.tools + "/capture_floor"
    if os.geteuid() != 0:
        print("capture_speed: only root can set core_pattern", file=sys.stderr)
        sys.exit(77)
    # So that a signal goes through __exit__.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    print("What to reach is a ratio; [from, to] is the 95 % interval of the median ratio of "
          f"{args.rounds} pairs.")
    fine = measure_crashes(args, args.crash)
    fine &= measure_lives(args, args.live)
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
