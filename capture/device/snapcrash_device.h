/*
 * Writes a snapshot on a microcontroller, record by record, into whatever the firmware sends bytes
 * to: flash, a UART, a radio, memory that survives a reset.
 *
 * Crash-time. Freestanding C99: no C library but memcpy() and memset() (which compilers call by
 * themselves), no heap, no static data that changes, so any number of writers may be at work, in
 * handlers and with interrupts off. Beside the writer's own struct and the caller's scratch it
 * needs SNAPCRASH_DEVICE_STACK_BYTES of stack, whatever is written.
 *
 * The order of records is the caller's: most valuable first, so that a file cut short keeps what
 * matters (docs/format.rst). docs/device.rst walks through it all.
 *
 *	struct snapcrash_device_writer w;
 *	snapcrash_device_init(&w, write_to_flash, NULL, scratch, sizeof(scratch));
 *	snapcrash_device_header(&w, "thermostat 1.4");
 *	snapcrash_device_metadata(&w, &metadata);
 *	snapcrash_device_armv7m(&w, &state->cpu);
 *	snapcrash_device_thread_with_stack(&w, &thread, 2048);
 *	(void)snapcrash_device_checkpoint(&w);
 *	...
 *	int error = snapcrash_device_finish(&w);
 *
 * Without the header the file is a plain pw.snapshot.Snapshot, as Pigweed's tools make and read it:
 * there are no checkpoints then, and nothing tells a file cut short from a whole one.
 *
 * Errors: the first failure sticks. Every later call writes nothing, and the result of
 * snapcrash_device_finish() alone tells whether all went well.
 *
 * Lengths are in bytes. A pointer need only be valid during the call it is given to. What it points
 * to must not change meanwhile (a buffer that a DMA engine fills): bytes are handed to the caller's
 * write function straight from there, after they were summed.
 */
#ifndef SNAPCRASH_DEVICE_H
#define SNAPCRASH_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/snapshot_numbers.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The most stack that any function below takes, compiled with optimisation for any Cortex-M or RV32
 * (256 on Cortex-M3 and up); what the caller's own functions (write, and a related snapshot's body)
 * take comes on top. tests/cli_device.sh measures it. */
#define SNAPCRASH_DEVICE_STACK_BYTES 320

/* The error of a caller who broke a rule below: a length announced and not kept to. */
#define SNAPCRASH_DEVICE_MISUSE (-32768)

/* Numbers of top-level fields that an application may use for itself: 8 to 15 (one byte shorter)
 * and from here up. Those between are Pigweed's and Snapcrash's. */
#define SNAPCRASH_DEVICE_FIRST_USER_FIELD 2048

/*
 * Takes len > 0 bytes, whole. 0: done; anything else is an error and sticks. Called with what is in
 * the scratch, and with long memory as it is.
 */
typedef int snapcrash_device_write_fn(void *context, const void *bytes, size_t len);

/* The caller's storage; its members are the writer's own but for those that say otherwise. */
struct snapcrash_device_writer {
	snapcrash_device_write_fn *write;
	void *context;
	uint8_t *scratch;
	size_t scratch_size;
	size_t scratch_len;
	size_t len; /* of the file so far, scratch included; may be read */
	/* May be set between records: a record that would make the file longer than this is left
	 * out and counted, so that the file still ends well. 0: no limit. */
	size_t limit;
	uint32_t num_left_out; /* may be read */
	uint32_t crc;
	int error; /* may be read: 0, or the first failure */
	size_t count;
	size_t record_end;
	uint8_t counting; /* how many sizes are being computed, one for another */
	uint8_t depth;	  /* in related snapshots */
	bool marked;	  /* there is a Header */
	bool skipping;	  /* the record begun is left out */
	bool finished;
};

/* Absent if data is NULL. Not NUL-terminated. */
struct snapcrash_device_bytes {
	const void *data;
	size_t len;
};

/* s: NUL-terminated, or NULL: absent. */
struct snapcrash_device_bytes snapcrash_device_text(const char *s);

/*
 * scratch: where small pieces are gathered, so that write is called with more of them at a time. Of
 * any size; NULL and 0 will do, and then write is called for every few bytes. 64 to 512 are good.
 */
void snapcrash_device_init(struct snapcrash_device_writer *w, snapcrash_device_write_fn *write,
	void *context, void *scratch, size_t scratch_size);

/* First, or not at all. writer: name and version of the firmware, for people; UTF-8. */
void snapcrash_device_header(struct snapcrash_device_writer *w, const char *writer);

/*
 * Vouches for all that is before it, and hands it to write. After each group of records. Returns
 * the error that sticks, or 0. Without a header it only hands on; in a related snapshot it does
 * nothing.
 */
int snapcrash_device_checkpoint(struct snapcrash_device_writer *w);

/* The last checkpoint (with a header), and all bytes to write. Nothing may follow, and nothing
 * does. If records were left out for the limit, an Omission says how many. Returns the error or 0.
 */
int snapcrash_device_finish(struct snapcrash_device_writer *w);

/*
 * Reason, project and device may be tokenised (pw_tokenizer's binary or base64 messages); else they
 * are UTF-8. software_version is UTF-8 and is escaped where it is not. build_uuid: what finds the
 * firmware's ELF file later: the GNU build ID's bytes. snapshot_uuid: 16 bytes, random if there is
 * a source of randomness, else whatever tells this snapshot from others.
 */
struct snapcrash_device_metadata {
	struct snapcrash_device_bytes reason;
	bool fatal;
	struct snapcrash_device_bytes project_name;
	struct snapcrash_device_bytes software_version;
	struct snapcrash_device_bytes build_uuid;
	struct snapcrash_device_bytes device_name;
	struct snapcrash_device_bytes snapshot_uuid;
	enum snap_cpu_arch cpu_arch; /* says what kind the CPU state is */
};

/* Once, before the CPU state. */
void snapcrash_device_metadata(
	struct snapcrash_device_writer *w, const struct snapcrash_device_metadata *metadata);

/* Members of pw.cpu_exception.cortex_m.ArmV7mCpuState. ARMv6-M and ARMv8-M use the same message. */
enum snapcrash_device_armv7m_register {
	SNAPCRASH_ARMV7M_PC,
	SNAPCRASH_ARMV7M_LR,
	SNAPCRASH_ARMV7M_PSR,
	SNAPCRASH_ARMV7M_MSP,
	SNAPCRASH_ARMV7M_PSP,
	SNAPCRASH_ARMV7M_EXC_RETURN,
	SNAPCRASH_ARMV7M_CFSR,
	SNAPCRASH_ARMV7M_MMFAR,
	SNAPCRASH_ARMV7M_BFAR,
	SNAPCRASH_ARMV7M_ICSR,
	SNAPCRASH_ARMV7M_CONTROL,
	SNAPCRASH_ARMV7M_R0,
	SNAPCRASH_ARMV7M_R4 = SNAPCRASH_ARMV7M_R0 + 4,
	SNAPCRASH_ARMV7M_R8 = SNAPCRASH_ARMV7M_R0 + 8,
	SNAPCRASH_ARMV7M_R12 = SNAPCRASH_ARMV7M_R0 + 12,
	SNAPCRASH_ARMV7M_HFSR,
	SNAPCRASH_ARMV7M_SHCSR,
	SNAPCRASH_ARMV7M_REGISTERS,
};

/* What the processor was doing. A register that is not known is absent, not 0. */
struct snapcrash_device_armv7m {
	uint32_t has; /* bit N: value[N] is known */
	uint32_t value[SNAPCRASH_ARMV7M_REGISTERS];
};

static inline void snapcrash_device_armv7m_set(struct snapcrash_device_armv7m *state,
	enum snapcrash_device_armv7m_register which, uint32_t value)
{
	state->has |= (uint32_t)1 << which;
	state->value[which] = value;
}

/*
 * The registers of the interrupted code: pc, lr, psr, r0-r3 and r12 of the exception frame; msp and
 * psp as they were before the exception, the frame taken off.
 */
void snapcrash_device_armv7m(
	struct snapcrash_device_writer *w, const struct snapcrash_device_armv7m *state);

/* Members of pw.cpu_exception.risc_v.RiscvCpuState: x1 to x31 stand in one row but for x3 (gp) and
 * x4 (tp), which the message lacks. */
enum snapcrash_device_riscv_register {
	SNAPCRASH_RISCV_MEPC,
	SNAPCRASH_RISCV_MCAUSE,
	SNAPCRASH_RISCV_MSTATUS,
	SNAPCRASH_RISCV_MTVAL,
	SNAPCRASH_RISCV_RA,
	SNAPCRASH_RISCV_SP,
	SNAPCRASH_RISCV_T0, /* x5 */
	SNAPCRASH_RISCV_FP = SNAPCRASH_RISCV_T0 + 3,
	SNAPCRASH_RISCV_A0 = SNAPCRASH_RISCV_T0 + 5,
	SNAPCRASH_RISCV_A6 = SNAPCRASH_RISCV_A0 + 6,
	SNAPCRASH_RISCV_A7,
	SNAPCRASH_RISCV_S2,
	SNAPCRASH_RISCV_S11 = SNAPCRASH_RISCV_S2 + 9,
	SNAPCRASH_RISCV_T3,
	SNAPCRASH_RISCV_T6 = SNAPCRASH_RISCV_T3 + 3,
	SNAPCRASH_RISCV_REGISTERS,
};

struct snapcrash_device_riscv {
	uint32_t has[2]; /* bit N % 32 of has[N / 32]: value[N] is known */
	uint32_t value[SNAPCRASH_RISCV_REGISTERS];
};

static inline void snapcrash_device_riscv_set(struct snapcrash_device_riscv *state,
	enum snapcrash_device_riscv_register which, uint32_t value)
{
	state->has[which / 32] |= (uint32_t)1 << which % 32;
	state->value[which] = value;
}

void snapcrash_device_riscv(
	struct snapcrash_device_writer *w, const struct snapcrash_device_riscv *state);

/*
 * A thread. The stack descends: it starts at stack_start, its highest address (which is the first
 * beyond it), and ends at stack_end, the lowest. raw_stack are the bytes from stack_pointer
 * upwards. A thread that does not run has its registers on its stack, as the scheduler saved them.
 */
struct snapcrash_device_thread {
	struct snapcrash_device_bytes name; /* UTF-8, or tokenised */
	bool has_id, has_stack_start, has_stack_end, has_stack_pointer, has_est_peak, has_cpu_usage;
	enum snap_thread_state state; /* the one that ran: RUNNING, and no other */
	uint64_t id;
	const uintptr_t *backtrace; /* return addresses walked on the device, innermost first */
	size_t num_backtrace;
	struct snapcrash_device_bytes raw_stack;
	uintptr_t stack_start, stack_end, stack_pointer;
	uintptr_t est_peak; /* the lowest address that the stack pointer had, as far as known */
	uint32_t cpu_usage_hundredths; /* of a percent */
};

/* The record as it is. */
void snapcrash_device_thread(
	struct snapcrash_device_writer *w, const struct snapcrash_device_thread *thread);

/*
 * The record, with raw_stack taken from memory: from stack_pointer up, to stack_start at most and
 * max bytes at most. (raw_stack is not looked at.) Nothing outside [stack_end, stack_start) is
 * read, so that with bounds that are true a stack pointer that is not does no harm. If it is below
 * stack_end, the stack has overflowed, and a memory range has the first max bytes from stack_end
 * on; if it is above stack_start, or missing, one has the last max bytes, where the outermost
 * frames are. Without bounds there are no bytes. With a header, an Omission tells what was left
 * out.
 */
void snapcrash_device_thread_with_stack(struct snapcrash_device_writer *w,
	const struct snapcrash_device_thread *thread, size_t max);

/*
 * How much of a stack was never used, if it was filled with a byte when the thread was made: the
 * lowest address in [stack_end, stack_start) that does not hold it.
 */
uintptr_t snapcrash_device_stack_peak(uintptr_t stack_end, uintptr_t stack_start, uint8_t paint);

/* UTF-8, and escaped where it is not (with a header, the bytes as they were stand beside it). */
void snapcrash_device_tag(struct snapcrash_device_writer *w, struct snapcrash_device_bytes key,
	struct snapcrash_device_bytes value);

/* One line of a log, the oldest first. All may be tokenised. */
struct snapcrash_device_log {
	struct snapcrash_device_bytes message;
	uint32_t level; /* 1 debug, 2 info, 3 warning, 4 error, 5 critical, 7 fatal; 0 not told */
	uint32_t line;	/* of the source; 0 not told */
	uint32_t flags; /* the application's; 0: left out */
	bool has_timestamp; /* at most one of these two */
	bool has_time_since_last;
	int64_t timestamp; /* ticks; of what length, the clock since boot tells (..._timestamp()) */
	int64_t time_since_last;
	uint32_t dropped; /* so many lines were lost here, and this is none */
	struct snapcrash_device_bytes module, file, thread;
};

void snapcrash_device_log(
	struct snapcrash_device_writer *w, const struct snapcrash_device_log *log);

enum snapcrash_device_epoch {
	SNAPCRASH_EPOCH_UNKNOWN = 0,
	SNAPCRASH_EPOCH_BOOT = 1,
	SNAPCRASH_EPOCH_UTC = 2, /* since 1970-01-01 */
	SNAPCRASH_EPOCH_GPS = 3, /* since 1980-01-06, no leap seconds */
	SNAPCRASH_EPOCH_TAI = 4, /* since 1958-01-01 */
};

/* When it happened, by one clock: ticks of numerator / denominator seconds since the epoch. */
struct snapcrash_device_timestamp {
	int64_t ticks;
	int32_t numerator, denominator;
	enum snapcrash_device_epoch epoch;
};

void snapcrash_device_timestamp(
	struct snapcrash_device_writer *w, const struct snapcrash_device_timestamp *timestamp);

/* Bytes of memory, which stand at address; the two differ if they were copied away before. */
struct snapcrash_device_memory {
	uintptr_t address;
	struct snapcrash_device_bytes bytes;
	enum snap_memory_reason reason;
	bool has_thread_id;
	uint64_t thread_id; /* for which it was taken */
	struct snapcrash_device_bytes
		name; /* what the program calls it (ANNOTATED), 64 bytes at most */
};

void snapcrash_device_memory(
	struct snapcrash_device_writer *w, const struct snapcrash_device_memory *memory);

/* What the program said about its end: an assertion's text. */
void snapcrash_device_abort_message(
	struct snapcrash_device_writer *w, struct snapcrash_device_bytes text);

/* The capturing code's own warnings, in words; UTF-8, escaped where it is not. */
void snapcrash_device_note(struct snapcrash_device_writer *w, const char *text);

/* Something that a reader could expect and that is not there. count 0: one, or not known. */
struct snapcrash_device_omission {
	enum snap_omission_what what;
	enum snap_omission_why why;
	bool has_thread_id, has_range;
	uint64_t thread_id;
	uintptr_t address;
	size_t len;
	uint32_t count;
};

void snapcrash_device_omission(
	struct snapcrash_device_writer *w, const struct snapcrash_device_omission *omission);

/* Fields of the application's own, by number: bytes or a message made elsewhere, and a number. */
void snapcrash_device_user_bytes(
	struct snapcrash_device_writer *w, uint32_t number, struct snapcrash_device_bytes bytes);
void snapcrash_device_user_number(
	struct snapcrash_device_writer *w, uint32_t number, uint64_t value);

/*
 * A record of len bytes that come in pieces: a related snapshot (SNAP_RECORD_RELATED) that another
 * core wrote, say. The pieces must be len bytes together, else SNAPCRASH_DEVICE_MISUSE sticks.
 */
void snapcrash_device_record_begin(struct snapcrash_device_writer *w, uint32_t number, size_t len);
void snapcrash_device_record_put(struct snapcrash_device_writer *w, const void *bytes, size_t len);
void snapcrash_device_record_end(struct snapcrash_device_writer *w);

/*
 * A related snapshot (another core's) that is written right here, by body, which calls the
 * functions above with the writer it is given. It is called twice, first to find out how many bytes
 * it makes, and must make the same ones both times, else SNAPCRASH_DEVICE_MISUSE sticks. Related
 * snapshots may stand in others, at most 4 deep; what is deeper is left out and counted. Header and
 * checkpoints do nothing there.
 */
void snapcrash_device_related(struct snapcrash_device_writer *w,
	void (*body)(struct snapcrash_device_writer *w, void *context), void *context);

/* CRC32C (Castagnoli) of bytes that follow those with the checksum crc (0: none do). */
uint32_t snapcrash_device_crc32c(uint32_t crc, const void *bytes, size_t len);

#ifdef __cplusplus
}
#endif

#endif
