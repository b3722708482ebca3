/*
 * What is kept of a crash to group it: taken from the model in the process that analysed it, packed,
 * and unpacked in the one that keeps the index, which trusts none of it.
 */
#ifndef SNAP_ANALYZE_DEDUP_ENTRY_H
#define SNAP_ANALYZE_DEDUP_ENTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyze/crash.h"
#include "analyze/signature/evidence.h"
#include "analyze/signature/rules.h"
#include "common/arena.h"
#include "common/bytes.h"
#include "common/error.h"

/* Limits; what is longer is cut, what is more is left out. */
#define SNAP_ENTRY_MAX_STRING 4096
#define SNAP_ENTRY_MAX_TAGS   256
/* Of a packed one. */
#define SNAP_ENTRY_MAX_BYTES (2u << 20)

/* In completeness: the file was whole. */
#define SNAP_ENTRY_WHOLE (UINT64_C(1) << 53)

/* Strings are valid UTF-8 without NUL; NULL: not known. */
struct snap_entry {
	uint64_t line;		/* of a text with several backtraces; 0: the file has one */
	struct snap_bytes uuid; /* at most 64 bytes; absent: none */
	bool has_time;
	int64_t captured_ns;   /* since 1970; not before 2000, when no clock was right, nor after 9999 */
	uint64_t completeness; /* to compare: more is more complete */
	const char *kind;
	const char *id, *text, *physical_id; /* NULL: no signature */
	struct snap_evidence evidence;
	const char *project, *device, *version;
	struct {
		const char *key, *value;
	} tags[SNAP_ENTRY_MAX_TAGS];
	size_t num_tags;
};

/* From an analysed crash; what *ret points to is the crash's or in arena. -1 only without memory. */
int snap_entry_read(const struct snap_crash *crash, const struct snap_rules *rules,
	struct snap_arena *arena, struct snap_entry *ret, struct snap_error *err);

/* *ret: in arena, at most SNAP_ENTRY_MAX_BYTES. -1 only without memory. */
int snap_entry_pack(const struct snap_entry *entry, struct snap_arena *arena,
	struct snap_bytes *ret, struct snap_error *err);

/* Everything in *ret is in arena. -1 and *err also if packed is no entry. */
int snap_entry_unpack(struct snap_bytes packed, struct snap_arena *arena, struct snap_entry *ret,
	struct snap_error *err);

#endif
