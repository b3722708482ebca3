#include "analyze/symbols/parallel.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "analyze/sandbox/remote.h"
#include "analyze/symbols/unit_table.h"

#define MAX_JOBS 64

/*
 * What a worker leaves in its file: one record after the other, each a struct record and len bytes.
 * A name is its raw form and (unless it is NAME_RAW) what people see, each with a NUL; its number
 * counts from 0.
 */
enum kind { NAME_RAW = 1, NAME_MADE, NAME_GIVEN, TABLE, END };

struct record {
	uint32_t kind;
	uint32_t len;
	uint32_t unit;	   /* TABLE: index into units */
	uint32_t is_whole; /* TABLE */
};

struct worker {
	pid_t pid;   /* 0: none */
	int file_fd; /* its results */
	int pipe_fd; /* a byte comes for each unit */
};

/* ---------------------------------------------------------------- in the worker */

/* All or nothing: a result that is cut is none. */
static void write_all(int fd, const void *bytes, size_t len)
{
	const char *p = bytes;
	while (len > 0) {
		ssize_t n = write(fd, p, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			_exit(1);
		p += n;
		len -= (size_t)n;
	}
}

static void leave_name(int fd, struct snap_name_pool *pool, uint32_t number, bool wants_shown)
{
	const char *raw = pool->names[number].raw, *shown = pool->names[number].shown;
	struct record record = {shown ? NAME_GIVEN : wants_shown ? NAME_MADE : NAME_RAW, 0, 0, 0};
	if (wants_shown)
		shown = snap_name_pool_shown(pool, number);
	size_t raw_len = strlen(raw) + 1, shown_len = shown ? strlen(shown) + 1 : 0;
	record.len = (uint32_t)(raw_len + shown_len);
	write_all(fd, &record, sizeof(record));
	write_all(fd, raw, raw_len);
	write_all(fd, shown, shown_len);
}

/* Every num_jobs-th unit from the first on. The parent's own names are not in the worker's pool. */
static void work(struct snap_debug_info *info, const uint32_t *units, size_t num, size_t first,
	size_t num_jobs, bool shown, const struct worker *worker)
{
	struct snap_name_pool pool;
	snap_name_pool_init(&pool);
	if (snap_debug_info_use_pool(info, &pool) < 0)
		_exit(1);
	for (size_t i = first; i < num; i += num_jobs) {
		struct snap_bytes bytes;
		bool is_whole;
		if (snap_debug_info_table(info, units[i], &bytes, &is_whole) < 0)
			continue; /* the parent tries */
		const struct record record = {TABLE, (uint32_t)bytes.len, (uint32_t)i, is_whole};
		write_all(worker->file_fd, &record, sizeof(record));
		write_all(worker->file_fd, bytes.data, bytes.len);
		free((void *)bytes.data);
		write_all(worker->pipe_fd, "", 1);
	}
	for (uint32_t i = 0; i < pool.num; i++)
		leave_name(worker->file_fd, &pool, i, shown);
	const struct record end = {END, 0, 0, 0};
	write_all(worker->file_fd, &end, sizeof(end));
	_exit(0);
}

/* ---------------------------------------------------------------- in the parent */

static bool start(struct worker *worker, struct snap_debug_info *info, const uint32_t *units,
	size_t num, size_t first, size_t num_jobs, bool shown)
{
	int pipe_fds[2];
	*worker = (struct worker){.file_fd = memfd_create("units", MFD_CLOEXEC), .pipe_fd = -1};
	if (worker->file_fd < 0 || pipe2(pipe_fds, O_CLOEXEC) < 0)
		return false;
	pid_t pid = fork();
	if (pid == 0) {
		worker->pipe_fd = pipe_fds[1];
		(void)close(pipe_fds[0]);
		snap_remote_close();
		/* Whoever ends the parent ends the work. */
		(void)signal(SIGPIPE, SIG_DFL);
		work(info, units, num, first, num_jobs, shown, worker);
	}
	(void)close(pipe_fds[1]);
	worker->pipe_fd = pipe_fds[0];
	worker->pid = pid > 0 ? pid : 0;
	return pid > 0;
}

/* Until all have closed their pipes. */
static void watch(struct worker *workers, size_t num_jobs, size_t num,
	void (*told)(size_t done, size_t all, void *data), void *data)
{
	struct pollfd polls[MAX_JOBS];
	size_t num_open = 0, done = 0;
	for (size_t i = 0; i < num_jobs; i++) {
		polls[i] = (struct pollfd){
			.fd = workers[i].pid > 0 ? workers[i].pipe_fd : -1, .events = POLLIN};
		num_open += workers[i].pid > 0;
	}
	while (num_open > 0) {
		if (poll(polls, num_jobs, -1) < 0 && errno != EINTR)
			return; /* waiting for them does as well */
		for (size_t i = 0; i < num_jobs; i++) {
			char bytes[256];
			if (polls[i].fd < 0 || !polls[i].revents)
				continue;
			ssize_t n = read(polls[i].fd, bytes, sizeof(bytes));
			if (n > 0) {
				done += (size_t)n;
			} else if (n == 0 || errno != EINTR) {
				polls[i].fd = -1;
				num_open--;
			}
		}
		if (told)
			told(done, num, data);
	}
}

static bool next_record(
	struct snap_bytes file, size_t *off, struct record *ret, struct snap_bytes *ret_bytes)
{
	if (file.len - *off < sizeof(*ret))
		return false;
	memcpy(ret, file.data + *off, sizeof(*ret));
	*off += sizeof(*ret);
	if (ret->len > file.len - *off)
		return false;
	*ret_bytes = snap_bytes(file.data + *off, ret->len);
	*off += ret->len;
	return ret->kind != END;
}

/* The pool's numbers of the worker's names, on the heap; NULL if it was not done with its work. */
static uint32_t *take_names(struct snap_name_pool *pool, struct snap_bytes file, size_t *ret_num)
{
	uint32_t *numbers = NULL;
	size_t num = 0, capacity = 0, off = 0;
	struct record record;
	struct snap_bytes bytes;
	while (next_record(file, &off, &record, &bytes)) {
		if (record.kind == TABLE)
			continue;
		if (num == capacity) {
			capacity = capacity ? 2 * capacity : 1024;
			uint32_t *grown = reallocarray(numbers, capacity, sizeof(*numbers));
			if (!grown)
				goto fail;
			numbers = grown;
		}
		const char *raw = (const char *)bytes.data, *shown = raw + strlen(raw) + 1;
		uint32_t number = record.kind == NAME_MADE
					  ? snap_name_pool_add_made(pool, raw, shown)
					  : snap_name_pool_add_copy(pool, raw,
						    record.kind == NAME_GIVEN ? shown : NULL);
		if (number == SNAP_NO_NAME)
			goto fail;
		numbers[num++] = number;
	}
	if (off < sizeof(record) || record.kind != END)
		goto fail;
	*ret_num = num;
	return numbers ? numbers : calloc(1, sizeof(*numbers));
fail:
	free(numbers);
	return NULL;
}

static void take_tables(const uint32_t *numbers, size_t num_numbers, struct snap_bytes file,
	size_t num, struct snap_made_table *made)
{
	size_t off = 0;
	struct record record;
	struct snap_bytes bytes;
	while (next_record(file, &off, &record, &bytes)) {
		if (record.kind != TABLE || record.unit >= num || made[record.unit].is_made)
			continue;
		uint8_t *copy = malloc(bytes.len ? bytes.len : 1);
		if (!copy)
			return;
		memcpy(copy, bytes.data, bytes.len);
		if (!snap_unit_table_renumber(copy, bytes.len, numbers, num_numbers)) {
			free(copy);
			continue;
		}
		made[record.unit] = (struct snap_made_table){
			true, record.is_whole, snap_bytes(copy, bytes.len)};
	}
}

static void collect(const struct worker *worker, struct snap_name_pool *pool, size_t num,
	struct snap_made_table *made)
{
	off_t len = worker->pid > 0 ? lseek(worker->file_fd, 0, SEEK_END) : 0;
	void *map = len > 0 ? mmap(NULL, (size_t)len, PROT_READ, MAP_PRIVATE, worker->file_fd, 0)
			    : MAP_FAILED;
	if (map == MAP_FAILED)
		return;
	struct snap_bytes file = snap_bytes(map, (size_t)len);
	size_t num_numbers = 0;
	uint32_t *numbers = take_names(pool, file, &num_numbers);
	if (numbers)
		take_tables(numbers, num_numbers, file, num, made);
	free(numbers);
	(void)munmap(map, (size_t)len);
}

void snap_parallel_tables(struct snap_debug_info *info, struct snap_name_pool *pool,
	const uint32_t *units, size_t num, size_t num_jobs, struct snap_made_table *made,
	bool shown, void (*told)(size_t done, size_t all, void *data), void *data)
{
	struct worker workers[MAX_JOBS];
	if (num_jobs > MAX_JOBS)
		num_jobs = MAX_JOBS;
	if (num_jobs > num)
		num_jobs = num;
	for (size_t i = 0; i < num_jobs; i++)
		(void)start(&workers[i], info, units, num, i, num_jobs, shown);
	watch(workers, num_jobs, num, told, data);
	for (size_t i = 0; i < num_jobs; i++) {
		if (workers[i].pid > 0)
			while (waitpid(workers[i].pid, NULL, 0) < 0 && errno == EINTR)
				continue;
		collect(&workers[i], pool, num, made);
		if (workers[i].file_fd >= 0)
			(void)close(workers[i].file_fd);
		if (workers[i].pipe_fd >= 0)
			(void)close(workers[i].pipe_fd);
	}
}
