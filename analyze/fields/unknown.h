/*
 * The fields of a snapshot that this program does not know: those that proto/snapshot.proto does
 * not declare, in the snapshot itself (Pigweed leaves 8 to 15 and 1032 up to its users) and within
 * its messages.
 *
 * They are counted, and decoded where an overlay declares them: a message of the user's that has
 * the snapshot's fields and his own, by other numbers (fields/overlay.h).
 */
#ifndef SNAP_ANALYZE_FIELDS_UNKNOWN_H
#define SNAP_ANALYZE_FIELDS_UNKNOWN_H

#include "analyze/fields/decode.h"
#include "analyze/fields/overlay.h"

/* So many kinds are told apart, the rest is counted. */
#define SNAP_MAX_UNKNOWN_FIELDS 256

/* What one message of the snapshot has of a field. */
struct snap_field_found {
	const char *within; /* "threads[2]", "metadata"; NULL: the snapshot itself */
	bool has_tid;	    /* that is, or is in, a thread that has an id */
	uint64_t tid;
	/* As if there was nothing else in it; a member for what is as declared, one for what is
	 * not. */
	struct snap_message message;
};

/* All of the same number in messages of the same kind. */
struct snap_unknown_field {
	const char *path; /* "1040", "threads.1040", "threads.linux_thread.9" */
	uint32_t number;
	enum snap_raw_wire wire; /* of the first */
	bool is_mixed;		 /* others have another one */
	uint64_t count;
	uint64_t bytes;	  /* of their values as they stand in the file, without tags and lengths */
	const char *name; /* in the overlay, or in ours; NULL: it has none */
	const struct snap_schema_field *declared;  /* in an overlay; NULL: in none */
	const struct snap_schema_message *overlay; /* the message that declares it */
	const struct snap_field_found *found;	   /* if it is declared; in the order of the file */
	size_t num_found;
};

struct snap_fields {
	const struct snap_unknown_field
		*list; /* the snapshot's own first, then by path and number */
	size_t num;
	uint64_t left_out; /* fields of further kinds */
	uint64_t bytes_left_out;
};

/*
 * Look through the fields of a snapshot, or of a part of it that is made of whole records. What
 * *ret points to lives as long as arena, the message and the overlays. is_foreign: another program
 * wrote it, so that numbers of ours beyond Pigweed's mean what an overlay says, if it declares
 * them. 0, or -1 and *err: no memory.
 */
int snap_fields_find(struct snap_bytes snapshot, bool is_foreign,
	struct snap_overlays *overlays, struct snap_arena *arena, struct snap_fields *ret,
	struct snap_error *err);

#endif
