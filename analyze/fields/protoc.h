/*
 * protoc, by which .proto files become descriptor sets. What it is given comes from the command
 * line of the user who runs this program, and from nowhere else.
 */
#ifndef SNAP_ANALYZE_FIELDS_PROTOC_H
#define SNAP_ANALYZE_FIELDS_PROTOC_H

#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

/*
 * Compile file by the protoc in $PATH, with all that it imports: that is looked for in the file's
 * own directory and then in dirs. Returns the descriptor set, to be freed, and *ret_len; NULL and
 * *err: there is no protoc, or the file is wrong (with protoc's own words, which have file and
 * line).
 */
uint8_t *snap_protoc_compile(const char *file, const char *const *dirs, size_t num_dirs,
	size_t *ret_len, struct snap_error *err);

#endif
