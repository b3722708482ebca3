/*
 * The beginnings of the modules' images, which tell a reader of a core which build was mapped
 * where: ELF header, program headers, build ID. Small snapshots have not captured them.
 */
#ifndef SNAP_ANALYZE_CONVERT_MODULE_HEADS_H
#define SNAP_ANALYZE_CONVERT_MODULE_HEADS_H

#include "analyze/crash.h"
#include "common/error.h"

/*
 * Add one for each module, but the vDSO, to memory, to which all captured memory was added before
 * (so that it keeps its bytes) and which is not finished yet: as it is in the module's file or,
 * where that was not found, made up of what the input says of the module (its build ID; one PT_LOAD
 * that is the whole module). The crash's arch is known and its modules are resolved. Bytes are in
 * the crash's arena. -1 only without memory.
 */
int snap_module_heads_add(
	struct snap_crash *crash, struct snap_memory *memory, struct snap_error *err);

/* More modules than any process has; those beyond are not looked at. */
#define SNAP_MODULE_HEADS_MAX 8192

#endif
