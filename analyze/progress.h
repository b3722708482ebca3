/*
 * How far something is that takes long: the library tells, who started it shows it or not.
 */
#ifndef SNAP_ANALYZE_PROGRESS_H
#define SNAP_ANALYZE_PROGRESS_H

#include <stddef.h>

enum snap_progress_event {
	SNAP_PROGRESS_BEGIN,  /* text: NULL */
	SNAP_PROGRESS_UPDATE, /* text: one line, safe to print, that replaces the one before */
	SNAP_PROGRESS_END,    /* text: NULL; what was shown is to vanish */
	SNAP_PROGRESS_HIDE,   /* text: NULL; so, for something else is printed: more updates follow */
};

/*
 * Called by one thread at a time, BEGIN and END in pairs that don't nest, the others between them and
 * as often as it comes: how often to show something is for the callee to say.
 */
typedef void snap_progress_fn(enum snap_progress_event event, const char *text, void *data);

struct snap_progress {
	snap_progress_fn *fn; /* NULL: nobody wants to know */
	void *data;
};

static inline void snap_progress_tell(
	struct snap_progress progress, enum snap_progress_event event, const char *text)
{
	if (progress.fn)
		progress.fn(event, text, progress.data);
}

#endif
