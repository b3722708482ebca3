/*
 * Whether a call instruction ends right before an address: what tells a return address from any
 * other number on a stack that happens to point into code.
 *
 * Sources: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2 (CALL; 2.1,
 * instruction format); Arm Architecture Reference Manual for A-profile (C6.2 BL, BLR, BLRA*; F5.1
 * BL, BLX, BX, LDR, MOV); The RISC-V Instruction Set Manual, volume I (2.5, JAL and JALR, with
 * table 3, the hints for return-address prediction; "C", C.JAL and C.JALR).
 */
#ifndef SNAP_COMMON_CALL_SITE_H
#define SNAP_COMMON_CALL_SITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arch.h"

/* No more bytes than these before a return address are looked at. */
#define SNAP_CALL_MAX_BYTES 8

/*
 * Whether some call instruction ends at pc. code[0 .. len) are the bytes that stand right before
 * it, the last one at pc - 1; len may be anything, fewer bytes than a call takes are none. On arm,
 * bit 0 of pc says that the caller is Thumb code, and code ends at pc & ~1; on Cortex-M, where it is
 * clear no call ends.
 *
 * Machines: x86-64, i386, aarch64, arm, Cortex-M, riscv64, riscv32, those that are
 * SNAP_ARCH_SUPPORTED; for others false. Where instructions have several lengths, the bytes may also be the end of some longer
 * instruction, so that true is evidence and no proof; false is a proof, but for calls that no
 * compiler makes: on i386 those with 16-bit operands or addresses and far ones with an immediate
 * address.
 */
bool snap_is_after_call(const struct snap_arch *arch, const uint8_t *code, size_t len, uint64_t pc);

/*
 * Where the call that ends at pc goes, if that stands in the instruction itself (on riscv64, also
 * in the auipc before it). On arm with bit 0 set if it goes to Thumb code, as the value of a symbol
 * has it. False, with *ret as it was: no call ends there, or one whose target is in a register or
 * in memory, or these bytes can be read either way.
 */
bool snap_call_target(
	const struct snap_arch *arch, const uint8_t *code, size_t len, uint64_t pc, uint64_t *ret);

#endif
