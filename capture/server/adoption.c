#include "capture/server/adoption.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct job {
	int fd;
	const char *why;
	void (*ended)(void *arg, const struct snap_adoption *adoption);
	void *arg;
};

static int look_at(void *arg, int report_fd)
{
	(void)arg;
	(void)report_fd;
	return 1;
}

static void looked_at(void *arg, const struct snap_worker_result *result)
{
	struct job *job = arg;
	struct snap_adoption adoption = {.error = -EIO};
	struct stat st;
	(void)result;
	if (fstat(job->fd, &st) == 0 && st.st_size == 0) {
		adoption.error = 0;
		adoption.empty = true;
	}
	job->ended(job->arg, &adoption);
	free(job);
}

int snap_adoption_start(struct snap_workers *workers, struct snap_worker_pool *pool, int fd,
	const char *why, void (*ended)(void *arg, const struct snap_adoption *adoption), void *arg)
{
	struct job *job = calloc(1, sizeof(*job));
	if (!job)
		return -ENOMEM;
	*job = (struct job){fd, why, ended, arg};
	struct snap_worker_job w = {
		.run = look_at,
		.ended = looked_at,
		.arg = job,
		.keep_fds = {fd},
		.num_keep = 1,
		.time_ms = 10000,
	};
	int r = snap_workers_start(workers, pool, &w);
	if (r < 0)
		free(job);
	return r;
}
