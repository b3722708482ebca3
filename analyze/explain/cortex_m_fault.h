/*
 * A Cortex-M's fault status: what its bits mean, which of them tells what happened, and from where
 * the exception was taken.
 *
 * Sources: Armv7-M Architecture Reference Manual (ARM DDI 0403E.e), B1.5.8 (EXC_RETURN), B3.2.4
 * (ICSR), B3.2.13 (SHCSR), B3.2.15 (CFSR), B3.2.16 (HFSR); Armv8-M Architecture Reference Manual (ARM
 * DDI 0553B.m), the same registers in D1.2; Armv6-M (ARM DDI 0419E) has of these ICSR alone.
 *
 * Hostile: values may be anything.
 */
#ifndef SNAP_ANALYZE_EXPLAIN_CORTEX_M_FAULT_H
#define SNAP_ANALYZE_EXPLAIN_CORTEX_M_FAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyze/crash.h"
#include "analyze/explain/device_fault.h"
#include "common/cpu_state.h"

/* Exceptions below this have names, from it on they are interrupts. */
#define SNAP_CORTEX_M_FIRST_IRQ 16u

/* The bits that are set in CFSR, HFSR and SHCSR, in this order; *ret has room for
 * SNAP_MAX_FAULT_BITS. */
size_t snap_cortex_m_bits(const struct snap_cpu_state *state, struct snap_fault_bit *ret);

/* What the status registers tell; kind is NONE if no fault was taken. */
struct snap_device_fault snap_cortex_m_fault(const struct snap_cpu_state *state);

/*
 * The number of the exception that was being handled as the registers were captured. False if that
 * is not known, or there was none.
 */
bool snap_cortex_m_exception(const struct snap_cpu_state *state, unsigned int *ret);

/* "HardFault"; NULL for interrupts, and for numbers that no exception has. Static. */
const char *snap_cortex_m_exception_name(unsigned int number);

/* Where an exception came from, as EXC_RETURN says. */
struct snap_exc_return {
	bool is_valid;
	bool is_thread_mode;	  /* else it interrupted another handler */
	bool is_process_stack;	  /* else the main stack */
	bool has_float;		  /* floating-point registers are on the stack, too */
	bool has_security;	  /* Armv8-M: these two are known */
	bool is_secure_stack;	  /* whose stack it is */
	bool is_secure_exception; /* what it was taken to */
};

/* value: EXC_RETURN. cpu_arch: Pigweed's CpuArchitecture. */
struct snap_exc_return snap_cortex_m_exc_return(uint64_t value, uint32_t cpu_arch);

#endif
