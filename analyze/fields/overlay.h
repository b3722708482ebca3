/*
 * Overlays: messages of the user's by which fields are decoded that this program does not know, and
 * the message of proto/snapshot.proto, which says what it does.
 */
#ifndef SNAP_ANALYZE_FIELDS_OVERLAY_H
#define SNAP_ANALYZE_FIELDS_OVERLAY_H

#include "analyze/fields/schema.h"

#define SNAP_MAX_OVERLAYS 16

struct snap_overlay {
	struct snap_schema schema;
	const struct snap_schema_message *message;
};

struct snap_overlays {
	struct snap_schema known;		     /* private */
	const struct snap_schema_message *snapshot;  /* private; in known, NULL: not read yet */
	struct snap_overlay list[SNAP_MAX_OVERLAYS]; /* the first that declares a number counts */
	size_t num;
};

/* On the heap, without overlays; NULL and *err. */
struct snap_overlays *snap_overlays_create(struct snap_error *err);
void snap_overlays_destroy(struct snap_overlays *overlays);

/* The message of proto/snapshot.proto, read when it is first asked for; NULL and *err. */
const struct snap_schema_message *snap_overlays_known(
	struct snap_overlays *overlays, struct snap_error *err);

/*
 * Add the message of a descriptor set: by its full name, or by the end of it ("Snapshot" of
 * "demo.Snapshot") if that is one message's alone. file is how the set is called in messages. 0, or
 * -1 and *err, which says what messages there are.
 */
int snap_overlays_add(struct snap_overlays *overlays, struct snap_bytes set, const char *file,
	const char *message, struct snap_error *err);

/*
 * The same by what the user wrote: "FILE:MESSAGE". FILE, a descriptor set or a .proto, is opened
 * and read here, and the latter compiled by protoc (fields/protoc.h), which looks for imports in
 * its own directory and then in dirs.
 */
int snap_overlays_load(struct snap_overlays *overlays, const char *spec, const char *const *dirs,
	size_t num_dirs, struct snap_error *err);

#endif
