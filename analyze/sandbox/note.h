/*
 * What a worker is reading just now, noted where its parent finds it when the worker is dead: so the
 * files of one module can be left out, and the rest of the input still be analysed.
 *
 * The notes are in memory that both share. The parent believes nothing that it finds there but that
 * some module is to be left out of this input.
 */
#ifndef SNAP_ANALYZE_SANDBOX_NOTE_H
#define SNAP_ANALYZE_SANDBOX_NOTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyze/sandbox/protocol.h"
#include "common/bytes.h"
#include "common/snapshot.h"

/* Modules beyond so many have no note: a death costs the input. */
#define SNAP_NOTE_SLOTS 4096
#define SNAP_NOTE_NAME	180

struct snap_note {
	uint32_t build_id_len, name_len;
	uint8_t build_id[SNAP_MAX_BUILD_ID];
	char name[SNAP_NOTE_NAME]; /* of the module, cut to fit */
};

struct snap_note_page {
	uint32_t current; /* index in slots; 0: no module */
	uint32_t num;	  /* slots that are used */
	struct snap_note slots[SNAP_NOTE_SLOTS];
};

/* ---------------------------------------------------------------- in the parent */

/* NULL without memory. */
struct snap_note_page *snap_note_page_create(void);
/* NULL is ignored. */
void snap_note_page_destroy(struct snap_note_page *page);
/* What the worker was reading: false if nothing that has a build ID. Checked and copied. */
bool snap_note_page_read(const struct snap_note_page *page, struct snap_note *ret);

/* ---------------------------------------------------------------- in a worker */

/* Without: nothing is noted. */
void snap_note_start(struct snap_note_page *page);
/* Which modules are to be left out from now on; copied. */
void snap_note_set_quarantined(const struct snap_quarantined *list, size_t num);
/* Why a module is left out, in words; NULL: it is not. */
const char *snap_note_quarantined(struct snap_bytes build_id);

/* The slot of a module; 0: it has no build ID, or there is none free. */
uint32_t snap_note_slot(struct snap_bytes build_id, struct snap_bytes name);
uint32_t snap_note_current(void);
/* Returns what was current. */
uint32_t snap_note_enter(uint32_t slot);

static inline void snap_note_leave(const uint32_t *before)
{
	(void)snap_note_enter(*before);
}

/* Until the end of the block, the module in this slot is read. */
#define SNAP_READING_SLOT(slot)                                                                    \
	__attribute__((cleanup(snap_note_leave), unused)) const uint32_t noted_before =           \
		snap_note_enter(slot)
/* The same by build ID and name. */
#define SNAP_READING(build_id, name) SNAP_READING_SLOT(snap_note_slot((build_id), (name)))

#endif
