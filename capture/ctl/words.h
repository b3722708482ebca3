/*
 * How snapcrashctl writes times, sizes and signals.
 */
#ifndef SNAP_CAPTURE_CTL_WORDS_H
#define SNAP_CAPTURE_CTL_WORDS_H

#include <stdint.h>

/* Room for any of them. */
#define SNAP_WORD_MAX 40

/* "2026-11-23 01:36:52" (between: ' ') or, by RFC 3339, "2026-11-23T01:36:52Z" (between: 'T'). */
const char *snap_word_time(int64_t time_s, char between, char buf[static SNAP_WORD_MAX]);

/* "512B", "21.4K", "2.0M", "1.5G": bytes in units of 1024. */
const char *snap_word_bytes(uint64_t bytes, char buf[static SNAP_WORD_MAX]);

/* "SIGSEGV", or "signal 34" for one without a name. */
const char *snap_word_signal(int32_t signo, char buf[static SNAP_WORD_MAX]);

/* "s" for every number but 1. */
const char *snap_word_plural(uint64_t number);

#endif
