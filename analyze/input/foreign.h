/*
 * Dumps of other systems and other kinds, told apart so that they are refused by name.
 */
#ifndef SNAP_ANALYZE_INPUT_FOREIGN_H
#define SNAP_ANALYZE_INPUT_FOREIGN_H

#include <stdint.h>

#include "common/bytes.h"

/* So many first bytes are enough to tell. */
#define SNAP_FOREIGN_BYTES 16

/* What a file that begins so is ("is a minidump ..."), if it is none that is read; NULL: unknown.
 */
const char *snap_foreign_file(struct snap_bytes start);

/* The same of an ELF core, by its header's EI_OSABI; NULL: Linux's, or anybody's. */
const char *snap_foreign_osabi(uint8_t osabi);

/* The same by one of its notes' name and type; NULL: Linux's, or unknown. */
const char *snap_foreign_note(struct snap_bytes name, uint32_t type);

#endif
