/*
 * The vDSO is in no file: what was captured of it is the ELF image.
 */
#ifndef SNAP_ANALYZE_FIND_VDSO_H
#define SNAP_ANALYZE_FIND_VDSO_H

#include "analyze/crash.h"
#include "analyze/find/search.h"

bool snap_vdso_is(const struct snap_module *module);

/*
 * Take it out of the crash's memory, as search->files.main; without it, search->why says why. -1
 * without memory.
 */
int snap_vdso_search(struct snap_search *search, struct snap_crash *crash,
	const struct snap_module *module, struct snap_error *err);

#endif
