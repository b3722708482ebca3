#include "analyze/find/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyze/file_open.h"
#include "analyze/file_read.h"
#include "analyze/sandbox/remote.h"
#include "analyze/symbols/object.h"

/* Of a stack, the innermost lines. */
#define MAX_FRAMES     256
#define MAX_PATH_BYTES 4096
#define MAX_COMPONENTS 64
/* Bytes of a line that are kept. */
#define MAX_LINE 400

int snap_source_open_below(const char *directory, const char *path, struct snap_error *err)
{
	struct stat st;
	int dir = snap_directory_open(AT_FDCWD, directory, true, err);
	if (dir < 0)
		return -1;
	int fd = snap_file_open_in_root(dir, path, &st, err);
	(void)close(dir); /* a directory: nothing can be lost */
	if (fd < 0 || (uint64_t)st.st_size <= SNAP_SOURCE_FILE_MAX)
		return fd;
	(void)close(fd); /* only read from */
	return snap_error_set(err, SNAP_ERROR_UNSUPPORTED, "too large for a source file");
}

/* A file that was looked for. */
struct source_file {
	const char *name; /* as the frames have it */
	const char *path; /* where it was found; NULL: nowhere */
	bool is_fetched;  /* by build ID: of the version that was built */
	bool is_told;	  /* that it is newer */
	struct timespec changed;
	char *text; /* owned */
	size_t len;
};

struct reader {
	struct snap_crash *crash;
	const struct snap_options *options;
	struct snap_debuginfod *debuginfod; /* NULL: nothing is fetched */
	struct source_file files[MAX_FRAMES];
	size_t num_files;
	uint64_t num_bytes;
};

/* The components of a path, without "." and "..", one after the other with "/" between, and where
 * each begins. Returns how many; 0: none, or too many. */
static size_t split_path(const char *path, char *out, size_t *starts)
{
	size_t num = 0, len = 0;
	for (const char *p = path + strspn(path, "/"); *p; p += strspn(p, "/")) {
		size_t n = strcspn(p, "/");
		if (n == 2 && p[0] == '.' && p[1] == '.') {
			if (num > 0)
				len = starts[--num];
		} else if (n != 1 || p[0] != '.') {
			if (num == MAX_COMPONENTS || len + n + 2 > MAX_PATH_BYTES)
				return 0;
			starts[num++] = len;
			memcpy(out + len, p, n);
			len += n;
			out[len++] = '/';
		}
		p += n;
	}
	if (num > 0)
		out[len - 1] = '\0';
	return num;
}

static int open_source(const struct reader *r, const char *name, const char **ret_path)
{
	char path[MAX_PATH_BYTES];
	size_t starts[MAX_COMPONENTS], num = split_path(name, path, starts);
	for (size_t i = 0; i < num; i++)
		for (size_t j = 0; j < r->options->num_source_dirs; j++) {
			const char *directory = r->options->source_dirs[j];
			int fd = snap_remote_is_on() ? snap_remote_source(j, path + starts[i], NULL)
						     : snap_source_open_below(
							       directory, path + starts[i], NULL);
			if (fd < 0)
				continue;
			*ret_path =
				snap_crash_format(r->crash, "%s/%s", directory, path + starts[i]);
			return fd;
		}
	return -1;
}

/* By its name at the time of the build, which is absolute; those of some compilers are not. */
static int fetch_source(const struct reader *r, const struct snap_crash_module *module,
	const struct snap_listed_frame *listed, const char **ret_path)
{
	struct snap_debuginfod_answer answer;
	const char *name = listed->built_file;
	if (!r->debuginfod || !module || module->record.build_id.len == 0 || !name ||
		name[0] != '/')
		return -1;
	const struct snap_debuginfod_request request = {
		.build_id = module->record.build_id,
		.role = SNAP_ROLE_SOURCE,
		.name = snap_bytes_str(name),
	};
	if (!snap_debuginfod_fetch(r->debuginfod, &request, &answer) || answer.fd < 0)
		return -1;
	*ret_path = snap_crash_format(r->crash, "%s", answer.path);
	return answer.fd;
}

/* Its text, as far as the limits let; without, it has none. -1 without memory. */
static int read_file(struct reader *r, const struct snap_crash_module *module,
	const struct snap_listed_frame *listed, struct source_file *file, struct snap_error *err)
{
	struct stat st = {0};
	const char *path = NULL;
	int fd = open_source(r, file->name, &path);
	if (fd < 0) {
		fd = fetch_source(r, module, listed, &path);
		file->is_fetched = fd >= 0;
	}
	if (fd < 0)
		return 0;
	int result = 0;
	uint64_t size = fstat(fd, &st) == 0 && st.st_size > 0 ? (uint64_t)st.st_size : 0;
	if (size <= SNAP_SOURCE_FILE_MAX && size <= SNAP_SOURCE_ALL_MAX - r->num_bytes) {
		file->text = malloc(size + 1);
		ssize_t n = file->text ? snap_file_read_at(fd, file->text, size, 0) : -1;
		if (!file->text || !path)
			result = snap_error_no_memory(err);
		file->len = n > 0 ? (size_t)n : 0;
		file->path = n >= 0 ? path : NULL;
		file->changed = st.st_mtim;
		r->num_bytes += size;
	}
	(void)close(fd); /* only read from */
	return result;
}

/* NULL without memory. */
static struct source_file *get_file(struct reader *r, const struct snap_crash_module *module,
	const struct snap_listed_frame *listed, struct snap_error *err)
{
	for (size_t i = 0; i < r->num_files; i++)
		if (strcmp(r->files[i].name, listed->file) == 0)
			return &r->files[i];
	struct source_file *file = &r->files[r->num_files++];
	*file = (struct source_file){.name = listed->file};
	return read_file(r, module, listed, file, err) < 0 ? NULL : file;
}

/* What was built of a file is no older than it, unless that was changed since. */
static bool is_newer(const struct source_file *file, const struct snap_crash_module *module)
{
	struct timespec built;
	if (file->is_fetched || !module || !module->object ||
		!snap_object_changed(module->object, &built))
		return false;
	return file->changed.tv_sec > built.tv_sec ||
	       (file->changed.tv_sec == built.tv_sec && file->changed.tv_nsec > built.tv_nsec);
}

/* Lines [line - 1, line + 1] of the file, those there are. */
static int take_lines(struct snap_crash *crash, const struct source_file *file, uint32_t line,
	struct snap_source_text *ret, struct snap_error *err)
{
	uint32_t first = line > 1 ? line - 1 : 1, number = 1;
	*ret = (struct snap_source_text){.path = file->path, .first = first};
	for (size_t off = 0; off < file->len; number++) {
		const char *start = file->text + off;
		const char *end = memchr(start, '\n', file->len - off);
		size_t len = end ? (size_t)(end - start) : file->len - off;
		off += len + 1;
		if (number < first)
			continue;
		if (number > line + 1)
			break;
		bool is_cut = len > MAX_LINE;
		len = is_cut ? MAX_LINE : len > 0 && start[len - 1] == '\r' ? len - 1 : len;
		char *copy = snap_arena_copy(&crash->arena, snap_bytes(start, len));
		if (!copy)
			return snap_error_no_memory(err);
		ret->lines[ret->num_lines++] = snap_bytes(copy, len);
	}
	/* Another version of it, as it seems. */
	ret->is_too_short = number <= line;
	return 0;
}

static int read_all(struct reader *r, const struct snap_crash_thread *thread,
	struct snap_source_text *source, struct snap_error *err)
{
	for (size_t i = 0; i < thread->num_listed && i < MAX_FRAMES; i++) {
		const struct snap_listed_frame *listed = &thread->listed[i];
		if (!listed->file || listed->line == 0 || listed->line == UINT32_MAX)
			continue;
		const struct snap_crash_module *module = thread->frames[listed->frame].module;
		struct source_file *file = get_file(r, module, listed, err);
		if (!file)
			return -1;
		if (!file->path)
			continue;
		if (take_lines(r->crash, file, listed->line, &source[i], err) < 0)
			return -1;
		source[i].is_newer = !file->is_told && is_newer(file, module);
		file->is_told |= source[i].is_newer;
	}
	return 0;
}

int snap_source_read(struct snap_crash *crash, const struct snap_options *options,
	struct snap_debuginfod *debuginfod, struct snap_error *err)
{
	const struct snap_crash_thread *thread = snap_crash_crashed_thread(crash);
	crash->source = NULL;
	if ((options->num_source_dirs == 0 && !options->fetch_source) || !thread ||
		thread->num_listed == 0)
		return 0;
	struct snap_source_text *source =
		snap_arena_alloc(&crash->arena, thread->num_listed * sizeof(*source));
	struct reader *r = calloc(1, sizeof(*r));
	if (!source || !r) {
		free(r);
		return snap_error_no_memory(err);
	}
	r->crash = crash;
	r->options = options;
	r->debuginfod = options->fetch_source ? debuginfod : NULL;
	int result = read_all(r, thread, source, err);
	for (size_t i = 0; i < r->num_files; i++)
		free(r->files[i].text);
	free(r);
	crash->source = result == 0 ? source : NULL;
	return result;
}
