/*
 * The names and words that all reports share: what the model's numbers are called. Those of the
 * file's own are in common/words.h.
 */
#ifndef SNAP_ANALYZE_REPORT_WORDS_H
#define SNAP_ANALYZE_REPORT_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "analyze/crash.h"
#include "common/words.h"

/* Static. */
const char *snap_trust_name(enum snap_trust trust);
const char *snap_end_name(enum snap_end end);
const char *snap_symbols_name(enum snap_symbols symbols);

/* "read", "write", "read-write"; NULL: not known. Static. */
const char *snap_open_file_access(const struct snap_open_file *file);

/*
 * A decimal number that is read as the same double, or float, with as few digits beyond 14, or 6, as do:
 * "0.1", "1e+20"; "inf", "-inf", "nan". Returns out.
 */
const char *snap_real_words(double number, bool is_float, char out[32]);

/*
 * When a log entry was written: "2026-11-27T10:30:00.5Z". False, and "", where that is not known, or the
 * log's clock is no calendar's: a microcontroller's is its own.
 */
bool snap_log_time_words(const struct snap_crash *crash, size_t index, char out[40]);

/* "41,300". Returns out. */
const char *snap_number_words(uint64_t number, char out[32]);

#endif
