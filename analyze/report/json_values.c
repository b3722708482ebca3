#include "analyze/report/json_values.h"

#include <inttypes.h>
#include <stdio.h>

void snap_json_maybe_number(struct snap_json *w, const char *key, bool known, uint64_t value)
{
	if (known)
		snap_json_put_number(w, key, value);
	else
		snap_json_put_null(w, key);
}

void snap_json_maybe_signed(struct snap_json *w, const char *key, bool known, int64_t value)
{
	if (known)
		snap_json_put_signed(w, key, value);
	else
		snap_json_put_null(w, key);
}

void snap_json_maybe_hex(struct snap_json *w, const char *key, bool known, uint64_t value)
{
	if (known)
		snap_json_put_hex(w, key, value);
	else
		snap_json_put_null(w, key);
}

void snap_json_maybe_bool(struct snap_json *w, const char *key, bool known, bool value)
{
	if (known)
		snap_json_put_bool(w, key, value);
	else
		snap_json_put_null(w, key);
}

bool snap_json_maybe_object(struct snap_json *w, const char *key, bool known)
{
	if (known)
		snap_json_begin_object(w, key);
	else
		snap_json_put_null(w, key);
	return known;
}

bool snap_json_maybe_array(struct snap_json *w, const char *key, bool known)
{
	if (known)
		snap_json_begin_array(w, key);
	else
		snap_json_put_null(w, key);
	return known;
}

void snap_json_maybe_hex_bytes(struct snap_json *w, const char *key, struct snap_bytes bytes)
{
	if (bytes.len > 0)
		snap_json_put_hex_bytes(w, key, bytes);
	else
		snap_json_put_null(w, key);
}

void snap_json_maybe_name(
	struct snap_json *w, const char *key, bool known, const char *name, uint32_t value)
{
	char digits[16];
	if (known && !name) {
		(void)snprintf(digits, sizeof(digits), "%" PRIu32, value); /* fits */
		name = digits;
	}
	snap_json_put_string(w, key, known ? name : NULL);
}
