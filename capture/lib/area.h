/*
 * The annotation area: how tags, log lines and registered memory stand in the memory of a program
 * that uses libsnapcrash, for whoever makes a snapshot of it.
 *
 * One area of this layout per copy of the library in the process, in a private anonymous mapping of
 * its own. It is found by
 *  - the mapping's name, "[anon:snapcrash]" in /proc/PID/maps, where the kernel has such names
 *    (prctl(2), PR_SET_VMA_ANON_NAME; Linux 5.17 with CONFIG_ANON_VMA_NAME), or
 *  - an ELF note in the library or the program that it was linked into: name "Snapcrash", type
 *    SNAP_NOTE_AREA, its descriptor four bytes: the signed distance from the descriptor itself to
 *    a 64-bit variable that holds the area's address, 0 while there is none.
 *
 * All numbers have the target's byte order, and the same places on machines of 32 and 64 bits. The
 * target may have written anything: a reader believes no number here.
 *
 * Writers take a slot by making its state odd and give it back even, so that a reader of a process
 * that stands still sees which slots were being written.
 */
#ifndef SNAP_CAPTURE_LIB_AREA_H
#define SNAP_CAPTURE_LIB_AREA_H

#include <stdint.h>

/* "SNAPAREA" read as a little-endian number. */
#define SNAP_LIB_AREA_MAGIC   0x4145524150414e53ull
#define SNAP_LIB_AREA_VERSION 1u
#define SNAP_LIB_AREA_NAME    "snapcrash"

#define SNAP_NOTE_NAME "Snapcrash"
#define SNAP_NOTE_AREA 1u

#define SNAP_LIB_MAX_KEY   64u
#define SNAP_LIB_MAX_VALUE 1024u
#define SNAP_LIB_MAX_NAME  64u
#define SNAP_LIB_MAX_TEXT  480u
#define SNAP_LIB_TAGS	   64u
#define SNAP_LIB_RANGES	   32u
#define SNAP_LIB_LOGS	   256u

/* Empty where key_len is 0. */
struct snap_lib_tag {
	uint32_t state;
	uint16_t key_len, value_len;
	char key[SNAP_LIB_MAX_KEY];
	char value[SNAP_LIB_MAX_VALUE];
};

/* Empty where len is 0. */
struct snap_lib_range {
	uint32_t state;
	uint32_t name_len;
	uint64_t address, len;
	char name[SNAP_LIB_MAX_NAME];
};

/* The line of number n stands in slot n % SNAP_LIB_LOGS, and state is then 2 * n (modulo 2^32). */
struct snap_lib_log {
	uint32_t state;
	uint32_t tid;
	int64_t time_ns; /* since 1970-01-01 UTC */
	uint8_t level, cut;
	uint16_t len;
	uint32_t reserved;
	char text[SNAP_LIB_MAX_TEXT];
};

enum snap_lib_captured {
	SNAP_LIB_NOT_CAPTURED = 0,
	/* The server has published a snapshot of the crash that is under way. */
	SNAP_LIB_CAPTURED = 1,
};

struct snap_lib_area {
	uint64_t magic;
	uint32_t version;
	uint32_t size; /* of this struct */
	/* By snapcrash_install()'s handler: who, in the process's own numbers, by which signal, and
	 * the snapshot's UUID. */
	uint32_t captured; /* enum snap_lib_captured */
	uint32_t captured_pid, captured_tid, captured_signo;
	uint8_t captured_uuid[16];
	/* The number that the next line gets; the first is 1. */
	uint32_t log_next;
	uint32_t reserved[19];
	struct snap_lib_range ranges[SNAP_LIB_RANGES];
	struct snap_lib_tag tags[SNAP_LIB_TAGS];
	struct snap_lib_log logs[SNAP_LIB_LOGS];
};

_Static_assert(sizeof(struct snap_lib_tag) == 1096, "the same on all machines");
_Static_assert(sizeof(struct snap_lib_range) == 88, "the same on all machines");
_Static_assert(sizeof(struct snap_lib_log) == 504, "the same on all machines");
_Static_assert(sizeof(struct snap_lib_area) == 128 + 32 * 88 + 64 * 1096 + 256 * 504,
	"the same on all machines");

#endif
