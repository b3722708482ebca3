#!/usr/bin/python3
"""Takes core_pattern for one test script, and gives it back whatever becomes of the script.

core_pattern_guard.py SCRIPT-PID DIR

Waits for the lock that all users of core_pattern on this machine share, saves core_pattern and
core_pipe_limit, leaves a guardian process behind and exits 0. The guardian (own session, deaf to
INT, TERM and HUP) restores both and drops the lock when the script asks for it ("release" into
DIR/control), and also when the script is gone, be it by SIGKILL. It watches the script by a pidfd
rather than by the end of a pipe whose other end the script holds: the script's children (victims
that sleep, say) would inherit such an end and hold the lock in the name of a dead script.

Exits 77 with the reason on stderr where core_pattern cannot be set.
"""

import fcntl
import os
import select
import shutil
import signal
import stat
import sys
import threading
import time

KERNEL = "/proc/sys/kernel/"
SETTINGS = ("core_pattern", "core_pipe_limit")
LOCK = "/tmp/snapcrash-core-pattern.lock"
# What the holder of the lock found. Still there when the next one comes: the guardian itself was
# killed, and the machine's own settings are these.
SAVED = "/tmp/snapcrash-core-pattern.saved"


def skip(reason):
    print(f"core_pattern: {reason}", file=sys.stderr)
    sys.exit(77)


def get(name):
    with open(KERNEL + name, "rb") as f:
        return f.read().rstrip(b"\n")


def put(name, value):
    fd = os.open(KERNEL + name, os.O_WRONLY)
    try:
        # One write(2): the kernel takes each as a whole value. An empty pattern needs its newline.
        os.write(fd, value + b"\n")
    finally:
        os.close(fd)


def left_over():
    """The settings that a killed guardian could not restore, or None."""
    try:
        fd = os.open(SAVED, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return None
    with os.fdopen(fd, "rb") as f:
        st = os.fstat(f.fileno())
        # /tmp is anybody's: believe only root's file.
        if not stat.S_ISREG(st.st_mode) or st.st_uid != 0:
            return None
        lines = f.read().split(b"\n")
    return dict(zip(SETTINGS, lines)) if len(lines) >= len(SETTINGS) else None


def save():
    found = left_over()
    settings = found or {name: get(name) for name in SETTINGS}
    if not found:
        try:
            os.unlink(SAVED)
        except FileNotFoundError:
            pass
        fd = os.open(SAVED, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(fd, "wb") as f:
            f.write(b"".join(settings[name] + b"\n" for name in SETTINGS))
    return settings


def restore(settings):
    for name in SETTINGS:
        put(name, settings[name])
    os.unlink(SAVED)


def take_lock(script):
    """Waits in the kernel, for that is the only queue in which everybody's turn comes."""
    lock = os.open(LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    outcome = []

    def wait():
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            outcome.append(None)
        except OSError as e:
            outcome.append(e)

    waiter = threading.Thread(target=wait, daemon=True)
    waiter.start()
    said = False
    begun = time.monotonic()
    waiter.join(0.02)
    while waiter.is_alive():
        if gone(script, 0):
            os._exit(1)
        if not said and time.monotonic() - begun > 5:
            print("core_pattern: waiting for another test to give it back", file=sys.stderr)
            said = True
        waiter.join(0.1)
    if outcome[0]:
        raise outcome[0]
    return lock


def gone(script, seconds):
    poll = select.poll()
    poll.register(script, select.POLLIN)
    return bool(poll.poll(seconds * 1000))


def guard(settings, script, directory):
    os.setsid()
    for sig in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(sig, signal.SIG_IGN)
    null = os.open("/dev/null", os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    # Read-write, so that it never shows an end of file.
    control = os.open(directory + "/control", os.O_RDWR | os.O_NONBLOCK)
    poll = select.poll()
    poll.register(script, select.POLLIN)
    poll.register(control, select.POLLIN)
    poll.poll()
    restore(settings)
    if gone(script, 0):
        shutil.rmtree(directory, ignore_errors=True)
        return
    try:
        fd = os.open(directory + "/released", os.O_WRONLY | os.O_NONBLOCK)
        os.write(fd, b"released\n")
    except OSError:
        pass


def main():
    pid, directory = int(sys.argv[1]), sys.argv[2]
    script = os.pidfd_open(pid)
    if os.geteuid() != 0:
        skip("only root can set it")
    try:
        lock = take_lock(script)
    except OSError as e:
        skip(f"cannot lock {LOCK}: {e.strerror}")
    try:
        settings = save()
    except OSError as e:
        skip(f"cannot save it: {e.strerror}")
    try:
        put("core_pipe_limit", b"16")
        put("core_pattern", settings["core_pattern"])
    except OSError as e:
        try:
            restore(settings)
        except OSError:
            os.unlink(SAVED)
        skip(f"cannot write {KERNEL}core_pattern: {e.strerror}")
    for fifo in ("control", "released"):
        os.mkfifo(f"{directory}/{fifo}", 0o600)
    if os.fork() == 0:
        try:
            guard(settings, script, directory)
        finally:
            os._exit(0)
    # The guardian has inherited the lock; it lives until the last copy is closed.
    os.close(lock)


main()
