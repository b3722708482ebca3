#!/usr/bin/python3
"""facts_setup.py DIR PROGRAM [ARGUMENT...]: opens files of every kind, changes what can be changed of a
process, writes what it then is to DIR/truth.json, and becomes PROGRAM.
"""
import ctypes
import fcntl
import json
import os
import resource
import socket
import sys

PR_SET_NO_NEW_PRIVS = 38


def text(raw):
    """As a report shows it."""
    return os.fsencode(raw).decode("utf-8", "backslashreplace")


def open_files(top):
    os.open(os.path.join(top, "read"), os.O_RDONLY | os.O_CREAT, 0o600)
    fd = os.open(os.path.join(os.fsencode(top), b"a\n\t\"\\ \xff\x1b[31mb"), os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    os.write(fd, b"x" * 1234)
    gone = os.path.join(top, "gone")
    os.open(gone, os.O_WRONLY | os.O_CREAT, 0o600)
    os.unlink(gone)
    os.open(top, os.O_RDONLY | os.O_DIRECTORY)
    os.mkfifo(os.path.join(top, "fifo"))
    os.open(os.path.join(top, "fifo"), os.O_RDWR)
    os.open("/dev/zero", os.O_RDONLY)
    os.pipe()
    sockets = [socket.socket(socket.AF_UNIX), socket.socket(socket.AF_INET, socket.SOCK_DGRAM)]
    for one in sockets:
        one.detach()
    os.eventfd(3)
    os.memfd_create("scratch")
    os.dup2(0, 200)


def inherit_all():
    for name in os.listdir("/proc/self/fd"):
        try:
            os.set_inheritable(int(name), True)
        except OSError:
            pass  # the listing's own


def kind_of(link):
    for prefix, kind in (("/memfd:", "memfd"), ("/", "path"), ("pipe:", "pipe"), ("socket:", "socket"),
                         ("anon_inode:", "anonymous")):
        if link.startswith(prefix):
            return kind
    return "other"


def describe_files():
    files = {}
    for name in os.listdir("/proc/self/fd"):
        fd = int(name)
        try:
            link = text(os.readlink("/proc/self/fd/" + name))
            flags = fcntl.fcntl(fd, fcntl.F_GETFL)
        except OSError:
            continue
        try:
            position = os.lseek(fd, 0, os.SEEK_CUR)
        except OSError:
            position = 0
        kind = kind_of(link)
        deleted = kind in ("path", "memfd") and link.endswith(" (deleted)")
        files[fd] = {
            "kind": kind,
            "path": link.removesuffix(" (deleted)") if deleted else link,
            "deleted": deleted,
            "access": ["read", "write", "read-write"][flags & os.O_ACCMODE],
            "position": position,
        }
    return files


def control_group():
    """In the unified hierarchy, else systemd's, else any; but rather in a group than at a root."""
    found = []
    for line in open("/proc/self/cgroup", encoding="utf-8"):
        number, controllers, path = line.rstrip("\n").split(":", 2)
        order = 0 if number == "0" else 1 if controllers == "name=systemd" else 2
        found.append((path == "/", order, -int(number), path))
    return min(found)[3] if found else None


def main():
    top, command = os.path.realpath(sys.argv[1]), sys.argv[2:]
    os.chdir(top)
    open_files(top)
    inherit_all()
    with open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
        file.write("123")
    resource.setrlimit(resource.RLIMIT_NOFILE, (777, 777))
    ctypes.CDLL(None).prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    os.setpgid(0, 0)
    os.environ["FACTS"] = "a b\nc"
    truth = {
        "pid": os.getpid(),
        "ppid": os.getppid(),
        "pgid": os.getpgid(0),
        "sid": os.getsid(0),
        "ids": [os.getresuid(), os.getresgid()],
        "cwd": text(top),
        "cgroup": control_group(),
        "namespaces": {name: int(os.readlink("/proc/self/ns/" + name).split("[")[1].rstrip("]"))
                       for name in ("mnt", "pid", "user", "net", "uts", "ipc", "cgroup", "time")
                       if os.path.exists("/proc/self/ns/" + name)},
        "hostname": os.uname().nodename,
        "boot_id": open("/proc/sys/kernel/random/boot_id", encoding="ascii").read().strip().replace("-", ""),
        "environ": [f"{key}={value}" for key, value in os.environ.items()],
    }
    with open(os.path.join(top, "truth.json"), "w", encoding="utf-8") as file:
        truth["files"] = {fd: what for fd, what in describe_files().items() if fd != file.fileno()}
        json.dump(truth, file)
    os.execv(command[0], command)


main()
