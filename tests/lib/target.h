/*
 * A target made by hand, for tests of what reads stacks and code: one module with functions, their
 * code and call frame information (a real ELF file, in memory), some code in no module, and a
 * stack. All of it below 2 GiB, so that it does for every machine.
 *
 * One at a time: target_begin(), then what shall be there, target_ready(), the test, target_end().
 */
#ifndef SNAP_TESTS_LIB_TARGET_H
#define SNAP_TESTS_LIB_TARGET_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "analyze/crash.h"
#include "analyze/symbols/object.h"
#include "analyze/unwind/walk.h"

/* Where the module is; its virtual addresses start at 0, and file offsets are the same. */
#define TARGET_MODULE	  UINT64_C(0x08000000)
#define TARGET_TEXT	  0x1000u
#define TARGET_TEXT_LEN	  0x4000u
#define TARGET_INDEX	  0x5000u /* .eh_frame_hdr */
#define TARGET_EH_FRAME	  0x6000u
#define TARGET_DATA	  0x8000u /* mapped, but nothing of the file is there */
#define TARGET_MODULE_LEN 0x9000u
#define TARGET_FILE_LEN	  0xc000u
/* Executable, in no module. */
#define TARGET_ANON	 UINT64_C(0x20000000)
#define TARGET_ANON_LEN	 0x1000u
#define TARGET_STACK	 UINT64_C(0x7f000000)
#define TARGET_STACK_LEN 0x40000u
#define TARGET_STACK_END (TARGET_STACK + TARGET_STACK_LEN)

/* An address of the process by its place in the module. */
#define AT(vaddr) (TARGET_MODULE + (vaddr))

enum target_cfi {
	TARGET_BY_INDEX,    /* .eh_frame and its .eh_frame_hdr */
	TARGET_NO_INDEX,    /* .eh_frame alone */
	TARGET_DEBUG_FRAME, /* .debug_frame alone */
	TARGET_NO_CFI,	    /* whatever is given is left out */
};

extern struct snap_crash target_crash;
extern struct snap_crash_thread target_thread; /* the only one */
extern struct snap_object *target_object;
extern uint8_t *target_file;  /* the ELF file between target_build() and target_ready() */
extern uint64_t target_entry; /* e_entry; 0 */
extern uint64_t target_steps_left, target_words_left;

/* Of x86-64 and i386 all code is nop, of others zero. */
void target_begin(uint16_t elf_machine);
/* Of a microcontroller, whose firmware is laid out: of the machine with that name. */
void target_begin_device(const char *name);
void target_end(void);

/* ---------------------------------------------------------------- the module */

void target_set_cfi(enum target_cfi cfi);
void target_symbol(const char *name, uint64_t vaddr, uint64_t size);
/* A description of [vaddr, vaddr + size): DWARF instructions. is_signal: of a trampoline. */
void target_describe(
	uint64_t vaddr, uint64_t size, bool is_signal, const void *program, size_t len);
/* A symbol and a description: the CFA is frame_len above sp, the return address a word below. */
void target_function(const char *name, uint64_t vaddr, uint64_t size, unsigned int frame_len);
/* The same of an outermost function: its return address is undefined. */
void target_outermost(const char *name, uint64_t vaddr, uint64_t size);

void target_code(uint64_t vaddr, const void *bytes, size_t len);
/* A call that ends at vaddr: to a function, or through a register. */
void target_call(uint64_t vaddr, uint64_t callee);
void target_call_any(uint64_t vaddr);

/* Make the file and open it; target_ready() does it otherwise. The caller owns what is opened. */
void target_build(void);
struct snap_elf_file *target_open(void);

/* ---------------------------------------------------------------- memory */

/* A pointer on the stack. */
void target_word(uint64_t addr, uint64_t value);
uint8_t *target_stack(uint64_t addr);
/* Only these parts of the stack were captured; without any, all of it. */
void target_capture(uint64_t start, uint64_t end);
/* Captured bytes anywhere; borrowed. */
void target_memory(uint64_t addr, const void *bytes, size_t len);

void target_ready(void);

/* ---------------------------------------------------------------- frames */

/* pc and sp are known, and that is all. */
struct snap_registers target_registers(uint64_t pc, uint64_t sp);
struct snap_frame target_frame(const struct snap_registers *registers);
/* Without frames. */
struct snap_walk target_walk(void);

/* Unwind the thread from such registers; pr_reg holds the known ones, others are 0. */
void target_unwind(const struct snap_registers *registers, size_t max_frames);

/* What target_unwind() gives a register that frames do not carry. */
void target_set_register(const char *name, uint64_t value);

/* Bytes of a pointer. */
unsigned int target_word_len(void);
unsigned int target_fp(void); /* columns */
unsigned int target_lr(void);

#endif
