#include "capture/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture/rename.h"
#include "capture/spool.h"

static int open_directory(const char *path, const char *name)
{
	char dir[PATH_MAX];
	size_t len = (size_t)(name - path);
	if (len == 0)
		return open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (len >= sizeof(dir)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(dir, path, len);
	dir[len] = '\0';
	return open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

int snap_output_create(const char *path, struct snap_output *ret, struct snap_error *err)
{
	struct snap_output output = SNAP_OUTPUT_INIT;
	output.path = path;
	if (strcmp(path, "-") == 0) {
		if (isatty(STDOUT_FILENO))
			return snap_error_set(err, SNAP_ERROR_USAGE,
				"a snapshot is not for a terminal: use -o FILE");
		output.fd = STDOUT_FILENO;
		*ret = output;
		return 0;
	}
	const char *slash = strrchr(path, '/');
	output.name = slash ? slash + 1 : path;
	struct stat st;
	bool exists = stat(path, &st) == 0;
	if (*output.name == '\0' || (exists && S_ISDIR(st.st_mode)))
		return snap_error_set(err, SNAP_ERROR_OUTPUT, "'%s' is a directory", path);
	if (exists && !S_ISREG(st.st_mode)) {
		/* A pipe or a device is written to; a rename would put a file in its place. */
		output.fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
		if (output.fd < 0)
			return snap_error_errno(err, errno, "cannot open '%s'", path);
		*ret = output;
		return 0;
	}

	output.dir_fd = open_directory(path, output.name);
	if (output.dir_fd < 0)
		return snap_error_errno(err, errno, "cannot create '%s'", path);
	for (int attempt = 0; attempt < 8 && output.fd < 0; attempt++) {
		char random[9];
		snap_spool_random(random, 8);
		/* Cut, if need be: only the random part matters. */
		(void)snprintf(
			output.part, sizeof(output.part), ".%.200s.%s.part", output.name, random);
		output.fd = openat(output.dir_fd, output.part,
			O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (output.fd < 0 && errno != EEXIST)
			break;
	}
	if (output.fd < 0) {
		int errnum = errno;
		(void)close(output.dir_fd);
		return snap_error_errno(err, errnum, "cannot create '%s'", path);
	}
	*ret = output;
	return 0;
}

static int rename_to_name(const struct snap_output *output)
{
	int dir_fd = output->dir_fd;
	if (!output->keep_existing)
		return renameat(dir_fd, output->part, dir_fd, output->name);
	if (snap_rename_noreplace(dir_fd, output->part, dir_fd, output->name) == 0)
		return 0;
	/* A file system without that flag; most of those have hard links. */
	if ((errno != EINVAL && errno != ENOSYS) ||
		linkat(dir_fd, output->part, dir_fd, output->name, 0) < 0)
		return -1;
	(void)unlinkat(dir_fd, output->part, 0); /* a second name does no harm */
	return 0;
}

int snap_output_publish(struct snap_output *output, struct snap_error *err)
{
	if (output->dir_fd < 0)
		return 0;
	/* What a file system finds out late, it tells here. Not fsync(): as with other programs'
	 * output, whoever wants to outlive a power failure can wait for the disk himself. */
	int r = close(output->fd);
	output->fd = -1;
	if (r < 0)
		return snap_error_errno(err, errno, "cannot write '%s'", output->path);
	if (rename_to_name(output) < 0)
		return snap_error_errno(err, errno, "cannot create '%s'", output->path);
	output->part[0] = '\0';
	return 0;
}

void snap_output_deinit(struct snap_output *output)
{
	if (output->dir_fd >= 0) {
		if (output->part[0] != '\0')
			(void)unlinkat(output->dir_fd, output->part, 0); /* nothing more to do */
		(void)close(output->dir_fd);
	}
	if (output->fd > STDERR_FILENO)
		(void)close(output->fd); /* not published: its content is not wanted */
	output->fd = output->dir_fd = -1;
}
