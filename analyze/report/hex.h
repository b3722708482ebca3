/*
 * Hex dumps.
 */
#ifndef SNAP_ANALYZE_REPORT_HEX_H
#define SNAP_ANALYZE_REPORT_HEX_H

#include <stdint.h>
#include <stdio.h>

#include "analyze/memory.h"
#include "common/bytes.h"

/*
 * Lines of 16 bytes: address, hex, ASCII, each behind indent. limit: bytes shown at most (what is
 * left out is counted in a last line), SIZE_MAX for all.
 */
void snap_hex_print(
	FILE *out, const char *indent, uint64_t addr, struct snap_bytes bytes, size_t limit);

/*
 * The target's memory [addr, addr + len), a line for each gap. Returns how many bytes were there,
 * or a negative errno if the input could not be read.
 */
int64_t snap_hex_print_memory(FILE *out, struct snap_memory *memory, uint64_t addr, uint64_t len);

#endif
