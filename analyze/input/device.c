#include "analyze/input/device.h"

#include <string.h>

#include "analyze/input/clock.h"

/* Bits of EXC_RETURN (Armv7-M Architecture Reference Manual, B1.5.8) and CONTROL (B1.4.4). */
#define EXC_RETURN_PROCESS_STACK (1u << 2)
#define CONTROL_PROCESS_STACK	 (1u << 1)

/* ---------------------------------------------------------------- whose it is */

static bool has_device_fields(const struct snap_thread *thread)
{
	return thread->raw_stack.data || thread->num_backtrace > 0;
}

/* A process has an ELF machine, and what no device knows of. */
static bool is_device(const struct snap_crash *crash)
{
	if (crash->process.has_elf || crash->process.has_pid || crash->has_signal ||
		crash->num_modules > 0)
		return false;
	if (crash->device.has_state || crash->integrity == SNAP_INTEGRITY_UNMARKED ||
		(crash->metadata.has_cpu_arch && crash->metadata.cpu_arch != SNAP_CPU_UNKNOWN))
		return true;
	for (size_t i = 0; i < crash->num_threads; i++)
		if (has_device_fields(&crash->threads[i].record))
			return true;
	return false;
}

static const struct snap_arch *arch_of(const struct snap_crash *crash)
{
	switch (crash->device.family) {
	case SNAP_CPU_CORTEX_M:
		return snap_arch_find_name("cortex-m");
	case SNAP_CPU_RISCV:
		if (crash->metadata.cpu_arch == SNAP_CPU_RV128I)
			return NULL;
		return snap_arch_find_name(
			crash->metadata.cpu_arch == SNAP_CPU_RV64E ||
					crash->metadata.cpu_arch == SNAP_CPU_RV64I
				? "riscv64"
				: "riscv32");
	case SNAP_CPU_NONE:
		break;
	}
	return NULL;
}

/* ---------------------------------------------------------------- stacks */

/*
 * Where raw_stack begins: at the stack pointer, from which it goes up; or further down, where it is
 * longer than from there to the stack's start.
 */
static bool find_raw_stack(const struct snap_thread *thread, uint64_t *ret)
{
	uint64_t len = thread->raw_stack.len, start = thread->stack_start;
	if (len == 0)
		return false;
	if (thread->has_stack_start && thread->has_stack_end && start < thread->stack_end)
		*ret = start; /* it goes up */
	else if (thread->has_stack_pointer &&
		 (!thread->has_stack_start || thread->stack_pointer > start ||
			 len <= start - thread->stack_pointer))
		*ret = thread->stack_pointer;
	else if (thread->has_stack_start && start >= len)
		*ret = start - len;
	else
		return false;
	return len - 1 <= UINT64_MAX - *ret;
}

static void add_mapping(struct snap_crash *crash, uint64_t start, uint64_t end)
{
	if (start < end)
		crash->mappings[crash->num_mappings++] = (struct snap_mapping){
			.start = start,
			.end = end,
			.has_permissions = true,
			.permissions = SNAP_MAPPING_READ | SNAP_MAPPING_WRITE,
		};
}

static int add_stacks(struct snap_crash *crash, struct snap_error *err)
{
	size_t max = crash->num_mappings + 2 * crash->num_threads;
	struct snap_mapping *mappings = snap_arena_alloc(&crash->arena, max * sizeof(*mappings));
	if (!mappings)
		return snap_error_no_memory(err);
	if (crash->num_mappings > 0)
		memcpy(mappings, crash->mappings, crash->num_mappings * sizeof(*mappings));
	crash->mappings = mappings;
	for (size_t i = 0; i < crash->num_threads; i++) {
		const struct snap_thread *thread = &crash->threads[i].record;
		uint64_t start;
		if (thread->has_stack_start && thread->has_stack_end) {
			add_mapping(crash, thread->stack_end, thread->stack_start);
			add_mapping(crash, thread->stack_start, thread->stack_end);
		}
		if (!find_raw_stack(thread, &start))
			continue;
		const struct snap_memory_segment segment = {
			.start = start,
			.len = thread->raw_stack.len,
			.data = thread->raw_stack.data,
			.fd = -1,
		};
		if (snap_memory_add(&crash->memory, &segment, err) < 0)
			return -1;
		if (!thread->has_stack_start || !thread->has_stack_end)
			add_mapping(crash, start, start + thread->raw_stack.len);
	}
	return 0;
}

/* ---------------------------------------------------------------- registers */

/* The stack pointer that was in use before the exception, and whether it is known. */
static bool active_stack_pointer(const struct snap_device *device, unsigned int *ret)
{
	const struct snap_cpu_state *state = &device->state;
	if (device->family == SNAP_CPU_RISCV) {
		*ret = SNAP_RISCV_SP;
	} else if (snap_cpu_state_has(state, SNAP_CORTEX_M_EXC_RETURN)) {
		*ret = state->values[SNAP_CORTEX_M_EXC_RETURN] & EXC_RETURN_PROCESS_STACK
			       ? SNAP_CORTEX_M_PSP
			       : SNAP_CORTEX_M_MSP;
	} else if (snap_cpu_state_has(state, SNAP_CORTEX_M_CONTROL)) {
		*ret = state->values[SNAP_CORTEX_M_CONTROL] & CONTROL_PROCESS_STACK
			       ? SNAP_CORTEX_M_PSP
			       : SNAP_CORTEX_M_MSP;
	} else {
		*ret = snap_cpu_state_has(state, SNAP_CORTEX_M_MSP) ? SNAP_CORTEX_M_MSP
								    : SNAP_CORTEX_M_PSP;
	}
	return snap_cpu_state_has(state, *ret);
}

/* The field that has register i of the machine's table; 0: none. */
static unsigned int field_of(const struct snap_crash *crash, unsigned int i)
{
	const struct snap_arch *arch = crash->arch;
	const struct snap_device *device = &crash->device;
	unsigned int sp;
	if (i == arch->sp)
		return active_stack_pointer(device, &sp) ? sp : 0;
	if (device->family == SNAP_CPU_RISCV && i == arch->pc)
		return SNAP_RISCV_MEPC;
	const char *name = arch->regs[i].name;
	if (device->family == SNAP_CPU_CORTEX_M && strcmp(name, "xpsr") == 0)
		return SNAP_CORTEX_M_PSR;
	for (unsigned int field = 1; field < SNAP_CPU_STATE_FIELDS; field++) {
		const char *of_field = snap_cpu_state_name(device->family, field);
		if (of_field && strcmp(name, of_field) == 0)
			return field;
	}
	return 0;
}

static int set_registers(
	struct snap_crash *crash, struct snap_crash_thread *thread, struct snap_error *err)
{
	const struct snap_arch *arch = crash->arch;
	size_t len = snap_arch_regs_len(arch);
	uint8_t *bytes = snap_arena_alloc(&crash->arena, len);
	if (!bytes)
		return snap_error_no_memory(err);
	memset(bytes, 0, len);
	for (unsigned int i = 0; i < arch->num_regs; i++) {
		unsigned int field = field_of(crash, i);
		if (field == 0 || !snap_cpu_state_has(&crash->device.state, field))
			thread->absent_regs |= UINT64_C(1) << i;
		else
			(void)snap_arch_reg_set(
				arch, i, bytes, len, crash->device.state.values[field]);
	}
	thread->pr_reg = snap_bytes(bytes, len);
	return 0;
}

/* ---------------------------------------------------------------- threads */

static bool has_on_stack(const struct snap_thread *thread, uint64_t addr)
{
	return thread->has_stack_start && thread->has_stack_end && addr >= thread->stack_end &&
	       addr <= thread->stack_start;
}

static bool says_it_ran(const struct snap_thread *thread)
{
	return thread->active ||
	       (thread->has_state && (thread->state == SNAP_THREAD_RUNNING ||
					     thread->state == SNAP_THREAD_INTERRUPT_HANDLER));
}

/*
 * How much speaks for a thread as the one whose stack pointer sp is; 0: nothing. One that
 * overflowed into its neighbour's stack has it there: what the thread itself says counts more. sp
 * is between two stacks, if one begins where the other ends.
 */
static unsigned int rank_owner(const struct snap_thread *thread, uint64_t sp)
{
	bool is_exact = thread->has_stack_pointer && thread->stack_pointer == sp;
	bool is_within = has_on_stack(thread, sp) && sp != thread->stack_start;
	if (thread->has_state && thread->state == SNAP_THREAD_INACTIVE)
		return 0;
	unsigned int rank = 8u * (is_exact && says_it_ran(thread)) +
			    4u * (says_it_ran(thread) && has_on_stack(thread, sp)) + 2u * is_exact +
			    is_within;
	return rank > 0 ? rank + 1 : has_on_stack(thread, sp);
}

/* The thread that says it ran. SIZE_MAX: none does. */
static size_t find_active(const struct snap_crash *crash, bool is_on_main_stack)
{
	size_t running = SIZE_MAX, handler = SIZE_MAX;
	for (size_t i = 0; i < crash->num_threads; i++) {
		const struct snap_thread *thread = &crash->threads[i].record;
		if (thread->active)
			return i;
		if (thread->has_state && thread->state == SNAP_THREAD_RUNNING &&
			running == SIZE_MAX)
			running = i;
		if (thread->has_state && thread->state == SNAP_THREAD_INTERRUPT_HANDLER &&
			handler == SIZE_MAX)
			handler = i;
	}
	return is_on_main_stack && handler != SIZE_MAX ? handler : running;
}

/* The thread whose registers were captured. SIZE_MAX: none of them. */
static size_t find_owner(const struct snap_crash *crash)
{
	unsigned int field, best = 0;
	bool has_sp = active_stack_pointer(&crash->device, &field);
	uint64_t sp = has_sp ? crash->device.state.values[field] : 0;
	size_t found = SIZE_MAX;
	for (size_t i = 0; has_sp && i < crash->num_threads; i++) {
		unsigned int rank = rank_owner(&crash->threads[i].record, sp);
		if (rank > best) {
			best = rank;
			found = i;
		}
	}
	return found != SIZE_MAX ? found : find_active(crash, has_sp && field == SNAP_CORTEX_M_MSP);
}

/* Room for one more thread, which has only registers. */
static int add_thread(struct snap_crash *crash, struct snap_error *err)
{
	struct snap_crash_thread *threads =
		snap_arena_alloc(&crash->arena, (crash->num_threads + 1) * sizeof(*threads));
	if (!threads)
		return snap_error_no_memory(err);
	if (crash->num_threads > 0)
		memcpy(threads, crash->threads, crash->num_threads * sizeof(*threads));
	threads[crash->num_threads++] = (struct snap_crash_thread){
		.record = {.has_state = true, .state = SNAP_THREAD_RUNNING},
	};
	crash->threads = threads;
	return 0;
}

static int put_crashed_first(struct snap_crash *crash, struct snap_error *err)
{
	bool has_registers = crash->device.has_state && crash->arch;
	size_t index = has_registers ? find_owner(crash) : find_active(crash, true);
	if (index == SIZE_MAX && !has_registers)
		return 0;
	if (index == SIZE_MAX) {
		if (add_thread(crash, err) < 0)
			return -1;
		index = crash->num_threads - 1;
	}
	struct snap_crash_thread crashed = crash->threads[index];
	crashed.crashed = has_registers || crash->metadata.fatal;
	if (has_registers && set_registers(crash, &crashed, err) < 0)
		return -1;
	memmove(crash->threads + 1, crash->threads, index * sizeof(crashed));
	crash->threads[0] = crashed;
	return 0;
}

/* ---------------------------------------------------------------- the firmware */

static int add_firmware(struct snap_crash *crash, struct snap_error *err)
{
	struct snap_bytes uuid = crash->metadata.software_build_uuid;
	struct snap_crash_module *module = snap_arena_alloc(&crash->arena, sizeof(*module));
	if (!module)
		return snap_error_no_memory(err);
	bool is_wide = crash->arch && snap_arch_word(crash->arch) == 8;
	*module = (struct snap_crash_module){
		.record =
			{
				.end = is_wide ? UINT64_MAX : UINT64_C(1) << 32,
				.build_id_status = SNAP_BUILD_ID_NO_NOTE,
				.has_load_bias = true,
				.path = snap_bytes_str("firmware"),
			},
	};
	if (uuid.len > 0 && uuid.len <= SNAP_MAX_BUILD_ID) {
		module->record.build_id = uuid;
		module->record.build_id_status = SNAP_BUILD_ID_FOUND;
	}
	crash->modules = module;
	crash->num_modules = 1;
	return 0;
}

/* The first clock that tells the date tells when it happened. */
static void find_time(struct snap_crash *crash)
{
	const struct snap_device *device = &crash->device;
	struct snap_clock_time time;
	for (size_t i = 0; i < device->num_timestamps && !crash->capture.has_time; i++)
		if (snap_clock_unix(&device->timestamps[i], &time)) {
			crash->capture.has_time = true;
			crash->capture.time_s = time.seconds;
			crash->capture.time_ns = time.nanoseconds;
		}
}

int snap_load_device(struct snap_crash *crash, struct snap_error *err)
{
	struct snap_device *device = &crash->device;
	device->is_device = is_device(crash);
	if (!device->is_device)
		return 0;
	device->family = snap_cpu_family(
		crash->metadata.has_cpu_arch ? crash->metadata.cpu_arch : SNAP_CPU_UNKNOWN);
	crash->arch = arch_of(crash);
	find_time(crash);
	/* Stacks first: which thread it is, is told by its stack. */
	return add_stacks(crash, err) == 0 && put_crashed_first(crash, err) == 0 &&
			       add_firmware(crash, err) == 0
		       ? 0
		       : -1;
}
