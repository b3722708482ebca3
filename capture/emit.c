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

/* The writer's own error is final and sticks; one record too large to be written is told here. */
static void wrote(struct snap_emit *e, int result)
{
	if (result < 0 && e->writer.error == 0)
		e->partial = true;
}

static void put_range(void *arg, const struct snap_memory_range *range)
{
	struct snap_emit *e = arg;
	wrote(e, snap_write_memory(&e->writer, range));
}

static void put_omission(void *arg, const struct snap_omission *omission)
{
	struct snap_emit *e = arg;
	wrote(e, snap_write_omission(&e->writer, omission));
}

void snap_emit_init(struct snap_emit *e, int fd)
{
	e->partial = false;
	e->sink = (struct snap_memory_sink){put_range, put_omission, e};
	snap_writer_init(&e->writer, fd);
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
			/* With SI_KERNEL (a general protection fault, for one) there is none. */
			sig.has_address = sig.code != SI_KERNEL &&
					  (signo == SIGSEGV || signo == SIGBUS || signo == SIGILL ||
						  signo == SIGFPE || signo == SIGTRAP);
			sig.address = snap_elf_load(p + fields, word, elf_data);
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
	struct snap_emit *e, struct snap_annotations *annotations, bool running, bool same_tids)
{
	const struct snap_annotations_sink sink = {
		.tag = put_tag,
		.log = put_log,
		.range = put_range,
		.omission = put_omission,
		.arg = e,
	};
	snap_annotations_read(annotations, running, same_tids, &sink);
}
