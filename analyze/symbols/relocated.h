/*
 * What the dynamic linker writes to a place of a module's data: read from the relocations.
 *
 * Hostile: the file may be anything.
 */
#ifndef SNAP_ANALYZE_SYMBOLS_RELOCATED_H
#define SNAP_ANALYZE_SYMBOLS_RELOCATED_H

#include <stdbool.h>
#include <stdint.h>

#include <libelf.h>

struct snap_relocated {
	bool has_vaddr;
	uint64_t vaddr;	    /* in the module's own file: without its load bias */
	const char *symbol; /* what it is bound to by name, in the file; NULL: to none */
};

/*
 * The pointer at vaddr. False if no relocation writes a pointer there, or it is of a kind that is
 * not known. Looks at each relocation: for a few places only.
 */
bool snap_relocated_find(Elf *elf, uint64_t vaddr, struct snap_relocated *ret);

/* Whether a relocation writes to [vaddr, vaddr + len). */
bool snap_relocated_any(Elf *elf, uint64_t vaddr, uint64_t len);

#endif
