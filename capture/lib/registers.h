/*
 * The registers of the place where a signal came, in the form in which the kernel's notes and
 * ptrace(2) have them.
 *
 * Runs in signal handlers.
 */
#ifndef SNAP_CAPTURE_LIB_REGISTERS_H
#define SNAP_CAPTURE_LIB_REGISTERS_H

#include <stddef.h>
#include <stdint.h>
#include <ucontext.h>

/*
 * NT_PRSTATUS's pr_reg of this machine, at most size bytes. Returns how many, 0 on a machine that
 * is not known. The signal handler's own thread: what the context lacks (x86-64: fs_base, gs_base)
 * is the thread's.
 */
size_t snap_lib_registers(const ucontext_t *context, void *to, size_t size);

/* NT_FPREGSET, likewise; 0 also where the context has it in another form. */
size_t snap_lib_fp_registers(const ucontext_t *context, void *to, size_t size);

#endif
