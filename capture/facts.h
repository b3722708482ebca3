/*
 * Writes the facts about a process and its machine that no analysis of memory needs: they come
 * after it, most valuable first, and what the target can stretch or slow down comes last.
 *
 * Crash-time: no allocation. Errors stick in the writer.
 */
#ifndef SNAP_CAPTURE_FACTS_H
#define SNAP_CAPTURE_FACTS_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "capture/config.h"
#include "capture/emit.h"
#include "capture/proc_container.h"
#include "capture/proc_status.h"

struct snap_facts_source {
	int task_fd; /* /proc/PID/task/TID of a thread that is not gone; -1: there is none */
	uint64_t pid;
	const struct snap_proc_status *status; /* of any of its threads; NULL: not known */
	const struct snap_proc_stat *stat;     /* of its main thread; NULL: not read yet */
	const struct snap_config *config;      /* NULL: the defaults */
	struct snap_bytes fallback_comm;       /* where /proc has none */
	bool is_held; /* by us: what takes long is left out, and is told so */
	const volatile sig_atomic_t *timed_out; /* borrowed; NULL: never */
};

/*
 * All that /proc tells of the process, but for its namespaces: these are put into *ret, to be
 * written with snap_facts_write_namespaces() when it no longer has to be held. The open files are
 * records of their own.
 */
void snap_facts_write_process(
	struct snap_emit *e, const struct snap_facts_source *source, struct snap_namespaces *ret);

void snap_facts_write_namespaces(struct snap_emit *e, const struct snap_namespaces *namespaces);

/* How the process's control group stands with its memory: likewise, when it no longer has to be
 * held. */
void snap_facts_write_cgroup(struct snap_emit *e);

/* The machine; nothing of it is about the process. */
void snap_facts_write_system(struct snap_emit *e);

#endif
