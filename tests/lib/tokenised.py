#!/usr/bin/python3
"""tokenised.py DIR: a Pigweed device's snapshot with tokenised texts, and databases of its tokens.

    device.snap    of a device: log, metadata and threads, tokenised in binary, in base64 and not
    linux.snap     records of a Linux process (with process id), the same log
    outer.snap     the device's within another of the device
    tokens.csv     all tokens, three columns; domains.csv: four
    tokens.binary  the same
    tokens.c       whose program has the same in its section .pw_tokenizer.entries
"""

import base64
import os
import struct
import sys

from snapshot_records import RELATED, delimited, varint

LOG, METADATA, THREAD, PROCESS = 1, 16, 18, 1034
INFO, WARNING, ERROR, FATAL = 2, 3, 4, 7
ARMV7M = 2
SQUARE, DIAMOND = "\N{BLACK SQUARE}", "\N{BLACK DIAMOND SUIT}"


def token_of(text):
    """Pigweed's 65599 hash of all of it."""
    data = text.encode()
    value, coefficient = len(data), 65599
    for byte in data:
        value = (value + coefficient * byte) % 2**32
        coefficient = coefficient * 65599 % 2**32
    return value


def fields(message, module, path):
    pairs = (("msg", message), ("module", module), ("file", path))
    return "".join(f"{SQUARE}{key}{DIAMOND}{value}" for key, value in pairs)


CONNECTED = fields("Connected to %s, channel %u (rssi %hhd)", "WIFI", "../wifi/station.cc")
TEMPERATURE = fields("Temperature is %.1f C, fan at %d%%", "ENV", "env.cc")
ASSERT = "Check failed: %s (%d) < %s (%d)"
POINTER = "free(%p) of %llu bytes"
STRINGS = [(CONNECTED, None, ""), (TEMPERATURE, None, ""), (ASSERT, None, ""), ("State is %s", None, ""),
           ("IDLE", None, "states"), ("RUNNING", None, "states"), (POINTER, None, ""), ("thermostat", None, ""),
           ("Worker thread", None, ""), ("Old %s", (2021, 3, 4), ""), ('Quoted "text", with, commas', None, "")]
# Two strings of one token.
COLLISION = 0x00BADBAD
COLLIDING = [("Retry %d of %d", None), ("Packet %u lost after %u", None)]


def entries():
    found = [(token_of(text), removed, domain, text) for text, removed, domain in STRINGS]
    return sorted(found + [(COLLISION, removed, "", text) for text, removed in COLLIDING])


# ---------------------------------------------------------------- databases

def csv(with_domains):
    out = ""
    for token, removed, domain, text in entries():
        date = "%04d-%02d-%02d" % removed if removed else " " * 10
        middle = f'"{domain}",' if with_domains else ""
        quoted = text.replace('"', '""')
        out += f'{token:08x},{date},{middle}"{quoted}"\n'
    return out.encode()


def binary():
    head, texts = b"", b""
    for token, removed, _, text in entries():
        year, month, day = removed or (0xFFFF, 0xFF, 0xFF)
        head += struct.pack("<IBBH", token, day, month, year)
        texts += text.encode() + b"\0"
    return b"TOKENS\0\0" + struct.pack("<II", len(entries()), 0) + head + texts


def c_string(text):
    return "".join(f"\\{byte:03o}" for byte in text.encode())


def source():
    out = "#include <stdint.h>\n"
    for i, (token, _, domain, text) in enumerate(entries()):
        domain_len, text_len = len(domain.encode()) + 1, len(text.encode()) + 1
        out += f"""
static const struct __attribute__((packed)) {{
	uint32_t magic, token, domain_len, string_len;
	char domain[{domain_len}], string[{text_len}];
}} entry_{i} __attribute__((section(".pw_tokenizer.entries"), used, aligned(1))) = {{
	0xBAA98DEE, {token:#x}, {domain_len}, {text_len}, "{c_string(domain)}", "{c_string(text)}"
}};
"""
    return (out + "\nint main(void) { return 0; }\n").encode()


# ---------------------------------------------------------------- messages

def integer(value):
    return varint(((value << 1) ^ (value >> 63)) & 2**64 - 1)


def real(value):
    return struct.pack("<f", value)


def string(text, is_cut=False):
    data = text.encode()
    return bytes([len(data) | (0x80 if is_cut else 0)]) + data


def message(token, *arguments):
    if isinstance(token, str):
        token = token_of(token)
    return struct.pack("<I", token) + b"".join(arguments)


def prefixed(data):
    return b"$" + base64.b64encode(data)


# ---------------------------------------------------------------- snapshots

def scalar(number, value):
    return varint(number << 3) + varint(value & 2**64 - 1)


def log(text=None, level=None, line=0, flags=None, time=None, since=None, dropped=None, module=None, path=None,
        thread=None):
    out = delimited(1, text) if text is not None else b""
    out += scalar(2, line << 3 | level) if level is not None else b""
    for number, value in ((3, flags), (4, time), (5, since), (6, dropped)):
        out += scalar(number, value) if value is not None else b""
    for number, value in ((7, module), (8, path), (9, thread)):
        out += delimited(number, value) if value is not None else b""
    return delimited(LOG, out)


def logs():
    running = b"${states}#%08x" % token_of("RUNNING")
    return b"".join((
        log(message(CONNECTED, string("home-net"), integer(11), integer(-70)), INFO, 71, time=100000,
            thread=message("Worker thread")),
        log(message(TEMPERATURE, real(36.55), integer(80)), WARNING, 12, flags=2, since=250),
        log(b"plain text, costs $5", INFO, since=50, module=b"MAIN"),
        log(b"before " + prefixed(message("State is %s", string(running.decode()))) + b" after", INFO, since=1),
        log(prefixed(message(POINTER, integer(0x20001000), integer(2**40))), ERROR, 9, since=1),
        log(dropped=4),
        log(message("Old %s", string("truncated te", True)), INFO, time=200000),
        log(message(COLLISION, integer(1), integer(3)), WARNING),
        log(message(ASSERT, string("index"), integer(9), b"\x05si"), FATAL, since=5),
        log(message(0x0D15EA5E, integer(1)), ERROR, module=struct.pack("<I", 0x1234)),
        log(message("IDLE", b"\1\2"), INFO),
        log(f"{SQUARE}msg{DIAMOND}not tokenised{SQUARE}module{DIAMOND}M{SQUARE}request{DIAMOND}17".encode(), INFO),
    ))


def device():
    metadata = (delimited(1, message(ASSERT, string("index"), integer(9), string("size"), integer(8))) + scalar(2, 1)
                + delimited(3, message("thermostat")) + delimited(4, b"1.4.2") + delimited(6, b"kitchen")
                + scalar(8, ARMV7M))
    threads = [delimited(1, message("Worker thread")) + scalar(3, 2) + scalar(12, 1),
               delimited(1, b"Idle") + scalar(3, 3) + scalar(12, 2),
               delimited(1, prefixed(message("Worker thread"))) + scalar(3, 5) + scalar(12, 3)]
    return delimited(METADATA, metadata) + b"".join(delimited(THREAD, t) for t in threads) + logs()


def linux():
    process = scalar(1, 4711) + delimited(4, b"sensord")
    thread = delimited(1, prefixed(message("Worker thread"))) + scalar(12, 4711)
    return (delimited(METADATA, delimited(1, prefixed(message("Worker thread")))) + delimited(PROCESS, process)
            + delimited(THREAD, thread) + logs())


def main():
    files = {"device.snap": device(), "linux.snap": linux(),
             "outer.snap": device() + delimited(RELATED, device()),
             "tokens.csv": csv(False), "domains.csv": csv(True), "tokens.binary": binary(), "tokens.c": source()}
    for name, data in files.items():
        with open(os.path.join(sys.argv[1], name), "wb") as file:
            file.write(data)


main()
