/*
 * What the code of one object is called: by its debug information, by symbol tables, or as a stub
 * of the procedure linkage table; from the files, or from the cache.
 */
#ifndef SNAP_ANALYZE_SYMBOLS_OBJECT_NAMES_H
#define SNAP_ANALYZE_SYMBOLS_OBJECT_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyze/symbols/code_index.h"
#include "analyze/symbols/object_files.h"
#include "common/bytes.h"
#include "common/error.h"

struct snap_object_names;

/* The files and the build ID outlive the result. */
int snap_object_names_create(const struct snap_object_files *files, struct snap_bytes build_id,
	struct snap_object_names **ret, struct snap_error *err);
void snap_object_names_destroy(struct snap_object_names *names);

/* The functions of object.h that have the same ends of their names say what these do. */
const struct snap_source_frame *snap_object_names_find(
	struct snap_object_names *names, uint64_t vaddr, size_t *ret_num);
size_t snap_object_names_look_up(struct snap_object_names *names, uint64_t vaddr,
	struct snap_source_frame *frames, size_t max);
void snap_object_names_prepare(
	struct snap_object_names *names, const uint64_t *vaddrs, size_t num, size_t num_jobs);
bool snap_object_names_function(
	struct snap_object_names *names, uint64_t vaddr, uint64_t *ret_start, uint64_t *ret_end);
struct snap_code_index *snap_object_names_code_index(struct snap_object_names *names);
bool snap_object_names_find_name(struct snap_object_names *names, const char *name, uint64_t *ret);
bool snap_object_names_find_data(struct snap_object_names *names, const char *name, uint64_t *ret);
void snap_object_names_keep(struct snap_object_names *names);
int snap_object_names_keep_all(struct snap_object_names *names, size_t num_jobs,
	void (*told)(size_t done, size_t all, void *data), void *data, uint64_t *ret_bytes,
	struct snap_error *err);

#endif
