#!/usr/bin/python3
"""A program that speaks badly to the server's socket for programs.

app_peer.py SOCKET HOW: prints what the server answers, one word each: "refused ERRNO", "accepted",
"done ERRNO", "closed", "silence". HOW "rights": the capabilities of the worker, and whether it may gain any.
"""

import os
import random
import socket
import struct
import sys
import time

MAGIC, VERSION = 0x50414E53, 1
SNAPSHOT, CRASH, GO, ACCEPTED, REFUSED, DONE = 1, 2, 3, 16, 17, 18
NAMES = {ACCEPTED: "accepted", REFUSED: "refused", DONE: "done"}


def header(kind, size, magic=MAGIC, version=VERSION):
    return struct.pack("=IHHI", magic, version, kind, size)


def snapshot(tid=None, reason=b"because", reason_len=None, **kw):
    body = struct.pack("=II256s", os.getpid() if tid is None else tid,
                       len(reason) if reason_len is None else reason_len, reason)
    return header(SNAPSHOT, 12 + len(body), **kw) + body


def crash(tid=None, signo=11, siginfo_len=128, regs_len=216, fpregs_len=512, fill=b"\x00"):
    body = struct.pack("=II256s", os.getpid() if tid is None else tid, 7, b"SIGSEGV")
    body += struct.pack("=iIII", signo, siginfo_len, regs_len, fpregs_len)
    body += struct.pack("=iii", signo, 0, 1).ljust(128, b"\x00") + fill * 512 + fill * 1024
    return header(CRASH, 12 + len(body)) + body


def answer(s, timeout=15.0):
    s.settimeout(timeout)
    try:
        data = s.recv(4096)
    except socket.timeout:
        return "silence"
    except ConnectionError:
        return "closed"
    if not data:
        return "closed"
    magic, version, kind, size, error = struct.unpack_from("=IHHII", data)
    assert (magic, version, size) == (MAGIC, VERSION, len(data)), data
    return NAMES[kind] + ("" if kind == ACCEPTED else f" {error}")


def connect(path):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    s.connect(path)
    return s


def whole(s, request):
    s.send(request)
    said = [answer(s)]
    if said[0] == "accepted":
        s.send(header(GO, 12))
        said.append(answer(s))
    return said


def main():
    path, how = sys.argv[1:3]
    random.seed(1)
    s = connect(path)
    if how == "well":
        said = whole(s, snapshot())
    elif how == "other-tid":
        # A thread of somebody else's: the request is for the peer's own process all the same.
        said = whole(s, snapshot(tid=1))
    elif how == "crash-other-tid":
        said = whole(s, crash(tid=1))
    elif how == "crash-garbage":
        said = whole(s, crash(fill=b"\xff"))
    elif how == "crash-short-registers":
        said = whole(s, crash(regs_len=7, fpregs_len=1, siginfo_len=3))
    elif how == "silent":
        said = [answer(s)]
    elif how == "no-go":
        s.send(snapshot())
        said = [answer(s), answer(s)]
    elif how == "rights":
        # Of the worker, while it waits: what it may still do. It says who it is behind the error and the uuid.
        s.send(snapshot())
        pid = struct.unpack_from("=I", s.recv(4096), 12 + 4)[0]
        with open(f"/proc/{pid}/status", encoding="ascii") as f:
            said = [line.split()[1] for line in f if line.startswith(("CapPrm:", "NoNewPrivs:"))]
    elif how == "wrong-go":
        s.send(snapshot())
        said = [answer(s)]
        s.send(header(DONE, 12))
        said.append(answer(s))
    elif how == "gone":
        s.send(snapshot())
        s.close()
        said = []
    elif how == "gone-after-go":
        s.send(snapshot())
        answer(s)
        s.send(header(GO, 12))
        s.close()
        said = []
    elif how == "bad":
        # Each is refused, on a connection of its own.
        said = []
        bad = [
            b"x", b"\x00" * 12, b"\xff" * 268, random.randbytes(4000), header(GO, 12), header(99, 12),
            snapshot(magic=1), snapshot(version=2), snapshot()[:-1], snapshot() + b"x",
            snapshot(reason_len=257), snapshot(reason_len=0xFFFFFFFF), crash()[:-1], crash(signo=0),
            crash(signo=-5), crash(signo=1000), crash(siginfo_len=129), crash(regs_len=513),
            crash(fpregs_len=0xFFFFFFFF), b"\x00" * 100000,
        ]
        for message in bad:
            s.send(message)
            said.append(answer(s))
            s.close()
            s = connect(path)
    elif how == "with-descriptors":
        socket.send_fds(s, [snapshot()], [0, 1, 2])
        said = [answer(s)]
        s.send(header(GO, 12))
        said.append(answer(s))
    elif how == "many":
        # Some of these are told that there are too many; the server lives.
        others = []
        for _ in range(200):
            t = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            t.settimeout(0.2)
            try:
                t.connect(path)
            except (socket.timeout, BlockingIOError):
                break
            others.append(t)
        said = [answer(others[30], 5)]
        time.sleep(0.2)
    print(" ".join(said))


main()
