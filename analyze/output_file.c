#include "analyze/output_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analyze/sandbox/remote.h"
#include "common/escape.h"

static int fail(struct snap_error *err, const char *what, const char *path, int errnum)
{
	char name[256];
	(void)snap_escape(snap_bytes_str(path), SNAP_ESCAPE_TERMINAL, name, sizeof(name));
	return snap_error_set(
		err, SNAP_ERROR_OUTPUT, "cannot %s '%s': %s", what, name, strerror(errnum));
}

static int open_stdout(struct snap_output_file *ret, struct snap_error *err)
{
	if (isatty(STDOUT_FILENO))
		return snap_error_set(err, SNAP_ERROR_USAGE,
			"what is written is not for a terminal: use -o FILE");
	*ret = (struct snap_output_file){.stream = stdout, .path = "-"};
	return 0;
}

/* In a worker: the broker has opened it. */
static int open_remote(const char *path, struct snap_output_file *ret, struct snap_error *err)
{
	bool is_stdout;
	int fd = snap_remote_output_open(&is_stdout, err);
	if (fd < 0)
		return -1;
	FILE *stream = fdopen(fd, "wb");
	if (!stream) {
		(void)close(fd); /* nothing was written */
		return snap_error_no_memory(err);
	}
	*ret = (struct snap_output_file){
		.stream = stream, .path = path, .is_remote = true, .is_stdout = is_stdout};
	return 0;
}

int snap_output_file_open(const char *path, struct snap_output_file *ret, struct snap_error *err)
{
	if (snap_remote_is_on())
		return open_remote(path, ret, err);
	if (strcmp(path, "-") == 0)
		return open_stdout(ret, err);
	struct snap_output_file file = {.path = path};
	struct stat st;
	bool exists = stat(path, &st) == 0;
	size_t len = strlen(path);
	if ((exists && S_ISDIR(st.st_mode)) || path[len - 1] == '/')
		return fail(err, "write", path, EISDIR);
	int fd;
	if (exists && !S_ISREG(st.st_mode)) {
		/* A rename would put a file in its place. */
		fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
	} else {
		/* Beside it: a rename does not leave a file system. */
		if (asprintf(&file.part, "%s.XXXXXX", path) < 0)
			return snap_error_no_memory(err);
		fd = mkostemp(file.part, O_CLOEXEC); /* mode 0600 */
	}
	if (fd < 0) {
		int errnum = errno;
		free(file.part);
		return fail(err, "create", path, errnum);
	}
	file.stream = fdopen(fd, "wb");
	if (!file.stream) {
		(void)close(fd); /* nothing was written */
		if (file.part)
			(void)unlink(file.part); /* empty */
		free(file.part);
		return snap_error_no_memory(err);
	}
	*ret = file;
	return 0;
}

int snap_output_file_publish(struct snap_output_file *file, struct snap_error *err)
{
	if (file->stream == stdout)
		return 0;
	errno = 0;
	bool failed = fflush(file->stream) != 0 || ferror(file->stream) || file->errnum;
	int errnum = file->errnum ? file->errnum : errno ? errno : EIO;
	if (failed && file->is_stdout) {
		snap_error_errno(err, errnum, "cannot write to standard output");
		if (err) {
			err->code = SNAP_ERROR_OUTPUT;
			err->errnum = errnum;
		}
		return -1;
	}
	if (!failed && file->is_remote)
		return snap_remote_output_publish(err);
	if (!failed && file->part && fsync(fileno(file->stream)) < 0) {
		failed = true;
		errnum = errno;
	}
	if (failed)
		return fail(err, "write", file->path, errnum);
	if (!file->part)
		return 0;
	if (rename(file->part, file->path) < 0)
		return fail(err, "create", file->path, errno);
	free(file->part);
	file->part = NULL;
	return 0;
}

void snap_output_file_deinit(struct snap_output_file *file)
{
	if (file->part)
		(void)unlink(file->part); /* not wanted any more */
	free(file->part);
	if (file->stream && file->stream != stdout)
		(void)fclose(file->stream); /* was flushed by publish, or is not wanted */
	*file = (struct snap_output_file){0};
}
