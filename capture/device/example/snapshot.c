/* The snapshot of this firmware: what snapcrash_device_fault() writes, most valuable first. */
#include "capture/device/cortex_m.h"
#include "capture/device/example/board.h"
#include "capture/device/example/firmware.h"
#include "capture/device/example/kernel.h"

#define MAX_STACK 2048u /* bytes of a stack to write at most */

static struct snapcrash_device_writer writer;

/* There is no source of randomness on this board: what tells snapshots apart is when they were made
 * and of what. A product would take its serial number and a counter that outlives resets. */
static void make_uuid(uint8_t uuid[16], const struct snapcrash_device_state *state)
{
	const uint32_t seed[3] = {kernel_ticks, SYST_CVR, state->cpu.value[SNAPCRASH_ARMV7M_PC]};
	uint32_t hash = 0;
	for (uint32_t i = 0; i < 4; i++) {
		hash = snapcrash_device_crc32c(hash, seed, sizeof(seed));
		__builtin_memcpy(uuid + 4 * i, &hash, sizeof(hash));
	}
	uuid[6] = (uuid[6] & 0x0f) | 0x80; /* version 8: the maker's own (RFC 9562) */
	uuid[8] = (uuid[8] & 0x3f) | 0x80;
}

static void write_metadata(const struct snapcrash_device_state *state)
{
	static uint8_t uuid[16];
	make_uuid(uuid, state);
	snapcrash_device_metadata(
		&writer, &(struct snapcrash_device_metadata){
				 .reason = snapcrash_device_text(snapcrash_device_reason(state)),
				 .fatal = true,
				 .project_name = snapcrash_device_text("snapcrash-example"),
				 .software_version = snapcrash_device_text("1.0.3"),
				 .build_uuid = build_id_find(),
				 .device_name = snapcrash_device_text("mps2"),
				 .snapshot_uuid = {uuid, sizeof(uuid)},
				 .cpu_arch = state->cpu_arch,
			 });
}

static void write_thread(
	const struct snapcrash_device_state *state, const struct kernel_thread *thread)
{
	bool runs = thread == kernel_running;
	uintptr_t pointer =
		runs ? state->cpu.value[SNAPCRASH_ARMV7M_PSP] : (uintptr_t)thread->stack_pointer;
	uintptr_t end = (uintptr_t)thread->stack_end, start = (uintptr_t)thread->stack_start;
	snapcrash_device_thread_with_stack(&writer,
		&(struct snapcrash_device_thread){
			.name = snapcrash_device_text(thread->name),
			.has_id = true,
			.id = thread->id,
			.state = thread->state,
			.has_stack_start = true,
			.stack_start = start,
			.has_stack_end = true,
			.stack_end = end,
			.has_stack_pointer = true,
			.stack_pointer = pointer,
			.has_est_peak = true,
			.est_peak = snapcrash_device_stack_peak(end, start, KERNEL_PAINT),
			.has_cpu_usage = kernel_ticks > 0,
			.cpu_usage_hundredths =
				kernel_ticks > 0 ? thread->ticks * 10000 / kernel_ticks : 0,
		},
		MAX_STACK);
}

static void write_logs(void)
{
	uint32_t kept = log_num < LOG_LINES ? log_num : LOG_LINES;
	if (log_num > kept)
		snapcrash_device_log(
			&writer, &(struct snapcrash_device_log){.dropped = log_num - kept});
	for (uint32_t i = log_num - kept; i < log_num; i++) {
		const struct log_line *line = &log_lines[i % LOG_LINES];
		snapcrash_device_log(&writer, &(struct snapcrash_device_log){
						      .message = snapcrash_device_text(line->text),
						      .level = line->level,
						      .line = line->line,
						      .has_timestamp = true,
						      .timestamp = line->ticks,
						      .module = snapcrash_device_text("example"),
					      });
	}
}

static void write_rest(const struct snapcrash_device_state *state)
{
	char hex[8];
	snapcrash_device_timestamp(&writer, &(struct snapcrash_device_timestamp){
						    .ticks = kernel_ticks,
						    .numerator = 1,
						    .denominator = 1000,
						    .epoch = SNAPCRASH_EPOCH_BOOT,
					    });
	snapcrash_device_tag(
		&writer, snapcrash_device_text("scenario"), snapcrash_device_text(options.fault));
	snapcrash_device_tag(&writer, snapcrash_device_text("stack_pointer"),
		hex_text(fault_stack_pointer, hex));
	write_logs();
	snapcrash_device_memory(&writer, &(struct snapcrash_device_memory){
						 .address = (uintptr_t)log_lines,
						 .bytes = {log_lines, sizeof(log_lines)},
						 .reason = SNAP_MEMORY_ANNOTATED,
						 .name = snapcrash_device_text("log ring"),
					 });
	snapcrash_device_user_number(&writer, SNAPCRASH_DEVICE_FIRST_USER_FIELD, kernel_ticks);
	if (state->frame_lost)
		snapcrash_device_note(&writer, "the processor could not save its registers");
}

bool snapcrash_device_readable(uintptr_t start, size_t len)
{
	uintptr_t end = start + len;
	if (end < start)
		return false;
	return end <= (uintptr_t)flash_end ||
	       (start >= (uintptr_t)ram_start && end <= (uintptr_t)ram_end);
}

void snapcrash_device_fault(const struct snapcrash_device_state *state)
{
	sink_begin(&writer);
	write_metadata(state);
	if (state->exception == 0)
		snapcrash_device_abort_message(
			&writer, assertion_text(state->file, state->line, state->message));
	snapcrash_device_write_state(
		&writer, state, (uintptr_t)main_stack_start, (uintptr_t)main_stack_end, MAX_STACK);
	if (kernel_running)
		write_thread(state, kernel_running);
	(void)snapcrash_device_checkpoint(&writer); /* the last result tells all */
	for (const struct kernel_thread *thread = kernel_threads; thread; thread = thread->next)
		if (thread != kernel_running)
			write_thread(state, thread);
	(void)snapcrash_device_checkpoint(&writer);
	if (text_equal(options.fault, "again"))
		snapcrash_device_assert(
			"snapshot.c", 1, "all is well"); /* and no second snapshot */
	write_rest(state);
	int error = snapcrash_device_finish(&writer);
	sink_close();
	semihosting_exit(error == 0);
}

/* Nothing to start anew under an emulator. */
void snapcrash_device_restart(void)
{
	semihosting_print("restart\n");
	semihosting_exit(false);
}
