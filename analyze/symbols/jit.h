/*
 * Code that the process made at run time and registered by GDB's JIT interface (the GDB manual,
 * "JIT Compilation Interface"; LLVM, QEMU, V8, Mono and others speak it): __jit_debug_descriptor
 * leads to a list of ELF images in memory. Each becomes modules like those from files.
 *
 * Hostile: the list and all that it leads to are the target's. Full cores have them; a small
 * snapshot hardly ever does.
 */
#ifndef SNAP_ANALYZE_SYMBOLS_JIT_H
#define SNAP_ANALYZE_SYMBOLS_JIT_H

#include <stddef.h>
#include <stdint.h>

#include "analyze/crash.h"
#include "common/error.h"

/* What such a module's path is. */
#define SNAP_JIT_PATH "[jit]"

struct snap_jit_range {
	uint64_t addr, len;
};

/*
 * After the modules were resolved, once: read what is registered and keep it in crash->jit. That
 * there is nothing, or that it can't be read, is no error; if not all could be, that is noted. -1
 * only without memory.
 */
int snap_jit_find(struct snap_crash *crash, struct snap_error *err);

/*
 * The same, and then add a module for each stretch of registered code, with its object, where no
 * other module is. crash->modules moves.
 */
int snap_jit_resolve(struct snap_crash *crash, struct snap_error *err);

/*
 * Which memory of the input was read by the two above: whoever makes a smaller copy of the input
 * keeps these for the copy to give the same modules. In no order; they may touch and overlap.
 * Valid until snap_crash_deinit(). NULL and 0: none.
 */
const struct snap_jit_range *snap_jit_ranges(const struct snap_crash *crash, size_t *ret_num);

/* For snap_crash_deinit(); NULL is ignored. */
void snap_jit_destroy(struct snap_jit *jit);

#endif
