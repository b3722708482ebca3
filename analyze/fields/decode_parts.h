/*
 * What the parts of the decoder share.
 */
#ifndef SNAP_ANALYZE_FIELDS_DECODE_PARTS_H
#define SNAP_ANALYZE_FIELDS_DECODE_PARTS_H

#include "analyze/fields/decode.h"

/* ---------------------------------------------------------------- values.c */

/* How one value of the type stands in a message. */
enum snap_raw_wire snap_field_wire(enum snap_field_type type);
/* Or a group. */
bool snap_field_is_message(enum snap_field_type type);
/* Whether raw is a list of the field's numbers in one piece. */
bool snap_field_is_packed(const struct snap_schema_field *field, const struct snap_raw_field *raw);
/* Whether raw is what the field is declared to be. */
bool snap_field_fits(const struct snap_schema_field *field, const struct snap_raw_field *raw);

/* A number that stands there as declared. */
void snap_value_take_number(
	const struct snap_schema_field *field, uint64_t value, struct snap_value *ret);
/* As much of the bytes as the limits allow. kind: SNAP_VALUE_TEXT or _BYTES. */
void snap_value_take_bytes(struct snap_decoder *d, enum snap_value_kind kind,
	struct snap_bytes bytes, struct snap_value *ret);

/* ---------------------------------------------------------------- decode.c */

/* Room for so many values, which a member without any is going to have. False: no memory. */
bool snap_member_reserve(struct snap_decoder *d, struct snap_member *member, size_t num);
/* One more, to be filled; NULL: no memory. */
struct snap_value *snap_member_add(struct snap_decoder *d, struct snap_member *member);

/* ---------------------------------------------------------------- maps.c */

/* A list of entries becomes a map, if all of them are such. 0, or -1 and *err: no memory. */
int snap_member_make_map(
	struct snap_decoder *d, struct snap_member *member, struct snap_error *err);

#endif
