/*
 * JSON values that may be unknown: null then. What is written is analyze/report/json_writer.h's.
 */
#ifndef SNAP_ANALYZE_REPORT_JSON_VALUES_H
#define SNAP_ANALYZE_REPORT_JSON_VALUES_H

#include <stdbool.h>
#include <stdint.h>

#include "analyze/report/json_writer.h"

void snap_json_maybe_number(struct snap_json *w, const char *key, bool known, uint64_t value);
void snap_json_maybe_signed(struct snap_json *w, const char *key, bool known, int64_t value);
void snap_json_maybe_hex(struct snap_json *w, const char *key, bool known, uint64_t value);
void snap_json_maybe_bool(struct snap_json *w, const char *key, bool known, bool value);
/* Begun if it is known, which is returned: the caller goes on with what is in it, and ends it. */
bool snap_json_maybe_object(struct snap_json *w, const char *key, bool known);
bool snap_json_maybe_array(struct snap_json *w, const char *key, bool known);
/* Empty bytes are unknown, too. */
void snap_json_maybe_hex_bytes(struct snap_json *w, const char *key, struct snap_bytes bytes);
/* The name of an enum's value, or its number where it has none: a string, too. */
void snap_json_maybe_name(
	struct snap_json *w, const char *key, bool known, const char *name, uint32_t value);

#endif
