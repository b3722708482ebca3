/*
 * Memory for capstone, which does not look whether it got any (cs_open() of 4.0.2, for one): what it
 * takes for an instruction is there before.
 */
#ifndef SNAP_ANALYZE_EXPLAIN_DISASSEMBLER_MEMORY_H
#define SNAP_ANALYZE_EXPLAIN_DISASSEMBLER_MEMORY_H

#include <capstone/capstone.h>

/* For cs_option(0, CS_OPT_MEM, ...), before the first cs_open(). Not for several threads at a time. */
extern const cs_opt_mem snap_disassembler_memory;

#endif
