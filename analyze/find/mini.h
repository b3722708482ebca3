/*
 * MiniDebugInfo: the section .gnu_debugdata, an xz-compressed ELF file with a symbol table (GDB
 * manual, "MiniDebugInfo"). Hostile: what is unpacked is bounded, in size and in memory.
 */
#ifndef SNAP_ANALYZE_FIND_MINI_H
#define SNAP_ANALYZE_FIND_MINI_H

#include "analyze/symbols/elf_file.h"
#include "common/error.h"

/* 1 and *ret, on the heap; 0: main has none; -1 and *err: it is malformed, or too large. */
int snap_mini_unpack(
	const struct snap_elf_file *main, struct snap_elf_file **ret, struct snap_error *err);

#endif
