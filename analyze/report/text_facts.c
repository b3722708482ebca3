#include "analyze/report/text_facts.h"

#include <inttypes.h>

#include "analyze/explain/log_clock.h"
#include "analyze/explain/wait.h"
#include "analyze/report/words.h"

#define LAST_LOGS 32
/* Of an abort message and of the functions of a kernel stack so many are shown. */
#define MAX_LINES     8
#define MAX_FUNCTIONS 6
/* Arguments of a system call: those that tell most. */
#define MAX_ARGUMENTS 3

static void begin(FILE *out, const char *name)
{
	(void)fprintf(out, "  %-10s ", name);
}

/* "512 KiB", "1.4 MiB", "23.5 GiB". */
static void print_size(FILE *out, uint64_t bytes)
{
	static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	double value = (double)bytes / 1024;
	size_t unit = 0;
	for (; value >= 1024 && unit + 1 < sizeof(units) / sizeof(units[0]); unit++)
		value /= 1024;
	(void)fprintf(out, unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
}

/* The next line of the text from *off on. False at its end. */
static bool next_line(struct snap_bytes text, size_t *off, struct snap_bytes *ret)
{
	if (*off >= text.len)
		return false;
	const uint8_t *nl = memchr(text.data + *off, '\n', text.len - *off);
	size_t len = nl ? (size_t)(nl - text.data) - *off : text.len - *off;
	*ret = snap_bytes(text.data + *off, len);
	*off += len + 1;
	return true;
}

/* ---------------------------------------------------------------- process */

static bool has_own_namespaces(const struct snap_process *process)
{
	for (size_t i = 0; i < process->num_namespaces; i++)
		if (process->namespaces[i].has_differs && process->namespaces[i].differs)
			return true;
	return process->has_ns_pid;
}

static void print_container(const struct snap_process *process, FILE *out)
{
	const char *separator = "";
	if (process->container_id.len == 0 && !has_own_namespaces(process))
		return;
	begin(out, "Container");
	if (process->container_id.len > 0) {
		snap_print(out, process->container_id);
		separator = ", ";
	}
	if (process->has_ns_pid) {
		(void)fprintf(out, "%spid %" PRIu32 " inside", separator, process->ns_pid);
		separator = ", ";
	}
	if (process->has_ns_uid) {
		(void)fprintf(out, "%suid %" PRIu32 " inside", separator, process->ns_uid);
		separator = ", ";
	}
	size_t num = 0;
	for (size_t i = 0; i < process->num_namespaces; i++) {
		const struct snap_namespace *ns = &process->namespaces[i];
		const char *name = snap_namespace_name(ns->kind);
		if (!ns->has_differs || !ns->differs || !name)
			continue;
		(void)fprintf(out, num == 0 ? "%sown namespaces: %s" : "%s%s",
			num == 0 ? separator : " ", name);
		num++;
	}
	(void)fputc('\n', out);
}

static void print_memory(const struct snap_process *process, FILE *out)
{
	if (!process->has_rss_bytes)
		return;
	begin(out, "Memory");
	print_size(out, process->rss_bytes);
	(void)fputs(" resident", out);
	if (process->has_rss_peak_bytes && process->rss_peak_bytes > process->rss_bytes) {
		(void)fputs(" (at most ", out);
		print_size(out, process->rss_peak_bytes);
		(void)fputc(')', out);
	}
	if (process->has_vm_bytes) {
		(void)fputs(" of ", out);
		print_size(out, process->vm_bytes);
	}
	if (process->has_swap_bytes && process->swap_bytes > 0) {
		(void)fputs(", swapped out ", out);
		print_size(out, process->swap_bytes);
	}
	if (process->has_rlimit_as && process->rlimit_as != UINT64_MAX) {
		(void)fputs(", limit ", out);
		print_size(out, process->rlimit_as);
	}
	(void)fputc('\n', out);
}

void snap_text_process_facts(const struct snap_crash *crash, FILE *out)
{
	const struct snap_process *process = &crash->process;
	print_container(process, out);
	if (process->unit.len > 0) {
		begin(out, "Unit");
		snap_print(out, process->unit);
		(void)fputc('\n', out);
	}
	if (process->cwd.len > 0) {
		begin(out, "Directory");
		snap_print(out, process->cwd);
		if (process->root.len > 0) {
			(void)fputs(", root ", out);
			snap_print(out, process->root);
		}
		(void)fputc('\n', out);
	}
	if (process->has_num_open_files) {
		begin(out, "Files");
		(void)fprintf(out, "%" PRIu64 " open", process->num_open_files);
		if (process->has_rlimit_nofile && process->rlimit_nofile != UINT64_MAX)
			(void)fprintf(out, ", limit %" PRIu64, process->rlimit_nofile);
		(void)fputc('\n', out);
	}
	print_memory(process, out);
}

/* ---------------------------------------------------------------- machine */

static void print_uptime(FILE *out, uint64_t ms)
{
	uint64_t minutes = ms / 60000;
	if (minutes >= 24 * 60)
		(void)fprintf(out, "up %" PRIu64 " d %" PRIu64 " h", minutes / (24 * 60),
			minutes / 60 % 24);
	else if (minutes >= 60)
		(void)fprintf(out, "up %" PRIu64 " h %" PRIu64 " min", minutes / 60, minutes % 60);
	else
		(void)fprintf(out, "up %" PRIu64 " min %" PRIu64 " s", minutes, ms / 1000 % 60);
}

void snap_text_machine_facts(const struct snap_crash *crash, FILE *out)
{
	const struct snap_system *sys = &crash->system;
	if (!sys->has_uptime && sys->num_loads == 0 && !sys->has_memory_available)
		return;
	const char *separator = "";
	begin(out, "Machine");
	if (sys->hostname.len > 0) {
		snap_print(out, sys->hostname);
		separator = ", ";
	}
	if (sys->has_uptime) {
		(void)fputs(separator, out);
		print_uptime(out, sys->uptime_ms);
		separator = ", ";
	}
	if (sys->num_loads > 0) {
		(void)fprintf(out, "%sload %" PRIu32 ".%02" PRIu32, separator,
			sys->load_hundredths[0] / 100, sys->load_hundredths[0] % 100);
		if (sys->has_num_cpus)
			(void)fprintf(out, " on %" PRIu32 " processor%s", sys->num_cpus,
				sys->num_cpus == 1 ? "" : "s");
		separator = ", ";
	}
	if (sys->has_memory_available && sys->has_memory_total) {
		(void)fprintf(out, "%smemory ", separator);
		print_size(out, sys->memory_available);
		(void)fputs(" available of ", out);
		print_size(out, sys->memory_total);
	}
	(void)fputc('\n', out);
}

/* ---------------------------------------------------------------- threads */

static void print_call(
	const struct snap_crash *crash, const struct snap_wait *wait, bool for_many, FILE *out)
{
	const struct snap_open_file *file = snap_wait_file(crash, wait);
	if (wait->syscall_name)
		(void)fputs(wait->syscall_name, out);
	else
		(void)fprintf(out, "system call %" PRId64, wait->syscall);
	if (for_many || wait->num_arguments == 0)
		return;
	(void)fputc('(', out);
	for (size_t i = 0; i < wait->num_arguments && i < MAX_ARGUMENTS; i++) {
		(void)fputs(i > 0 ? ", " : "", out);
		if (i == 0 && wait->has_fd) {
			(void)fprintf(out, "%" PRIu32, wait->fd);
			if (file && file->path.len > 0) {
				(void)fputs(" = ", out);
				snap_print(out, file->path);
			}
		} else {
			(void)fprintf(out, "0x%" PRIx64, wait->arguments[i]);
		}
	}
	(void)fputs(wait->num_arguments > MAX_ARGUMENTS ? ", ...)" : ")", out);
}

/* "[<0>] futex_wait_queue+0x60/0x90" without all but the name. */
static struct snap_bytes function_of(struct snap_bytes line)
{
	const uint8_t *space = line.len > 0 ? memchr(line.data, ' ', line.len) : NULL;
	if (space && line.data[0] == '[')
		line = snap_bytes(space + 1, line.len - (size_t)(space + 1 - line.data));
	const uint8_t *plus = line.len > 0 ? memchr(line.data, '+', line.len) : NULL;
	return plus ? snap_bytes(line.data, (size_t)(plus - line.data)) : line;
}

/* Where system calls enter the kernel on x86: the same for all. */
static bool is_entry(struct snap_bytes function)
{
	static const char *const names[] = {"do_syscall_64", "do_fast_syscall_32",
		"__do_fast_syscall_32", "do_int80_emulation", "entry_SYSCALL_64_after_hwframe"};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (snap_bytes_equal_str(function, names[i]))
			return true;
	return false;
}

static void print_kernel_stack(struct snap_bytes stack, FILE *out)
{
	struct snap_bytes line;
	size_t off = 0;
	(void)fputs("; in the kernel ", out);
	for (size_t num = 0; next_line(stack, &off, &line); num++) {
		struct snap_bytes function = function_of(line);
		if (num > 0 && is_entry(function))
			break;
		if (num == MAX_FUNCTIONS) {
			(void)fputs(" < ...", out);
			break;
		}
		(void)fputs(num > 0 ? " < " : "", out);
		snap_print(out, function);
	}
}

void snap_text_wait(const struct snap_crash *crash, const struct snap_crash_thread *thread,
	bool for_many, FILE *out)
{
	struct snap_wait wait;
	const struct snap_thread_facts *facts = thread->facts;
	if (!snap_thread_wait(crash, thread, &wait))
		return;
	/* 'D': not even a signal ends it. */
	bool blocked = facts && facts->has_letter && facts->letter != 'R';
	(void)fputs(blocked && facts->letter == 'D' ? "  blocked, uninterruptibly, in "
		    : blocked			    ? "  blocked in "
						    : "  in ",
		out);
	print_call(crash, &wait, for_many, out);
	if (blocked && facts->kernel_stack.len > 0) {
		print_kernel_stack(facts->kernel_stack, out);
	} else if (blocked && facts->wchan.len > 0) {
		(void)fputs("; in the kernel ", out);
		snap_print(out, facts->wchan);
	}
	(void)fputc('\n', out);
}

/* ---------------------------------------------------------------- words of the program */

/* "12:00:00 ", "1.200000 s (1200 ticks) ", "1200 ticks ", "+20 ticks " (since an entry whose time is not
 * known). */
static void print_log_time(const struct snap_crash *crash, size_t index, FILE *out)
{
	const struct snap_log *log = &crash->logs[index];
	char time[40];
	struct snap_clock_time since;
	int64_t ticks;
	if (snap_log_time_words(crash, index, time))
		(void)fprintf(out, "%s ", time);
	else if (snap_log_clock_elapsed(crash, index, &since) && snap_log_ticks(crash, index, &ticks))
		(void)fprintf(out, "%" PRId64 ".%06" PRIu32 " s (%" PRId64 " ticks) ", since.seconds,
			since.nanoseconds / 1000, ticks);
	else if (!crash->device.is_device && crash->header.format_version != 0)
		return;
	else if (snap_log_ticks(crash, index, &ticks))
		(void)fprintf(out, "%" PRId64 " ticks ", ticks);
	else if (log->has_time_since_last)
		(void)fprintf(out, "%+" PRId64 " ticks ", log->time_since_last);
}

/* What stands behind the message, in parentheses. */
static void begin_remark(bool *begun, FILE *out)
{
	(void)fputs(*begun ? ", " : " (", out);
	*begun = true;
}

static void print_origin(const struct snap_log *log, bool *begun, FILE *out)
{
	uint32_t line = log->has_line_level ? snap_log_line(log) : 0;
	if (log->file.len > 0 || line != 0)
		begin_remark(begun, out);
	if (log->file.len > 0)
		snap_print(out, log->file);
	if (line != 0)
		(void)fprintf(out, log->file.len > 0 ? ":%" PRIu32 : "line %" PRIu32, line);
	if (log->thread.len > 0) {
		begin_remark(begun, out);
		(void)fputs("thread ", out);
		snap_print(out, log->thread);
	}
	if (log->has_flags && log->flags != 0) {
		begin_remark(begun, out);
		(void)fprintf(out, "flags 0x%" PRIx32, log->flags);
	}
}

/* What is doubtful about a message that was a token. */
static void print_token(const struct snap_detokenised *message, bool *begun, FILE *out)
{
	if (message->kind == SNAP_TOKEN_UNKNOWN && message->has_token) {
		begin_remark(begun, out);
		(void)fprintf(out, "unknown token 0x%08" PRIx32, message->token);
	}
	if (message->is_ambiguous) {
		begin_remark(begun, out);
		(void)fputs("ambiguous", out);
		for (size_t i = 0; i < message->num_others; i++) {
			(void)fputs(i == 0 ? ", or: \"" : ", \"", out);
			snap_print(out, message->others[i]);
			(void)fputc('"', out);
		}
	}
	if (message->num_left_over > 0) {
		begin_remark(begun, out);
		(void)fprintf(out, "%zu byte%s left over", message->num_left_over,
			message->num_left_over == 1 ? "" : "s");
	}
}

static void print_log(const struct snap_crash *crash, size_t index, FILE *out)
{
	const struct snap_log *log = &crash->logs[index];
	const char *level = snap_log_level_name(snap_log_level(log));
	struct snap_bytes message = log->message;
	bool begun = false;
	(void)fputs("  ", out);
	print_log_time(crash, index, out);
	if (log->has_line_level && level)
		(void)fprintf(out, "%s: ", level);
	if (log->module.len > 0) {
		snap_print(out, log->module);
		(void)fputs(": ", out);
	}
	if (log->has_dropped && log->dropped > 0)
		(void)fprintf(out, "(%" PRIu32 " %s lost here)%s", log->dropped,
			log->dropped == 1 ? "entry was" : "entries were", message.len > 0 ? " " : "");
	while (message.len > 0 && message.data[message.len - 1] == '\n')
		message.len--;
	snap_print(out, message);
	print_origin(log, &begun, out);
	if (crash->log_facts)
		print_token(&crash->log_facts[index].message, &begun, out);
	(void)fputs(begun ? ")\n" : "\n", out);
}

void snap_text_logs(const struct snap_crash *crash, FILE *out)
{
	size_t first = crash->num_logs > LAST_LOGS ? crash->num_logs - LAST_LOGS : 0;
	if (first > 0)
		(void)fprintf(out,
			"  (%zu earlier ones are not shown: snapanalyze json has them)\n", first);
	for (size_t i = first; i < crash->num_logs; i++)
		print_log(crash, i, out);
}

void snap_text_abort_message(const struct snap_crash *crash, FILE *out)
{
	struct snap_bytes line;
	size_t off = 0;
	for (size_t num = 0; num < MAX_LINES && next_line(crash->abort_message.text, &off, &line);
		num++) {
		(void)fputs(num == 0 ? "It said: " : "         ", out);
		snap_print(out, line);
		(void)fputc('\n', out);
	}
}
