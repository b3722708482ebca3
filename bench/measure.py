"""Wall time and peak memory of programs, for the scripts beside it."""
import os
import statistics
import subprocess
import sys
import tempfile
import time


class Meter:
    def __init__(self, launcher):
        self.launcher = os.path.abspath(launcher)
        if not os.access(self.launcher, os.X_OK):
            sys.exit(f"measure: not there (make bench-build): {launcher}")

    def run(self, argv, stdin=os.devnull):
        """Milliseconds and MiB of one run. Exit status 1 is how some say that something is unknown."""
        with tempfile.NamedTemporaryFile("r", prefix="snapcrash-bench.") as result, \
                open(stdin, "rb") as data:
            subprocess.run([self.launcher, result.name, *argv], stdin=data, check=True,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            wall_us, peak_kib, status = map(int, result.read().split())
        if status > 1:
            sys.exit(f"measure: exit status {status}: {' '.join(argv)}")
        return wall_us / 1000, peak_kib / 1024

    def medians(self, jobs, stdin=os.devnull, say=lambda name: None):
        """jobs: name: (argv, number of runs). Each once before, for the page cache; then interleaved."""
        runs = {name: [] for name in jobs}
        for i in range(-1, max(number for _, number in jobs.values())):
            for name, (argv, number) in jobs.items():
                if i < number:
                    say(name)
                    figures = self.run(argv, stdin)
                    if i >= 0:
                        runs[name].append(figures)
        return {name: tuple(statistics.median(column) for column in zip(*figures))
                for name, figures in runs.items()}


def sampled_peak(argv, stdin=os.devnull, interval=0.002):
    """MiB: the largest sum over a program and its descendants at one time, looked at in intervals.
    Memory that several of them share counts once for each."""
    page = os.sysconf("SC_PAGE_SIZE") / (1 << 20)

    def resident(pid):
        try:
            with open(f"/proc/{pid}/statm", "rb") as file:
                total = int(file.read().split()[1])
            for task in os.listdir(f"/proc/{pid}/task"):
                with open(f"/proc/{pid}/task/{task}/children", "rb") as file:
                    total += sum(resident(int(child)) for child in file.read().split())
            return total
        except (OSError, IndexError):
            return 0  # it has ended meanwhile

    peak = 0
    with open(stdin, "rb") as data, subprocess.Popen(
            argv, stdin=data, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None:
            peak = max(peak, resident(process.pid))
            time.sleep(interval)
    return peak * page


def progress(words):
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\033[K{words}")
        sys.stderr.flush()
