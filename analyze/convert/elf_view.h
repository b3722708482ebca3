/*
 * An ELF image as a process had it mapped: its headers and bytes, from the captured memory where
 * that has them, else from the module's file (found by build ID) at the same virtual address.
 *
 * Hostile: either may say anything.
 */
#ifndef SNAP_ANALYZE_CONVERT_ELF_VIEW_H
#define SNAP_ANALYZE_CONVERT_ELF_VIEW_H

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyze/crash.h"

/* A program header. */
struct snap_elf_segment {
	uint32_t type, flags;
	uint64_t offset, vaddr, filesz, memsz;
};

struct snap_elf_view {
	struct snap_crash *crash;
	const struct snap_crash_module *module;
	uint8_t ehdr[sizeof(Elf64_Ehdr)];
	size_t ehdr_len;
	uint64_t phoff, phdr_len, num_phdrs; /* e_phoff, e_phentsize, e_phnum */
};

/* Its header stands at the start of the module. False if there is none to be had, or it is broken.
 * crash->arch is known. */
bool snap_elf_view_open(struct snap_crash *crash, const struct snap_crash_module *module,
	struct snap_elf_view *ret);

/* All len bytes that the process had at addr, or false. */
bool snap_elf_view_read(const struct snap_elf_view *view, uint64_t addr, void *buf, size_t len);

/* The i-th program header; false if it can't be read. */
bool snap_elf_view_segment(
	const struct snap_elf_view *view, size_t i, struct snap_elf_segment *ret);

/* The first of the type. */
bool snap_elf_view_find(
	const struct snap_elf_view *view, uint32_t type, struct snap_elf_segment *ret);

#endif
