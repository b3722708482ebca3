/*
 * Names of signals' codes, as Linux has them on every machine that is supported
 * (include/uapi/asm-generic/signal.h and siginfo.h; x86, arm and riscv use these numbers).
 */
#ifndef SNAP_ANALYZE_EXPLAIN_SIGNALS_H
#define SNAP_ANALYZE_EXPLAIN_SIGNALS_H

#include <stdint.h>

#include "common/words.h" /* snap_signal_name() */

/* si_code values that belong to no signal in particular; by number, as the target's. */
#define SNAP_SI_USER   0
#define SNAP_SI_KERNEL 0x80
#define SNAP_SI_QUEUE  (-1)
#define SNAP_SI_TKILL  (-6)

/* "SEGV_MAPERR"; NULL for codes without a name. Static. */
const char *snap_signal_code_name(int32_t signo, int32_t code);

/* What the code says in words ("integer divide by zero"); NULL for codes without. Static. */
const char *snap_signal_code_words(int32_t signo, int32_t code);

/*
 * Why the kernel raises the signal by itself, with SI_KERNEL, in words; NULL for those that it
 * raises for many reasons. Static.
 */
const char *snap_signal_kernel_words(int32_t signo);

#endif
