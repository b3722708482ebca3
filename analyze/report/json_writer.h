/*
 * JSON (RFC 8259) written piece by piece: nothing is allocated, and nothing but the current level
 * remembered. What comes out is valid if each begin has its end, members of objects have keys, and
 * items of arrays have none; it is what jansson's JSON_COMPACT or JSON_INDENT(2) would print, with
 * DEL and C1 escaped.
 */
#ifndef SNAP_ANALYZE_REPORT_JSON_WRITER_H
#define SNAP_ANALYZE_REPORT_JSON_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include "analyze/report/out.h"
#include "common/bytes.h"

struct snap_json {
	struct snap_out *out;
	bool pretty;	    /* a line for each value, indented by 2; else no white space at all */
	bool first;	    /* nothing stands yet at this level */
	bool after_key;	    /* the key of the next value stands already */
	unsigned int depth; /* what was begun and has not ended */
};

/* out is borrowed; that it could not be written is found in ferror() of its stream. */
void snap_json_init(struct snap_json *json, struct snap_out *out, bool pretty);

/* After a whole value: a newline. Another value may follow. */
void snap_json_end_line(struct snap_json *json);

/*
 * What follows writes a value each. key: the member's name, one of the program's own words, which
 * needs no escaping and has less than 250 bytes; NULL for an item of an array and for the outermost
 * value.
 */
void snap_json_begin_object(struct snap_json *json, const char *key);
void snap_json_end_object(struct snap_json *json);
void snap_json_begin_array(struct snap_json *json, const char *key);
void snap_json_end_array(struct snap_json *json);

void snap_json_put_null(struct snap_json *json, const char *key);
void snap_json_put_bool(struct snap_json *json, const char *key, bool value);
void snap_json_put_signed(struct snap_json *json, const char *key, int64_t value);
/* With three digits behind the point. Of at most 15 before it. */
void snap_json_put_real(struct snap_json *json, const char *key, double value);
/* A number that stands there as JSON has them. */
void snap_json_put_digits(struct snap_json *json, const char *key, const char *digits);
/* null above INT64_MAX: readers hold integers in 64 bits with a sign, and no count or id of a real
 * system is so large. */
void snap_json_put_number(struct snap_json *json, const char *key, uint64_t value);
/* A string like "0x7f3a": 64 bits are more than readers of JSON numbers keep. */
void snap_json_put_hex(struct snap_json *json, const char *key, uint64_t value);
/* A string of two digits for each byte. */
void snap_json_put_hex_bytes(struct snap_json *json, const char *key, struct snap_bytes bytes);

/*
 * A string: as it is if it is UTF-8, each byte that is not (and NUL) as the text \xNN. What JSON
 * wants escaped is, and so are DEL and C1, on which a terminal may act. NULL: null.
 */
void snap_json_put_text(struct snap_json *json, const char *key, struct snap_bytes text);
void snap_json_put_string(struct snap_json *json, const char *key, const char *text);

/* The same in parts, each of whole characters. */
void snap_json_begin_string(struct snap_json *json, const char *key);
void snap_json_put_part(struct snap_json *json, struct snap_bytes part);
void snap_json_end_string(struct snap_json *json);

/* A key that is hostile text, escaped as strings are. Its value follows, with key NULL. */
void snap_json_put_key(struct snap_json *json, struct snap_bytes key);

#endif
