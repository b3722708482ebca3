#include "capture/emit.h"

#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "common/elf_load.h"

/* For the checkpoints that close a file of the smallest limit. */
#define END_BYTES 256u
/* Of the limit, what the omissions of one stage may take beyond it. */
#define OMISSIONS_SHARE 64u

/* The writer's own error is final and sticks; one record too large to be written is told here. */
static void wrote(struct snap_emit *e, int result)
{
	if (result < 0 && result != -ENOSPC && e->writer.error == 0)
		e->partial = true;
}

/* What is left out takes few bytes to tell: a part of what is kept for those that come. */
static void put_omission(void *arg, const struct snap_omission *omission)
{
	struct snap_emit *e = arg;
	uint64_t limit = e->writer.limit;
	e->writer.limit += e->max_bytes / OMISSIONS_SHARE;
	if (e->writer.limit > e->max_bytes - END_BYTES)
		e->writer.limit = e->max_bytes - END_BYTES;
	wrote(e, snap_write_omission(&e->writer, omission));
	e->writer.limit = limit;
}

static void put_range(void *arg, const struct snap_memory_range *range)
{
	struct snap_emit *e = arg;
	int r = snap_write_memory(&e->writer, range);
	wrote(e, r);
	if (r != -ENOSPC || e->writer.error != 0)
		return;
	const struct snap_memory_plan plan = {
		.reason = range->reason, .has_tid = range->has_tid, .tid = range->tid};
	struct snap_omission omission = snap_memory_plan_omission(&plan);
	omission.why = SNAP_OMITTED_CAP;
	omission.address = range->address;
	omission.bytes = range->data.len;
	/* Told of here, it need not be counted. */
	uint64_t before = e->writer.num_refused;
	put_omission(e, &omission);
	if (e->writer.num_refused == before)
		e->writer.num_refused--;
}

struct snap_memory_limits snap_emit_memory_limits(const struct snap_config *config)
{
	const struct snap_memory_limits usual = SNAP_MEMORY_LIMITS_DEFAULT;
	if (!config)
		return usual;
	return (struct snap_memory_limits){
		.max_bytes = config->max_snapshot_bytes,
		.stack_first_bytes = config->stack_first_bytes,
		.stack_second_bytes = config->stack_second_bytes,
		.stack_second_threads = config->stack_second_threads,
		.stack_threads = config->stack_threads,
	};
}

void snap_emit_init(struct snap_emit *e, int fd, const struct snap_config *config)
{
	e->max_bytes = snap_emit_memory_limits(config).max_bytes;
	e->partial = false;
	e->sink = (struct snap_memory_sink){put_range, put_omission, e};
	snap_writer_init(&e->writer, fd);
	snap_emit_stage(e, SNAP_EMIT_FIRST);
}

void snap_emit_stage(struct snap_emit *e, enum snap_emit_stage stage)
{
	uint64_t max = e->max_bytes, limit = max;
	switch (stage) {
	case SNAP_EMIT_FIRST:
		limit = max - max / 8;
		break;
	case SNAP_EMIT_LAYOUT:
		/* However long the paths: most is for threads. */
		limit = e->writer.len + max / 16 * 3;
		if (limit > max - max / 16)
			limit = max - max / 16;
		break;
	case SNAP_EMIT_THREADS:
		limit = max - max / 16;
		break;
	case SNAP_EMIT_REST:
		limit = max - max / 32;
		break;
	case SNAP_EMIT_END:
		limit = max - END_BYTES;
		break;
	}
	e->writer.limit = limit;
}

uint64_t snap_emit_room(const struct snap_emit *e)
{
	return e->writer.len < e->writer.limit ? e->writer.limit - e->writer.len : 0;
}

void snap_emit_refused(struct snap_emit *e)
{
	snap_emit_omission_count(e, SNAP_OMITTED_OTHER, SNAP_OMITTED_CAP, e->writer.num_refused);
}

void snap_emit_note(struct snap_emit *e, bool partial, const char *format, ...)
{
	char text[1024];
	va_list args;
	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args); /* cut to fit */
	va_end(args);
	wrote(e, snap_write_note(&e->writer, text));
	if (partial)
		e->partial = true;
}

void snap_emit_omission(struct snap_emit *e, enum snap_omission_what what,
	enum snap_omission_why why, uint64_t tid, int error)
{
	struct snap_omission omission = {
		.what = what,
		.why = why,
		.has_tid = tid != 0,
		.tid = tid,
		.has_error = error != 0,
		.error = (uint32_t)error,
	};
	put_omission(e, &omission);
}

void snap_emit_omission_count(struct snap_emit *e, enum snap_omission_what what,
	enum snap_omission_why why, uint64_t count)
{
	if (count == 0)
		return;
	struct snap_omission omission = {
		.what = what,
		.why = why,
		.has_count = true,
		.count = count,
	};
	put_omission(e, &omission);
}

void snap_emit_uuid(uint8_t uuid[static 16])
{
	/* Up to 256 bytes come whole once the pool is ready; at boot, the clock must do. */
	if (getrandom(uuid, 16, GRND_NONBLOCK) != 16) {
		struct timespec now[2];
		(void)clock_gettime(CLOCK_REALTIME, &now[0]); /* can't fail */
		(void)clock_gettime(CLOCK_BOOTTIME, &now[1]);
		uint64_t words[2] = {
			(uint64_t)now[0].tv_sec * 1000000000 + (uint64_t)now[0].tv_nsec,
			(uint64_t)now[1].tv_sec * 1000000000 + (uint64_t)now[1].tv_nsec,
		};
		memcpy(uuid, words, 16);
	}
	uuid[6] = (uint8_t)((uuid[6] & 0x0f) | 0x40);
	uuid[8] = (uint8_t)((uuid[8] & 0x3f) | 0x80);
}

void snap_emit_header(struct snap_emit *e, const char *program)
{
	wrote(e, snap_write_header(&e->writer, program));
}

/* What is not configured is absent, not empty. */
static struct snap_bytes configured(const char *text)
{
	return text[0] != '\0' ? snap_bytes_str(text) : snap_bytes(NULL, 0);
}

void snap_emit_metadata(struct snap_emit *e, const struct snap_config *config, const char *reason,
	bool fatal, const uint8_t uuid[static 16])
{
	struct snap_metadata metadata = {
		.reason = snap_bytes_str(reason),
		.has_fatal = true,
		.fatal = fatal,
		.snapshot_uuid = snap_bytes(uuid, 16),
		.has_cpu_arch = true, /* 0, UNKNOWN: the ELF machine stands with the process */
	};
	if (config) {
		metadata.project_name = configured(config->project);
		metadata.device_name = configured(config->device);
		metadata.software_version = configured(config->software_version);
		if (config->software_build_uuid_len > 0)
			metadata.software_build_uuid = snap_bytes(
				config->software_build_uuid, config->software_build_uuid_len);
	}
	wrote(e, snap_write_metadata(&e->writer, &metadata));
}

bool snap_emit_fault_addr(int32_t signo, struct snap_bytes siginfo, uint8_t elf_class,
	uint8_t elf_data, uint64_t *ret)
{
	unsigned int word = elf_class == ELFCLASS32 ? 4 : 8;
	size_t fields = word == 8 ? 16 : 12;
	if (siginfo.len < fields + word ||
		(int32_t)snap_elf_load(siginfo.data, 4, elf_data) != signo)
		return false;
	int32_t code = (int32_t)snap_elf_load(siginfo.data + 8, 4, elf_data);
	/* With SI_KERNEL (a general protection fault, for one) there is none. */
	if (code <= 0 || code == SI_KERNEL ||
		(signo != SIGSEGV && signo != SIGBUS && signo != SIGILL && signo != SIGFPE &&
			signo != SIGTRAP))
		return false;
	*ret = snap_elf_load(siginfo.data + fields, word, elf_data);
	return true;
}

/*
 * struct siginfo: three ints, then, aligned to a word, the union. Source: the kernel's
 * include/uapi/asm-generic/siginfo.h (signo, errno, code stand in this order but on MIPS).
 */
void snap_emit_signal(struct snap_emit *e, int32_t signo, uint64_t tid, struct snap_bytes siginfo,
	uint8_t elf_class, uint8_t elf_data)
{
	struct snap_signal sig = {
		.has_signo = true,
		.signo = signo,
		.has_tid = true,
		.tid = tid,
	};
	unsigned int word = elf_class == ELFCLASS32 ? 4 : 8;
	size_t fields = word == 8 ? 16 : 12;
	if (siginfo.len >= fields + 8) {
		const uint8_t *p = siginfo.data;
		sig.siginfo = siginfo;
		sig.has_code = true;
		sig.code = (int32_t)snap_elf_load(p + 8, 4, elf_data);
		int32_t told = (int32_t)snap_elf_load(p, 4, elf_data);
		if (told != signo) {
			snap_emit_note(e, true, "the core tells of signal %d, the kernel of %d",
				(int)told, (int)signo);
			sig.has_code = false;
		} else if (sig.code > 0) {
			sig.has_address = snap_emit_fault_addr(
				signo, siginfo, elf_class, elf_data, &sig.address);
		} else if (sig.code != SI_TIMER && sig.code != SI_SIGIO) {
			sig.has_sender = true;
			sig.sender_pid = (int32_t)snap_elf_load(p + fields, 4, elf_data);
			sig.sender_uid = (uint32_t)snap_elf_load(p + fields + 4, 4, elf_data);
		}
	}
	wrote(e, snap_write_signal(&e->writer, &sig));
}

static void put_tag(void *arg, const struct snap_tag *tag)
{
	struct snap_emit *e = arg;
	wrote(e, snap_write_tag(&e->writer, tag));
}

static void put_log(void *arg, const struct snap_log *log)
{
	struct snap_emit *e = arg;
	wrote(e, snap_write_log(&e->writer, log));
}

void snap_emit_annotations(
	struct snap_emit *e, struct snap_annotations *annotations, bool same_tids)
{
	const struct snap_annotations_sink sink = {
		.tag = put_tag,
		.log = put_log,
		.range = put_range,
		.omission = put_omission,
		.arg = e,
	};
	snap_annotations_read(annotations, false, same_tids, &sink);
}
