#include "capture/crash_records.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "capture/facts.h"
#include "common/elf_load.h"
#include "common/words.h"

static const char *signal_name(uint64_t signo, char *buf, size_t size)
{
	const char *name = signo <= INT32_MAX ? snap_signal_name((int32_t)signo) : NULL;
	if (name)
		return name;
	(void)snprintf(buf, size, "signal %llu", (unsigned long long)signo);
	return buf;
}

void snap_crash_write_metadata(struct snap_crash *c)
{
	char reason[32];
	snap_emit_metadata(&c->emit, c->facts.config,
		signal_name(c->facts.signo, reason, sizeof(reason)), true, c->uuid);
}

uint64_t snap_crash_load(const struct snap_crash *c, const uint8_t *p, unsigned int size)
{
	return snap_elf_load(p, size, c->stream.elf_data);
}

static unsigned int word_size(const struct snap_crash *c)
{
	return c->stream.elf_class == ELFCLASS32 ? 4 : 8;
}

static uint64_t auxv_value(const struct snap_crash *c, uint64_t type)
{
	unsigned int word = word_size(c);
	for (size_t i = 0; i + 2 * word <= c->auxv_len; i += 2 * word)
		if (snap_crash_load(c, c->auxv + i, word) == type)
			return snap_crash_load(c, c->auxv + i + word, word);
	return 0;
}

void snap_crash_write_signal(struct snap_crash *c)
{
	snap_emit_signal(&c->emit, (int32_t)c->facts.signo, c->facts.tid,
		snap_bytes(c->siginfo, c->siginfo_len), c->stream.elf_class, c->stream.elf_data);
}

void snap_crash_write_process(struct snap_crash *c)
{
	struct snap_process process = {
		.has_pid = true,
		.pid = (uint32_t)c->facts.pid,
		.has_uid = true,
		.uid = (uint32_t)c->facts.uid,
		.has_gid = true,
		.gid = (uint32_t)c->facts.gid,
		.has_dumpable = true,
		.dumpable = (uint32_t)c->facts.dumpable,
		.has_rlimit_core = c->facts.rlimit_core != SNAP_CRASH_UNKNOWN,
		.rlimit_core = c->facts.rlimit_core,
		.has_elf = c->stream.elf_class != 0,
		.elf_machine = c->stream.elf_machine,
		.elf_class = c->stream.elf_class,
		.elf_data = c->stream.elf_data,
		.has_identity_unverified = c->identity_unverified,
		.identity_unverified = c->identity_unverified,
	};
	if (c->auxv_len > 0)
		process.auxv = snap_bytes(c->auxv, c->auxv_len);
	if (c->identity.task_fd >= 0 && c->identity.status.num_threads != SNAP_PROC_UNKNOWN) {
		process.has_num_threads = true;
		process.num_threads = (uint32_t)c->identity.status.num_threads;
	}
	(void)snap_write_process(&c->emit.writer, &process); /* its error sticks */
	if (c->auxv_len == 0)
		snap_emit_omission(&c->emit, SNAP_OMITTED_AUXV, SNAP_OMITTED_UNREADABLE, 0, 0);
	else if (c->auxv_cut)
		snap_emit_omission(&c->emit, SNAP_OMITTED_AUXV, SNAP_OMITTED_CAP, 0, 0);
}

/* Where the crash was. */
static void want_mappings(struct snap_crash *c)
{
	const struct snap_regset general = {
		NT_PRSTATUS, snap_bytes(c->first.regs, c->first.regs_len)};
	struct snap_memory_thread where;
	uint64_t fault_addr;
	if (snap_memory_thread_registers(c->arch, &general, 1, &where)) {
		snap_layout_want(&c->layout, where.sp);
		snap_layout_want(&c->layout, where.pc);
	}
	if (snap_emit_fault_addr((int32_t)c->facts.signo, snap_bytes(c->siginfo, c->siginfo_len),
		    c->stream.elf_class, c->stream.elf_data, &fault_addr))
		snap_layout_want(&c->layout, fault_addr);
}

void snap_crash_write_layout(struct snap_crash *c)
{
	if (c->identity.task_fd < 0) {
		snap_emit_omission(&c->emit, SNAP_OMITTED_MAPPING, SNAP_OMITTED_GONE, 0, 0);
		return;
	}
	int r = 0;
	snap_annotations_init(&c->annotations, snap_memory_read, &c->mem_fd);
	snap_layout_init(&c->layout, &c->emit, &c->areas, c->mem_fd, auxv_value(c, AT_SYSINFO_EHDR),
		&c->annotations, c->facts.signo == SIGABRT);
	want_mappings(c);
	if (c->maps_whole) {
		snap_maps_parser_init(&c->maps_parser);
		snap_maps_parser_feed(&c->maps_parser, snap_bytes(c->maps, c->maps_len),
			snap_layout_add, &c->layout);
	} else {
		int fd = openat(c->identity.task_fd, "maps", O_RDONLY | O_CLOEXEC);
		r = fd < 0 ? -errno
			   : snap_maps_read(&c->maps_parser, fd, snap_layout_add, &c->layout);
		if (fd >= 0)
			(void)close(fd);
	}
	snap_layout_finish(&c->layout);
	snap_layout_write_abort_message(&c->layout, true, c->stream.elf_data);
	if (r < 0 || c->areas.num == 0) {
		snap_emit_omission(&c->emit, SNAP_OMITTED_MAPPING, SNAP_OMITTED_UNREADABLE, 0, -r);
		c->emit.partial = true;
	}
}

void snap_crash_write_annotations(struct snap_crash *c)
{
	bool same_tids = c->identity.status.num_pid_namespaces < 2;
	if (c->identity.task_fd < 0)
		return;
	snap_emit_annotations(&c->emit, &c->annotations, same_tids);
	/* Of this very crash: it is the process's own word, and of no weight for any other. */
	c->has_snapshot = snap_annotations_find_captured(&c->annotations, &c->captured) &&
			  c->captured.signo == c->facts.signo &&
			  c->captured.pid == c->identity.status.ns_pid;
}

void snap_crash_write_late(struct snap_crash *c)
{
	/* The crashing thread's comm is the process's if it is the main one. */
	bool is_main = c->facts.pid == c->facts.tid;
	bool is_known = c->identity.task_fd >= 0;
	struct snap_facts_source source = {
		.task_fd = c->identity.task_fd,
		.pid = c->facts.pid,
		.status = is_known ? &c->identity.status : NULL,
		.stat = is_main && c->has_stat ? &c->stat : NULL,
		.config = c->facts.config,
		.is_held = true,
		.timed_out = c->timed_out,
	};
	if (c->fname[0] != '\0')
		source.fallback_comm = snap_bytes_str(c->fname);
	else if (is_main)
		source.fallback_comm = snap_bytes_str(c->facts.comm);
	snap_facts_write_process(&c->emit, &source, &c->namespaces);

	/* Nothing is read from the process's /proc after this. */
	if (c->identity.task_fd >= 0 && !snap_identity_holds(&c->identity)) {
		c->identity_unverified = true;
		snap_emit_note(&c->emit, true, "process %llu was killed during the capture",
			(unsigned long long)c->facts.pid);
	}
	struct snap_process identity = {
		.has_identity_unverified = true,
		.identity_unverified = c->identity_unverified,
	};
	(void)snap_write_process(&c->emit.writer, &identity); /* its error sticks */
}
