#include "analyze/explain/next_steps.h"

#include <inttypes.h>
#include <string.h>

#include "analyze/explain/address.h"
#include "analyze/find/candidate.h"
#include "common/escape.h"
#include "common/words.h"

/* Of modules without symbols, so many are named. */
#define MAX_MODULES 3

struct steps {
	struct snap_crash *crash;
	struct snap_next_step *list;
	size_t num, capacity;
};

/* text: NULL if it could not be made. */
static int add(struct steps *steps, enum snap_next_kind kind, const char *text,
	const struct snap_crash_module *module, struct snap_error *err)
{
	struct snap_next_step *grown = snap_arena_grow(
		&steps->crash->arena, steps->list, steps->num, &steps->capacity, sizeof(*grown));
	if (!text || !grown)
		return snap_error_no_memory(err);
	steps->list = grown;
	grown[steps->num++] = (struct snap_next_step){kind, text, module};
	return 0;
}

const char *snap_next_name(enum snap_next_kind kind)
{
	static const char *const names[] = {
		[SNAP_NEXT_LOOK] = "look",
		[SNAP_NEXT_SENDER] = "sender",
		[SNAP_NEXT_FILE] = "file",
		[SNAP_NEXT_SYMBOLS] = "symbols",
		[SNAP_NEXT_STACK] = "stack",
		[SNAP_NEXT_THREADS] = "threads",
		[SNAP_NEXT_DEVICE] = "device",
	};
	return names[kind];
}

/* ---------------------------------------------------------------- where to look */

/* "libfoo.so+0x1234", as far as known. */
static const char *nameless_place(struct snap_crash *crash, const struct snap_frame *frame)
{
	const struct snap_crash_module *module = frame->module;
	if (!module || module->record.path.len == 0)
		return snap_crash_format(crash, "address 0x%" PRIx64, frame->pc);
	struct snap_bytes name = snap_path_name(module->record.path);
	return module->record.has_load_bias
		       ? snap_crash_format(crash, "%.*s+0x%" PRIx64, SNAP_NAME_ARGS(name),
				 frame->pc - module->record.load_bias)
		       : snap_crash_format(crash, "address 0x%" PRIx64 " of %.*s", frame->pc,
				 SNAP_NAME_ARGS(name));
}

static const char *place_words(struct snap_crash *crash, const struct snap_crash_thread *thread,
	const struct snap_listed_frame *listed)
{
	const struct snap_frame *frame = &thread->frames[listed->frame];
	const struct snap_crash_module *module = frame->module;
	const char *function = listed->function;
	if (!function) {
		const char *place = nameless_place(crash, frame);
		return place ? snap_crash_format(
				       crash, "%s: no function's name is known there", place)
			     : NULL;
	}
	if (listed->file && listed->line > 0)
		return snap_crash_format(
			crash, "%.300s, %.1000s:%" PRIu32, function, listed->file, listed->line);
	if (listed->file)
		return snap_crash_format(crash, "%.300s, %.1000s", function, listed->file);
	if (!module || module->record.path.len == 0)
		return snap_crash_format(crash, "%.300s", function);
	struct snap_bytes name = snap_path_name(module->record.path);
	return snap_crash_format(crash, "%.300s in %.*s", function, SNAP_NAME_ARGS(name));
}

static const char *trust_words(const struct snap_frame *frame)
{
	return frame->is_from_lr		      ? ", by the link register"
	       : frame->trust == SNAP_TRUST_SCAN      ? ", guessed from the stack"
	       : frame->trust == SNAP_TRUST_PREWALKED ? ", by the device's own backtrace"
						      : "";
}

static int add_look(struct steps *steps, struct snap_error *err)
{
	struct snap_crash *crash = steps->crash;
	const struct snap_crash_thread *thread = snap_crash_crashed_thread(crash);
	if (!thread || thread->num_listed == 0)
		return 0;
	size_t index = crash->signature.id ? crash->signature.first_frame : 0;
	const struct snap_listed_frame *listed = &thread->listed[index];
	const char *place = place_words(crash, thread, listed);
	return add(steps, SNAP_NEXT_LOOK,
		place ? snap_crash_format(crash, "Look at %s (#%zu%s).", place, index,
				trust_words(&thread->frames[listed->frame]))
		      : NULL,
		NULL, err);
}

/* Another process sent the signal: the stack is not to blame. */
static int add_sender(struct steps *steps, struct snap_error *err)
{
	struct snap_crash *crash = steps->crash;
	const struct snap_signal *signal = &crash->signal;
	if (!crash->has_signal || !signal->has_sender || !signal->has_code || signal->code > 0 ||
		signal->sender_pid <= 0 || !crash->process.has_pid ||
		(uint32_t)signal->sender_pid == crash->process.pid)
		return 0;
	return add(steps, SNAP_NEXT_SENDER,
		snap_crash_format(crash,
			"Find out why process %" PRId32 " (uid %" PRIu32 ") sent the signal.",
			signal->sender_pid, signal->sender_uid),
		NULL, err);
}

static int add_threads(struct steps *steps, struct snap_error *err)
{
	struct snap_crash *crash = steps->crash;
	if (snap_crash_crashed_thread(crash) || crash->num_threads == 0)
		return 0;
	return add(steps, SNAP_NEXT_THREADS,
		crash->num_threads == 1 ? "See what its thread does."
					: "See what its threads wait for.",
		NULL, err);
}

/* ---------------------------------------------------------------- how to know more */

static int add_file(struct steps *steps, struct snap_error *err)
{
	struct snap_crash *crash = steps->crash;
	const char *what = crash->is_core ? "core" : "snapshot";
	if (crash->integrity != SNAP_INTEGRITY_TRUNCATED &&
		crash->integrity != SNAP_INTEGRITY_CORRUPT)
		return 0;
	bool has_why = crash->integrity_why[0];
	return add(steps, SNAP_NEXT_FILE,
		snap_crash_format(crash,
			"Get the %s anew, if it is whole where it came from: this is %s%s%s%s.",
			what, snap_integrity_name(crash->integrity), has_why ? " (" : "",
			crash->integrity_why, has_why ? ")" : ""),
		NULL, err);
}

const char *snap_missing_words(const struct snap_crash_module *module)
{
	/* The vDSO's source is the kernel's: nobody misses it. Code that was made at run time has
	 * none. */
	if (snap_bytes_equal_str(module->record.path, "[jit]") ||
		(module->symbols != SNAP_SYMBOLS_NONE &&
			snap_bytes_equal_str(module->record.path, "[vdso]")))
		return NULL;
	switch (module->symbols) {
	case SNAP_SYMBOLS_NONE:
		return "no symbols were found";
	case SNAP_SYMBOLS_MISMATCH:
		return "symbols were found, but of another build";
	case SNAP_SYMBOLS_DYNSYM:
		return "only the names that it exports are known, no source lines";
	case SNAP_SYMBOLS_SYMTAB:
		return "only names are known, no source lines";
	case SNAP_SYMBOLS_DWARF:
		/* With everything at hand there is nothing to say why. */
		return module->why ? "not all of its files were found"
		       : snap_candidates_split(module->candidates)
			       ? "split debug information (.dwo) is missing, and with it variables "
				 "and inlined functions"
			       : NULL;
	}
	return NULL;
}

static bool was_fetched(const struct snap_crash_module *module)
{
	for (size_t i = 0; module->candidates && i < module->candidates->num; i++)
		if (module->candidates->list[i].where == SNAP_WHERE_DEBUGINFOD)
			return true;
	return false;
}

static const char *symbols_words(
	struct snap_crash *crash, const struct snap_crash_module *module, bool is_first)
{
	char hex[2 * SNAP_MAX_BUILD_ID + 1];
	const struct snap_module *record = &module->record;
	struct snap_bytes name =
		record->path.len > 0 ? snap_path_name(record->path) : snap_bytes_str("(nameless)");
	const char *missing = snap_missing_words(module);
	if (record->build_id.len == 0 || record->build_id.len > SNAP_MAX_BUILD_ID) {
		if (crash->device.is_device)
			return snap_crash_format(crash,
				"Name the firmware's ELF file, --elf FILE (%s): the snapshot has "
				"no "
				"software_build_uuid to find it by.",
				missing);
		const char *why = snap_build_id_status_words(record->build_id_status);
		return snap_crash_format(crash,
			"Get symbols of %.*s (%s). It has no build ID (%s): --trust-path takes "
			"the file at its path as it is.",
			SNAP_NAME_ARGS(name), missing, why ? why : "unknown reason");
	}
	snap_hex(record->build_id, hex);
	if (crash->device.is_device)
		return snap_crash_format(crash,
			"Get the firmware's ELF file (%s): build ID %s. Put it into DIR and add "
			"--symbols DIR, or name it, --elf FILE.",
			missing, hex);
	if (module->symbols == SNAP_SYMBOLS_DWARF && !module->why)
		return snap_crash_format(crash,
			"Get the .dwo files of %.*s, or its .dwp (%s): put them into DIR and add "
			"--symbols DIR.",
			SNAP_NAME_ARGS(name), missing);
	return snap_crash_format(crash, "Get symbols of %.*s (%s): build ID %s.%s%s",
		SNAP_NAME_ARGS(name), missing, hex,
		is_first ? " Put its file and debug file into DIR and add --symbols DIR" : "",
		!is_first	      ? ""
		: was_fetched(module) ? "."
				      : "; or set DEBUGINFOD_URLS, if a server has them.");
}

/* Those without any first; then in the order of the addresses. */
static int add_symbols(struct steps *steps, bool only_crashed_thread, struct snap_error *err)
{
	struct snap_crash *crash = steps->crash;
	bool of_crashed = only_crashed_thread || snap_crash_crashed_thread(crash);
	size_t num = 0;
	for (int pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < crash->num_modules; i++) {
			const struct snap_crash_module *module = &crash->modules[i];
			bool has_none = module->symbols == SNAP_SYMBOLS_NONE ||
					module->symbols == SNAP_SYMBOLS_MISMATCH;
			if (!(of_crashed ? module->has_crashed_frame : module->has_frame) ||
				has_none != (pass == 0) || !snap_missing_words(module))
				continue;
			if (num++ < MAX_MODULES &&
				add(steps, SNAP_NEXT_SYMBOLS,
					symbols_words(crash, module, num == 1), module, err) < 0)
				return -1;
		}
	if (num <= MAX_MODULES)
		return 0;
	return add(steps, SNAP_NEXT_SYMBOLS,
		snap_crash_format(crash,
			"Get symbols of %zu more modules ('snapanalyze modules --missing' lists "
			"them).",
			num - MAX_MODULES),
		NULL, err);
}

/* Of a log that is in tokens, hardly a word can be read without the database. */
static int add_tokens(struct steps *steps, struct snap_error *err)
{
	struct snap_crash *crash = steps->crash;
	size_t num = 0;
	for (size_t i = 0; crash->log_facts && i < crash->num_logs; i++)
		num += crash->log_facts[i].message.kind == SNAP_TOKEN_UNKNOWN;
	if (num == 0)
		return 0;
	return add(steps, SNAP_NEXT_DEVICE,
		snap_crash_format(crash,
			"Name the token database of this build, --tokens FILE: %zu line%s of the "
			"log can't be read without it.",
			num, num == 1 ? "" : "s"),
		NULL, err);
}

static int add_stack(struct steps *steps, struct snap_error *err)
{
	struct snap_crash *crash = steps->crash;
	const struct snap_crash_thread *thread = snap_crash_crashed_thread(crash);
	if (!thread)
		return 0;
	switch (thread->end) {
	case SNAP_END_TRUNCATED:
		if (crash->device.is_device)
			return add(steps, SNAP_NEXT_STACK,
				"Have more of the stack captured next time: it goes on beyond what "
				"is "
				"there.",
				NULL, err);
		return add(steps, SNAP_NEXT_STACK,
			crash->is_core || (crash->capture.has_method &&
						  crash->capture.method == SNAP_CAPTURE_CORE_FILE)
				? "Have more of the stack in the core next time: it goes on beyond "
				  "what is there."
				: "Have more of the stack captured next time (max_snapshot): it "
				  "goes on beyond what is there.",
			NULL, err);
	case SNAP_END_LIMIT:
		return add(steps, SNAP_NEXT_STACK,
			"Ask for more frames (--max-frames): the stack goes on.", NULL, err);
	case SNAP_END_CORRUPT:
		return add(steps, SNAP_NEXT_STACK,
			thread->num_listed > 0
				? snap_crash_format(crash,
					  "Find out what overwrote the stack: it is damaged beyond "
					  "#%zu.",
					  thread->num_listed - 1)
				: "Find out what overwrote the stack, or the stack pointer.",
			NULL, err);
	case SNAP_END_COMPLETE:
	case SNAP_END_UNAVAILABLE:
		break;
	}
	return 0;
}

/* ---------------------------------------------------------------- microcontrollers */

/* What tells more of a fault the next time, or is likely to mend it. */
static const struct {
	const char *bit, *text;
} device_steps[] = {
	/* Cortex-M4 Devices Generic User Guide (ARM DUI 0553), 4.1.1. */
	{"IMPRECISERR",
		"Have it crash with buffered writes switched off, so that the fault names its "
		"instruction: DISDEFWBUF, bit 1 of ACTLR (0xe000e008), on Cortex-M3 and M4."},
	{"NOCP", "Enable the FPU before it is used (CP10 and CP11 of CPACR, 0xe000ed88), or build "
		 "without it."},
	{"VECTTBL", "See that VTOR (0xe000ed08) is the vector table's address, and aligned."},
	{"DEBUGEVT", "Take breakpoints and semihosting out of what runs without a debugger."},
};

static int add_device(struct steps *steps, struct snap_error *err)
{
	struct snap_crash *crash = steps->crash;
	const struct snap_device *device = &crash->device;
	const struct snap_crash_thread *thread = snap_crash_crashed_thread(crash);
	const char *bit = device->fault_bit;
	if (!device->is_device)
		return 0;
	for (size_t i = 0; bit && i < sizeof(device_steps) / sizeof(device_steps[0]); i++)
		if (strcmp(bit, device_steps[i].bit) == 0 &&
			add(steps, SNAP_NEXT_DEVICE, device_steps[i].text, NULL, err) < 0)
			return -1;
	if (bit && strcmp(bit, "PRECISERR") == 0 && crash->cause.has_address &&
		crash->cause.address >= 0x40000000 && crash->cause.address < 0x60000000)
		return add(steps, SNAP_NEXT_DEVICE,
			snap_crash_format(crash,
				"See whether the peripheral at 0x%" PRIx64
				" exists, and has its clock enabled, before it is accessed.",
				crash->cause.address),
			NULL, err);
	if (crash->cause.kind == SNAP_KIND_STACK_OVERFLOW)
		return add(steps, SNAP_NEXT_DEVICE,
			thread && thread->stack_use.has_size
				? snap_crash_format(crash,
					  "Give the thread a larger stack than its %" PRIu64
					  " bytes, or have it use less.",
					  thread->stack_use.size)
				: "Give the thread a larger stack, or have it use less.",
			NULL, err);
	if (crash->cause.kind == SNAP_KIND_UNKNOWN && !device->has_state)
		return add(steps, SNAP_NEXT_DEVICE,
			"Have the device put its registers into the snapshot (field 20).", NULL,
			err);
	return 0;
}

int snap_find_next_steps(struct snap_crash *crash, bool only_crashed_thread, struct snap_error *err)
{
	struct steps steps = {.crash = crash};
	crash->next_steps = NULL;
	crash->num_next_steps = 0;
	if (add_sender(&steps, err) < 0 || add_look(&steps, err) < 0 ||
		add_device(&steps, err) < 0 || add_threads(&steps, err) < 0 ||
		add_file(&steps, err) < 0 || add_symbols(&steps, only_crashed_thread, err) < 0 ||
		add_tokens(&steps, err) < 0 || add_stack(&steps, err) < 0)
		return -1;
	crash->next_steps = steps.list;
	crash->num_next_steps = steps.num;
	return 0;
}
