#include "capture/server/adoption.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "capture/adopt.h"
#include "capture/origin.h"
#include "capture/sanitized.h"
#include "capture/server/log.h"
#include "capture/server/user.h"
#include "capture/spool_name.h"
#include "common/snapshot_read.h"

#define PROGRAM "snapcrash-server " SNAP_VERSION

#define TIME_MS 10000
/* For the largest file, as much for what is unpacked from it, and some. */
#define MEMORY_MAX (2 * (uint64_t)SNAP_MAX_FILE_BYTES + (128u << 20))
/* Nobody, by number: it must not take a look into /etc/passwd. */
#define NOBODY 65534

struct job {
	int fd;
	const char *why;
	void (*ended)(void *arg, const struct snap_adoption *adoption);
	void *arg;
};

/* ---------------------------------------------------------------- in the child */

static void set_limit(int resource, uint64_t value)
{
	struct rlimit limit = {value, value};
	(void)setrlimit(resource, &limit); /* they only go down */
}

static int look_at(void *arg, int report_fd)
{
	const struct job *job = arg;
	struct snap_origin origin;
	struct snap_adopt_prepared prepared;
	const struct snap_user nobody = {NOBODY, NOBODY};
	/* Which only its owner can read. */
	bool has_origin = snap_origin_read(job->fd, &origin) == 0;
	/* A fault in here is no crash to be captured: with 1, the kernel starts no handler. */
	set_limit(RLIMIT_CORE, 1);
	set_limit(RLIMIT_CPU, TIME_MS / 1000);
	if (!SNAP_SANITIZED)
		set_limit(RLIMIT_AS, MEMORY_MAX);
	if (snap_user_become(&nobody) < 0)
		return EXIT_FAILURE;
	/* What shares its number can't look into it. */
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* can't fail */
	snap_adopt_prepare(job->fd, has_origin ? &origin : NULL, PROGRAM, job->why, &prepared);
	return write(report_fd, &prepared, sizeof(prepared)) == (ssize_t)sizeof(prepared)
		       ? EXIT_SUCCESS
		       : EXIT_FAILURE;
}

/* ---------------------------------------------------------------- in the server */

/* What the child says is not believed: it has parsed what may have taken it over. */
static bool read_report(const struct snap_worker_result *result, struct snap_adoption *ret)
{
	struct snap_adopt_prepared prepared;
	struct snap_spool_name parts;
	uint8_t empty, complete;
	if (result->error < 0 || result->report_len != sizeof(prepared))
		return false;
	memcpy(&prepared, result->report, sizeof(prepared));
	/* A bool from there may be any byte. */
	memcpy(&empty, &prepared.empty, 1);
	memcpy(&complete, &prepared.complete, 1);
	*ret = (struct snap_adoption){
		.error = prepared.error < 0 ? prepared.error : 0,
		.empty = empty != 0,
		.whole = complete != 0,
	};
	if (ret->error < 0 || ret->empty)
		return true;
	if (!memchr(prepared.name, '\0', sizeof(prepared.name)) ||
		!snap_spool_name_parse(prepared.name, &parts))
		return false;
	memcpy(ret->name, prepared.name, sizeof(ret->name));
	return true;
}

/* Published as it is, for whoever can make something of it: to be named by its time only. */
static void name_by_time(int fd, struct snap_adoption *ret)
{
	struct stat st;
	char random[17];
	*ret = (struct snap_adoption){.error = fstat(fd, &st) < 0 ? -errno : 0};
	if (ret->error < 0)
		return;
	snap_spool_random(random, 16);
	snap_spool_name(ret->name, st.st_mtime, snap_bytes(NULL, 0), 0, (const uint8_t *)random);
}

static void looked_at(void *arg, const struct snap_worker_result *result)
{
	struct job *job = arg;
	struct snap_adoption adoption;
	if (result->error == -ECANCELED) {
		adoption = (struct snap_adoption){.error = -ECANCELED};
	} else if (!read_report(result, &adoption)) {
		char text[128];
		snap_log(SNAP_LOG_ERROR, "who looked at an abandoned file could not do it: %s",
			snap_worker_result_text(result, text, sizeof(text)));
		name_by_time(job->fd, &adoption);
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
	struct snap_worker_job worker = {
		.run = look_at,
		.ended = looked_at,
		.arg = job,
		.keep_fds = {fd},
		.num_keep = 1,
		.time_ms = TIME_MS,
	};
	int r = snap_workers_start(workers, pool, &worker);
	if (r < 0)
		free(job);
	return r;
}
