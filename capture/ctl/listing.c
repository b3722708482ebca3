#include "capture/ctl/listing.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/elf_load.h"
#include "common/escape.h"
#include <elf.h>

int snap_listing_open(const char *spool, struct snap_error *err)
{
	int fd = open(spool, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		char shown[256];
		int errnum = errno;
		(void)snap_escape(
			snap_bytes_str(spool), SNAP_ESCAPE_TERMINAL, shown, sizeof(shown));
		return snap_error_errno(err, errnum, "cannot open the spool '%s'", shown);
	}
	return fd;
}

static int compare(const void *a, const void *b)
{
	const struct snap_listed *x = a, *y = b;
	if (x->parts.time_s != y->parts.time_s)
		return x->parts.time_s < y->parts.time_s ? -1 : 1;
	return strcmp(x->name, y->name);
}

/* Take one entry of the directory. Returns 0 or -1. */
static int add(int dir_fd, const char *name, size_t *capacity, struct snap_listing *listing,
	struct snap_error *err)
{
	struct snap_listed entry;
	struct stat st;
	if (!snap_spool_name_parse(name, &entry.parts)) {
		if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0 &&
			strcmp(name, SNAP_SPOOL_INCOMING) != 0)
			listing->num_others++;
		return 0;
	}
	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0; /* removed in this moment */
	if (!S_ISREG(st.st_mode)) {
		listing->num_others++;
		return 0;
	}
	memcpy(entry.name, name, strlen(name) + 1); /* a valid name is short enough */
	entry.bytes = (uint64_t)st.st_size;
	if (listing->num == *capacity) {
		size_t more = *capacity ? 2 * *capacity : 64;
		struct snap_listed *entries =
			reallocarray(listing->entries, more, sizeof(*entries));
		if (!entries)
			return snap_error_no_memory(err);
		listing->entries = entries;
		*capacity = more;
	}
	listing->entries[listing->num++] = entry;
	listing->bytes += entry.bytes;
	return 0;
}

int snap_listing_read(int dir_fd, struct snap_listing *ret, struct snap_error *err)
{
	*ret = (struct snap_listing)SNAP_LISTING_INIT;
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir) {
		int errnum = errno;
		if (fd >= 0)
			(void)close(fd);
		return snap_error_errno(err, errnum, "cannot list the spool");
	}
	size_t capacity = 0;
	int r = 0;
	const struct dirent *entry;
	while (r == 0 && (errno = 0, entry = readdir(dir)))
		r = add(dir_fd, entry->d_name, &capacity, ret, err);
	if (r == 0 && errno != 0)
		r = snap_error_errno(err, errno, "cannot list the spool");
	(void)closedir(dir); /* nothing was written */
	if (ret->num > 0)
		qsort(ret->entries, ret->num, sizeof(*ret->entries), compare);
	return r;
}

void snap_listing_deinit(struct snap_listing *listing)
{
	free(listing->entries);
	*listing = (struct snap_listing)SNAP_LISTING_INIT;
}

/* ---------------------------------------------------------------- one of them */

int snap_listing_open_file(int dir_fd, const char *name, struct snap_error *err)
{
	struct stat st;
	int fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return snap_error_errno(err, errno, "cannot open '%s'", name);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		(void)close(fd);
		return snap_error_set(err, SNAP_ERROR_UNSUPPORTED, "'%s' is no regular file", name);
	}
	return fd;
}

static void take_exe(struct snap_bytes exe, struct snap_summary *summary)
{
	size_t cut = exe.len > sizeof(summary->exe) ? exe.len - sizeof(summary->exe) : 0;
	summary->exe_len = exe.len - cut;
	if (summary->exe_len > 0)
		memcpy(summary->exe, exe.data + cut, summary->exe_len);
}

static void take_process(const struct snap_process *process, struct snap_summary *summary)
{
	if (process->has_pid) {
		summary->has_pid = true;
		summary->pid = process->pid;
	}
	if (process->has_uid) {
		summary->has_uid = true;
		summary->uid = process->uid;
	}
	if (process->exe.data)
		take_exe(process->exe, summary);
}

static void take_signal(const struct snap_signal *signal, struct snap_summary *summary)
{
	summary->has_signo = signal->has_signo;
	summary->signo = signal->signo;
	summary->has_tid = signal->has_tid;
	summary->tid = signal->tid;
	summary->has_address = signal->has_address;
	summary->address = signal->address;
}

static void take_thread(const struct snap_thread *thread, struct snap_summary *summary)
{
	summary->num_threads++;
	if (!summary->has_tid || !thread->has_tid || thread->tid != summary->tid)
		return;
	for (size_t i = 0; i < thread->num_regsets; i++)
		if (thread->regsets[i].type == NT_PRSTATUS && thread->regsets[i].data.len > 0)
			summary->has_registers = true;
}

static int summarise(struct snap_bytes file, struct snap_summary *summary, struct snap_error *err)
{
	struct snap_scan scan;
	if (snap_snapshot_scan(file, &scan, err) < 0)
		return -1;
	summary->integrity = scan.integrity;

	struct snap_reader reader;
	struct snap_record record;
	int r;
	snap_reader_init(&reader, file, scan.readable_len);
	/* A record that is refused is one that is not shown; the next may be fine. */
	while ((r = snap_reader_next(&reader, &record, NULL)) != 0) {
		if (r < 0 || !record.decoded)
			continue;
		switch (record.number) {
		case SNAP_RECORD_PROCESS:
			take_process(&record.u.process, summary);
			break;
		case SNAP_RECORD_SIGNAL:
			take_signal(&record.u.signal, summary);
			break;
		case SNAP_RECORD_THREAD:
			take_thread(&record.u.thread, summary);
			break;
		case SNAP_RECORD_MEMORY:
			if (record.u.memory.reason == SNAP_MEMORY_STACK && summary->has_tid &&
				record.u.memory.has_tid && record.u.memory.tid == summary->tid)
				summary->has_stack = true;
			break;
		}
	}
	snap_reader_deinit(&reader);
	return 0;
}

int snap_summary_read(int fd, struct snap_summary *ret, struct snap_error *err)
{
	struct snap_summary summary = {0};
	struct stat st;
	if (fstat(fd, &st) < 0)
		return snap_error_errno(err, errno, "cannot read the file");
	if (st.st_size == 0)
		return snap_error_set(err, SNAP_ERROR_MALFORMED, "the file is empty");
	if (st.st_size > SNAP_MAX_FILE_BYTES)
		return snap_error_set(err, SNAP_ERROR_LIMIT, "the file is larger than %u bytes",
			SNAP_MAX_FILE_BYTES);
	/* A copy: a file that is cut while it is mapped would kill us. */
	size_t len = (size_t)st.st_size, got = 0;
	uint8_t *data = malloc(len);
	if (!data)
		return snap_error_no_memory(err);
	int r = 0;
	while (got < len) {
		ssize_t n = pread(fd, data + got, len - got, (off_t)got);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			r = snap_error_errno(err, errno, "cannot read the file");
		if (n <= 0)
			break;
		got += (size_t)n;
	}
	if (r == 0)
		r = summarise(snap_bytes(data, got), &summary, err);
	free(data);
	if (r == 0)
		*ret = summary;
	return r;
}
