#!/usr/bin/python3
"""One side of the hand-over (capture/protocol.h), played by the rules or not.

link_peer.py client HOW SOCKET          prints what the server does: "granted NAME", "refused N",
                                        "queued", "closed", "done ERROR NAME", ...; exits 0
link_peer.py server HOW SOCKET SPOOL    serves until it is ended; prints "ready", then what it does
link_peer.py flood N SOCKET             N connections that say nothing; prints "flooded", and stays

HOW of a client: what it sends after the request was granted, or instead of it (see CLIENTS); of a
server: how far it gets (see SERVERS).
"""

import array
import fcntl
import os
import socket
import struct
import sys
import time

MAGIC, VERSION = 0x48434E53, 1
REQUEST, QUEUED, GRANTED, REFUSED, COMPLETE, DONE = 1, 2, 3, 4, 5, 6


def say(*words):
    print(*words, flush=True)


def message(kind, body=b"", version=VERSION, magic=MAGIC):
    return struct.pack("=IHHII", magic, version, kind, 16 + len(body), 0) + body


def request(comm=b"liar", pid=None, exe=b"/bin/liar", **kw):
    pid = pid or os.getpid()
    body = struct.pack("=QQqIIII64s256s", pid, pid, 1700000000, 11, os.getuid(), 0, 0, comm, exe)
    return message(REQUEST, body, **kw)


def complete(uuid=b"\xab" * 16, cut=0):
    return message(COMPLETE, struct.pack("=16sII", uuid, 0xFFFFFFFF, cut))


def kind(data):
    return struct.unpack_from("=IHHII", data)[2] if len(data) >= 16 else None


def receive(sock):
    """Returns (kind or None at the end, data, descriptors)."""
    try:
        data, fds, _, _ = socket.recv_fds(sock, 4096, 8)
    except ConnectionResetError:
        data, fds = b"", []
    return (kind(data) if data else None), data, fds


def answer(sock):
    """Waits for something else than QUEUED; prints it; returns the file or None."""
    waited = False
    while True:
        what, data, fds = receive(sock)
        if what != QUEUED:
            break
        if not waited:
            say("queued")
        waited = True
    if what is None:
        say("closed")
    elif what == GRANTED:
        say("granted", data[16:48].rstrip(b"\0").decode())
        return fds[0]
    elif what == REFUSED:
        say("refused", struct.unpack_from("=I", data, 16)[0])
    elif what == DONE:
        error, _ = struct.unpack_from("=iI", data, 16)
        say("done", error, data[24:].rstrip(b"\0").decode("utf-8", "backslashreplace"))
    else:
        say("message", what)
    return None


def connect(path):
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    sock.connect(path)
    return sock


def instead(*packets):
    def run(sock):
        for packet in packets:
            try:
                sock.send(packet)
            except OSError as e:
                say("cannot send:", e.strerror)
                return
        answer(sock)

    return run


def then(content, *packets, more=None):
    def run(sock):
        sock.send(request())
        fd = answer(sock)
        if fd is None:
            return
        os.write(fd, content)
        for packet in packets:
            sock.send(packet)
        if more:
            more(sock, fd)
        else:
            answer(sock)

    return run


def hang(sock, fd):
    say("hangs")
    time.sleep(100)


def quit_now(sock, fd):
    say("quits")
    os.kill(os.getpid(), 9)


def whole(sock, fd):
    """sys.argv[4] is a snapshot."""
    with open(sys.argv[4], "rb") as f:
        os.write(fd, f.read())
    sock.send(complete())
    answer(sock)


def slow(sock, fd):
    with open(sys.argv[4], "rb") as f:
        data = f.read()
    step = len(data) // 10 + 1
    for i in range(0, len(data), step):
        os.write(fd, data[i : i + step])
        time.sleep(0.1)
    sock.send(complete())
    answer(sock)


def many_descriptors(sock):
    fds = [os.open("/dev/null", os.O_RDONLY) for _ in range(200)]
    socket.send_fds(sock, [request()], fds)
    answer(sock)


CLIENTS = {
    "silent": lambda sock: answer(sock),
    "noise": instead(os.urandom(100)),
    "empty-packet": instead(b"\0"),
    "huge": instead(os.urandom(60000)),
    "other-version": instead(request(version=2)),
    "other-magic": instead(request(magic=1)),
    "short": instead(request()[:-1]),
    "long": instead(request() + b"\0"),
    "pid-0": instead(request(pid=2**40)),
    "no-end-of-text": instead(request(comm=b"x" * 64)),
    "servers-message": instead(message(GRANTED, b"0123456789abcdef.part".ljust(32, b"\0"))),
    "complete-first": instead(complete()),
    "descriptors": many_descriptors,
    "hostile-name": then(b"", complete(), more=None),
    "nothing-written": then(b"", complete()),
    "noise-written": then(os.urandom(5000), complete()),
    "twice": then(b"", request()),
    "noise-then": then(b"some bytes", os.urandom(64)),
    "hang": then(b"some bytes", more=hang),
    "quit": then(b"some bytes", more=quit_now),
    "whole": then(b"", more=whole),
    "slow": then(b"", more=slow),
}


# ---------------------------------------------------------------- as the server


def make_part(spool):
    name = os.urandom(8).hex() + ".part"
    os.makedirs(spool + "/incoming", 0o700, exist_ok=True)
    fd = os.open(f"{spool}/incoming/{name}", os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    fcntl.flock(fd, fcntl.LOCK_EX)
    return name, fd


def grant(sock, fds, name="0123456789abcdef.part"):
    packet = message(GRANTED, name.encode().ljust(32, b"\0"))
    sock.sendmsg([packet], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else [])


def stay(sock, spool):
    pass


def one_queued(sock, spool):
    sock.send(message(QUEUED))


def always_queued(sock, spool):
    try:
        while True:
            sock.send(message(QUEUED))
            time.sleep(0.2)
    except OSError:
        say("client left")


def granting(after, fds=1, content=b"", opener=None):
    def run(sock, spool):
        name, fd = make_part(spool)
        if content:
            os.write(fd, content)
        given = [opener()] if opener else [fd] * fds
        grant(sock, given, name)
        say("granted", name)
        if after == "close":
            sock.close()
        elif after == "complete":
            say("got", receive(sock)[0])
            sock.close()
        elif after == "stay":
            KEPT.append(fd)
        elif isinstance(after, bytes):
            say("got", receive(sock)[0])
            sock.send(after)

    return run


def packet(data):
    return lambda sock, spool: sock.send(data)


KEPT = []
DONE_EIO = message(DONE, struct.pack("=iI256s", -5, 0, b""))
DONE_WELL = message(DONE, struct.pack("=iI256s", 0, 0, b"x"))
SERVERS = {
    # Before the request is read; after it; and so on.
    "closes": lambda sock, spool: sock.close(),
    "reads-nothing": stay,
    "answers-nothing": stay,
    "queued-once": one_queued,
    "queued-always": always_queued,
    "noise": packet(os.urandom(64)),
    "short": packet(message(QUEUED)[:-1]),
    "other-version": packet(message(QUEUED, version=9)),
    "clients-message": packet(complete()),
    "refused-for-no-reason": packet(message(REFUSED, struct.pack("=II", 99, 0))),
    "refused-busy": packet(message(REFUSED, struct.pack("=II", 4, 0))),
    "granted-nothing": granting(None, fds=0),
    "granted-two": granting(None, fds=2),
    "granted-not-empty": granting(None, content=b"x"),
    "granted-pipe": granting(None, opener=lambda: os.pipe()[1]),
    "granted-null": granting(None, opener=lambda: os.open("/dev/null", os.O_RDWR)),
    "granted-directory": granting(None, opener=lambda: os.open("/", os.O_RDONLY)),
    "granted-then-closes": granting("close"),
    "granted-then-silent": granting("stay"),
    "complete-then-closes": granting("complete"),
    "complete-then-error": granting(DONE_EIO),
    "complete-then-noise": granting(os.urandom(40)),
}


def serve(how, path, spool):
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    os.umask(0o077)
    sock.bind(path)
    sock.listen(0 if how == "full" else 100)
    if how == "full":
        # Nobody accepts, and there is no room left for one more.
        kept = []
        while True:
            one = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            one.setblocking(False)
            try:
                one.connect(path)
            except BlockingIOError:
                break
            kept.append(one)
        say("ready")
        time.sleep(1000)
    say("ready")
    conns = []
    while how == "accepts-nothing":
        time.sleep(1000)
    while True:
        conn, _ = sock.accept()
        conns.append(conn)
        if how not in ("closes", "reads-nothing"):
            say("got", receive(conn)[0])
        try:
            SERVERS[how](conn, spool)
        except OSError as e:
            say(e.strerror)


def main():
    role, how, path = sys.argv[1:4]
    if role == "server":
        serve(how, path, sys.argv[4])
    elif role == "flood":
        kept = [connect(path) for _ in range(int(how))]
        say("flooded", len(kept))
        time.sleep(1000)
    elif how == "list":
        say(*CLIENTS)
    else:
        CLIENTS[how](connect(path))


main()
