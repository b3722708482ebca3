/*
 * A process by the name of its executable.
 *
 * Hostile input: a process calls itself what it likes, and its executable, too. So nothing is
 * chosen among several, and no path is opened.
 */
#ifndef SNAP_CAPTURE_DEBUGGER_PROCESS_FIND_H
#define SNAP_CAPTURE_DEBUGGER_PROCESS_FIND_H

#include <stdbool.h>
#include <sys/types.h>

#include "common/bytes.h"
#include "common/error.h"

/*
 * Whether a process is called name. exe: what /proc/PID/exe says, "" if it can't be read; comm: as
 * in /proc/PID/comm.
 *
 * With a '/' name is the whole path of the executable. Without, it is the path's last part, or
 * what the process calls itself, which the kernel has cut to 15 bytes; so scripts are found, too.
 * That a file was deleted or replaced since does not matter.
 */
bool snap_process_is_called(const char *name, struct snap_bytes exe, struct snap_bytes comm);

/*
 * The one process that is called name; this program itself, kernel threads and zombies are none.
 * Returns 0, or -1: there is none, or there are several, which the error lists.
 */
int snap_process_find(const char *name, pid_t *ret, struct snap_error *err);

#endif
