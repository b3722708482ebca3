#!/usr/bin/python3
"""Starts a server as systemd does: sockets passed to it, notifications received.

service_manager.py [--listen NAME=PATH]... [--stream NAME=PATH]... [--watchdog MS] -- COMMAND...

Prints each line of what the server notifies, then "ended STATUS". SIGTERM and SIGHUP are passed on.
"""

import argparse
import os
import signal
import socket
import sys
import threading

parser = argparse.ArgumentParser()
parser.add_argument("--listen", action="append", default=[])
parser.add_argument("--stream", action="append", default=[])
parser.add_argument("--watchdog", type=int)
parser.add_argument("command", nargs="+")
args = parser.parse_args()

passed, names = [], []
for kind, specs in ((socket.SOCK_SEQPACKET, args.listen), (socket.SOCK_STREAM, args.stream)):
    for spec in specs:
        name, path = spec.split("=", 1)
        sock = socket.socket(socket.AF_UNIX, kind)
        os.umask(0o177)
        sock.bind(path)
        os.umask(0o022)
        sock.listen(100)
        passed.append(sock)
        names.append(name)

notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
# An abstract address that is free.
notify.bind("")
address = notify.getsockname()


def child():
    env = os.environ
    env["NOTIFY_SOCKET"] = "@" + address[1:].decode()
    if args.watchdog:
        env["WATCHDOG_USEC"] = str(args.watchdog * 1000)
        env["WATCHDOG_PID"] = str(os.getpid())
    if passed:
        env["LISTEN_PID"] = str(os.getpid())
        env["LISTEN_FDS"] = str(len(passed))
        env["LISTEN_FDNAMES"] = ":".join(names)
    high = [os.dup2(s.fileno(), 50 + i) for i, s in enumerate(passed)]
    for i, fd in enumerate(high):
        os.dup2(fd, 3 + i)
        os.set_inheritable(3 + i, True)
    os.closerange(50, 60)
    os.execv(args.command[0], args.command)


pid = os.fork()
if pid == 0:
    child()
for signo in (signal.SIGTERM, signal.SIGHUP):
    signal.signal(signo, lambda signo, frame: os.kill(pid, signo))


def listen():
    while True:
        message = notify.recv(4096)
        if not message:
            return
        for line in message.decode().splitlines():
            if not line.startswith("MONOTONIC_USEC="):
                print(line, flush=True)


listener = threading.Thread(target=listen)
listener.start()
print("pid", pid, flush=True)
while True:
    try:
        _, status = os.waitpid(pid, 0)
        break
    except InterruptedError:
        pass
# Behind whatever the server said last.
socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b"", address)
listener.join()
print("ended", os.waitstatus_to_exitcode(status), flush=True)
