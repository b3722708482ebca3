/*
 * The kernel's core_pattern as text: what kind of thing it names, and what the kernel makes of it
 * when a process dumps core. Who chains to a former handler has to make the same.
 *
 * Crash-time: no allocation, negative errno.
 *
 * Sources: core(5); the kernel's fs/coredump.c (format_corename, cn_esc_printf,
 * coredump_parse), 6.18.
 */
#ifndef SNAP_CAPTURE_CORE_PATTERN_H
#define SNAP_CAPTURE_CORE_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/bytes.h"

/* The kernel's CORENAME_MAX_SIZE, the NUL included: what is longer is cut without a word. */
#define SNAP_CORE_PATTERN_SIZE 128

enum snap_core_pattern_kind {
	SNAP_CORE_PATTERN_FILE,	  /* a file's name; "" is "core" */
	SNAP_CORE_PATTERN_PIPE,	  /* '|' and a command line */
	SNAP_CORE_PATTERN_SOCKET, /* '@' or "@@" and a socket's path: Linux 6.16, 6.17 */
};

enum snap_core_pattern_kind snap_core_pattern_kind(const char *pattern);

/* The program of a pipe pattern as it stands there, unexpanded; points into pattern. */
struct snap_bytes snap_core_pattern_program(const char *pattern);

/*
 * What the specifiers stand for. The strings are the target's and may hold anything; one that is
 * not known is absent.
 */
struct snap_core_facts {
	uint64_t ns_pid, pid;	    /* %p %P */
	uint64_t ns_tid, tid;	    /* %i %I */
	uint64_t signo, time_s;	    /* %s %t */
	uint64_t dumpable;	    /* %d */
	uint64_t uid, gid;	    /* %u %g */
	uint64_t rlimit_core;	    /* %c */
	uint64_t cpu;		    /* %C */
	int pidfd;		    /* %F; negative: an empty word, as before Linux 6.16 */
	struct snap_bytes hostname; /* %h */
	struct snap_bytes comm;	    /* %e, and in place of an unknown exe */
	struct snap_bytes exe;	    /* %E, and its last part %f; a path */
};

/* A pattern of 127 bytes has at most 63 words behind the '|'. %E gives 4 KiB, and more than once.
 */
#define SNAP_CORE_WORDS_MAX   64
#define SNAP_CORE_WORDS_BYTES (32u << 10)

struct snap_core_words {
	size_t num;
	size_t len;			     /* bytes of text, the NUL behind each word included */
	char *argv[SNAP_CORE_WORDS_MAX + 1]; /* point into text; NULL after the last */
	char text[SNAP_CORE_WORDS_BYTES];
};

/*
 * The words that the kernel would start a pipe pattern's program with, the program itself first:
 * split at blanks before anything is expanded (as since Linux 5.3), '/' as '!' in the strings,
 * unknown specifiers gone. Returns 0; -EINVAL if it is no pipe pattern or has no word; -E2BIG if
 * the words do not fit.
 */
int snap_core_pattern_expand(
	const char *pattern, const struct snap_core_facts *facts, struct snap_core_words *ret);

#endif
