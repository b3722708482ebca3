/*
 * JSON on standard output, member by member; commas and escapes are seen to here.
 */
#ifndef SNAP_CAPTURE_CTL_JSON_OUT_H
#define SNAP_CAPTURE_CTL_JSON_OUT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/bytes.h"

struct snap_json {
	bool begun; /* the innermost object or array has a member */
};
#define SNAP_JSON_INIT                                                                             \
	{                                                                                          \
		false                                                                              \
	}

/*
 * key: the member's name, of plain characters; NULL in an array and for the outermost. Every
 * _object and _array is closed by _end with its bracket.
 */
void snap_json_object(struct snap_json *json, const char *key);
void snap_json_array(struct snap_json *json, const char *key);
void snap_json_end(struct snap_json *json, char bracket);

/* Bytes that are no valid UTF-8 come as `\xNN`; absent ones as null. */
void snap_json_bytes(struct snap_json *json, const char *key, struct snap_bytes bytes);
void snap_json_string(struct snap_json *json, const char *key, const char *s);
void snap_json_number(struct snap_json *json, const char *key, uint64_t number);
void snap_json_bool(struct snap_json *json, const char *key, bool value);
void snap_json_null(struct snap_json *json, const char *key);

/* The outermost is closed: ends the line. */
void snap_json_finish(struct snap_json *json);

#endif
