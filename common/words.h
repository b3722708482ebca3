/*
 * The names and words for what stands in a snapshot's records, wherever it is shown; and how
 * strings that came from outside are.
 */
#ifndef SNAP_COMMON_WORDS_H
#define SNAP_COMMON_WORDS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "common/bytes.h"
#include "common/snapshot.h"

/*
 * "SIGSEGV", as Linux has them on every machine that is supported; NULL for numbers that are no
 * signal. Static.
 */
const char *snap_signal_name(int32_t signo);

/* Static; NULL for unknown numbers. */
const char *snap_thread_state_name(uint32_t state);
const char *snap_capture_method_name(uint32_t method);
const char *snap_omission_what_name(uint32_t what);
const char *snap_omission_why_name(uint32_t why);
const char *snap_build_id_status_words(uint32_t status);
const char *snap_capture_storage_name(uint32_t storage);
const char *snap_memory_reason_name(uint32_t reason);
const char *snap_namespace_name(uint32_t kind);
const char *snap_open_file_kind_name(uint32_t kind);
const char *snap_abort_source_name(uint32_t source);
/* Of the lowest three bits of line_level; NULL for those that have no name. */
const char *snap_log_level_name(uint32_t level);

/* "8192 bytes of the stack of thread 12, at 0x7ffd0000: beyond the limit". */
void snap_omission_words(const struct snap_omission *omission, char *out, size_t size);

/* RFC 3339 in UTC, with a fraction if there is one. "" for times that it can't express. */
void snap_time_words(int64_t seconds, uint32_t nanoseconds, char out[40]);

/* The last component of the path; a path without is its own. */
struct snap_bytes snap_base_name(struct snap_bytes path);

/* A string of the input or of its symbols: safe for terminals, cut with "..." if it is long. */
void snap_print(FILE *out, struct snap_bytes text);
void snap_print_str(FILE *out, const char *text);

/* How much of a string snap_print() shows, and what it takes in memory with its NUL. */
#define SNAP_PRINT_MAX 512
size_t snap_print_to(struct snap_bytes text, char out[SNAP_PRINT_MAX + 4]);

#endif
